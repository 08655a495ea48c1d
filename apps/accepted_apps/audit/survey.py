"""One repository unpacked and read: what runs in a process of its own, which can be killed and limited."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from .model import Finding, Route, Suggestion, WorstApi
from .repository.unpack import Limits, choose, is_git_folder, opened, unpack

if TYPE_CHECKING:
    from .discovery.base import Discovery
    from .discovery.files import SourceTree


class Order(BaseModel):
    """What is to be done.

    pack, commit: of a repository that was fetched; else path, branch: of one of this machine, or of a plain folder.
    work: an empty folder. report: a file of a load test. git: the setting.
    """

    work: Path
    pack: Path | None = None
    commit: str = ""
    path: Path | None = None
    branch: str = ""
    apis: list[WorstApi] = Field(default_factory=list)
    report: Path | None = None
    report_name: str = ""
    git: str
    files: int
    total_bytes: int
    file_bytes: int
    endpoints_max: int


class Excerpt(BaseModel):
    """Lines of a file: what a handler is, and what it calls."""

    file: str
    line: int
    function: str
    text: str


class Dossier(BaseModel):
    """What was found in a handler and in what it calls. sources: the handler first."""

    route: int
    findings: list[Finding] = Field(default_factory=list)
    suggestions: list[Suggestion] = Field(default_factory=list)
    sources: list[Excerpt] = Field(default_factory=list)


class Survey(BaseModel):
    """All that later steps need of the repository.

    branch, commit: empty for a plain folder. unpacked_by: `git`, `dulwich`, or empty. issues: by a route's index, the
    titles of what was found in its handler. dossiers: of the routes that an endpoint may mean.
    """

    branch: str
    commit: str
    unpacked_by: str
    files: int
    frameworks: list[str]
    routes: list[Route]
    notes: list[str]
    apis: list[WorstApi]
    issues: dict[int, list[str]] = Field(default_factory=dict)
    dossiers: list[Dossier] = Field(default_factory=list)


Tell = Callable[[str], None]


def survey(tell: Tell, order: Order) -> Survey:
    """In a process of its own: it lowers its priority, and bounds its files. Raises AuditError."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (order.total_bytes, order.total_bytes))
    os.nice(5)
    from .discovery import discover
    from .discovery.files import SourceTree

    notes: list[str] = []
    apis = _apis(order, notes)
    tell("unpacking")
    root, branch, commit, by = _files(order, notes)
    tell("reading")
    found: Discovery = discover(root)
    tell(f"{len(found.routes)} routes in {found.files} files")
    made = Survey(
        branch=branch,
        commit=commit,
        unpacked_by=by,
        files=found.files,
        frameworks=found.frameworks,
        routes=found.routes,
        notes=[*notes, *found.notes],
        apis=apis,
    )
    _examine(made, SourceTree(root), tell)
    return made


def _apis(order: Order, notes: list[str]) -> list[WorstApi]:
    apis = list(order.apis)
    if order.report is not None:
        from .loads import read_report

        report = read_report(order.report, order.report_name)
        worst = report.worst(order.endpoints_max - len(apis))
        notes.append(f"Of the report ({report.format}), {len(worst)} of {len(report.apis)} endpoints were audited.")
        apis += worst
    return apis


def _files(order: Order, notes: list[str]) -> tuple[Path, str, str, str]:
    """Where the files are, of which branch and commit, and what unpacked them."""
    source = order.pack or order.path
    assert source is not None  # noqa: S101 - see where it is made
    if order.pack is None and not is_git_folder(source):
        if order.branch:
            notes.append(
                f"The folder is no git repository, so there is no branch {order.branch!r}; it was read as it is."
            )
        return source, "", "", ""
    target = order.work / "files"
    target.mkdir()
    limits = Limits(order.files, order.total_bytes, order.file_bytes)
    with opened(source, order.work / "repository", choose(order.git)) as objects:
        branch, commit = (order.branch, order.commit) if order.pack else objects.resolve(order.branch)
        done = unpack(objects, commit, target, limits)
    if done.left_out:
        notes.append(f"{done.left_out} files were left out: larger than {order.file_bytes} bytes, or of unsafe names.")
    return target, branch, commit, done.by


def _examine(made: Survey, tree: SourceTree, tell: Tell) -> None:
    from .analysis import Examiner
    from .matching import match

    examiner = Examiner(tree)
    likely = _likely(match(made.apis, made.routes), made.routes)
    for number in likely:
        made.dossiers.append(examiner.examine(number, made.routes[number]))
    tell(f"{len(made.routes)} routes, {len(likely)} of them examined")
    for number, route in enumerate(made.routes):
        issues = examiner.measure(route)
        if issues:
            made.issues[number] = issues


def _likely(matches: Sequence[Any], routes: list[Route]) -> list[int]:
    numbers = {key_of(route): number for number, route in reversed(list(enumerate(routes)))}
    found: dict[int, None] = {}
    for one in matches:
        if one.best is not None:
            found.setdefault(numbers[key_of(one.best.route)])
    return list(found)


def key_of(route: Route) -> tuple[str, str, str, int]:
    """What tells two routes of a repository apart."""
    return route.method, route.path, route.file, route.line
