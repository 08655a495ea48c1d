"""`python -m accepted_apps.demo` (`make demo`): the server, a small world to try it on, and a job of each application.

The playground, its proxies, a social network and a git server run in this process; the server is a process of its own,
as in real life, with SQLite in ./data. Everything ends on Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from accepted.client import Client
from accepted.settings import load
from accepted_apps.pages import PAGES
from accepted_apps.playground import Playground
from accepted_apps.playground.audit import SERVICES, GitServer, make_repository
from accepted_apps.playground.news import news_sources
from accepted_apps.playground.sales.market import design_export, revenue_export
from accepted_apps.playground.sales.products import PRODUCT
from accepted_apps.playground.sales.site import base_urls
from accepted_apps.playground.social import Mastodon, Served
from accepted_apps.playground.social.mastodon import TOKEN
from accepted_apps.preview.climb import TIER_NAMES
from accepted_apps.preview.finding import find_browser
from accepted_apps.preview.settings import PreviewSettings

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_SOURCES: Final = ("harbour-post", "hafenblatt", "courrier", "gone")
"""Two feeds, a front page, and one that is not there."""
_REPOSITORY: Final = "shop/fastapi"
_SLOW: Final = [
    {"endpoint": "GET /api/users", "avg_response_time_ms": 2500},
    {"endpoint": "GET /api/users/42", "avg_response_time_ms": 1300},
    {"endpoint": "POST /api/orders/quote", "avg_response_time_ms": 640},
]
"""Endpoints of that service, as a load test would have found them."""
_PORTS: Final = 50
"""How many ports after the wanted one are tried."""

console = Console(highlight=False, soft_wrap=True)


class DemoFailed(Exception):
    """Says in a sentence what keeps the demo from going on."""


def main() -> int:
    """Until it is interrupted."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A shell that starts it in the background has it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _run(options.port, options.data)
    except KeyboardInterrupt:
        console.print("\nStopped.")
    except DemoFailed as error:
        console.print(f"[red]{error}[/]")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m accepted_apps.demo", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--port", type=int, default=8000, help="the first port that is tried (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the database (default: ./data)")
    return parser


@dataclass(frozen=True, slots=True)
class World:
    """What the applications may read: a small web with a press and a shop, a social network, repositories."""

    web: Playground
    mastodon: Served[Mastodon]
    git: GitServer


def _run(port: int, data: Path) -> None:
    with _world(port + 100) as world, _server(_free_port(port), data, world) as (url, process):
        console.print(f"[bold]server[/]      {url}          [dim]API: {url}/docs · log: {data / 'server.log'}[/]")
        for page in PAGES:
            console.print(f"[bold]{page.path:<12}[/]{url}/{page.path}")
        walls = f"a small web with walls, and {len(world.web.proxies)} proxies to go round them"
        console.print(f"[bold]playground[/]  {world.web.url}          [dim]{walls}[/]")
        console.print(f"[bold]mastodon[/]    {world.mastodon.url}/@mira          [dim]everybody has a profile there[/]")
        console.print(
            f"[bold]git[/]         {world.git.url}/{_REPOSITORY}          [dim]a service with slow endpoints[/]"
        )
        _preview(url, world.web.url + _page())
        _profile(url, f"{world.mastodon.url}/@mira")
        _news(url)
        _sales(url, data)
        _audit(url, f"{world.git.url}/{_REPOSITORY}")
        console.print(f"\nServing on {url} until Ctrl-C.")
        process.wait()
        raise DemoFailed(f"The server has stopped by itself (code {process.returncode}); see {data / 'server.log'}.")


@contextmanager
def _world(port: int) -> Iterator[World]:
    with ExitStack() as running:
        web = running.enter_context(Playground(port=_free_port(port)))
        mastodon = running.enter_context(Served(Mastodon(), port=_free_port(port + _PORTS)))
        # As slow as a network is.
        mastodon.network.delay = 0.1
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="accepted-demo-")))
        repository = make_repository(folder / "service", {"main": SERVICES[_REPOSITORY]})
        git = GitServer({_REPOSITORY: repository}, port=_free_port(port + 2 * _PORTS)).start()
        running.callback(git.close)
        yield World(web, mastodon, git)


def _page() -> str:
    """A page that needs all tiers; where there is no browser, one that the second tier can bring."""
    if find_browser(load(PreviewSettings, section="preview").browser_path):
        return "/climb"
    console.print("[yellow]No Chromium or Chrome here, so two tiers: install one with `apt-get install chromium`.[/]\n")
    return "/address"


# ── the server ──


