"""Every setting of the preview's engine, with unit and default. Reading them from somewhere is the app's task."""

from __future__ import annotations

from dataclasses import dataclass

_CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSettings:
    """Settings of the engine. Times are in seconds, sizes in bytes, prices in US dollars per page."""

    allow: tuple[str, ...] = ()
    """Private hosts, host:port, IPs or networks that may be fetched: one's own test site."""
    url_max_length: int = 2048
    """Characters of a URL."""

    tier1_cost: float = 0.0001
    tier2_cost: float = 0.005
    tier3_cost: float = 0.08

    chrome_version: int = 143
    """Major version of the Chrome whose headers tiers 1 and 2 send."""
    accept_language: str = "en-US,en;q=0.9"
    """The language that all tiers ask for."""
    max_redirects: int = 10
    """Redirects that one fetch follows."""
    max_page_bytes: int = 10 * 1024 * 1024
    """A page, after decompression."""
    connect_timeout: float = 10.0
    """Look-up, connection and TLS, each."""
    fetch_timeout: float = 20.0
    """One fetch in tier 1 or 2, from the first connection to the last byte; waiting for a turn is not counted."""

    proxies: tuple[str, ...] = ()
    """http://, https:// or socks5:// URLs of forward proxies; tier 2 is skipped when there are none."""
    proxy_attempts: int = 3
    """Proxies that one page is tried through."""
    proxy_cooldown: float = 30.0
    """Pause of a proxy for a host after a first failure; doubles with each further one."""
    proxy_cooldown_max: float = 1800.0
    """The longest such pause."""

    browser: bool = True
    """Whether tier 3 may be used at all."""
    browser_path: str | None = None
    """The Chromium or Chrome to drive; looked up on PATH when None."""
    browser_sandbox: bool | None = None
    """Chromium's own sandbox; None means on, unless this process is root, where Chromium cannot use it."""
    browser_timeout: float = 40.0
    """One page in tier 3, without the start of the browser."""
    browser_pages: int = 4
    """Pages that one process has open in tier 3 at one time; one more waits."""
    browser_start_timeout: float = 30.0
    """The start of the browser."""
    browser_settle: float = 5.0
    """How long a loaded page may go on changing before it is taken as it is."""
    browser_challenge_wait: float = 10.0
    """How long a challenge that runs by itself may take before the page counts as blocked."""
    browser_max_bytes: int = 64 * 1024 * 1024
    """Everything that one page loads in tier 3, frames, scripts and pictures included."""
    browser_max_connections: int = 128
    """Connections that one page in tier 3 may have open."""

    max_elements: int = 100
    """Elements in a result."""
    max_text: int = 300
    """Characters of an element's text."""

    respect_robots: bool = True
    """Whether robots.txt is honoured."""
    robots_agent: str = "accepted-preview"
    """The name that robots.txt rules are looked up by, beside those for `*`."""
    robots_ttl: float = 3600.0
    """How long a site's robots.txt is kept."""
    host_delay: float = 1.0
    """Pause between two pages of one host; a longer Crawl-delay in robots.txt takes its place, to `max_retry_after`."""
    max_retry_after: float = 30.0
    """The longest Retry-After that is waited for; a longer one fails the preview and says so."""

    @property
    def user_agent(self) -> str:
        """The User-Agent of tiers 1 and 2."""
        return _CHROME.format(self.chrome_version)

    def cost(self, tier: int) -> float:
        """Price of one page in a tier."""
        return {1: self.tier1_cost, 2: self.tier2_cost, 3: self.tier3_cost}[tier]
