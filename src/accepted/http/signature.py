"""What an endpoint's function takes, seen three ways: by the framework that fills it in, by the job that stores it, and
by the function itself when the job runs.

    FastAPI ──values──▶ store: plain types, files as blobs ──JSON──▶ run: the same values again, files reopened
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import pydantic
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic.fields import FieldInfo
from starlette.background import BackgroundTasks
from starlette.datastructures import Headers
from starlette.datastructures import UploadFile as FormFile
from starlette.requests import HTTPConnection
from starlette.responses import Response

from accepted.context import BaseJob
from accepted.errors import ConfigurationError
from accepted.files import UploadFile
from accepted.secret import holds_secrets

_OF_THE_REQUEST: Final = (HTTPConnection, Response, BackgroundTasks)
"""What lives only as long as the request, and so cannot be had in a job. WebSocket is an HTTPConnection."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A function's parameters, taken apart at decoration."""

    function: Callable[..., Any]
    outer: inspect.Signature
    """For the framework: everything but the job, types resolved."""
    inner: inspect.Signature
    """For the task: plain types, files as our `UploadFile`, the job."""
    files: Mapping[str, type[FormFile] | None]
    """File parameters with the class that the function asked for; None: our own."""
    types: Mapping[str, pydantic.TypeAdapter[Any]]
    """Of the parameters that are no files."""
    result: pydantic.TypeAdapter[Any]


def read(function: Callable[..., Any]) -> Shape:
    """Raises ConfigurationError naming the parameter that cannot be stored."""
    name = getattr(function, "__name__", repr(function))
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigurationError(f"endpoint {name!r}: it yields; a job has one result: return it")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ConfigurationError(f"endpoint {name!r}: {error}; define the type before the endpoint") from error
    outer, inner = [], []
    files: dict[str, type[FormFile] | None] = {}
    types: dict[str, pydantic.TypeAdapter[Any]] = {}
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name, parameter.annotation)
        plain = _plain(hint, parameter.default)
        place = f"endpoint {name!r}: parameter {parameter.name!r}"
        if not _is_job(plain):
            outer.append(parameter.replace(annotation=_for_framework(hint)))
            found = _file_class(plain, place)
            if found is not _NO_FILE:
                files[parameter.name], plain = found, _with_our_files(plain)
            else:
                types[parameter.name] = _type(place, plain)
                if holds_secrets(types[parameter.name].core_schema):
                    raise ConfigurationError(
                        f"{place} holds a Secret, which a framework may take from the URL and repeats in its answers; "
                        "make it a task with @jobs.task"
                    )
        inner.append(_inner(parameter, plain))
    returns = hints.get("return", Any)
    return Shape(
        function,
        inspect.Signature(outer, return_annotation=hints.get("return", inspect.Signature.empty)),
        inspect.Signature(inner, return_annotation=Any),
        files,
        types,
        _result(name, returns),
    )


def _inner(parameter: inspect.Parameter, plain: Any) -> inspect.Parameter:
    """Keeps a plain default; what says to a framework where a value comes from (`Query(…)`, `Depends(…)`) is none."""
    default = parameter.default
    if isinstance(default, FieldInfo) or hasattr(default, "dependency"):
        default = inspect.Parameter.empty
    return inspect.Parameter(parameter.name, inspect.Parameter.KEYWORD_ONLY, annotation=plain, default=default)


# ── the types ────────────────────────────────────────────────────────────────────────────────────────


def _plain(hint: Any, default: Any) -> Any:
    """The type without what it says to a framework. A dependency without a type has that of what it returns."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    dependency = getattr(default, "dependency", None)
    if hint in (inspect.Parameter.empty, Any):
        hint = Any
        if inspect.isclass(dependency):
            hint = dependency
        elif inspect.isfunction(dependency):
            hint = get_type_hints(dependency).get("return", Any)
    return hint


def _is_job(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseJob)


def _type(place: str, hint: Any) -> pydantic.TypeAdapter[Any]:
    """Raises ConfigurationError when JSON cannot hold a value of this type."""
    for arm in get_args(hint) or (hint,):
        if isinstance(arm, type) and issubclass(arm, _OF_THE_REQUEST):
            raise ConfigurationError(
                f"{place}: a {arm.__name__} ends with its request, a job does not; take what you need of it as a "
                "parameter of its own, or by a dependency that returns it"
            )
    if hint is bytes:
        raise ConfigurationError(f"{place}: JSON cannot hold bytes; take a file as UploadFile")
    try:
        return pydantic.TypeAdapter(hint)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise ConfigurationError(
            f"{place}: JSON cannot hold {hint}; open it inside the function instead ({error.message.splitlines()[0]})"
        ) from error


def _result(name: str, returns: Any) -> pydantic.TypeAdapter[Any]:
    if isinstance(returns, type) and issubclass(returns, Response):
        raise ConfigurationError(
            f"endpoint {name!r}: return the value, not a {returns.__name__}: a job keeps it as JSON"
        )
    try:
        return pydantic.TypeAdapter(returns)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise ConfigurationError(f"endpoint {name!r}: JSON cannot hold its result {returns}") from error


# ── files ────────────────────────────────────────────────────────────────────────────────────────────


_NO_FILE: Final[Any] = object()


def _file_class(hint: Any, place: str) -> Any:
    """The class of a file parameter; None: ours; `_NO_FILE`: it is none. Raises ConfigurationError for forms of
    file parameters that there are not."""
    arms = [arm for arm in get_args(hint) or (hint,) if arm is not NoneType]
    classes = [arm for arm in arms if _is_file(arm)]
    if classes and len(arms) == 1:
        return None if classes[0] is UploadFile else classes[0]
    if classes or any(_is_file(deep) for arm in arms for deep in get_args(arm)):
        raise ConfigurationError(f"{place}: a file is UploadFile, UploadFile | None or list[UploadFile]")
    return _NO_FILE


def _is_file(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, UploadFile | FormFile)


def _with_our_files(hint: Any) -> Any:
    if _is_file(hint):
        return UploadFile
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return UploadFile | None
    return list[UploadFile]


def _for_framework(hint: Any) -> Any:
    """Our own file class is none that a framework would take from a form: to FastAPI it would be a JSON body, in
    which a client could name any path of this machine."""
    if get_origin(hint) is Annotated:
        plain, *extras = get_args(hint)
        return Annotated[(_for_framework(plain), *extras)]
    if hint is UploadFile:
        return _framework_file()
    if UploadFile in get_args(hint):
        form: Any = _framework_file()
        return list[form] if get_origin(hint) is list else form | None
    return hint


def _framework_file() -> type[FormFile]:
    try:
        from fastapi import UploadFile as FastAPIFile
    except ImportError:
        return FormFile
    return FastAPIFile


@contextmanager
def reopened(shape: Shape, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The arguments as the function expects them: files as open files of the class that it asked for."""
    with ExitStack() as opened:

        def reopen(cls: type[FormFile], file: UploadFile) -> FormFile:
            content = opened.enter_context(file.path.open("rb"))
            return cls(
                content,
                size=file.size_bytes,
                filename=file.filename,
                headers=Headers({"content-type": file.media_type}),
            )

        given = dict(arguments)
        for name, cls in shape.files.items():
            value = given.get(name)
            if cls is None or value is None:
                continue
            given[name] = [reopen(cls, one) for one in value] if isinstance(value, list) else reopen(cls, value)
        yield given
