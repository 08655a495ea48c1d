"""Which limits a job comes under: from the policy of its task and the settings to the keys that a store compares.

A name of a task has no "/" and stands last in a key with an owner, so that no owner, whatever they are called, comes
under the limit of another: `owner:OWNER/TASK`, `active:OWNER/*`, and `active:task:TASK` without a slash.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from accepted.errors import ConfigurationError, InvalidInput
from accepted.job import Limit, Rate
from accepted.rates import rate
from accepted.settings import Settings
from accepted.value import value

if TYPE_CHECKING:
    from accepted.task import Policy

ALL: Final = "*"
KEY_MAX: Final = 200
"""Longest key of a job, in characters; of a longer one the beginning is kept, and a hash of it."""
_WHOLE_QUEUE: Final = f"active:{ALL}"
_OF_TASK: Final = "active:task:"
_COUNTS: Final = ("per_owner", "concurrency", "per_key", "active", "active_per_owner")
_RATES: Final = ("rate", "rate_per_owner", "rate_per_key", "submit_rate_per_owner")
_BY_KEY: Final = ("per_key", "rate_per_key")


@value
class Limits:
    """Those of one job, as `NewJob` has them."""

    slots: tuple[Limit, ...] = ()
    paces: tuple[Rate, ...] = ()
    quotas: tuple[Limit, ...] = ()
    admissions: tuple[Rate, ...] = ()


_NONE: Final = Limits()


class CommonLimits:
    """Those that count the jobs of all tasks together, by the settings. Raises ConfigurationError naming one."""

    def __init__(self, settings: Settings) -> None:
        for name in ("active_max", "owner_active_max"):
            if getattr(settings, name) < 0:
                raise ConfigurationError(f"{name}: expected a number ≥ 0 (0: no limit), got {getattr(settings, name)}")
        self._active: tuple[Limit, ...] = (Limit(_WHOLE_QUEUE, settings.active_max),) if settings.active_max else ()
        self._owner_active = settings.owner_active_max
        self._owner_rate = _rate("owner_submit_rate", settings.owner_submit_rate)
        self.any = bool(settings.active_max or settings.owner_active_max or settings.owner_submit_rate)

    def quotas(self, owner: str) -> tuple[Limit, ...]:
        if not self._owner_active:
            return self._active
        return (Limit(f"active:{owner}/{ALL}", self._owner_active), *self._active)

    def admissions(self, owner: str) -> tuple[Rate, ...]:
        return (replace(self._owner_rate, key=f"submit:{owner}/{ALL}"),) if self._owner_rate else ()


class TaskLimits:
    """Those of one task; what does not depend on the job is made once.

    Raises ConfigurationError when a limit makes no sense, or `key` is not made of the task's parameters.
    """

    def __init__(self, task: str, policy: Policy, parameters: Sequence[str]) -> None:
        self._task, self._policy = task, policy
        _check(task, policy)
        rates = {name: _rate(f"task {task!r}: {name}", getattr(policy, name)) for name in _RATES}
        self._rate_per_owner, self._rate_per_key = rates["rate_per_owner"], rates["rate_per_key"]
        self._submit_rate = rates["submit_rate_per_owner"]
        self._slots: tuple[Limit, ...] = (Limit(f"task:{task}", policy.concurrency),) if policy.concurrency else ()
        self._paces: tuple[Rate, ...] = (replace(rates["rate"], key=f"rate:task:{task}"),) if rates["rate"] else ()
        self._quotas: tuple[Limit, ...] = (Limit(_OF_TASK + task, policy.active),) if policy.active else ()
        self._none = not any(getattr(policy, name) for name in (*_COUNTS, *_RATES))
        self._key = _key_function(task, policy.key, parameters) if policy.key is not None else None

    def key(self, arguments: Mapping[str, Any]) -> str | None:
        """The text by which limits of a key count a job with these arguments; None: it comes under none of them.

        Raises InvalidInput when the function `key` raises ValueError: it could make nothing of the arguments.
        """
        return self._key(arguments) if self._key is not None else None

    def of(self, owner: str, key: str | None, common: CommonLimits) -> Limits:
        """The limits of a job."""
        if self._none and not common.any:
            return _NONE
        policy, mine, keyed = self._policy, f"{owner}/{self._task}", f"{self._task}/{key}"
        slots, paces, quotas, admissions = self._slots, self._paces, self._quotas, common.admissions(owner)
        if policy.per_owner:
            slots += (Limit(f"owner:{mine}", policy.per_owner),)
        if policy.per_key and key is not None:
            slots += (Limit(f"key:{keyed}", policy.per_key),)
        if self._rate_per_owner:
            paces += (replace(self._rate_per_owner, key=f"rate:owner:{mine}"),)
        if self._rate_per_key and key is not None:
            paces += (replace(self._rate_per_key, key=f"rate:key:{keyed}"),)
        if policy.active_per_owner:
            quotas += (Limit(f"active:{mine}", policy.active_per_owner),)
        if self._submit_rate:
            admissions += (replace(self._submit_rate, key=f"submit:{mine}"),)
        return Limits(slots, paces, quotas + common.quotas(owner), admissions)


def of_whole_queue(key: str) -> bool:
    """Whether this quota counts everybody's jobs, so that one who is refused has no part in it."""
    return key == _WHOLE_QUEUE or (key.startswith(_OF_TASK) and "/" not in key)


