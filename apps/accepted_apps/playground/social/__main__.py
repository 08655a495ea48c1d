"""`python -m accepted_apps.playground.social`: the stand-ins of social networks until they are interrupted."""

import argparse
import json
import signal
import sys
import threading
from contextlib import ExitStack
from typing import Final

from accepted_apps.playground.social.apify import Apify
from accepted_apps.playground.social.bluesky import Bluesky
from accepted_apps.playground.social.instagram import Instagram
from accepted_apps.playground.social.mastodon import Mastodon
from accepted_apps.playground.social.serving import HasApp, Served

_NETWORKS: Final[dict[str, type[HasApp]]] = {
    "mastodon": Mastodon,
    "bluesky": Bluesky,
    "instagram": Instagram,
    "apify": Apify,
}


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    options = _parser().parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        urls: dict[str, str] = {}
        for index, (name, kind) in enumerate(_NETWORKS.items()):
            port = options.port and options.port + index
            try:
                urls[name] = stack.enter_context(Served(kind(), host=options.host, port=port)).url
            except OSError as error:
                sys.exit(f"the stand-in of {name} cannot start: {error}")
        lines = (f"{name:<12}{url}\n" for name, url in urls.items())
        sys.stdout.write(json.dumps(urls) + "\n" if options.json else "".join(lines))
        sys.stdout.flush()
        stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m accepted_apps.playground.social",
        description="Local stand-ins of social networks, for reading profiles.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the first of them in a row (default: free ones)")
    parser.add_argument("--json", action="store_true", help="print the addresses as one line of JSON")
    return parser


if __name__ == "__main__":
    main()
