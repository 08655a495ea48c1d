"""`python -m accepted_apps.playground.audit`: the git server until it is interrupted."""

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from accepted_apps.playground.audit.repositories import SERVICES, make_repository
from accepted_apps.playground.audit.server import GitServer


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m accepted_apps.playground.audit", description="A git server with small services, on loopback."
    )
    parser.add_argument("--port", type=int, default=8150, help="port of the server (default: %(default)s)")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="accepted-playground-") as folder:
        made = {
            name: make_repository(Path(folder, name.replace("/", "-")), {"main": files})
            for name, files in SERVICES.items()
        }
        server = GitServer(made, port=options.port)
        try:
            server.start()
        except OSError as error:
            sys.exit(f"the git server cannot start: {error}")
        sys.stdout.write("".join(f"{server.url}/{name}\n" for name in made))
        sys.stdout.flush()
        stop.wait()
        server.close()


if __name__ == "__main__":
    main()
