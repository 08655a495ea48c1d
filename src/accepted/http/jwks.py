"""JSON Web Tokens of another service, checked by the keys that it publishes (RFC 7519, RFC 7517).

Only asymmetric algorithms: with a symmetric one, whoever knows the verifying key can sign. What a token says of where
its key is (`jku`, `x5u`, `jwk`) is never followed; keys come from `settings.jwt_jwks_url` alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import HTTPConnection

from accepted.errors import ConfigurationError, NotAuthenticated, Unavailable
from accepted.http.auth import Identity, bearer
from accepted.settings import Settings
from accepted.stores.base import Clock

try:
    import httpx
    import jwt
except ImportError as error:
    raise ConfigurationError("auth is 'jwt': pip install 'accepted[jwt,client]'") from error

if TYPE_CHECKING:
    from jwt import PyJWK

log = logging.getLogger("accepted.auth")

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY: Final = 30.0
"""Seconds by which the issuer's clock and ours may differ."""
KEYS_TTL: Final = 300.0
"""Seconds for which published keys are believed without looking again; if looking fails, they stay."""
REFETCH_PAUSE: Final = 30.0
"""Seconds between fetches, however many tokens come with keys that are not known."""
FIRST_PAUSE: Final = 1.0
"""The same while nothing could be fetched yet."""
TOKEN_MAX: Final = 16 * 1024
JWKS_MAX: Final = 1024 * 1024
FETCH_TIMEOUT: Final = 5.0


class JWT:
    """`Authorization: Bearer <JWT>`: signature, `exp`, `nbf`, and `iss` and `aud` where the settings name them."""

    def __init__(self, settings: Settings, *, clock: Clock = time.monotonic) -> None:
        self._settings = settings
        self._keys = PublishedKeys(settings.jwt_jwks_url, clock=clock)

    async def __call__(self, connection: HTTPConnection, /) -> Identity | None:
        token = bearer(connection)
        if token is None:
            return None
        if len(token) > TOKEN_MAX:
            raise NotAuthenticated("This token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise NotAuthenticated("This token is signed in a way that is not accepted here.")
            key = await self._keys.find(header.get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._settings.jwt_issuer or None,
                audience=self._settings.jwt_audience or None,
                leeway=LEEWAY,
                options={"require": ["exp"], "verify_aud": bool(self._settings.jwt_audience)},
            )
        except jwt.PyJWTError as error:
            raise NotAuthenticated(f"This token is not valid: {error}.") from error
        return self._identity(claims)

    def _identity(self, claims: dict[str, Any]) -> Identity:
        owner = claims.get(self._settings.jwt_owner_claim)
        if not isinstance(owner, str) or not owner or not _is_text(owner):
            raise NotAuthenticated(f"This token has no {self._settings.jwt_owner_claim!r} that names its owner.")
        admin_claim = self._settings.jwt_admin_claim
        admin = bool(admin_claim) and claims.get(admin_claim) is True
        try:
            expires_at = float(claims["exp"]) + LEEWAY
        except OverflowError:
            raise NotAuthenticated("This token's exp is no time.") from None
        return Identity(owner, admin=admin, expires_at=expires_at)


def _is_text(name: str) -> bool:
    """JSON can spell half a surrogate pair; no store can hold one."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class PublishedKeys:
    """The signing keys at a URL, by their id; fetched when needed, one fetch at a time."""

    def __init__(self, url: str, *, clock: Clock = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None) -> PyJWK:
        """The key of that id; a token that names none gets the only key there is. Raises NotAuthenticated when it
        is not published, Unavailable when nothing could ever be fetched."""
        stale = self._clock() - self._fetched_at > KEYS_TTL
        # Of those who have a key that is only old, one looks again and nobody waits for it.
        if kid not in self._keys or (stale and not self._fetching.locked()):
            async with self._fetching:
                # Whoever waited for the lock finds the fetch done, or a failed one just behind it.
                pause = REFETCH_PAUSE if self._keys else FIRST_PAUSE
                if self._clock() - self._tried_at > pause:
                    await self._fetch()
        if not self._keys:
            raise Unavailable("The keys that sign tokens cannot be read now; try again.", retry_after=FIRST_PAUSE)
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        if kid not in self._keys:
            raise NotAuthenticated("This token is signed with a key that is not known here.")
        return self._keys[kid]

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            async with httpx.AsyncClient(timeout=FETCH_TIMEOUT) as client:
                answer = await client.get(self._url, headers={"accept": "application/json"})
            answer.raise_for_status()
            if len(answer.content) > JWKS_MAX:
                raise ValueError(f"larger than {JWKS_MAX} bytes")
            found = jwt.PyJWKSet.from_dict(answer.json()).keys
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            log.warning("cannot read the keys at %s: %s", self._url, error)
            return
        self._keys = {key.key_id: key for key in found if key.key_type != "oct"}
        self._fetched_at = self._tried_at
