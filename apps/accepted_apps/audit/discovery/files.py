"""A checkout as the discoverers see it: its source files, read and parsed once, within bounds."""

from __future__ import annotations

import ast
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from accepted_apps.audit.discovery.python.parsing import parsed
from accepted_apps.audit.errors import NoSuchFolder

if TYPE_CHECKING:
    from tree_sitter import Parser, Tree


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IGNORED = _names(
    ".git .hg .svn .tox .nox .venv .mypy_cache .pytest_cache .ruff_cache .next .nuxt .gradle .idea .vscode .yarn .cache"
    " node_modules bower_components jspm_packages site-packages __pycache__"
)
_IGNORED_UNLESS_A_PACKAGE = _names("vendor third_party venv virtualenv dist build target coverage htmlcov")
_TESTS = _names(
    "test tests __tests__ __mocks__ spec specs e2e cypress testing test-utils testdata fixtures unittests"
    " unit_tests api_tests e2e_tests functional_tests acceptance_tests smoke_tests _smoke_tests integration_tests"
    " integration-tests"
)
_EXAMPLES = _names("examples samples docs_src cookbook")
_EXAMPLES_AT_THE_TOP = _names("example sample demo demos docs doc documentation benchmarks bench")
_TEST_FILE = re.compile(
    r"(^|/)(test_[^/]*\.py|tests\.py|[^/]*_test\.(py|go|rb)|[^/]*_spec\.rb|conftest\.py|[^/]*\.(test|spec|e2e-spec)\.[cm]?[jt]sx?"
    r"|[^/]*(Test|Tests|IT)\.java)$"
)
_GRAMMARS = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "java": ("tree_sitter_java", "language"),
    "go": ("tree_sitter_go", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
}
_NAMES_IN_A_NOTE = 5


@dataclass(frozen=True)
class Bounds:
    """How much of a checkout is looked at. Bytes are of source text; trees: of text whose syntax trees are kept."""

    files: int = 50_000
    file_bytes: int = 1_500_000
    total_bytes: int = 400_000_000
    depth: int = 40
    trees: int = 12_000_000
    snippet_lines: int = 80
    snippet_characters: int = 6_000