@contextmanager
def _server(port: int, data: Path, world: World) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server that may read the small world. Raises DemoFailed."""
    data.mkdir(parents=True, exist_ok=True)
    sources = data / "playground-sources.json"
    sources.write_text(json.dumps(news_sources(world.web.url)), encoding="utf-8")
    command = [sys.executable, "-m", "accepted", "serve", "accepted_apps.main:app", "--port", str(port)]
    with (data / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603  our own command
            [*command, "--data", str(data)],
            env={**os.environ, **_environment(world), "ACCEPTED_NEWS_SOURCES": str(sources)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C reaches this process alone, which then stops the server: two signals would end it at once.
            start_new_session=True,
        )
        try:
            yield _address(process, data / "server.log"), process
        finally:
            _stop(process)


def _environment(world: World) -> Mapping[str, str]:
    return {
        "ACCEPTED_PREVIEW_ALLOW": world.web.url.removeprefix("http://"),
        "ACCEPTED_PREVIEW_PROXIES": ",".join(world.web.proxies),
        "ACCEPTED_PREVIEW_HOST_DELAY": "0.3",
        "ACCEPTED_AUDIT_ALLOW": world.git.address,
        "ACCEPTED_SALES_AMAZON_URLS": f"US={base_urls(world.web.url)['US']}",
        "ACCEPTED_PROFILES_ALLOW": world.mastodon.address,
        "ACCEPTED_PROFILES_MASTODON_TOKENS": f"{world.mastodon.address}={TOKEN}",
    }


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """Where it serves, once it does."""
    assert process.stdout is not None  # noqa: S101  it is a pipe
    late = threading.Timer(_START_SECONDS, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    if not line.startswith("serving "):
        process.wait()
        raise DemoFailed(f"The server did not start:\n{log.read_text(encoding='utf-8').strip()[-2000:]}")
    return line.split()[1]


def _stop(process: subprocess.Popen[str]) -> None:
    """In order: it closes its browser and gives its jobs back. A second Ctrl-C ends it at once."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _free_port(first: int) -> int:
    for port in range(first, first + _PORTS):
        with socket.socket() as probe:
            # As servers do: a port that was just left counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise DemoFailed(f"No port from {first} to {first + _PORTS - 1} is free; choose another with --port.")


# ── a job of each application ──


def _preview(url: str, page: str) -> None:
    if found := _watched(url, "preview", "preview", url=page):
        _tell_climb(found.result)
        console.print(
            f"\n“{found.result['title']}”: {len(found.result['elements'])} elements, each with its selectors."
        )
        console.print(f"See and click them: [bold]{found.place}[/]")


def _profile(url: str, profile: str) -> None:
    if found := _watched(url, "profile", "profiles", url=profile, posts=6):
        who, posts = found.result["profile"]["profile"], found.result["profile"]["posts"]
        comments = sum(_with_replies(post["comments"]) for post in posts)
        console.print(f"\n{who['fullName']}: {len(posts)} posts with {comments:,} comments and replies.")
        console.print(f"Unfold them: [bold]{found.place}[/]")


def _news(url: str) -> None:
    if found := _watched(url, "news", "news", sources=_SOURCES, limit=4):
        articles, sources = found.result["articles"], found.result["sources"]
        broken = [f"{one['name']}: {one['error']}" for one in sources if one["error"]]
        console.print(f"\n{len(articles)} articles of {len(sources) - len(broken)} sources. {' '.join(broken)}")
        console.print(f"Search and read them: [bold]{found.place}[/]")


def _sales(url: str, data: Path) -> None:
    exports = {"revenue_csv": data / "playground-revenue.csv", "design_csv": data / "playground-design.csv"}
    exports["revenue_csv"].write_bytes(revenue_export())
    exports["design_csv"].write_bytes(design_export())
    if found := _watched(url, "sales-analysis", "sales", asin_or_url=PRODUCT, marketplace="US", **exports):
        analysis = found.result["seo_analysis"]["analysis"]
        covered = analysis["comparison"]["coverage_improvement"]
        console.print(
            f"\n{covered['total_keywords']} keywords belong to the product; its listing covers "
            f"{covered['before_covered']} of them, the optimised one {covered['after_covered']}:"
        )
        console.print(f"“{analysis['optimized_seo']['optimized_title']['content']}”")
        console.print(f"Sort the keywords, copy the listing: [bold]{found.place}[/]")


def _audit(url: str, repository: str) -> None:
    if found := _watched(url, "audit", "audit", github_repo=repository, worst_apis=_SLOW):
        console.print(f"\n{found.result['message']}")
        for one in found.result["matched_apis_with_colors"]:
            console.print(f"{one['api_endpoint']}: {one['summary']}")
        console.print(f"Read what to change: [bold]{found.place}[/]")


def _with_replies(comments: Sequence[Mapping[str, Any]]) -> int:
    return sum(1 + _with_replies(comment["replies"]) for comment in comments)


@dataclass(frozen=True, slots=True)
class Found:
    """What a job returned, and where it can be seen."""

    result: Any
    place: str


def _watched(url: str, task: str, page: str, /, **arguments: Any) -> Found | None:
    """Submit a job, show it live by the command line's own means. None: it did not complete, which is said."""
    with Client(url) as client:
        job = client.tasks[task].submit(**arguments)
    given = " ".join(f"{name}{_shown(value)}" for name, value in arguments.items())
    console.print(f"\n[dim]$ accepted submit {task} {given} --follow[/]")
    watch = [sys.executable, "-m", "accepted", "watch", job.id, "--url", url]
    done = subprocess.run(watch, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  our own command
    place = f"{url}/{page}#{job.id}"
    if done.returncode == 0:
        return Found(json.loads(done.stdout), place)
    console.print(f"[red]The {task} did not complete.[/] Look at it on {place}")
    return None


def _shown(value: Any) -> str:
    """As the command line takes it, behind the argument's name."""
    if isinstance(value, Path):
        return f"@{value}"
    return f"={value}" if isinstance(value, str) else f":={shlex.quote(json.dumps(value))}"


def _tell_climb(result: Mapping[str, Any]) -> None:
    table = Table(title_justify="left", box=None, padding=(0, 3, 0, 0))
    for name in ("tier", "", "sign", "seconds", "cost"):
        table.add_column(name, justify="right" if name in ("seconds", "cost") else "left", style=None)
    for entry in result["tier_info"]["escalation_log"]:
        brought = "[green]brought the page[/]" if entry["outcome"] == "ok" else entry["sign"]
        name = TIER_NAMES[entry["tier"]]
        table.add_row(str(entry["tier"]), name, brought, f"{entry['seconds']:.1f}", f"${entry['cost']:g}")
    console.print()
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
