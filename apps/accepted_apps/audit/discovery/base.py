"""What a reader of one framework's routes is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.model import Route


class Discoverer(Protocol):
    """Reads the routes of one framework, or of a few that are much alike.

    A module of `discovery.MODULES` holds one by the name `discoverer`. What it could not read it tells `sources.note`.
    """

    @property
    def name(self) -> str:
        """As people call the framework."""

    def discover(self, sources: SourceTree) -> Iterable[Route]:
        """The routes, in a stable order. Never runs or imports what it reads; must not fail on any file's content."""


@dataclass
class Discovery:
    """All that was found in a repository.

    routes: by file, line, path and method. notes: sentences on what could not be read, or was left out.
    frameworks: those with routes, the one with most first. files: how many were looked at.
    """

    routes: list[Route] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    frameworks: list[str] = field(default_factory=list)
    files: int = 0