class SourceTree:
    """The files of one checkout. Nothing outside it is ever read: links are not followed.

    `files` are the paths of sources that may declare routes, sorted; tests, examples, libraries and build results are
    not among them. `all_files` has tests and examples too: what the code imports may lie there.
    Paths are relative to the root, with slashes. Not for several threads.
    """

    def __init__(self, root: Path | str, *, bounds: Bounds | None = None, examples: bool = False) -> None:
        """examples: whether examples are sources as well. Raises NoSuchFolder."""
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise NoSuchFolder(
                f"There is no folder {self.root.name!r} to look for routes in; clone the repository first."
            )
        self.bounds = bounds or Bounds()
        self.examples = examples
        self._notes: dict[str, list[str]] = {}
        self.all_files: tuple[str, ...] = tuple(sorted(self._walk()))
        self._known = frozenset(self.all_files)
        self.files: tuple[str, ...] = tuple(path for path in self.all_files if self.declares(path))
        self._texts: OrderedDict[str, str | None] = OrderedDict()
        self._trees: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._kept = 0
        self._split: tuple[str, list[str]] = ("", [])
        """The lines of the file that was asked for last: routes of one file come one after another."""

    def declares(self, path: str) -> bool:
        """Whether a file is part of the program itself, not of its tests or examples."""
        return not is_test(path) and (self.examples or not is_example(path))

    def exists(self, path: str) -> bool:
        return path in self._known

    def having(self, *suffixes: str) -> list[str]:
        """Those of `files` that end so, for instance ".py"."""
        return [path for path in self.files if path.endswith(suffixes)]

    def mentioning(self, *words: str, suffixes: tuple[str, ...]) -> list[str]:
        """Those of `files` that end so and hold one of the words: the cheap way to leave most files unparsed."""
        return [path for path in self.having(*suffixes) if any(word in (self.text(path) or "") for word in words)]

    def text(self, path: str) -> str | None:
        """The file as text with "\\n" at the ends of lines; None where there is none, or it is not read (see notes)."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
            while len(self._texts) > self.bounds.files:
                self._texts.popitem(last=False)
        return self._texts[path]

    def lines(self, path: str, first: int, last: int) -> str:
        """Lines from 1, both included."""
        if self._split[0] != path:
            self._split = path, (self.text(path) or "").split("\n")
        return "\n".join(self._split[1][first - 1 : last])

    def snippet(self, path: str, first: int, last: int) -> str:
        """As `lines`, with what is too long for a result cut off."""
        kept = self.lines(path, first, min(last, first + self.bounds.snippet_lines - 1))
        return kept if len(kept) <= self.bounds.snippet_characters else kept[: self.bounds.snippet_characters] + "…"

    def python(self, path: str) -> ast.Module | None:
        """The syntax tree; None where there is no such file, or it is not of a Python that we know."""
        tree: ast.Module | None = self._tree(path, "python", lambda text: self._python(path, text))
        return tree

    def syntax(self, path: str, language: str) -> Tree | None:
        """The tree-sitter tree; language: javascript, typescript, tsx, java, go, ruby. Wrong syntax is ERROR nodes."""
        tree: Tree | None = self._tree(path, language, lambda text: _parser(language).parse(text.encode()))
        return tree

    def note(self, sentence: str, path: str = "") -> None:
        """Tells the user something, once; files of which the same is to be told are named together."""
        files = self._notes.setdefault(sentence, [])
        if path and path not in files:
            files.append(path)

    @property
    def notes(self) -> list[str]:
        return [_with_files(sentence, files) for sentence, files in self._notes.items()]

    def _walk(self) -> Iterator[str]:
        files = size = 0
        for folder, folders, names in os.walk(self.root):
            inside = PurePosixPath(Path(folder).relative_to(self.root).as_posix())
            folders[:] = sorted(name for name in folders if not _ignored(Path(folder, name)))
            if len(inside.parts) >= self.bounds.depth:
                self.note(f"Folders deeper than {self.bounds.depth} levels were not looked at.")
                folders.clear()
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file():
                    continue
                files, size = files + 1, size + path.stat().st_size
                if files > self.bounds.files or size > self.bounds.total_bytes:
                    self.note(
                        f"The repository is larger than {self.bounds.files} files or {self.bounds.total_bytes} bytes; "
                        f"what comes after {inside} was not looked at."
                    )
                    return
                yield str(inside / name)

    def _read(self, path: str) -> str | None:
        if path not in self._known:
            return None
        file = self.root / path
        try:
            if file.stat().st_size > self.bounds.file_bytes:
                self.note(f"Larger than {self.bounds.file_bytes} bytes, not read:", path)
                return None
            raw = file.read_bytes()
        except OSError:
            self.note("Could not be read:", path)
            return None
        return None if b"\0" in raw else _decoded(raw)

    def _python(self, path: str, text: str) -> ast.Module:
        tree, whole = parsed(text)
        if not whole:
            self.note("Not all of these files is Python as it is known here; what is not was left out:", path)
        return tree

    def _tree(self, path: str, language: str, parse: Callable[[str], Any]) -> Any:
        key = (path, language)
        if key in self._trees:
            self._trees.move_to_end(key)
            return self._trees[key]
        text = self.text(path)
        if text is None:
            return None
        try:
            tree = parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.note(f"Not {language.capitalize()} as it is written today, not read:", path)
            tree = None
        self._trees[key] = tree
        self._kept += len(text)
        while self._kept > self.bounds.trees and len(self._trees) > 1:
            (oldest, _), _ = self._trees.popitem(last=False)
            self._kept -= len(self.text(oldest) or "")
        return tree


def is_test(path: str) -> bool:
    """Whether a path is a test's, by the customs of its language. What Maven and Gradle have in src/main is none."""
    folders = path.split("/")[:-1]
    return bool(_TEST_FILE.search(path)) or ("src/main/" not in path and any(name in _TESTS for name in folders))


def is_example(path: str) -> bool:
    folders = path.split("/")[:-1]
    if "src/main/" in path or not folders:
        return False
    return folders[0] in _EXAMPLES_AT_THE_TOP or any(name in _EXAMPLES for name in folders)


def _ignored(folder: Path) -> bool:
    """Python and Java programs have packages called `build`, `target` …; elsewhere these hold what was built or copied
    in."""
    if folder.name in _IGNORED or folder.name.endswith(".egg-info"):
        return True
    is_package = (folder / "__init__.py").is_file() or "src/main/java/" in folder.as_posix()
    return folder.name in _IGNORED_UNLESS_A_PACKAGE and not is_package


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@cache
def _parser(language: str) -> Parser:
    from tree_sitter import Language, Parser

    module, function = _GRAMMARS[language]
    return Parser(Language(getattr(import_module(module), function)()))


def _with_files(sentence: str, files: list[str]) -> str:
    if not files:
        return sentence
    more = len(files) - _NAMES_IN_A_NOTE
    return f"{sentence} {', '.join(files[:_NAMES_IN_A_NOTE])}" + (f" and {more} more" if more > 0 else "")
