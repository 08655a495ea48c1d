"""What the parts of an audit hand to each other. `shapes.py` says how it looks in JSON."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

ANY = "ANY"
"""The method of a route that takes every method."""

Framework = Literal[
    "FastAPI",
    "Starlette",
    "Flask",
    "Django",
    "Django REST framework",
    "Django Ninja",
    "Express",
    "NestJS",
    "Spring",
    "Gin",
    "Echo",
    "Rails",
    "OpenAPI",
]
Risk = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
Severity = Literal["low", "medium", "high"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Route(_Model):
    """One method and path that the code declares, and the function that answers.

    method: GET, POST … in capitals, one route for each; `ANY` where every method is taken.
    path: begins with a slash, ends as declared; `{name}` is one segment or a part of one, `{name*}` any number of them.
    file: of the handler, from the repository's root, with slashes; line, end_line: of the handler from its first
    decorator to its last line, from 1. declared_file, declared_line: where the path stands, if not there.
    function: as one would find it (`list_users`, `UserViewSet.list`); empty for one without a name.
    snippet: the handler's source from `line` on, cut where it is long.
    complexity, risk: filled in by `audit.analysis`; None until then.
    source: `openapi` where only an OpenAPI file names the route; then file and line are that file's.
    unresolved: for each part of the path that the code does not tell, one sentence; the path then lacks it.
    notes: what else a reader should know: a feature that the route depends on, a format suffix …
    """

    method: str
    path: str
    file: str
    line: int
    end_line: int
    function: str = ""
    framework: Framework
    language: str = ""
    snippet: str = ""
    declared_file: str = ""
    declared_line: int = 0
    complexity: int | None = None
    risk: Risk | None = None
    source: Literal["code", "openapi"] = "code"
    unresolved: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


_NUMBER = re.compile(r"([-+]?(?:\d+(?:[.,_'\s]\d+)*|[.,]\d+))((?:[eE][-+]?\d+)?)(.*)", re.DOTALL)
_SECONDS = {"s", "sec", "secs", "second", "seconds"}


def _number(value: Any) -> Any:
    """Load tools' reports say "2,500 ms", "15%", "N/A"; pydantic judges what this leaves."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in {"", "-", "n/a", "na", "nan", "none", "null"}:
        return None
    written = _NUMBER.fullmatch(text)
    if written is None or written[3].strip().lower() in _SECONDS:
        raise PydanticCustomError(
            "number", "expected a number such as 2500, times in milliseconds, got '{got}'", {"got": text[:100]}
        )
    return _without_separators(re.sub(r"[_'\s]", "", written[1])) + written[2]


def _without_separators(digits: str) -> str:
    """With a point before the decimals: of commas and points the last kind, where it stands once; "2,500" has none."""
    if "," not in digits:
        return digits
    last = max(",.", key=digits.rfind)
    decimal = digits.count(last) == 1 and not (last == "," and re.fullmatch(r"[-+]?\d{1,3},\d{3}", digits))
    whole, _, rest = digits.rpartition(last) if decimal else (digits, "", "")
    return re.sub(r"[.,]", "", whole) + (f".{rest}" if decimal else "")


Metric = Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None, BeforeValidator(_number)]
"""A measured number; None is unknown, and is not zero."""


class WorstApi(BaseModel):
    """One slow or failing endpoint, as a load test or a monitoring tool names it. Other fields are let through.

    endpoint: a path, a URL, "GET /users/42", or the name that a load tool gave. method: where it is known apart.
    avg_response_time_ms, percentile_95_latency_ms in milliseconds; error_rate_percent 0–100; throughput_rps a second.
    """

    model_config = ConfigDict(extra="allow", populate_by_name=True, str_strip_whitespace=True)

    endpoint: str = Field(
        min_length=1,
        max_length=4096,
        validation_alias=AliasChoices("endpoint", "api_endpoint", "api", "url", "path", "name", "label"),
    )
    method: str | None = Field(
        default=None, max_length=32, validation_alias=AliasChoices("method", "http_method", "verb")
    )
    avg_response_time_ms: Metric = Field(
        default=None,
        validation_alias=AliasChoices(
            "avg_response_time_ms", "average_response_time_ms", "avg_response_time", "average_response_time", "avg_ms"
        ),
    )
    error_rate_percent: Metric = Field(
        default=None, validation_alias=AliasChoices("error_rate_percent", "error_rate", "errors_percent")
    )
    throughput_rps: Metric = Field(
        default=None, validation_alias=AliasChoices("throughput_rps", "throughput", "requests_per_second", "rps")
    )
    percentile_95_latency_ms: Metric = Field(
        default=None,
        validation_alias=AliasChoices("percentile_95_latency_ms", "p95_latency_ms", "p95_ms", "p95", "percentile_95"),
    )


class Finding(_Model):
    """Something in a handler, or in what it calls, that costs time.

    rule: its stable slug (docs/audit.md lists them). excerpt: the lines from `line` to `end_line`.
    why: what makes it slow, in a sentence or two. gain: what is to be expected, as a range and with its basis.
    """

    rule: str
    title: str
    severity: Severity
    file: str
    line: int
    end_line: int
    excerpt: str
    why: str
    gain: str


class Suggestion(_Model):
    """A change of code. rule: of the finding it answers; empty where a language model suggests by itself.

    current_code: lines of the repository as they are, from `line` of `file` on. improved_code parses in its language.
    """

    title: str
    issue: str
    description: str
    explanation: str
    current_code: str
    improved_code: str
    expected_improvement: str
    summary: str
    priority: Severity
    rule: str = ""
    file: str = ""
    line: int = 0


class Candidate(_Model):
    """A route that an endpoint may mean. confidence: 0–1. notes: what does not fit, a sentence each."""

    route: Route
    confidence: float = Field(ge=0, le=1)
    notes: list[str] = Field(default_factory=list)


class Match(_Model):
    """An endpoint and the route that answers it.

    best: None where nothing is likely enough; then `reason` says why, and `nearest` is what came closest.
    kind: `exact` where method and path fit whole, `partial` where `best.notes` say what does not, else `none`.
    runner_up: the next likely route, if any.
    """

    api: WorstApi
    kind: Literal["exact", "partial", "none"]
    best: Candidate | None = None
    runner_up: Candidate | None = None
    nearest: Candidate | None = None
    reason: str = ""
