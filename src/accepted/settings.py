"""Settings: one frozen object, built once, passed by argument. The only module that reads the environment.

A value comes from, in this order: an argument, the environment (`ACCEPTED_` and the name in capitals), the
TOML file named by `ACCEPTED_CONFIG` (or `--config`), the default. Durations are seconds, or text such as
"250ms", "15m", "7d"; sizes are bytes, or text such as "64KB", "1.5GB" (powers of 1024).

An application reads its own settings the same way: a frozen dataclass with `setting(...)` fields and
`load(MySettings, section="mine")`, whose variables are `ACCEPTED_MINE_…` and whose table is `[mine]`.
"""

from __future__ import annotations

import os
import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from accepted.errors import ConfigurationError

T = TypeVar("T")

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)\s*")


def seconds(value: float | str) -> float:
    """Seconds from a number, or from text such as "90", "250ms", "1h30m". Raises ConfigurationError."""
    if isinstance(value, int | float):
        return float(value)
    total, at = 0.0, 0
    while at < len(value):
        found = _AMOUNT.match(value, at)
        unit = (found.group(2) or "s").lower() if found else ""
        if found is None or unit not in _SECONDS:
            raise ConfigurationError(f'expected a duration such as 30, "90s", "15m" or "1h30m", got {value!r}')
        total += float(found.group(1)) * _SECONDS[unit]
        at = found.end()
    if at == 0:
        raise ConfigurationError('expected a duration such as 30, "90s" or "15m", got an empty text')
    return total


def size(value: int | str) -> int:
    """Bytes from a number, or from text such as "64KB", "1.5GB". Raises ConfigurationError."""
    if isinstance(value, int):
        return value
    found = _AMOUNT.fullmatch(value)
    unit = (found.group(2) or "b").lower() if found else ""
    if found is None or unit not in _BYTES:
        raise ConfigurationError(f'expected a size such as 65536, "64KB" or "1GB", got {value!r}')
    return int(float(found.group(1)) * _BYTES[unit])


Unit = Literal["", "seconds", "bytes", "milliseconds", "percent", "US dollars"]


