"""What a Java file declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

TYPES = frozenset(
    {
        "class_declaration",
        "interface_declaration",
        "record_declaration",
        "enum_declaration",
        "annotation_type_declaration",
    }
)
_METHODS = frozenset({"method_declaration", "annotation_type_element_declaration"})
_FIELDS = frozenset({"field_declaration", "constant_declaration"})


@dataclass(frozen=True)
class Annotation:
    """name: without its package. values: its arguments by name; a single one is `value`."""

    name: str
    values: dict[str, Node]
    node: Node


@dataclass(eq=False)
class Method:
    name: str
    node: Node
    owner: Type
    annotations: list[Annotation]
    parameters: list[str]
    returns: str


@dataclass(eq=False)
class Type:
    """kind: class, interface, record, enum or annotation_type. parents: names of what it extends and implements.

    variables: its type parameters. constants: the values of its fields. outer: the type that it stands in.
    """

    name: str
    kind: str
    node: Node
    unit: Unit
    outer: Type | None
    is_abstract: bool
    annotations: list[Annotation]
    parents: list[str]
    variables: frozenset[str]
    methods: list[Method] = field(default_factory=list)
    constants: dict[str, Node] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    inner: dict[str, Type] = field(default_factory=dict)

    @property
    def package(self) -> str:
        return self.unit.package

    def all(self) -> Iterator[Type]:
        """This type and those in it."""
        yield self
        for each in self.inner.values():
            yield from each.all()


@dataclass(eq=False)
class Unit:
    """One file. imports: simple name to qualified name; stars: packages and types of which all is imported.

    statics: name to the qualified name of the type that has it; static_stars: types of which all statics are imported.
    """

    path: str
    package: str = ""
    imports: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    statics: dict[str, str] = field(default_factory=dict)
    static_stars: list[str] = field(default_factory=list)
    types: dict[str, Type] = field(default_factory=dict)

    def all(self) -> Iterator[Type]:
        for each in self.types.values():
            yield from each.all()


def text(node: Node | None) -> str:
    return node.text.decode() if node and node.text is not None else ""


def read(path: str, root: Node) -> Unit:
    unit = Unit(path)
    for child in root.named_children:
        if child.type == "package_declaration":
            unit.package = text(child.named_children[-1])
        elif child.type == "import_declaration":
            _import(unit, child)
        elif child.type in TYPES:
            made = _type(child, unit, None)
            unit.types[made.name] = made
    return unit


def _import(unit: Unit, node: Node) -> None:
    name = next((text(child) for child in node.named_children if child.type != "asterisk"), "")
    star = any(child.type == "asterisk" for child in node.named_children)
    static = any(child.type == "static" for child in node.children)
    if static and star:
        unit.static_stars.append(name)
    elif static:
        owner, _, member = name.rpartition(".")
        unit.statics[member] = owner
        unit.imports.setdefault(member, name)  # a nested type may be imported so too
    elif star:
        unit.stars.append(name)
    else:
        unit.imports[name.rpartition(".")[2]] = name


def _type(node: Node, unit: Unit, outer: Type | None) -> Type:
    modifiers = _modifiers(node)
    made = Type(
        name=text(node.child_by_field_name("name")),
        kind=node.type.removesuffix("_declaration"),
        node=node,
        unit=unit,
        outer=outer,
        is_abstract=any(child.type == "abstract" for child in modifiers),
        annotations=_annotations(node),
        parents=[simple(child) for child in _parents(node)],
        variables=frozenset(_variables(node)),
    )
    body = node.child_by_field_name("body")
    for child in body.named_children if body is not None else []:
        _member(made, child)
        if child.type == "enum_body_declarations":
            for inner in child.named_children:
                _member(made, inner)
    return made


def _member(made: Type, node: Node) -> None:
    if node.type in TYPES:
        inner = _type(node, made.unit, made)
        made.inner[inner.name] = inner
    elif node.type in _METHODS:
        made.methods.append(
            Method(
                name=text(node.child_by_field_name("name")),
                node=node,
                owner=made,
                annotations=_annotations(node),
                parameters=_parameters(node),
                returns=simple(node.child_by_field_name("type")),
            )
        )
    elif node.type in _FIELDS:
        kind = simple(node.child_by_field_name("type"))
        for child in node.named_children:
            if child.type == "variable_declarator":
                name, value = text(child.child_by_field_name("name")), child.child_by_field_name("value")
                made.fields[name] = kind
                if value is not None:
                    made.constants[name] = value


def _modifiers(node: Node) -> list[Node]:
    found = next((child for child in node.children if child.type == "modifiers"), None)
    return found.children if found is not None else []


def _annotations(node: Node) -> list[Annotation]:
    return [_annotation(child) for child in _modifiers(node) if child.type in {"annotation", "marker_annotation"}]


def _annotation(node: Node) -> Annotation:
    values: dict[str, Node] = {}
    arguments = node.child_by_field_name("arguments")
    for child in arguments.named_children if arguments is not None else []:
        if child.type == "element_value_pair":
            value = child.child_by_field_name("value")
            if value is not None:
                values[text(child.child_by_field_name("key"))] = value
        elif "comment" not in child.type:
            values["value"] = child
    return Annotation(text(node.child_by_field_name("name")).rpartition(".")[2], values, node)


def _parents(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        if child.type == "superclass":
            yield from child.named_children
        elif child.type in {"super_interfaces", "extends_interfaces"}:
            for inner in child.named_children:
                yield from inner.named_children if inner.type == "type_list" else [inner]


def _variables(node: Node) -> Iterator[str]:
    parameters = node.child_by_field_name("type_parameters")
    for child in parameters.named_children if parameters is not None else []:
        if child.named_children:
            yield text(child.named_children[0])


def _parameters(node: Node) -> list[str]:
    given = node.child_by_field_name("parameters")
    return [
        simple(child.child_by_field_name("type"))
        for child in (given.named_children if given is not None else [])
        if child.type == "formal_parameter"
    ]


def simple(node: Node | None) -> str:
    """A type as it is written, without what it is generic over: `List`, `Outer.Inner`."""
    if node is None:
        return ""
    if node.type == "generic_type" and node.named_children:
        return text(node.named_children[0])
    return text(node)
