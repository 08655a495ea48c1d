"""The packages of a repository and what they declare, read when they are asked for."""

from __future__ import annotations

import ast
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.files import SourceTree

from .values import Type

if TYPE_CHECKING:
    from tree_sitter import Node

_MODULE = re.compile(r"^\s*module\s+\"?([^\s\"]+)", re.MULTILINE)
_VERSION = re.compile(r"v\d+")


@dataclass(eq=False, slots=True)
class File:
    """imports: from the name that the file uses to the import path. dots: paths imported without a name."""

    path: str
    folder: str
    root: Node
    imports: dict[str, str] = field(default_factory=dict)
    dots: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration and the file it stands in. owner: the type of a method. index: of a name among several."""

    node: Node
    file: File
    name: str
    owner: str = ""
    index: int = 0


@dataclass(eq=False, slots=True)
class Declarations:
    """One package."""

    folder: str
    files: list[File] = field(default_factory=list)
    functions: dict[str, Declared] = field(default_factory=dict)
    methods: dict[str, dict[str, Declared]] = field(default_factory=lambda: defaultdict(dict))
    types: dict[str, Declared] = field(default_factory=dict)
    values: dict[str, Declared] = field(default_factory=dict)
    initializers: list[Declared] = field(default_factory=list)


class Program:
    def __init__(self, sources: SourceTree) -> None:
        self.sources = sources
        self._folders: dict[str, list[str]] = defaultdict(list)
        for path in sources.having(".go"):
            self._folders[posixpath.dirname(path)].append(path)
        self._packages: dict[str, Declarations] = {}

    def has(self, folder: str) -> bool:
        return folder in self._folders

    def package(self, folder: str) -> Declarations:
        if folder not in self._packages:
            package = self._packages[folder] = Declarations(folder)
            for path in self._folders.get(folder, ()):
                self._read(path, package)
        return self._packages[folder]

    @property
    def loaded(self) -> list[Declarations]:
        return list(self._packages.values())

    def folder_of(self, import_path: str) -> str | None:
        """The folder of an imported package, if it is one of the repository's."""
        for module, root in self._modules:
            if import_path == module or import_path.startswith(module + "/"):
                folder = posixpath.normpath(posixpath.join(root, import_path[len(module) :].strip("/")))
                return self._if_there("" if folder == "." else folder)
        if self._modules:
            return None
        parts = import_path.split("/")
        return next((found for start in range(len(parts)) if (found := self._if_there("/".join(parts[start:])))), None)

    def _if_there(self, folder: str) -> str | None:
        return folder if folder in self._folders else None

    @cached_property
    def _modules(self) -> list[tuple[str, str]]:
        """Import path and folder of each module, the longest path first."""
        found = []
        for path in self.sources.all_files:
            if posixpath.basename(path) == "go.mod":
                named = _MODULE.search(self.sources.text(path) or "")
                if named:
                    found.append((named[1], posixpath.dirname(path)))
        return sorted(found, key=lambda each: (-len(each[0]), each[1]))

    def _read(self, path: str, package: Declarations) -> None:
        tree = self.sources.syntax(path, "go")
        if tree is None:
            return
        file = File(path, package.folder, tree.root_node)
        package.files.append(file)
        for node in file.root.named_children:
            if node.type == "import_declaration":
                _add_imports(file, node)
            elif node.type == "function_declaration":
                name = text_of(node.child_by_field_name("name"))
                declared = Declared(node, file, name)
                if name == "init":
                    package.initializers.append(declared)
                package.functions.setdefault(name, declared)
            elif node.type == "method_declaration":
                owner = receiver_type(node)
                name = text_of(node.child_by_field_name("name"))
                package.methods[owner].setdefault(name, Declared(node, file, name, owner))
            elif node.type == "type_declaration":
                for spec in node.named_children:
                    name = text_of(spec.child_by_field_name("name"))
                    package.types.setdefault(name, Declared(spec, file, name))
            elif node.type in {"const_declaration", "var_declaration"}:
                for spec in specs(node):
                    for index, name_node in enumerate(spec.children_by_field_name("name")):
                        name = text_of(name_node)
                        package.values.setdefault(name, Declared(spec, file, name, index=index))

    def type_of(self, node: Node | None, file: File) -> Type | None:
        """The type that a type's syntax names, pointers taken off."""
        if node is None:
            return None
        if node.type in {"pointer_type", "parenthesized_type", "generic_type"}:
            inner = node.child_by_field_name("type") or (node.named_children[0] if node.named_children else None)
            return self.type_of(inner, file)
        if node.type in {"slice_type", "array_type", "map_type", "implicit_length_array_type"}:
            element = self.type_of(node.child_by_field_name("element") or node.child_by_field_name("value"), file)
            return Type("", "[]", items=element)
        if node.type == "qualified_type":
            path = file.imports.get(text_of(node.child_by_field_name("package")), "")
            name = text_of(node.child_by_field_name("name"))
            folder = self.folder_of(path)
            return Type(path, name, inside=False) if folder is None else Type(folder, name)
        if node.type == "type_identifier":
            return Type(file.folder, text_of(node))
        return None

    def declared_type(self, type_: Type) -> Declared | None:
        return self.package(type_.place).types.get(type_.name) if type_.inside and type_.name != "[]" else None

    def fields(self, type_: Type) -> Iterator[tuple[str, Type | None, bool]]:
        """Name, type, and whether embedded, of a struct's fields."""
        declared = self.declared_type(type_)
        body = declared.node.child_by_field_name("type") if declared else None
        if declared is None or body is None:
            return
        if body.type != "struct_type":
            other = self.type_of(body, declared.file)
            if other and other != type_ and other.name != "[]":
                yield other.name, other, True
            return
        for listed in body.named_children:
            for each in listed.named_children:
                if each.type != "field_declaration":
                    continue
                field_type = self.type_of(each.child_by_field_name("type"), declared.file)
                names = each.children_by_field_name("name")
                if names:
                    yield from ((text_of(name), field_type, False) for name in names)
                elif field_type:
                    yield field_type.name, field_type, True

    def is_interface(self, type_: Type) -> bool:
        declared = self.declared_type(type_)
        body = declared.node.child_by_field_name("type") if declared else None
        return body is not None and body.type == "interface_type"

    def method(self, type_: Type, name: str, depth: int = 6) -> Declared | None:
        """A method of a type, or of one that it embeds."""
        if not type_.inside or not depth:
            return None
        own = self.package(type_.place).methods.get(type_.name, {}).get(name)
        if own:
            return own
        embedded = (each for _, each, is_embedded in self.fields(type_) if is_embedded and each)
        return next((found for each in embedded if (found := self.method(each, name, depth - 1))), None)

    def methods_named(self, name: str) -> list[Declared]:
        """In all packages read so far, in a stable order."""
        found = [methods[name] for package in self.loaded for methods in package.methods.values() if name in methods]
        return sorted(found, key=lambda each: (each.file.path, each.node.start_byte))


