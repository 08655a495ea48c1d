"""Spring's annotations: the methods and paths of a class or a method, by its own, meta- and inherited ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.java.code import Code
from accepted_apps.audit.discovery.java.constants import Folded, strings
from accepted_apps.audit.discovery.java.types import Annotation, Method, Type, text
from accepted_apps.audit.model import ANY

_VERBS = {
    f"{verb.capitalize()}{kind}": verb
    for kind in ("Mapping", "Exchange")
    for verb in ("GET", "POST", "PUT", "DELETE", "PATCH")
}
_GENERAL = frozenset({"RequestMapping", "HttpExchange"})
_PATHS = ("value", "path", "url")
_META_DEEP = 4
_STEREOTYPES = frozenset({"Component", "Service", "Configuration", "Controller", "RestController", "Repository"})
_CONTROLLERS = frozenset({"Controller", "RestController", "RepositoryRestController", "BasePathAwareController"})


@dataclass(frozen=True)
class Mapping:
    """methods: none for any. paths: [""] where none is given."""

    methods: tuple[str, ...]
    paths: list[Folded]


@dataclass(eq=False)
class Handler:
    """A method that answers. declared: the one that carries the mapping, in the class, or above it."""

    method: Method
    mapping: Mapping
    declared: Method


class Mappings:
    def __init__(self, code: Code) -> None:
        self._code = code

    def is_controller(self, kind: Type) -> bool:
        """Whether Spring makes a bean of a class and looks for handlers in it."""
        if kind.kind not in {"class", "record"} or kind.is_abstract:
            return False
        own = set(self._stereotypes(kind))
        if own & _CONTROLLERS:
            return True
        if not own & _STEREOTYPES:
            return False
        above = {name for parent in self._code.ancestors(kind) for name in self._stereotypes(parent)}
        return bool(above & _CONTROLLERS) or any(self._of(each, kind) for each in kind.annotations)

    def of_class(self, kind: Type) -> Mapping:
        """A class's own mapping, or else the nearest above it."""
        for each in (kind, *self._code.ancestors(kind)):
            found = self._first(each.annotations, each)
            if found is not None:
                return found
        return Mapping((), [Folded()])

    def handlers(self, kind: Type) -> list[Handler]:
        """The mapped methods of a class: an overriding method has the mapping of what it overrides, unless its own."""
        methods: list[tuple[Method, Method | None, Mapping | None]] = []
        for each in (kind, *self._code.ancestors(kind)):
            for method in each.methods:
                mapping = self._first(method.annotations, each)
                at = next((at for at, (known, _, _) in enumerate(methods) if _overrides(known, method)), None)
                if at is None:
                    methods.append((method, method if mapping else None, mapping))
                elif methods[at][2] is None and mapping is not None:
                    methods[at] = (methods[at][0], method, mapping)
        return [
            Handler(method, mapping, declared)
            for method, declared, mapping in methods
            if mapping is not None and declared is not None
        ]

    def _stereotypes(self, kind: Type, depth: int = 0) -> Iterator[str]:
        for annotation in kind.annotations:
            if annotation.name in _STEREOTYPES | _CONTROLLERS:
                yield annotation.name
            elif depth < _META_DEEP:
                meta = self._meta(annotation, kind)
                if meta is not None:
                    yield from self._stereotypes(meta, depth + 1)

    def _meta(self, annotation: Annotation, kind: Type) -> Type | None:
        found = self._code.type(annotation.name, kind)
        return found if found is not None and found.kind == "annotation_type" else None

    def _first(self, given: list[Annotation], kind: Type) -> Mapping | None:
        return next((found for each in given if (found := self._of(each, kind)) is not None), None)

    def _of(self, annotation: Annotation, kind: Type, depth: int = 0) -> Mapping | None:
        if annotation.name in _VERBS:
            return Mapping((_VERBS[annotation.name],), self._paths(annotation, kind))
        if annotation.name in _GENERAL:
            return Mapping(tuple(_methods(annotation)), self._paths(annotation, kind))
        meta = self._meta(annotation, kind) if depth < _META_DEEP and annotation.name != kind.name else None
        for each in meta.annotations if meta is not None else []:
            found = self._of(each, meta, depth + 1) if meta is not None else None
            if found is not None:
                own = [name for name in _PATHS if name in annotation.values]
                return Mapping(found.methods, self._paths(annotation, kind)) if own else found
        return None

    def _paths(self, annotation: Annotation, kind: Type) -> list[Folded]:
        found = [path for name in _PATHS for path in strings(annotation.values.get(name), kind, self._code)]
        return found or [Folded()]


def _methods(annotation: Annotation) -> Iterator[str]:
    """`method = {RequestMethod.GET, POST}`, with or without the name of the enum; HttpExchange has a string."""
    given = annotation.values.get("method")
    if given is None:
        return
    nodes = given.named_children if given.type == "element_value_array_initializer" else [given]
    for node in nodes:
        name = text(node).rpartition(".")[2].strip('"')
        if name.isupper():
            yield name


def combined(kind: Mapping, method: Mapping) -> list[str]:
    return list(dict.fromkeys((*kind.methods, *method.methods))) or [ANY]


def _overrides(method: Method, other: Method) -> bool:
    """A type parameter may be any type."""
    if method.name != other.name or len(method.parameters) != len(other.parameters):
        return False
    free = method.owner.variables | other.owner.variables
    return all(
        one.rpartition(".")[2] == two.rpartition(".")[2] or one in free or two in free or (len(two) == 1)
        for one, two in zip(method.parameters, other.parameters, strict=True)
    )
