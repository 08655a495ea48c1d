"""`Secret[T]`: an argument that only the task's function reads. And the vault, which encrypts it in the store.

    client ──plain JSON──▶ Secret ──Sealing──▶ {"$secret": "v1.…"} in the store ──Opening──▶ Secret in the function

Everywhere else a Secret shows as `**********`. What keeps a *revealed* one out of reports is `redaction.py`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import importlib.util
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar, get_args

from pydantic_core import CoreSchema, PydanticCustomError, ValidationError, core_schema, from_json, to_json

from accepted.errors import ConfigurationError
from accepted.files import Stored

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV
    from pydantic import (
        GetCoreSchemaHandler,
        GetJsonSchemaHandler,
        SerializationInfo,
        SerializerFunctionWrapHandler,
        ValidationInfo,
        ValidatorFunctionWrapHandler,
    )

    from accepted.job import JSON

T = TypeVar("T")

MASK: Final = "**********"
"""What stands wherever a secret would."""
UNREADABLE: Final = "secret_unreadable"
"""The type of the validation error for a stored secret that cannot be decrypted."""
KEPT: Final = {"accepted": "kept in plain text"}
"""The serialization context of what others may read (a result, a step's result): a Secret in it is an error.
Compared by identity."""
_MARK: Final = "$secret"
_VERSION: Final = "v1."
_KEY_BYTES: Final = 32
_PLAIN_ERRORS: Final = ("_type", "too_short", "too_long", "missing", "extra_forbidden")
"""Ends of the names of validation errors whose text never quotes the input."""


class Secret(Generic[T]):
    """The type of a task's parameter that must not be seen: `password: Secret[str]`.

    Equal to a Secret with an equal value only. It cannot be pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def get_secret_value(self) -> T:
        """The value itself. Keep it short-lived: pass it on, do not store it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self._value, other._value
        if isinstance(mine, str) and isinstance(theirs, str):
            return hmac.compare_digest(mine.encode(), theirs.encode())
        return bool(mine == theirs)

    def __hash__(self) -> int:
        return hash(Secret)  # of the value it would tell something about it

    def __copy__(self) -> Secret[T]:
        return self

    def __deepcopy__(self, memo: object) -> Secret[T]:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled, because whoever reads the pickle would read it")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler.generate_schema(next(iter(get_args(source)), str))
        return core_schema.with_info_wrap_validator_function(
            _validate,
            inner,
            serialization=core_schema.wrap_serializer_function_ser_schema(_serialize, schema=inner, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, JSON]:
        said: dict[str, JSON] = handler(schema["schema"])
        if "$ref" in said:  # pydantic would write what stands beside it into what it refers to
            return {"allOf": [said], "writeOnly": True}
        return {**said, "writeOnly": True, **({"format": "password"} if said.get("type") == "string" else {})}


def holds_secrets(schema: Any) -> bool:
    """Whether a value of this core schema may have a Secret in it, however deep."""
    if isinstance(schema, Mapping):
        return any(holds_secrets(one) for one in schema.values())
    if isinstance(schema, list | tuple):
        return any(holds_secrets(one) for one in schema)
    return schema is _validate


# ── in and out of JSON ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sealing:
    """The serialization context in which a Secret is written, encrypted. `scope`: what it can be decrypted for."""

    vault: Vault
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening(Stored):
    """The validation context in which what `Sealing` wrote is read. `found` collects the secrets."""

    vault: Vault
    scope: tuple[str, ...]
    found: list[Secret[Any]] = field(default_factory=list)


def _validate(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Secret[Any]:
    opening = info.context
    if isinstance(opening, Opening):
        made: Secret[Any] = Secret(_checked(_opened(value, opening), handler))
        opening.found.append(made)
        return made
    return Secret(_checked(value.get_secret_value() if isinstance(value, Secret) else value, handler))


def _opened(value: Any, opening: Opening) -> Any:
    try:
        return from_json(opening.vault.open(value[_MARK], *opening.scope))
    except (UnreadableSecret, KeyError, TypeError):
        raise PydanticCustomError(UNREADABLE, "the stored secret cannot be decrypted") from None


def _checked(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """By its own type; a validator of that type may have quoted the value in what it says."""
    try:
        return handler(value)
    except ValidationError as error:
        raise ValidationError.from_exception_data(
            "Secret",
            [
                {"type": PydanticCustomError(one["type"], _safe(one)), "loc": one["loc"], "input": MASK}
                for one in error.errors(include_url=False, include_context=False, include_input=False)
            ],
            hide_input=True,
        ) from None


def _safe(error: Mapping[str, Any]) -> Any:
    return error["msg"] if error["type"].endswith(_PLAIN_ERRORS) else "the value of this secret does not fit"


def _serialize(value: Any, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    if info.context is KEPT:
        raise ValueError("it holds a Secret; return something else")
    if not isinstance(info.context, Sealing):
        return value if info.mode == "python" else MASK
    plain = to_json(handler(value.get_secret_value() if isinstance(value, Secret) else value))
    return {_MARK: info.context.vault.seal(plain, *info.context.scope)}


# ── the vault ────────────────────────────────────────────────────────────────────────────────────────


class UnreadableSecret(Exception):
    """What is stored was encrypted with another key, for something else, or was changed."""


class Vault:
    """Encrypts with AES-SIV, which is deterministic: equal arguments of one task and owner stay equal, as idempotency
    needs; of two owners they look different, so that nobody can confirm a guess by submitting it.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._find_key = key

    @cached_property
    def key(self) -> bytes:
        """At least 32 bytes. Raises ConfigurationError."""
        return self._find_key()

    @cached_property
    def _cipher(self) -> AESSIV:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        return AESSIV(hmac.digest(self.key, b"accepted secrets", hashlib.sha512))

    def seal(self, plain: bytes, *scope: str) -> str:
        """Readable only with the same key and scope. Raises ConfigurationError."""
        # AES-SIV takes no empty text; JSON has none.
        sealed = self._cipher.encrypt(plain, [part.encode() for part in scope])
        return _VERSION + base64.b64encode(sealed).decode()

    def open(self, sealed: str, *scope: str) -> bytes:
        """Raises UnreadableSecret, ConfigurationError."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(sealed.removeprefix(_VERSION), validate=True)
            return self._cipher.decrypt(raw, [part.encode() for part in scope])
        except (InvalidTag, ValueError):
            raise UnreadableSecret from None

    def digest(self, *parts: bytes) -> bytes:
        """A hash that nobody without the key can compare guesses with; 32 bytes."""
        digest = hmac.new(hmac.digest(self.key, b"accepted digests", hashlib.sha256), digestmod=hashlib.sha256)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()


def make_vault(secret_key: str, database: Path | None) -> Vault:
    """`secret_key`: the setting; empty: a key file beside the database, or a random key for one in memory.

    Raises ConfigurationError naming the setting.
    """
    if secret_key:
        key = _decoded(secret_key)
        return Vault(lambda: key)
    if database is None:
        return Vault(lambda: secrets.token_bytes(_KEY_BYTES))
    return Vault(lambda: _key_file(database.with_name(database.name + "-secret-key")))


def require_cryptography(place: str) -> None:
    """Raises ConfigurationError when what encrypts is not installed."""
    if importlib.util.find_spec("cryptography") is None:
        raise ConfigurationError(f"{place}: a Secret needs encryption: pip install 'accepted[secrets]'")


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < _KEY_BYTES:
        raise ConfigurationError(f"secret_key: expected at least {_KEY_BYTES} random bytes in base64")
    return key


def _key_file(path: Path) -> bytes:
    """The key in the file, made if it is not there. It gets its name only when it is whole and on disk, and only
    one of several processes gives it: so they all agree."""
    try:
        if not path.exists():
            _make_key_file(path)
        return _decoded(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise ConfigurationError(
            f"{path.name}: this key file cannot be used ({error.strerror}); set secret_key instead"
        ) from error
    except (ConfigurationError, UnicodeDecodeError):
        raise ConfigurationError(
            f"{path.name}: this key file is damaged; restore it, or set secret_key to the key that it held"
        ) from None


def _make_key_file(path: Path) -> None:
    half = path.with_name(f"{path.name}~{secrets.token_hex(8)}")
    _write_synced(half, [base64.b64encode(secrets.token_bytes(_KEY_BYTES)), b"\n"])
    try:
        with suppress(FileExistsError):
            os.link(half, path)
    finally:
        half.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_synced(path: Path, pieces: Iterable[bytes]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
