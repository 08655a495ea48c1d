"""Every setting of profiles, with unit and default: `ACCEPTED_PROFILES_…`, or the table `[profiles]`.

docs/profiles.md lists them; a test holds that page against this class.
"""

from __future__ import annotations

from dataclasses import dataclass

from accepted.errors import ConfigurationError
from accepted.settings import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilesSettings:
    """Settings of the task, of its pace, and of each network."""

    # ── the service ──
    posts: int = setting(20, "Posts of a profile, unless a request says another number.")
    posts_max: int = setting(200, "The most posts that one request may ask for.")
    comments: int = setting(200, "Comments of each post, unless a request says another number.")
    comments_max: int = setting(2000, "The most comments of each post that one request may ask for.")
    replies_max: int = setting(200, "The most replies to comments that come with one post, beside its comments.")
    active_per_user: int = setting(5, "Profiles that one user may have pending and running; one more gets 429.")
    timeout: float = setting(7200.0, "How long one attempt may take, pauses included.", unit="seconds")
    retries: int = setting(
        12, "Further attempts, each going on where the last one stopped, after a long pause or trouble that may pass."
    )

    # ── what may be fetched ──
    allow: tuple[str, ...] = setting(
        (), "Private hosts, host:port, IPs or networks that may be fetched: one's own server or test site."
    )
    url_max_length: int = setting(2048, "Characters of a URL.")
    answer_max: int = setting(16 * 1024 * 1024, "One answer of a network.", unit="bytes")
    request_timeout: float = setting(30.0, "One request, from the connection to the last byte.", unit="seconds")
    user_agent: str = setting("accepted-profiles", "How this server names itself to Mastodon and Bluesky.")

    # ── pace ──
    posts_at_once: int = setting(4, "Posts of one job whose comments are read at once.")
    requests_at_once: int = setting(4, "Requests to one host at once, of all jobs in the process.")
    request_gap: float = setting(
        0.1, "Pause between the starts of two requests to one host, of all jobs in the process.", unit="seconds"
    )
    longest_wait: float = setting(
        120.0,
        "The longest pause that a network may ask for while the job stays with its worker; after a longer one the job "
        "is taken up again.",
        unit="seconds",
    )

    # ── Mastodon ──
    mastodon_tokens: tuple[str, ...] = setting(
        (),
        "Access tokens as host=token: with one, a server gives all replies of a post instead of 60, and what it shows "
        "to signed-in people only.",
        secret=True,
    )

    # ── Bluesky ──
    bluesky_url: str = setting("https://public.api.bsky.app", "The AppView that is asked.")

    # ── Instagram ──
    instagram_providers: tuple[str, ...] = setting(
        ("instaloader", "apify"), "The providers for Instagram in the order in which they are tried."
    )
    instagram_session: str = setting("", "File of an Instaloader session: what `instaloader --login NAME` writes.")
    instagram_user: str = setting("", "The user whom the session, or the password, belongs to.")
    instagram_password: str = setting(
        "", "Signs that user in where there is no session, or none that lives.", secret=True
    )
    instagram_anonymous: bool = setting(
        False, "Whether profiles are read without a login where there is none: with their posts, and no comments."
    )
    instagram_pace: float = setting(
        1.0,
        "How fast an account asks Instagram, in multiples of Instaloader's limits: 199 pages of comments in half an "
        "hour, 200 queries of another kind in 11 minutes.",
    )
    instagram_gap: float = setting(
        1.0, "Pause between the starts of two requests of an account to Instagram.", unit="seconds"
    )
    instagram_url: str = setting("", "Stands for www.instagram.com and i.instagram.com: one's own test site.")
    apify_token: str = setting("", "API token of the Apify account that pays for the runs.", secret=True)
    apify_url: str = setting("https://api.apify.com", "The Apify API.")
    apify_profile_actor: str = setting(
        "apify/instagram-profile-scraper", "The actor that reads profiles, with their newest posts."
    )
    apify_post_actor: str = setting(
        "apify/instagram-scraper", "The actor that reads a post, and the posts of a profile beyond the newest."
    )
    apify_comment_actor: str = setting("apify/instagram-comment-scraper", "The actor that reads comments.")
    apify_run_timeout: float = setting(
        1800.0, "How long one run of an actor may take; Apify ends it then.", unit="seconds"
    )
    apify_run_cost_max: float = setting(
        2.0, "The most that one run of an actor may cost, where the actor is paid by results.", unit="US dollars"
    )

    def __post_init__(self) -> None:
        for name in ("posts_at_once", "requests_at_once", "posts_max", "active_per_user"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"profiles.{name}: expected a number ≥ 1, got {getattr(self, name)}")
        if not self.instagram_pace > 0:
            raise ConfigurationError(f"profiles.instagram_pace: expected a number > 0, got {self.instagram_pace:g}")
        for entry in self.mastodon_tokens:
            if not all(entry.partition("=")):
                raise ConfigurationError("profiles.mastodon_tokens: expected host=token, such as mastodon.social=…")

    def mastodon_token(self, host: str) -> str | None:
        """The token for a host (with its port, where that is not the usual one); None: anonymous."""
        known = dict(entry.split("=", 1) for entry in self.mastodon_tokens)
        return known.get(host)
