"""What schemathesis is told that a document cannot say."""

from __future__ import annotations

from itertools import count
from typing import Any

import schemathesis

_KEYS = count(1)


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """A batch is a text already."""
    return str(value).encode("utf-8", "replace")


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """What leaves no trace in an address is nothing wrong: a list or an object without members in place of a number or
    a text; and an empty text, which is how an empty list is written."""
    given = query or {}
    return given.get("status") != "" and not any(
        value == {} or (value == [] and name != "status") for name, value in given.items()
    )


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Each request is a new one: the same key with another body is refused with 422, and that is right."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and key:
        at = 1 if key.startswith('"') else 0
        number = f"{next(_KEYS)}."
        case.headers["Idempotency-Key"] = f"{key[:at]}{number}{key[at:]}" if len(key) < 200 else key
