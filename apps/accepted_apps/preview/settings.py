"""Every setting of the preview, with unit and default: `ACCEPTED_PREVIEW_…`, or the table `[preview]`.

docs/preview.md lists them; a test holds that page against this class.
"""

from __future__ import annotations

from dataclasses import dataclass

from accepted.settings import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSettings:
    """Settings of the engine and of the service around it."""

    # ── the service ──
    wait: float = setting(25.0, "How long `POST /scraper/preview` waits before it answers 202.", unit="seconds")
    timeout: float = setting(120.0, "How long one preview may run.", unit="seconds")
    active_per_user: int = setting(5, "Previews that one user may have pending and running; one more gets 429.")
    retries: int = setting(
        0, "Further attempts after an error that may pass: a site that is down, or asks to come back later."
    )
    websocket_url: str = setting(
        "", "What `websocket_url` tells clients, where a proxy changes it; empty: by the request."
    )

    # ── what may be fetched ──
    allow: tuple[str, ...] = setting(
        (), "Private hosts, host:port, IPs or networks that may be fetched: one's own test site."
    )
    url_max_length: int = setting(2048, "Characters of a URL.")

    # ── prices ──
    tier1_cost: float = setting(0.0001, "One page in tier 1.", unit="US dollars")
    tier2_cost: float = setting(0.005, "One page in tier 2.", unit="US dollars")
    tier3_cost: float = setting(0.08, "One page in tier 3.", unit="US dollars")

    # ── tiers 1 and 2 ──
    impersonate: str = setting(
        "chrome",
        "The browser whose TLS, HTTP/2 and headers tiers 1 and 2 show: a name that curl_cffi knows, such as `chrome146`"
        " or `firefox147`; `chrome` is its newest Chrome.",
    )
    accept_language: str = setting("en-US,en;q=0.9", "The language that all tiers ask for.")
    max_redirects: int = setting(10, "Redirects that one fetch follows.")
    max_page_bytes: int = setting(10 * 1024 * 1024, "A page, after decompression.", unit="bytes")
    connect_timeout: float = setting(10.0, "Look-up and connection; TLS has as long again.", unit="seconds")
    fetch_timeout: float = setting(
        20.0,
        "One fetch in tier 1 or 2, from the first connection to the last byte; waiting for a turn is not counted.",
        unit="seconds",
    )

    # ── tier 2 ──
    proxies: tuple[str, ...] = setting(
        (),
        "http://, https:// or socks5:// URLs of forward proxies; tier 2 is skipped when there are none.",
        secret=True,
    )
    proxy_attempts: int = setting(3, "Proxies that one page is tried through.")
    proxy_cooldown: float = setting(
        30.0, "Pause of a proxy for a host after a first failure; doubles with each further one.", unit="seconds"
    )
    proxy_cooldown_max: float = setting(1800.0, "The longest such pause.", unit="seconds")

    # ── tier 3 ──
    browser: bool = setting(True, "Whether tier 3 may be used at all.")
    browser_path: str | None = setting(None, "The Chromium or Chrome to drive; empty: the first one on PATH.")
    browser_sandbox: bool | None = setting(
        None,
        "Chromium's own sandbox; empty: on, unless this process is root, where Chromium cannot use it.",
    )
    browser_timeout: float = setting(40.0, "One page in tier 3, without the start of the browser.", unit="seconds")
    browser_pages: int = setting(4, "Pages that one process has open in tier 3 at one time; one more waits.")
    browser_start_timeout: float = setting(30.0, "The start of the browser.", unit="seconds")
    browser_settle: float = setting(
        5.0, "How long a loaded page may go on changing before it is taken as it is.", unit="seconds"
    )
    browser_challenge_wait: float = setting(
        10.0,
        "How long a challenge that runs by itself may take before the page counts as blocked.",
        unit="seconds",
    )
    browser_max_bytes: int = setting(
        64 * 1024 * 1024,
        "Everything that one page loads in tier 3, frames, scripts and pictures included.",
        unit="bytes",
    )
    browser_max_connections: int = setting(128, "Connections that one page in tier 3 may have open.")

    # ── the result ──
    max_elements: int = setting(100, "Elements in a result.")
    max_text: int = setting(300, "Characters of an element's text.")

    # ── politeness ──
    respect_robots: bool = setting(True, "Whether robots.txt is honoured.")
    robots_agent: str = setting(
        "accepted-preview", "The name that robots.txt rules are looked up by, beside those for `*`."
    )
    robots_ttl: float = setting(3600.0, "How long a site's robots.txt is kept.", unit="seconds")
    host_delay: float = setting(
        1.0,
        "Pause between two pages of one host; a longer Crawl-delay in robots.txt replaces it, to `max_retry_after`.",
        unit="seconds",
    )
    max_retry_after: float = setting(
        30.0,
        "The longest Retry-After that is waited for; a longer one fails the preview and says so.",
        unit="seconds",
    )

    def cost(self, tier: int) -> float:
        """Price of one page in a tier."""
        return {1: self.tier1_cost, 2: self.tier2_cost, 3: self.tier3_cost}[tier]
