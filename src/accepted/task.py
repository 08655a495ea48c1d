"""A task: a registered function, the schema of its parameters, and the policy for its jobs."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import pydantic
import pydantic_core

from accepted.context import BaseJob
from accepted.errors import ConfigurationError, Fail, InvalidInput
from accepted.files import STORED, UploadFile
from accepted.handle import JobHandle
from accepted.job import IdempotencyKey, NewJob
from accepted.limits import CommonLimits, TaskLimits
from accepted.redaction import Redactor
from accepted.secret import KEPT, UNREADABLE, Opening, Sealing, Vault, holds_secrets, require_cryptography

P = ParamSpec("P")
R = TypeVar("R")

Isolation = Literal["", "process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a task's jobs are run. Durations are seconds, rates text (`rates.py`); None, 0 and "": no limit."""

    retries: int = 0
    """Further attempts after one that raised or timed out. A worker's death is not counted here."""
    backoff: float = 1.0
    """Before the first retry; doubled for each further one, then spread by ± a quarter."""
    backoff_max: float = 300.0
    timeout: float | None = None
    """Per attempt."""
    deadline: float | None = None
    """For the whole job, waiting and every attempt included."""
    concurrency: int = 0
    """Jobs of this task that run at once, over all workers."""
    per_owner: int = 0
    """Jobs of this task that one owner has running at once."""
    key: str | Callable[..., Any] | None = None
    """What `per_key` and `rate_per_key` count by: the name of a parameter, or a function of some of the parameters
    by name. Its text is made when the job is submitted; None: no limit by key."""
    per_key: int = 0
    """Jobs of this task with one key that run at once."""
    rate: str = ""
    """Starts of this task's jobs in any period, such as "100/s"; the others wait."""
    rate_per_owner: str = ""
    rate_per_key: str = ""
    active: int = 0
    """Jobs of this task that may be pending and running; one more is refused (503)."""
    active_per_owner: int = 0
    """Jobs of this task that one owner may have pending and running; one more is refused (429)."""
    submit_rate_per_owner: str = ""
    """Jobs of this task that one owner may submit in any period; one more is refused (429)."""
    isolation: Isolation = ""
    """"process": a process of its own, which can be killed and limited."""
    memory: int | None = None
    """Bytes of address space, with isolation="process"."""
    queue: str = "default"
    priority: int = 0
    retention: float | None = None
    """How long a finished job is kept; None: the setting."""

    def retry_delay(self, failures: int) -> float:
        """Seconds to wait after `failures` failed attempts: exponential, with jitter so that jobs that failed
        together do not return together."""
        base = min(self.backoff * 2.0 ** min(failures - 1, 60), self.backoff_max)
        return base * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a submission says beyond the arguments."""

    owner: str = "local"
    priority: int | None = None
    delay: float = 0.0
    """Seconds before it may start."""
    cancel_after: float | None = None
    """Seconds the job may live; then it is cancelled."""
    idempotency_key: str | IdempotencyKey | None = None
    """A plain key is scoped to owner and task, and compares the arguments."""


class Submitter(Protocol):
    """What a task needs of `Jobs`."""

    async def submit_jobs(self, task: Task[..., Any], items: list[tuple[dict[str, Any], Options]]) -> list[Any]: ...


_RESERVED: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Task(Generic[P, R]):
    """Made by `@jobs.task`. Calling it calls the function, as if it had never been decorated.

    Raises ConfigurationError when the function cannot be a task: *args or **kwargs, a parameter or result
    whose type JSON cannot hold, a limit that makes no sense.
    """

    def __init__(
        self,
        function: Callable[P, Any],
        *,
        name: str,
        policy: Policy,
        submitter: Submitter | None,
        options: Options = Options(),
    ) -> None:
        self.function = function
        self.name = name
        self.policy = policy
        self.options = options
        self.is_coroutine = inspect.iscoroutinefunction(function)
        self.description = inspect.getdoc(function) or ""
        self._submitter = submitter
        if "/" in name:
            raise ConfigurationError(
                f"task {name!r}: its name is a part of URLs and of limits' keys; write it without /"
            )
        if policy.memory and policy.isolation != "process":
            raise ConfigurationError(f"task {name!r}: memory= needs isolation='process'")
        if policy.isolation == "process" and "<" in function.__qualname__:  # <locals>, <lambda>
            raise ConfigurationError(
                f"task {name!r}: with isolation='process' its function must stand at the top of a module"
            )
        self.vault: Vault | None = None
        """What encrypts its secrets; whoever registers a task that has some sets it."""
        self._read_signature()
        keyable = [one for one in self.parameters if one not in self.files and one not in self.secrets]
        self._limits = TaskLimits(name, policy, keyable)

    def _read_signature(self) -> None:
        try:
            hints = get_type_hints(self.function, include_extras=True)
        except NameError as error:
            raise ConfigurationError(f"task {self.name!r}: {error}; define the type before the task") from error
        self.job_parameter: str | None = None
        self.files: dict[str, bool] = {}
        """File parameters; True for those that take several."""
        self.positional_only: list[str] = []
        self._positional: list[str] = []
        members: list[tuple[str, Any, Any]] = []
        for parameter in inspect.signature(self.function).parameters.values():
            hint = hints.get(parameter.name, Any)
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                self.positional_only.append(parameter.name)
            if _is_job(hint):
                self.job_parameter = parameter.name
                continue
            if parameter.kind in _RESERVED:
                raise ConfigurationError(
                    f"task {self.name!r}: name its parameters instead of *{parameter.name}: a job stores them by name"
                )
            many = _file_kind(hint)
            if many is not None:
                self.files[parameter.name] = many
            elif _holds_files(hint, set()):
                raise ConfigurationError(
                    f"task {self.name!r}: {parameter.name}: a file is UploadFile or list[UploadFile], "
                    "optional or not, and a parameter of its own"
                )
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                self._positional.append(parameter.name)
            members.append((parameter.name, hint, _default(parameter)))
        self.parameters: tuple[str, ...] = tuple(name for name, _, _ in members)
        holder = dataclasses.make_dataclass(f"{self.name}_arguments", members, kw_only=True)
        holder.__pydantic_config__ = pydantic.ConfigDict(extra="forbid")  # type: ignore[attr-defined]
        self._holder = holder
        try:
            self._arguments: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(holder)
            self._result: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(hints.get("return", Any))
        except pydantic.errors.PydanticSchemaGenerationError as error:
            raise ConfigurationError(
                f"task {self.name!r}: {error.message.splitlines()[0]}; use types that JSON can hold"
            ) from error
        self.secrets = self._find_secrets(members)
        """Parameters that are a Secret or have one in them."""

    def _find_secrets(self, members: list[tuple[str, Any, Any]]) -> frozenset[str]:
        if holds_secrets(self._result.core_schema):
            raise ConfigurationError(
                f"task {self.name!r}: its result holds a Secret, and whoever may see the job can read a result"
            )
        if not holds_secrets(self._arguments.core_schema):
            return frozenset()
        require_cryptography(f"task {self.name!r}")
        return frozenset(name for name, hint, _ in members if holds_secrets(pydantic.TypeAdapter(hint).core_schema))

    # ── arguments and results as JSON ──

    def validate_json(self, body: bytes) -> dict[str, Any]:
        """Arguments from a JSON object that somebody sent. Raises InvalidInput naming the field."""
        return self._loaded(body or b"{}")

    def load_arguments(self, body: bytes) -> dict[str, Any]:
        """Arguments as they were stored, without secrets. Raises InvalidInput naming the field."""
        return self._loaded(body, context=STORED, by_name=True)

    def open_arguments(self, body: bytes, *, owner: str, job_id: str) -> tuple[dict[str, Any], Redactor]:
        """Arguments of a task with secrets as they were stored, and what keeps those secrets out of reports.

        Raises InvalidInput naming the field; Fail naming a secret that cannot be decrypted.
        """
        opening = Opening(self._used_vault, (self.name, owner))
        values = self._loaded(body, context=opening, by_name=True)
        return values, Redactor(opening.found, salt=opening.vault.digest(job_id.encode()))

    @property
    def _used_vault(self) -> Vault:
        if self.vault is None:
            raise ConfigurationError(f"task {self.name!r} has secrets; register it with @jobs.task to submit or run it")
        return self.vault

    def _loaded(self, body: bytes, **how: Any) -> dict[str, Any]:
        try:
            values: dict[str, Any] = vars(self._arguments.validator.validate_json(body, **how))
        except pydantic.ValidationError as error:
            _check_readable(error)
            raise InvalidInput(_problems(error)) from None
        return values

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments from Python values by name. Raises InvalidInput naming the field."""
        try:
            values: dict[str, Any] = vars(self._arguments.validator.validate_python(dict(arguments)))
            return values
        except pydantic.ValidationError as error:
            raise InvalidInput(_problems(error)) from None

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by name, as Python would bind them. Raises TypeError, InvalidInput."""
        if len(args) > len(self._positional):
            raise TypeError(f"{self.name}() takes {len(self._positional)} positional arguments, got {len(args)}")
        named = dict(zip(self._positional, args, strict=False))
        twice = named.keys() & kwargs.keys()
        if twice:
            raise TypeError(f"{self.name}() got two values for {min(twice)!r}")
        return self.validate({**named, **kwargs})

    def dump_arguments(self, values: Mapping[str, Any], owner: str = "local") -> bytes:
        """The JSON object that is stored. `values` came from `validate…`, files already hold their blob; secrets are
        encrypted, to be opened for this owner."""
        if not values:
            return b"{}"
        holder: Any = object.__new__(self._holder)
        holder.__dict__.update(values)
        sealing = Sealing(self._used_vault, (self.name, owner)) if self.secrets else None
        return self._arguments.serializer.to_json(holder, warnings=False, context=sealing)

    def dump_result(self, value: Any) -> bytes:
        """The JSON of a result. Raises TypeError naming the type that JSON cannot hold."""
        if value is None:
            return b"null"
        try:
            return self._result.serializer.to_json(value, warnings=False, by_alias=True, context=KEPT)
        except (pydantic_core.PydanticSerializationError, ValueError) as error:
            raise TypeError(f"the result of {self.name!r} cannot be stored as JSON: {error}") from error

    def load_result(self, raw: bytes) -> R:
        """A result as the function's return type."""
        return self._result.validator.validate_json(raw, by_alias=True, by_name=True)  # type: ignore[no-any-return]

    def schemas(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """JSON Schemas (2020-12) of the arguments and the result."""
        arguments = self._arguments.json_schema()
        arguments.pop("description", None)
        arguments["title"] = self.name
        try:
            result = self._result.json_schema(mode="serialization")
        except pydantic.errors.PydanticInvalidForJsonSchema:
            result = {}
        return arguments, result

    # ── submitting ──

    def with_options(
        self,
        *,
        owner: str | None = None,
        priority: int | None = None,
        delay: float | None = None,
        cancel_after: float | None = None,
        idempotency_key: str | IdempotencyKey | None = None,
    ) -> Task[P, R]:
        """The same task for submissions with these options; durations in seconds.

        `audit.with_options(owner="ann", delay=60).submit("owner/repo")`
        """
        given: dict[str, Any] = {
            "owner": owner,
            "priority": priority,
            "delay": delay,
            "cancel_after": cancel_after,
            "idempotency_key": idempotency_key,
        }
        given = {name: value for name, value in given.items() if value is not None}
        twin = copy.copy(self)
        twin.options = replace(self.options, **given)
        return twin

    async def _submit(self, items: list[tuple[dict[str, Any], Options]]) -> list[Any]:
        if self._submitter is None:
            raise ConfigurationError(f"task {self.name!r} cannot submit from inside its own process")
        return await self._submitter.submit_jobs(self, items)

    async def submit(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Store a job; durable when this returns. Raises InvalidInput, LimitReached, QueueFull, StoreError."""
        handles = await self._submit([(self.bind(args, kwargs), self.options)])
        handle: JobHandle[R] | Exception = handles[0]
        if isinstance(handle, Exception):
            raise handle
        return handle

    async def submit_many(self, calls: Iterable[Mapping[str, Any] | tuple[Any, ...]]) -> list[JobHandle[R]]:
        """Store many jobs in one transaction: a mapping of names, or a tuple of positional arguments, each.

        Raises InvalidInput before anything is stored; the first LimitReached or QueueFull of an item after the
        others were.
        """
        bound = [self.bind((), call) if isinstance(call, Mapping) else self.bind(tuple(call), {}) for call in calls]
        made = await self._submit([(arguments, self.options) for arguments in bound])
        for item in made:
            if isinstance(item, Exception):
                raise item
        return made

    def limit_key(self, arguments: Mapping[str, Any]) -> str | None:
        """What `policy.key` makes of validated arguments; None: no limit by key. Raises InvalidInput."""
        return self._limits.key(arguments)

    def new_job(
        self,
        arguments: bytes,
        options: Options,
        *,
        job_id: str,
        now: float,
        retention: float,
        idempotency: IdempotencyKey | None,
        key: str | None,
        common: CommonLimits,
    ) -> NewJob:
        """The job that a store is given; limits become keys and durations points in time here. `key` is what
        `limit_key` made."""
        policy, owner = self.policy, options.owner
        limits = self._limits.of(owner, key, common)
        deadline, cancels = policy.deadline, False
        if options.cancel_after is not None and (deadline is None or options.cancel_after < deadline):
            deadline, cancels = options.cancel_after, True
        return NewJob(
            id=job_id,
            task=self.name,
            args=arguments,
            owner=owner,
            queue=policy.queue,
            priority=policy.priority if options.priority is None else options.priority,
            scheduled_at=now + options.delay if options.delay else None,
            max_retries=policy.retries,
            deadline_at=now + deadline if deadline is not None else None,
            deadline_cancels=cancels,
            retention=retention if policy.retention is None else policy.retention,
            slots=limits.slots,
            paces=limits.paces,
            quotas=limits.quotas,
            admissions=limits.admissions,
            idempotency=idempotency,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Task({self.name!r})"


def _default(parameter: inspect.Parameter) -> Any:
    if parameter.default is inspect.Parameter.empty:
        return dataclasses.field()
    if isinstance(parameter.default, str | int | float | NoneType):  # nothing that a job could change
        return dataclasses.field(default=parameter.default)
    return dataclasses.field(default_factory=lambda: copy.deepcopy(parameter.default))


def _is_job(hint: Any) -> bool:
    return any(isinstance(arm, type) and issubclass(arm, BaseJob) for arm in get_args(hint) or (hint,))


def _file_kind(hint: Any) -> bool | None:
    """None: no file parameter; False: one file; True: a list of files."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        arms = [arm for arm in get_args(hint) if arm is not NoneType]
        return _file_kind(arms[0]) if len(arms) == 1 else None
    if hint is UploadFile:
        return False
    return True if get_origin(hint) is list and get_args(hint) == (UploadFile,) else None


def _holds_files(hint: Any, seen: set[Any]) -> bool:
    """A file somewhere inside, where nobody would copy it."""
    if hint is UploadFile:
        return True
    if isinstance(hint, type) and hint not in seen:
        seen.add(hint)
        members = getattr(hint, "model_fields", None) or getattr(hint, "__dataclass_fields__", {})
        if any(_holds_files(getattr(one, "annotation", getattr(one, "type", None)), seen) for one in members.values()):
            return True
    return any(_holds_files(arm, seen) for arm in get_args(hint))


def _problems(error: pydantic.ValidationError) -> list[dict[str, str]]:
    """One {detail, pointer} an error; never the input itself, which may be a secret."""
    return [
        {
            "detail": one["msg"],
            "pointer": "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in one["loc"]),
        }
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _check_readable(error: pydantic.ValidationError) -> None:
    """Raises Fail for a stored secret that cannot be decrypted: another attempt could not either."""
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        if one["type"] == UNREADABLE:
            raise Fail(
                f"{'.'.join(map(str, one['loc']))}: this secret cannot be decrypted; start the worker with the "
                "secret_key (or the key file beside the database) that the job was submitted with",
                code="secret-unreadable",
            ) from None


def fingerprint(*parts: bytes) -> str:
    """A hash to compare request bodies by; SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
