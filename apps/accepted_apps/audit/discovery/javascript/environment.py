"""What `process.env.NAME` is, where the repository has a file that says so."""

from __future__ import annotations

import posixpath
import re

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.javascript.modules import Resolver
from accepted_apps.audit.discovery.javascript.values import Unknown, Value

_FILES = (
    ".env",
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.defaults",
    ".env.dist",
    "env.example",
    "env-example",
    "env-example-relational",
    ".env.development",
    ".env.development.local",
    ".env.local",
    ".env.production",
)
_LINE = re.compile(r"""^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*("(?:[^"]*)"|'(?:[^']*)'|[^#\n]*)""", re.MULTILINE)


class Environment:
    def __init__(self, sources: SourceTree, resolver: Resolver) -> None:
        self._sources, self._resolver = sources, resolver
        self._read: dict[str, dict[str, str]] = {}

    def __call__(self, name: str, path: str) -> Value:
        """For a file of the package in which `path` lies."""
        home = self._resolver.home(path)
        for folder in dict.fromkeys((home, posixpath.join(home, "env"), "")):
            if name in self._of(folder):
                return self._of(folder)[name]
        return Unknown(f"process.env.{name}")

    def _of(self, folder: str) -> dict[str, str]:
        if folder not in self._read:
            found: dict[str, str] = {}
            for name in _FILES:
                written = self._sources.text(posixpath.join(folder, name)) or ""
                for line in _LINE.finditer(written):
                    value = line[2].strip().strip("\"'")
                    if value:
                        found.setdefault(line[1], value)
            self._read[folder] = found
        return self._read[folder]
