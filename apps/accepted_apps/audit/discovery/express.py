"""Express: applications, routers, and how they are mounted on each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.javascript.located import route
from accepted_apps.audit.discovery.javascript.paths import written
from accepted_apps.audit.discovery.javascript.program import Program, program_of
from accepted_apps.audit.discovery.javascript.routers import Endpoint, Mount, Router
from accepted_apps.audit.discovery.javascript.values import Value
from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.model import Route

_MOUNTED_DEEP = 20
_UNKNOWN_PLACE = "No code was found that mounts this router; its prefix is not known."


class _Express:
    name = "Express"

    def discover(self, sources: SourceTree) -> Iterator[Route]:
        program = program_of(sources)
        for router in program.routers:
            if not router.mounted and _served(router, program):
                unresolved = [] if router.kind == "app" else [_UNKNOWN_PLACE]
                yield from _last(_routes(sources, router, "", unresolved, ()))


def _last(routes: Iterable[Route]) -> Iterable[Route]:
    """Of several handlers for one method and path the last: those before it check, and hand on."""
    return {(each.method, each.path): each for each in routes}.values()


def _served(router: Router, program: Program) -> bool:
    """Whether a router that is mounted nowhere may be in use all the same."""
    if router.kind != "router" or program.uses(router.site.module.path):
        return True
    if any(each.kind == "app" and each.entries for each in program.routers):
        if router.entries:
            program.sources.note("Routers that nothing mounts were left out:", router.site.module.path)
        return False
    return True


def _routes(
    sources: SourceTree, router: Router, prefix: str, unresolved: list[str], above: tuple[Router, ...]
) -> Iterator[Route]:
    if router in above or len(above) > _MOUNTED_DEEP:
        return
    for entry in router.entries:
        paths, unknown = _written(entry.path)
        told = [*unresolved, *unknown]
        if not paths and isinstance(entry, Endpoint):
            sources.note(
                f"The path of a route is not told by the code, in line {entry.site.line} of", entry.site.module.path
            )
        for path in paths or ([""] if isinstance(entry, Mount) else []):
            whole = join(prefix, "" if path == "/" else path)
            if isinstance(entry, Mount):
                lost = [] if paths else ["The prefix of a router is not told by the code; the path lacks it."]
                yield from _routes(sources, entry.router, whole, told + lost, (*above, router))
            elif not (entry.method == "OPTIONS" and path.endswith("*}")):
                yield route(sources, entry.method, whole, entry.handler, entry.site, "Express", told)


def _written(value: Value) -> tuple[list[str], list[str]]:
    return ([""], []) if value is None else written(value)


discoverer = _Express()
