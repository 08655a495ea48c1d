"""The playground: a small web of its own, on loopback, for the page preview to climb, trip over and be refused by.

`python -m accepted_apps.playground --port 8100` serves it; tests run it in process:

    with Playground() as pg:
        httpx.get(f"{pg.url}/address", proxy=pg.proxies[0])
"""

from accepted_apps.playground.canary import Hit
from accepted_apps.playground.server import Playground
from accepted_apps.playground.state import Visit

__all__ = ["Hit", "Playground", "Visit"]
