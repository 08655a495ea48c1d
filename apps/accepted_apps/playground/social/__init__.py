"""Stand-ins of social networks on loopback, for the profiles to be read from: real wire formats, made-up content.

`python -m accepted_apps.playground.social --port 8120` serves them; tests run them in process:

    with Served(Mastodon()) as server:
        httpx.get(f"{server.url}/api/v1/accounts/lookup?acct=ann")
"""

from accepted_apps.playground.social.apify import Apify
from accepted_apps.playground.social.bluesky import Bluesky
from accepted_apps.playground.social.instagram import Instagram
from accepted_apps.playground.social.mastodon import Mastodon
from accepted_apps.playground.social.serving import Served

__all__ = ["Apify", "Bluesky", "Instagram", "Mastodon", "Served"]