def text_of(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text else ""


def line_of(node: Node) -> int:
    return node.start_point[0] + 1


def literal(node: Node) -> str | None:
    """The text of a string literal."""
    written = text_of(node)
    if node.type == "raw_string_literal":
        return written.strip("`")
    if node.type != "interpreted_string_literal":
        return None
    try:
        return str(ast.literal_eval(written))
    except (ValueError, SyntaxError):
        return written.strip('"')


def specs(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        if child.type in {"const_spec", "var_spec"}:
            yield child
        elif child.type == "var_spec_list":
            yield from specs(child)


def receiver_type(node: Node) -> str:
    receiver = node.child_by_field_name("receiver")
    found = re.search(r"\*?\s*([A-Za-z_]\w*)\s*(\[[^\]]*\])?\s*\)$", text_of(receiver))
    return found[1] if found else ""


def parameters(node: Node) -> Iterator[tuple[str, Node | None, bool]]:
    """Name, type and whether it takes all further arguments; for functions, methods and literals."""
    listed = node.child_by_field_name("parameters")
    for each in listed.named_children if listed is not None else ():
        if each.type not in {"parameter_declaration", "variadic_parameter_declaration"}:
            continue
        names = each.children_by_field_name("name")
        for name in map(text_of, names) if names else [""]:
            yield name, each.child_by_field_name("type"), each.type.startswith("variadic")


def _add_imports(file: File, node: Node) -> None:
    for spec in node.named_children:
        if spec.type == "import_spec_list":
            _add_imports(file, spec)
        elif spec.type == "import_spec":
            path_node = spec.child_by_field_name("path")
            path = (literal(path_node) or "") if path_node is not None else ""
            name = text_of(spec.child_by_field_name("name"))
            if name == ".":
                file.dots.append(path)
            elif name != "_":
                file.imports[name or _package_name(path)] = path


def _package_name(path: str) -> str:
    """`echo` for `github.com/labstack/echo/v4`; by custom, for the package may call itself otherwise."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
        parts.pop()
    return re.sub(r"\.v\d+$", "", parts[-1]).removeprefix("go-").replace("-", "_") if parts else ""
