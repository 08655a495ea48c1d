"""The routes that a repository's code declares, from its syntax trees. Nothing of the repository is ever run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from accepted_apps.audit.discovery.base import Discoverer, Discovery
from accepted_apps.audit.discovery.files import Bounds, SourceTree
from accepted_apps.audit.discovery.openapi import apart
from accepted_apps.audit.model import Route

MODULES = (
    "python.fastapi",
    "python.flask",
    "python.django",
    "express",
    "nest",
    "spring",
    "gin",
    "rails",
    "openapi",
)
"""One `discoverer` each (base.py); OpenAPI files come last, as a second opinion."""


def discover(root: Path | str, *, bounds: Bounds | None = None) -> Discovery:
    """Reads a checkout with every discoverer. Raises NoSuchFolder.

    Examples are left out, unless the repository has no other routes. Takes a while and much memory on a large one:
    run it in a process that can be ended.
    """
    found = _discover(SourceTree(root, bounds=bounds))
    if any(route.source == "code" for route in found.routes):
        return found
    with_examples = _discover(SourceTree(root, bounds=bounds, examples=True))
    if not with_examples.routes:
        return found
    with_examples.notes.append("The repository's own code declares no routes; those of its examples are listed.")
    return with_examples if len(with_examples.routes) > len(found.routes) else found


def _discover(sources: SourceTree) -> Discovery:
    routes: list[Route] = []
    for discoverer in discoverers():
        try:
            routes += discoverer.discover(sources)
        except Exception as error:
            # One file that defeats one framework's reader must not hide the routes of the others.
            sources.note(
                f"The routes of {discoverer.name} could not be read to the end ({type(error).__name__}: {error})."
            )
    routes = merged(routes, sources.note)
    counted = Counter(route.framework for route in routes)
    return Discovery(
        routes=sorted(routes, key=lambda route: (route.file, route.line, route.path, route.method)),
        notes=sources.notes,
        frameworks=[name for name, _ in counted.most_common()],
        files=len(sources.all_files),
    )


def discoverers() -> Iterable[Discoverer]:
    for name in MODULES:
        yield import_module(f"{__name__}.{name}").discoverer


def merged(routes: Iterable[Route], note: Callable[[str, str], None]) -> list[Route]:
    """One route for each method and path of a handler; what an OpenAPI file names as well as the code is the code's."""
    kept: dict[tuple[str, str, str, int], Route] = {}
    for route in routes:
        kept.setdefault((route.method, route.path, route.file, route.line), route)
    code = [route for route in kept.values() if route.source == "code"]
    described = [route for route in kept.values() if route.source == "openapi"]
    return [*code, *apart(described, code, note)]
