"""The type of `@jobs.task`: how a function's signature becomes that of `submit`.

Type checkers can take a *first* parameter off a signature (`Concatenate`), not a keyword-only one. So:

* no job parameter, or the job first: `submit` has exactly the function's other parameters;
* `*, job: Job`: the result is typed, the arguments are checked when they are submitted, not by the type
  checker. A checker has to see that a function takes `job=`, which it does by calling it with 0, 1, 2 …
  positional arguments: hence the numbered protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from accepted.context import Job, SyncJob
from accepted.task import Isolation, Task

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Duration = float | str
"""Seconds, or text such as "90s", "15m", "1h30m"."""


class _Takes0(Protocol[R_co]):
    def __call__(self, *, job: Any) -> R_co: ...


class _Takes1(Protocol[R_co]):
    def __call__(self, _0: Any, /, *, job: Any) -> R_co: ...


class _Takes2(Protocol[R_co]):
    def __call__(self, _0: Any, _1: Any, /, *, job: Any) -> R_co: ...


class _Takes3(Protocol[R_co]):
    def __call__(self, _0: Any, _1: Any, _2: Any, /, *, job: Any) -> R_co: ...


class _Takes4(Protocol[R_co]):
    def __call__(self, _0: Any, _1: Any, _2: Any, _3: Any, /, *, job: Any) -> R_co: ...


class Decorator(Protocol):
    """`@jobs.task` and `@jobs.task(retries=3, …)`."""

    @overload
    def __call__(self, function: Callable[Concatenate[Job, P], Coroutine[Any, Any, R]], /) -> Task[P, R]: ...

    @overload
    def __call__(self, function: Callable[Concatenate[SyncJob, P], R], /) -> Task[P, R]: ...

    @overload
    def __call__(self, function: _Takes0[Coroutine[Any, Any, R]], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes1[Coroutine[Any, Any, R]], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes2[Coroutine[Any, Any, R]], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes3[Coroutine[Any, Any, R]], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes4[Coroutine[Any, Any, R]], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes0[R], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes1[R], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes2[R], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes3[R], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: _Takes4[R], /) -> Task[..., R]: ...

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...

    @overload
    def __call__(
        self,
        *,
        name: str = ...,
        retries: int = ...,
        backoff: Duration = ...,
        backoff_max: Duration = ...,
        timeout: Duration | None = ...,
        deadline: Duration | None = ...,
        concurrency: int = ...,
        per_owner: int = ...,
        key: str | Callable[..., Any] = ...,
        per_key: int = ...,
        rate: str = ...,
        rate_per_owner: str = ...,
        rate_per_key: str = ...,
        active: int = ...,
        active_per_owner: int = ...,
        submit_rate_per_owner: str = ...,
        isolation: Isolation = ...,
        memory: int | str | None = ...,
        queue: str = ...,
        priority: int = ...,
        retention: Duration | None = ...,
    ) -> Decorator:
        """Keywords are the fields of `Policy`; durations and sizes may be text."""
