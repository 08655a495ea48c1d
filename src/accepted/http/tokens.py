"""Short-lived tokens that the server signs for itself: job tokens (`jt_…`) and WebSocket tickets (`wt_…`).

A token is `prefix + base64url(JSON claims) + "." + base64url(HMAC-SHA256(key, prefix + claims))`. The prefix is
signed too, so a job token never passes for a ticket. There is one algorithm and no header that could name another;
the key is in the store, the same for every process of a service. Keys of callers (`ak_…`) are in auth.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from accepted.errors import BadRequest, NotAuthenticated
from accepted.settings import Settings
from accepted.stores.base import AccessStore, Clock

JOB_TOKEN: Final = "jt_"  # noqa: S105  a prefix, not a secret
TICKET: Final = "wt_"
TOKEN_MAX: Final = 4096
"""Longest token that is looked at, in characters."""

JOB_VERBS: Final = frozenset({"read", "cancel"})
"""What a job token may allow."""


@dataclass(frozen=True, slots=True)
class JobClaims:
    """What a valid job token says. `expires_at` in seconds since the epoch."""

    job_id: str
    owner: str
    verbs: frozenset[str]
    expires_at: float


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """What a valid ticket says of the caller who asked for it."""

    owner: str
    admin: bool
    identity_expires_at: float | None
    job_id: str | None
    """With `verbs`: the caller had a job token only, and so has the socket."""
    verbs: frozenset[str]


class Tokens:
    """Makes and reads both kinds. Raises StoreError when the key cannot be had."""

    def __init__(self, store: AccessStore, settings: Settings, *, clock: Clock = time.time) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._key: bytes | None = None

    async def job_token(
        self, job_id: str, owner: str, *, verbs: Iterable[str] = JOB_VERBS, expires_in: float | None = None
    ) -> tuple[str, float]:
        """A token for this job alone, and when it ends (`settings.job_token` seconds at most). `owner` is the job's.
        Raises BadRequest for a verb that no token can allow, or a life that is not positive."""
        wanted = frozenset(verbs)
        if not wanted or not wanted <= JOB_VERBS:
            raise BadRequest(f"verbs: expected some of {', '.join(sorted(JOB_VERBS))}, got {sorted(wanted)}.")
        life = self._settings.job_token if expires_in is None else min(expires_in, self._settings.job_token)
        if not life > 0:
            raise BadRequest("expires_in: expected a number of seconds greater than 0.")
        expires_at = self._clock() + life
        claims = {"job": job_id, "owner": owner, "verbs": sorted(wanted), "exp": expires_at}
        return await self._sign(JOB_TOKEN, claims), expires_at

    async def read_job_token(self, token: str) -> JobClaims:
        """Raises NotAuthenticated when it is malformed, forged or expired."""
        claims = await self._verify(JOB_TOKEN, token)
        return JobClaims(claims["job"], claims["owner"], frozenset(claims["verbs"]), claims["exp"])

    async def ticket(
        self,
        owner: str,
        *,
        admin: bool,
        identity_expires_at: float | None,
        job_id: str | None = None,
        verbs: frozenset[str] = frozenset(),
    ) -> tuple[str, float]:
        """A ticket that opens one socket within `settings.ticket` seconds, and when it ends."""
        expires_at = self._clock() + self._settings.ticket
        if identity_expires_at is not None:
            expires_at = min(expires_at, identity_expires_at)
        claims = {
            "id": os.urandom(16).hex(),
            "owner": owner,
            "admin": admin,
            "until": identity_expires_at,
            "job": job_id,
            "verbs": sorted(verbs),
            "exp": expires_at,
        }
        return await self._sign(TICKET, claims), expires_at

    async def redeem_ticket(self, ticket: str) -> TicketClaims:
        """Valid once. Raises NotAuthenticated when it is malformed, forged, expired or was used before."""
        claims = await self._verify(TICKET, ticket)
        if not await self._store.redeem(claims["id"], expires_at=claims["exp"]):
            raise NotAuthenticated("This ticket was used before; get a new one for each connection.")
        return TicketClaims(
            claims["owner"], claims["admin"], claims["until"], claims["job"], frozenset(claims["verbs"])
        )

    async def _sign(self, prefix: str, claims: dict[str, Any]) -> str:
        body = prefix + _text(json.dumps(claims, separators=(",", ":")).encode())
        return f"{body}.{_text(await self._mac(body))}"

    async def _verify(self, prefix: str, token: str) -> dict[str, Any]:
        body, dot, signature = token.partition(".")
        if not (dot and body.startswith(prefix) and len(token) <= TOKEN_MAX and token.isascii()):
            raise NotAuthenticated("This token is malformed; get a new one.")
        # Compared as text: base64 has several spellings of the same bytes, and only ours is right.
        if not hmac.compare_digest(_text(await self._mac(body)), signature):
            raise NotAuthenticated("This token was not signed here, or was changed; get a new one.")
        # Signed by us, so its claims have the form that we gave them.
        claims: dict[str, Any] = json.loads(_bytes(body.removeprefix(prefix)))
        if claims["exp"] <= self._clock():
            raise NotAuthenticated("This token has expired; get a new one.")
        return claims

    async def _mac(self, body: str) -> bytes:
        if self._key is None:
            self._key = await self._store.secret("tokens")
        return hmac.digest(self._key, body.encode(), hashlib.sha256)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
