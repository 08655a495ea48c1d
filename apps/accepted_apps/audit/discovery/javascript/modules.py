"""Which file an import means: relative paths, aliases of tsconfig and package.json, packages of a workspace."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any

from accepted_apps.audit.discovery.files import SourceTree

SUFFIXES = (".ts", ".js", ".tsx", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_WRITTEN = {".js": (".ts", ".tsx", ".jsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_CONFIGURATIONS = ("tsconfig.json", "jsconfig.json", "tsconfig.base.json", "tsconfig.app.json")
_SOURCE_FOLDERS = ("src", "")


class Resolver:
    def __init__(self, sources: SourceTree) -> None:
        self._sources = sources
        self._aliases: dict[str, list[tuple[str, list[str]]]] = {}
        self._packages: dict[str, str] = {}
        for path in sources.all_files:
            if posixpath.basename(path) == "package.json":
                name = _json(sources, path).get("name")
                if isinstance(name, str):
                    self._packages.setdefault(name, posixpath.dirname(path))

    def resolve(self, written: str, importer: str) -> str | None:
        """The file that `written` means in the file `importer`; None where it is none of the repository's."""
        folder = posixpath.dirname(importer)
        if written.startswith("/"):
            return self._file(written.lstrip("/"))
        if written.startswith("."):
            return self._file(_normal(folder, written))
        for alias, targets in self._aliases_for(folder):
            found = self._by_alias(written, alias, targets)
            if found:
                return found
        return self._by_package(written) or self._by_custom(written, folder)

    def home(self, path: str) -> str:
        """The folder of the package to which a file belongs: the nearest above that has a package.json."""
        folder = posixpath.dirname(path)
        while folder and not self._sources.exists(f"{folder}/package.json"):
            folder = posixpath.dirname(folder)
        return folder

    def _by_alias(self, written: str, alias: str, targets: list[str]) -> str | None:
        if "*" not in alias:
            return next(filter(None, map(self._file, targets)), None) if written == alias else None
        before, _, after = alias.partition("*")
        if not (written.startswith(before) and written.endswith(after) and len(written) >= len(before) + len(after)):
            return None
        middle = written[len(before) : len(written) - len(after)]
        return next(filter(None, (self._file(_normal("", target.replace("*", middle))) for target in targets)), None)

    def _by_package(self, written: str) -> str | None:
        parts = written.split("/")
        name = "/".join(parts[: 2 if written.startswith("@") else 1])
        if name not in self._packages:
            return None
        folder, inside = self._packages[name], written[len(name) + 1 :]
        if inside:
            return self._file(_normal(folder, inside)) or self._file(_normal(folder, f"src/{inside}"))
        main = _json(self._sources, posixpath.join(folder, "package.json")).get("main")
        mains = [main] if isinstance(main, str) else []
        return next(filter(None, (self._file(_normal(folder, way)) for way in [*mains, "src/index", "index"])), None)

    def _by_custom(self, written: str, folder: str) -> str | None:
        """`@/x`, `~/x` and what NODE_PATH or a bundler makes of `controllers/x`: the package's folder, or its src."""
        inside = re.sub(r"^[@~]/", "", written)
        if inside == written and "/" not in written:
            return None
        home = self.home(posixpath.join(folder, "x"))
        found = next(filter(None, (self._file(_normal(home, f"{way}/{inside}")) for way in _SOURCE_FOLDERS)), None)
        return found or (self._file(_normal(folder, inside)) if inside != written else None)

    def _file(self, path: str) -> str | None:
        stem, suffix = posixpath.splitext(path)
        options = [path] if suffix in {*SUFFIXES, ".json"} else []
        options += [stem + other for other in _WRITTEN.get(suffix, ())]
        options += [path + other for other in (*SUFFIXES, ".json")]
        found = next(filter(self._sources.exists, options), None)
        if found:
            return found
        main = _json(self._sources, posixpath.join(path, "package.json")).get("main")
        if isinstance(main, str) and main.strip("./"):
            inside = self._file(_normal(path, main))
            if inside:
                return inside
        return next(filter(self._sources.exists, (_normal(path, "index" + suffix) for suffix in SUFFIXES)), None)

    def _aliases_for(self, folder: str) -> list[tuple[str, list[str]]]:
        if folder not in self._aliases:
            above = self._aliases_for(posixpath.dirname(folder)) if folder else []
            self._aliases[folder] = self._own_aliases(folder) + above
        return self._aliases[folder]

    def _own_aliases(self, folder: str) -> list[tuple[str, list[str]]]:
        aliases: list[tuple[str, list[str]]] = []
        for name in _CONFIGURATIONS:
            path = posixpath.join(folder, name)
            if self._sources.exists(path):
                aliases += self._configured(path, 0)
        package = _json(self._sources, posixpath.join(folder, "package.json"))
        for field in ("_moduleAliases", "imports"):
            for alias, target in _items(package.get(field)):
                if isinstance(target, str):
                    aliases += [(alias, [_normal(folder, target)]), (f"{alias}/*", [_normal(folder, target) + "/*"])]
        return aliases

    def _configured(self, path: str, depth: int) -> list[tuple[str, list[str]]]:
        """`paths` and `baseUrl` of a tsconfig and of what it extends."""
        folder, read = posixpath.dirname(path), _json(self._sources, path)
        options = read.get("compilerOptions")
        options = options if isinstance(options, dict) else {}
        written = options.get("baseUrl")
        base = _normal(folder, written) if isinstance(written, str) else folder
        aliases = [
            (alias, [_normal(base, target) for target in targets if isinstance(target, str)])
            for alias, targets in _items(options.get("paths"))
            if isinstance(targets, list)
        ]
        if isinstance(written, str):
            aliases.append(("*", [_normal(base, "*")]))
        extended = read.get("extends")
        if isinstance(extended, str) and extended.startswith(".") and depth < 5:
            for above in (_normal(folder, extended), _normal(folder, extended + ".json")):
                aliases += self._configured(above, depth + 1) if self._sources.exists(above) else []
        return aliases


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(key, item) for key, item in value.items() if isinstance(key, str)] if isinstance(value, dict) else []


def _json(sources: SourceTree, path: str) -> dict[str, Any]:
    """An object of JSON, with the comments and commas that tsconfig files have; {} where there is none."""
    text = sources.text(path) if sources.exists(path) else None
    if not text:
        return {}
    bare = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else "", text)
    try:
        read = json.loads(_TRAILING_COMMA.sub(r"\1", bare), strict=False)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _normal(folder: str, path: str) -> str:
    normal = posixpath.normpath(posixpath.join(folder, path))
    return "" if normal == "." else normal.rstrip("/")
