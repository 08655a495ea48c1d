"""What a request's headers ask for: `Prefer`, `Accept`, conditions, keys. Pure functions of text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accepted.errors import BadRequest, ConfigurationError
from accepted.settings import seconds

_PREFERENCE: Final = re.compile(
    r"""[\s,]* (?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+) \s*
        (?:= \s* (?: "(?P<quoted>(?:[^"\\]|\\.)*)" | (?P<word>[^\s,;"]*) ) )? \s*
        (?: ; [^,"]* (?:"(?:[^"\\]|\\.)*"[^,"]*)* )? (?=,|$)""",
    re.VERBOSE,
)
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_KEY: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"\s*(?:;.*)?')
_BARE_KEY: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
KEY_MAX: Final = 255
"""Longest Idempotency-Key, in characters."""
_LONGEST: Final = 366 * 86400.0
"""Longest delay or Cancel-After, in seconds."""


@dataclass(frozen=True, slots=True)
class Prefer:
    """RFC 7240. `wait` in seconds, as the client gave it; None: it did not say."""

    respond_async: bool = False
    wait: int | None = None

    def applied(self, wait: float | None) -> str | None:
        """The `Preference-Applied` of an answer that honoured `wait` (already capped); None: nothing to say."""
        words = ["respond-async"] if self.respond_async else []
        if self.wait is not None and wait is not None:
            words.append(f"wait={wait:.0f}")
        return ", ".join(words) or None


_NOTHING: Final = Prefer()


def parse_prefer(values: Iterable[str]) -> Prefer:
    """From the request's `Prefer` fields. What is unknown or out of form is ignored, as the RFC asks; of a
    preference that comes twice the first counts."""
    text = ",".join(values)
    if not text:
        return _NOTHING
    respond_async, wait, at = False, None, 0
    while found := _PREFERENCE.match(text, at):
        at = found.end()
        name = found["name"].lower()
        if name == "respond-async":
            respond_async = True
        elif name == "wait" and wait is None:
            value = found["word"] or found["quoted"] or ""
            # More digits than these are more seconds than anybody lives.
            wait = int(value) if value.isdecimal() and value.isascii() and len(value) < 12 else None
    return Prefer(respond_async, wait)


def parse_duration(header: str, value: str | None) -> float | None:
    """Seconds from a header such as `Cancel-After: 90s`. Raises BadRequest."""
    if value is None:
        return None
    try:
        found = seconds(value.strip())
    except ConfigurationError as error:
        raise BadRequest(f"{header}: {error}") from None
    if found > _LONGEST:
        raise BadRequest(f"{header}: expected at most {_LONGEST:.0f} seconds, got {value!r}")
    return found


def parse_priority(value: str | None) -> int | None:
    """From `Accepted-Priority`, −1000 … 1000. Raises BadRequest."""
    if value is None:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,4}", value.strip(), re.ASCII) or abs(int(value)) > 1000:
        raise BadRequest(f"Accepted-Priority: expected a whole number from -1000 to 1000, got {value!r}")
    return int(value)


def parse_number(name: str, value: str | None, default: int, *, at_least: int, at_most: int) -> int:
    """A whole number of the query. Raises BadRequest."""
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and at_least <= int(value) <= at_most):
        raise BadRequest(f"{name}: expected a whole number from {at_least} to {at_most}, got {value!r}")
    return int(value)


def parse_key(value: str | None) -> str | None:
    """From `Idempotency-Key`: a structured-header string, or the same without its quotes. Raises BadRequest."""
    if value is None:
        return None
    value = value.strip()
    quoted = _KEY.fullmatch(value)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    if not (quoted or _BARE_KEY.fullmatch(value)) or not 1 <= len(key) <= KEY_MAX:
        raise BadRequest(f"Idempotency-Key: expected a text of 1 to {KEY_MAX} printable ASCII characters in quotes")
    return key


def tag_matches(condition: str | None, tag: str) -> bool:
    """Whether `If-None-Match` names this entity tag; weak comparison (RFC 9110 §8.8.3.2)."""
    if condition is None:
        return False
    if condition.strip() == "*":
        return True
    opaque = tag.removeprefix("W/")
    return condition == tag or any(found[1] == opaque for found in _TAG.finditer(condition))


def prefers_stream(accept: str | None) -> bool:
    """Whether the client asks for Server-Sent Events rather than for a page of JSON."""
    if accept is None or "text/event-stream" not in accept.lower():
        return False
    weights = dict(_weights(accept))
    stream = weights.get("text/event-stream", 0.0)
    return stream > 0 and stream >= weights.get("application/json", 0.0)


def _weights(accept: str) -> Iterable[tuple[str, float]]:
    for part in accept.lower().split(","):
        media_type, *parameters = (one.strip() for one in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        yield media_type, weight


def media_type(content_type: str | None) -> str:
    """The bare media type of a Content-Type, in lower case; "" when there is none."""
    return (content_type or "").partition(";")[0].strip().lower()