def _check(task: str, policy: Policy) -> None:
    for name in _COUNTS:
        count = getattr(policy, name)
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
            raise ConfigurationError(f"task {task!r}: {name}: expected a whole number ≥ 0 (0: no limit), got {count!r}")
    by_key = [name for name in _BY_KEY if getattr(policy, name)]
    if by_key and policy.key is None:
        raise ConfigurationError(f"task {task!r}: {by_key[0]}= needs key=: a parameter, or a function of parameters")
    if policy.key is not None and not by_key:
        raise ConfigurationError(f"task {task!r}: key= does nothing alone; add {' or '.join(f'{n}=' for n in _BY_KEY)}")


def _rate(name: str, text: str) -> Rate | None:
    if not text:
        return None
    try:
        return rate(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _key_function(
    task: str, key: str | Callable[..., Any], parameters: Sequence[str]
) -> Callable[[Mapping[str, Any]], str | None]:
    """From a job's arguments to its key. Raises ConfigurationError for what is no parameter of the task."""
    if isinstance(key, str):
        _known(task, [key], parameters)
        return lambda arguments: _text(arguments[key])
    names = _names(task, key)
    _known(task, names, parameters)

    def made(arguments: Mapping[str, Any]) -> str | None:
        try:
            return _text(key(**{name: arguments[name] for name in names}))
        except ValueError as error:
            pointer = f"#/{names[0]}" if names else "#"
            raise InvalidInput([{"detail": f"no key for its limits: {error}", "pointer": pointer}]) from error

    return made


def _names(task: str, key: Callable[..., Any]) -> list[str]:
    try:
        taken = [*inspect.signature(key).parameters.values()]
    except (TypeError, ValueError):
        taken = []
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if not taken or any(one.kind not in by_name for one in taken):
        raise ConfigurationError(
            f"task {task!r}: key: expected the name of a parameter, or a function of parameters by name, such as "
            "key=lambda url: urlsplit(url).hostname"
        )
    return [one.name for one in taken]


def _known(task: str, names: Sequence[str], parameters: Sequence[str]) -> None:
    for name in names:
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise ConfigurationError(
                f"task {task!r}: key: there is no parameter {name!r} to make a key of; known: {known}"
            )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    # What callers send may hold what no store can: half of a surrogate pair, a NUL.
    kept = text.encode(errors="replace").decode().replace("\0", "?")
    if kept == text and len(text) <= KEY_MAX:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{kept[: KEY_MAX - 33]}~{digest}"
