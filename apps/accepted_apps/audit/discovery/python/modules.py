"""Which file of a checkout an import means."""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import cached_property
from pathlib import PurePosixPath

from accepted_apps.audit.discovery.files import SourceTree

_NEVER_HERE = sys.stdlib_module_names | {
    "fastapi",
    "starlette",
    "flask",
    "flask_restful",
    "flask_restx",
    "flask_smorest",
    "django",
    "rest_framework",
    "ninja",
    "pydantic",
    "sqlalchemy",
}
"""Folders may be called like a library; the import means the library."""


class ModuleFinder:
    """Finds modules by the folders that Python would have on its path when the importing file runs."""

    def __init__(self, sources: SourceTree) -> None:
        self._sources = sources
        self._found: dict[tuple[str, str], str | None] = {}

    def find(self, name: str, importer: str) -> str | None:
        """The file of an absolute name (`app.api.users`), or None; of a package its `__init__.py`.

        A package without `__init__.py` is its folder's path with a slash at the end.
        """
        top = name.partition(".")[0]
        if not name or top in _NEVER_HERE:
            return None
        key = (name, importer.rpartition("/")[0])
        if key not in self._found:
            self._found[key] = self._find(name, importer)
        return self._found[key]

    def relative(self, name: str, level: int, importer: str) -> str | None:
        """The file that `from ..name import` means; level: the number of dots."""
        folder = PurePosixPath(importer).parent
        for _ in range(level - 1):
            folder = folder.parent
        return self._below(str(folder), name)

    def name_of(self, path: str) -> str:
        """A dotted name for a file, from the folder above its outermost package."""
        file = PurePosixPath(path)
        parts = [] if file.stem == "__init__" else [file.stem]
        folder = file.parent
        while str(folder) != "." and self._sources.exists(str(folder / "__init__.py")):
            parts.insert(0, folder.name)
            folder = folder.parent
        return ".".join(parts)

    def below(self, path: str, name: str) -> str | None:
        """A submodule of a package; path: as `find` gives it."""
        folder = path.removesuffix("__init__.py").rstrip("/")
        return self._below(folder or ".", name) if path.endswith(("/", "__init__.py")) else None

    def _find(self, name: str, importer: str) -> str | None:
        for folder in self._roots(importer):
            if found := self._below(folder, name):
                return found
        return self._elsewhere(name, importer)

    def _roots(self, importer: str) -> list[str]:
        """The folder above the outermost package, those above it, then the inner ones from the outermost on."""
        folders = [str(parent) for parent in PurePosixPath(importer).parents]
        above = 0
        while above < len(folders) - 1 and self._sources.exists(f"{folders[above]}/__init__.py"):
            above += 1
        packaged = folders[above:] if above else []
        return packaged + [folder for folder in reversed(folders) if folder not in packaged]

    def _elsewhere(self, name: str, importer: str) -> str | None:
        """Some programs set their path in a start script: any folder that holds such a module, the nearest first."""
        near = PurePosixPath(importer).parts
        found = []
        for folder in self._holders.get(name.partition(".")[0], ()):
            if path := self._below(folder, name):
                shared = sum(
                    1 for ours, theirs in zip(near, PurePosixPath(folder).parts, strict=False) if ours == theirs
                )
                found.append((-shared, len(folder), path))
        return min(found)[2] if found else None

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        """Name of a top module or package → folders that hold it."""
        holders: dict[str, set[str]] = defaultdict(set)
        for path in self._sources.all_files:
            if path.endswith(".py"):
                file = PurePosixPath(path)
                holders[file.stem].add(str(file.parent))
                if file.stem == "__init__":
                    holders[file.parent.name].add(str(file.parent.parent))
        return {name: sorted(folders) for name, folders in holders.items()}

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(
            str(parent)
            for path in self._sources.all_files
            if path.endswith(".py")
            for parent in PurePosixPath(path).parents
        )

    def _below(self, folder: str, name: str) -> str | None:
        place = PurePosixPath(folder, *name.split(".")) if name else PurePosixPath(folder)
        for file in (f"{place}.py", f"{place}/__init__.py") if name else (f"{place}/__init__.py",):
            if self._sources.exists(str(PurePosixPath(file))):
                return str(PurePosixPath(file))
        return f"{place}/" if str(place) in self._folders and str(place) != "." else None
