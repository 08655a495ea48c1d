"""`@value`: a frozen dataclass that is cheap to make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """A dataclass with slots, frozen for the type checker only.

    `dataclass(frozen=True)` sets each field through `object.__setattr__`, which takes ten times as long (5 µs for a
    `JobRecord`), and every job makes a dozen of these on its way. Equal and hashed by its fields.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
