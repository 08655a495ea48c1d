"""How well the audit finds the routes of real repositories.

    python scripts/audit_accuracy.py FOLDER… [--framework Django] [--show 20]

Each FOLDER is a checkout, and beside it stands FOLDER.routes: one known route a line, `METHOD /path`, with parameters
in any framework's way (`{id}`, `<int:id>`, `:id`); lines that begin with # are comments, `ANY` is every method. The
repositories are other people's and are not in this one; docs/audit.md says where the lists of its table come from.

A found route is right when its method and path are known: parameters' names and a slash at the end do not count, and
`ANY` on either side fits every method of that path. recall: known routes that were found; precision: found routes that
are known.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from accepted_apps.audit.discovery import discover
from accepted_apps.audit.model import ANY

_PARAMETER = re.compile(r"\{[^{}]*\}|<[^<>]*>|(?<=/)[:*][A-Za-z_]\w*[?*+]?")


@dataclass
class Score:
    """Routes of one repository and framework, as `METHOD /shape`."""

    known: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / self.known if self.known else 1.0

    @property
    def precision(self) -> float:
        return 1 - len(self.wrong) / self.found if self.found else 1.0


def shape(path: str) -> str:
    """What counts of a path.

    >>> shape("/users/<int:pk>/"), shape("/users/{id}"), shape("/users/:id")
    ('/users/{}', '/users/{}', '/users/{}')
    """
    return _PARAMETER.sub("{}", path).rstrip("/") or "/"


def compared(known: Iterable[tuple[str, str]], found: Iterable[tuple[str, str]]) -> Score:
    """Both: pairs of method and path."""
    expected = {(method, shape(path)) for method, path in known}
    got = {(method, shape(path)) for method, path in found}
    return Score(
        len(expected),
        len(got),
        sorted(f"{method} {path}" for method, path in expected if not _fits(method, path, _methods(got))),
        sorted(f"{method} {path}" for method, path in got if not _fits(method, path, _methods(expected))),
    )


def _methods(routes: set[tuple[str, str]]) -> dict[str, set[str]]:
    by_path: dict[str, set[str]] = defaultdict(set)
    for method, path in routes:
        by_path[path].add(method)
    return by_path


def _fits(method: str, path: str, others: dict[str, set[str]]) -> bool:
    there = others.get(path, set())
    return method in there or ANY in there or (method == ANY and bool(there))


def read(file: Path) -> list[tuple[str, str]]:
    lines = (line.strip() for line in file.read_text().splitlines())
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return [(method.upper(), path) for method, path in pairs]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--framework", help="count only the routes of frameworks whose name begins so")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="show so many of the missed and wrong ones")
    options = parser.parse_args()
    print("| repository | frameworks | known | found | recall | precision | s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for folder in options.folders:
        started = time.process_time()
        discovery = discover(folder)
        seconds = time.process_time() - started
        routes = [one for one in discovery.routes if one.framework.startswith(options.framework or "")]
        score = compared(
            read(folder.with_name(f"{folder.name}.routes")), [(route.method, route.path) for route in routes]
        )
        names = ", ".join(dict.fromkeys(route.framework for route in routes))
        print(
            f"| {folder.name.replace('+', '/')} | {names} | {score.known} | {score.found} "
            f"| {score.recall:.3f} | {score.precision:.3f} | {seconds:.1f} |"
        )
        for title, some in (("missed", score.missed), ("wrong", score.wrong)):
            for line in some[: options.show]:
                print(f"  {title}: {line}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
