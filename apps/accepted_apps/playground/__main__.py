"""`python -m accepted_apps.playground`: the playground until it is interrupted."""

import argparse
import json
import signal
import sys
import threading

from accepted_apps.playground.server import Playground

_LABELS = {
    "site": "playground",
    "proxies": "proxy",
    "slow_proxy": "slow proxy",
    "failing_proxy": "failing proxy",
    "login_proxy": "proxy with login",
    "dead_proxy": "dead proxy",
    "internal": "canary (must stay unreached)",
}


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    options = _parser().parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    playground = Playground(
        host=options.host,
        port=options.port,
        proxy_port=options.proxy_port,
        crawl_delay=options.crawl_delay,
        slow_seconds=options.slow_seconds,
    )
    try:
        playground.start()
    except OSError as error:
        sys.exit(f"the playground cannot start: {error}")
    sys.stdout.write(_as_json(playground) if options.json else _as_lines(playground))
    sys.stdout.flush()
    stop.wait()
    playground.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m accepted_apps.playground",
        description="A local stand-in for the web, with forward proxies, for the tiered page preview.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the site (default: a free one)")
    parser.add_argument(
        "--proxy-port", type=int, default=0, help="port of the first of eight proxies in a row (default: free ones)"
    )
    parser.add_argument("--crawl-delay", type=int, metavar="SECONDS", help="put a Crawl-delay into robots.txt")
    parser.add_argument(
        "--slow-seconds", type=float, default=5.0, help="what the slow proxy waits (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the addresses as one line of JSON")
    return parser


def _as_json(playground: Playground) -> str:
    return json.dumps(playground.addresses) + "\n"


def _as_lines(playground: Playground) -> str:
    lines = []
    for name, value in playground.addresses.items():
        urls = [value] if isinstance(value, str) else value
        lines += [f"{_LABELS[name]:<30}{url}\n" for url in urls]
    return "".join(lines)


if __name__ == "__main__":
    main()