def setting(default: Any, doc: str, *, unit: Unit = "", secret: bool = False) -> Any:
    """A field of a settings class. `secret` keeps its value out of every printout."""
    made = {"default": default} if not callable(default) else {"default_factory": default}
    return field(**made, repr=not secret, metadata={"doc": doc, "unit": unit, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the library behaves. Every field: docs/settings.md (a test holds that page against this class)."""

    # ── where things are ──
    data: Path = setting(Path("data"), "Folder of the default database, its blobs and uploads.")
    database: str = setting("", "Store URL, such as sqlite:///jobs.db; empty: sqlite in `data`.")
    blobs: Path | None = setting(None, "Folder of large results, artifacts and uploads; empty: beside the database.")

    # ── working ──
    worker: bool = setting(True, "Whether a process that serves also runs jobs.")
    concurrency: int = setting(20, "Jobs that one worker runs at once.")
    process_concurrency: int = setting(
        lambda: max(2, os.cpu_count() or 2), "Jobs with isolation='process' that one worker runs at once."
    )
    queues: tuple[str, ...] = setting(("default",), "Queues that a worker takes jobs from.")
    lease: float = setting(15.0, "How long a worker that falls silent keeps its jobs.", unit="seconds")
    cancel_grace: float = setting(5.0, "Time a cancelled attempt has to stop before it is made to.", unit="seconds")
    drain: float = setting(
        20.0, "Time running jobs have to finish when a worker stops; then they are given back.", unit="seconds"
    )
    poll: float = setting(5.0, "Safety net: how often an idle worker looks though nothing woke it.", unit="seconds")
    upkeep: float = setting(0.5, "How often lost, overdue and expired jobs are looked for.", unit="seconds")
    max_losses: int = setting(
        5, "Attempts in a row that may die with their worker, no step finished, before the job fails."
    )

    # ── reporting ──
    progress_interval: float = setting(0.2, "A job's progress is written at most this often.", unit="seconds")
    max_events: int = setting(10_000, "Events kept per job; the oldest progress and log entries go first.")

    # ── keeping ──
    retention: float = setting(7 * 86400.0, "How long a finished job is kept.", unit="seconds")
    tombstones: float = setting(30 * 86400.0, "How long a removed job answers 410 instead of 404.", unit="seconds")
    idempotency: float = setting(86400.0, "How long an Idempotency-Key is remembered.", unit="seconds")
    result_inline: int = setting(64 * 1024, "Results up to this size are kept in the job's row.", unit="bytes")
    result_max: int = setting(256 * 1024**2, "A larger result fails the job.", unit="bytes")
    artifact_max: int = setting(1024**3, "Largest artifact.", unit="bytes")

    # ── HTTP ──
    wait_max: float = setting(60.0, "Longest `Prefer: wait` that is honoured.", unit="seconds")
    body_max: int = setting(1024**2, "Largest JSON body.", unit="bytes")
    upload_max: int = setting(100 * 1024**2, "Largest multipart request, all files together.", unit="bytes")
    upload_files_max: int = setting(20, "Most files in one multipart request.")
    page_max: int = setting(200, "Most jobs in one page of a listing.")
    batch_max: int = setting(10_000, "Most jobs in one batch.")
    batch_body_max: int = setting(64 * 1024**2, "Largest body of a batch.", unit="bytes")
    active_max: int = setting(
        0, "Most jobs that may be pending and running in the whole store; one more is refused with 503; 0: no limit."
    )
    owner_active_max: int = setting(0, "Most jobs an owner may have pending and running; 0: no limit.")
    owner_submit_rate: str = setting(
        "", "Jobs that an owner may submit, such as '600/m'; one more is refused with 429; empty: no limit."
    )
    keep_alive: float = setting(15.0, "A comment is sent on an idle event stream this often.", unit="seconds")
    reconnect: int = setting(
        2000, "What event streams tell a client to wait before it reconnects.", unit="milliseconds"
    )
    watchers_max: int = setting(10_000, "Most event streams and sockets in one process.")
    owner_watchers_max: int = setting(200, "Most event streams and sockets of one owner in one process.")
    subscriptions_max: int = setting(100, "Most jobs that one stream or socket follows.")
    watcher_queue: int = setting(512, "Events that wait for a slow watcher before it is moved to the newest state.")
    socket_auth: float = setting(5.0, "Time a socket has to say who it is.", unit="seconds")
    ticket: float = setting(30.0, "Life of a one-time WebSocket ticket.", unit="seconds")
    job_token: float = setting(900.0, "Life of a job token unless asked for less.", unit="seconds")

    # ── webhooks ──
    webhooks_max: int = setting(20, "Most webhooks of one owner; 0: nobody may have any.")
    webhook_concurrency: int = setting(20, "Deliveries that one worker sends at once, beside its jobs.")
    webhook_timeout: float = setting(15.0, "Time a receiver has to answer a delivery.", unit="seconds")
    webhook_retention: float = setting(
        7 * 86400.0, "How long a delivery is kept in the log, and can be sent again.", unit="seconds"
    )
    webhook_allow: tuple[str, ...] = setting(
        (), "Private addresses that webhooks may go to all the same, such as 127.0.0.1:8000 or 10.0.0.0/8."
    )

    # ── who may ──
    secret_key: str = setting(
        "",
        "Encrypts `Secret` arguments: 32 random bytes in base64; empty: a key file beside the database.",
        secret=True,
    )
    auth: Literal["", "keys", "jwt"] = setting(
        "", "'keys': API keys (`accepted keys`); 'jwt': bearer tokens; empty: open, on loopback only."
    )
    jwt_jwks_url: str = setting("", "Where the keys that sign the JWTs are published.")
    jwt_issuer: str = setting("", "Required `iss` of a JWT.")
    jwt_audience: str = setting("", "Required `aud` of a JWT.")
    jwt_owner_claim: str = setting("sub", "Claim that names the owner.")
    jwt_admin_claim: str = setting("", "Claim that is true for administrators; empty: nobody is one by JWT.")
    origins: tuple[str, ...] = setting((), "Web origins, other than the server's own, whose pages may call it.")

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.metadata["unit"] in ("seconds", "bytes") and isinstance(value, int | float) and value < 0:
                raise ConfigurationError(f"{one.name}: expected a number of {one.metadata['unit']} ≥ 0, got {value}")
        for name in (
            "concurrency",
            "process_concurrency",
            "webhook_concurrency",
            "watcher_queue",
            "subscriptions_max",
            "max_events",
        ):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name}: expected a number ≥ 1, got {getattr(self, name)}")
        if self.lease < 1:
            raise ConfigurationError(f"lease: expected at least 1 second, got {self.lease:g}")
        if self.auth == "jwt" and not self.jwt_jwks_url:
            raise ConfigurationError("jwt_jwks_url: auth is 'jwt', so say where its keys are published")

    @property
    def url(self) -> str:
        """The store's URL: `database`, or SQLite in `data`."""
        return self.database or f"sqlite:///{self.data / 'jobs.db'}"


def load(
    cls: type[T], *, section: str = "", prefix: str | None = None, config: Path | str | None = None, **given: Any
) -> T:
    """Build settings of class `cls` from `given`, the environment, a TOML file and the defaults.

    `prefix` of the variables, where it is not made of the section's name. Values that are None in `given` count as
    not given. Raises ConfigurationError naming the setting and where its value came from.
    """
    prefix = prefix or (f"ACCEPTED_{section.upper()}_" if section else "ACCEPTED_")
    config = config or os.environ.get("ACCEPTED_CONFIG") or None
    table = _table(Path(config), section) if config else {}
    hints = get_type_hints(cls)
    names = {one.name: one for one in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - set(names))
    if unknown:
        raise ConfigurationError(f"{config}: unknown setting {unknown[0]!r}; known: {', '.join(sorted(names))}")
    values: dict[str, Any] = {}
    for name, one in names.items():
        source, raw = _raw(name, given, prefix, table, str(config))
        if raw is MISSING:
            continue
        try:
            values[name] = _convert(raw, hints[name], one.metadata.get("unit", ""))
        except (ConfigurationError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{source}: {error}") from error
    return cls(**values)


def export(**given: object) -> None:
    """Put settings into the environment, for what is imported and started from here on. None: leave it as it is."""
    for name, value in given.items():
        if value is not None:
            os.environ[f"ACCEPTED_{name.upper()}"] = str(value)


def _raw(name: str, given: Mapping[str, Any], prefix: str, table: Mapping[str, Any], file: str) -> tuple[str, Any]:
    if given.get(name) is not None:
        return name, given[name]
    variable = prefix + name.upper()
    if variable in os.environ:
        return variable, os.environ[variable]
    if name in table:
        return f"{file}: {name}", table[name]
    return name, MISSING


def _table(path: Path, section: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the configuration {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    if section:
        table = document.get(section, {})
        if not isinstance(table, dict):
            raise ConfigurationError(f"{path}: [{section}] must be a table")
        return table
    return {name: value for name, value in document.items() if not isinstance(value, dict)}


def _convert(raw: Any, hint: Any, unit: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if raw in ("", None):
            return None
        return _convert(raw, next(arm for arm in get_args(hint) if arm is not types.NoneType), unit)
    if origin is Literal:
        if raw not in get_args(hint):
            raise ConfigurationError(f"expected one of {', '.join(map(repr, get_args(hint)))}, got {raw!r}")
        return raw
    if origin is tuple:
        items = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else list(raw)
        return tuple(_convert(item, get_args(hint)[0], unit) for item in items if item != "")
    if hint is bool:
        return _boolean(raw)
    if unit == "seconds":
        return seconds(raw)
    if unit == "bytes":
        return size(raw)
    if hint is Path:
        return Path(raw).expanduser()
    if hint in (int, float):
        return _number(raw, hint)
    if hint is str and not isinstance(raw, str):
        raise ConfigurationError(f"expected a text, got {raw!r}")
    return raw


def _boolean(raw: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if isinstance(raw, bool):
        return raw
    if str(raw).lower() not in words:
        raise ConfigurationError(f"expected true or false, got {raw!r}")
    return words[str(raw).lower()]


def _number(raw: Any, kind: type[int] | type[float]) -> float:
    if isinstance(raw, bool):
        raise ConfigurationError(f"expected a number, got {raw!r}")
    try:
        return kind(raw)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"expected a number, got {raw!r}") from error
