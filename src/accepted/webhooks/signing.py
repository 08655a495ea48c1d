"""Signatures by Standard Webhooks 1.0 (symmetric, `v1`), their secrets, and how a receiver checks them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_core import from_json

from accepted.errors import SignatureInvalid
from accepted.job import JSON

SECRET: Final = "whsec_"  # noqa: S105  what each begins with
SECRETS_MAX: Final = 5
"""Most secrets that sign at once; a webhook that is given new ones faster loses its oldest early."""
_UNTIL: Final = "@"
"""Stands between a secret that was replaced and its last second; base64 has no such character."""
_VERSION: Final = "v1"


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────


def new_secret() -> str:
    """256 random bits, as receivers configure them."""
    return SECRET + base64.b64encode(secrets.token_bytes(32)).decode()


def rotated(stored: Sequence[str], *, now: float, overlap: float) -> tuple[str, ...]:
    """What is stored once a new secret comes first. Those before it sign for `overlap` seconds more, or for as long
    as they were to anyway, if that is less; with an overlap of 0 none of them does."""
    ends = now + overlap
    older = [(one, min(until, ends)) for one, until in map(_parsed, stored) if min(until, ends) > now]
    return (new_secret(), *(f"{one}{_UNTIL}{until:.0f}" for one, until in older[: SECRETS_MAX - 1]))


def signing_secrets(stored: Sequence[str], now: float) -> list[str]:
    """Those that sign at `now` (seconds since the epoch), the newest first."""
    return [one for one, until in map(_parsed, stored) if until > now]


def _parsed(stored: str) -> tuple[str, float]:
    secret, _, until = stored.partition(_UNTIL)
    return secret, float(until or "inf")


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────


def signed_headers(stored: Sequence[str], *, message_id: str, now: float, body: bytes) -> dict[str, str]:
    """The three headers of one try at `now`, with a signature by each secret that signs then."""
    at = int(now)
    signatures = [_signature(one, message_id, str(at), body) for one in signing_secrets(stored, now)]
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


def verify(secret: str, headers: Mapping[str, str], body: bytes | str, tolerance: float = 300.0) -> JSON:
    """The event, if `secret` (`whsec_…`) signed these bytes, and no more than `tolerance` seconds ago or ahead.

    Give it the body as it came: one that was parsed and written anew has other bytes. Raises SignatureInvalid for
    what cannot be trusted; ValueError when the secret is none.
    """
    raw = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, at, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise SignatureInvalid(f"The header {missing.args[0]} is missing.") from None
    if not (at.isascii() and at.isdecimal() and len(at) < 13) or abs(time.time() - int(at)) > tolerance:
        raise SignatureInvalid(f"webhook-timestamp is not within {tolerance:g} s of this machine's clock.")
    expected = _signature(secret, message_id, at, raw).encode()
    # All are compared, so that the time does not tell which of them fitted.
    fits = [hmac.compare_digest(expected, one.encode()) for one in signatures.split(" ")]
    if not any(fits):
        raise SignatureInvalid("No signature in webhook-signature fits the secret and the body.")
    return from_json(raw)


def _signature(secret: str, message_id: str, at: str, body: bytes) -> str:
    digest = hmac.digest(_key(secret), f"{message_id}.{at}.".encode() + body, hashlib.sha256)
    return f"{_VERSION},{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    """Raises ValueError, without the secret in it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("secret: expected whsec_ and base64, as the webhook's registration answered it")
    return key
