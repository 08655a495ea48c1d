"""Who is calling, and what they may do (docs/security.md).

An `Authenticator` says who: API keys, JWTs (jwks.py), a callable of the user's own, or `LoopbackOnly`, the default.
`Access` is what the routes use: it adds job tokens, guards requests that a browser may have been tricked into, and
decides about one job. A job of somebody else is exactly as unknown as one that never was.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection

from accepted.errors import ConfigurationError, Forbidden, JobGone, JobNotFound, NotAuthenticated
from accepted.http.tokens import JOB_TOKEN, Tokens
from accepted.job import Glance, JobRecord, new_id
from accepted.settings import Settings
from accepted.stores.base import SYSTEM_OWNERS, AccessStore, ApiKey, Clock, WatchingStore

JobVerb = Literal["read", "cancel", "write", "delete"]
Found = TypeVar("Found", JobRecord, Glance)

KEY: Final = "ak_"
KEY_MAX: Final = 200
"""Longest API key that is looked at, in characters."""
KEY_TTL: Final = 2.0
"""Seconds for which a key, once looked up, is believed: so long may a revoked one still work."""
KEYS_CACHED: Final = 10_000
DENIAL_SECONDS: Final = 0.005
"""Every 404 about a job takes at least this long, so that its time does not tell whether the job exists."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


# ── identities ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class JobScope:
    """What a job token allows: these verbs on this job, nothing else."""

    job_id: str
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller. `owner` is the name under which jobs are theirs; an admin sees everybody's."""

    owner: str
    admin: bool = False
    expires_at: float | None = None
    """Seconds since the epoch; open streams and sockets end then."""
    scope: JobScope | None = None
    """Set when the caller showed a job token only."""


class Authenticator(Protocol):
    """Says who is behind a request or a WebSocket handshake."""

    async def __call__(self, connection: HTTPConnection, /) -> Identity | None:
        """None: it carries no credentials of this kind. Raises NotAuthenticated when they are not valid, Forbidden
        when they are and this caller may not come in. An HTTPException with 401 or 403 means the same."""


# ── authenticators ───────────────────────────────────────────────────────────────────────────────────


class ApiKeys:
    """`Authorization: Bearer ak_…` or `X-API-Key: ak_…`.

    A key is 32 random bytes, so its plain SHA-256 is as hard to turn back as the key is to guess: slow hashes are
    for passwords. Looking it up by digest leaks nothing by its time either: nobody can choose a digest.
    """

    def __init__(self, store: AccessStore, *, clock: Clock = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[ApiKey | None, float]] = {}

    async def __call__(self, connection: HTTPConnection, /) -> Identity | None:
        text = connection.headers.get("x-api-key") or bearer(connection)
        if text is None:
            return None
        if not text.startswith(KEY) or len(text) > KEY_MAX:
            raise NotAuthenticated("This is not an API key of this service; one begins with ak_.")
        digest = digest_of(text)
        key = await self._find(digest)
        if key is None or not hmac.compare_digest(key.digest, digest):
            raise NotAuthenticated("This API key is unknown or was revoked.")
        return Identity(key.owner, admin=key.admin)

    async def _find(self, digest: str) -> ApiKey | None:
        now = self._clock()
        key, until = self._known.get(digest, (None, 0.0))
        if until <= now:
            key = await self._store.find_key(digest)
            if len(self._known) >= KEYS_CACHED:
                # Somebody tries keys: start over rather than grow.
                self._known.clear()
            self._known[digest] = (key, now + KEY_TTL)
        return key


def new_key(name: str, owner: str, *, admin: bool = False) -> tuple[str, ApiKey]:
    """A new API key, to be shown once, and what is stored of it. Raises ConfigurationError (owner)."""
    if owner.startswith(SYSTEM_OWNERS):
        raise ConfigurationError(
            f"owner: names that begin with {SYSTEM_OWNERS!r} are the library's own; choose another"
        )
    text = KEY + secrets.token_urlsafe(32)
    return text, ApiKey(new_id(), name, owner, digest_of(text), admin, time.time())


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class LoopbackOnly:
    """The default while nothing is configured: whoever sits at this machine is `local` and may do everything;
    nobody else may do anything.

    "At this machine" is more than the address: a reverse proxy on this host, and a page of any web site open in a
    browser on this host, come from 127.0.0.1 as well. They are told apart by what they cannot leave out.
    """

    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._origins = origins
        self._local = Identity("local", admin=True)

    async def __call__(self, connection: HTTPConnection, /) -> Identity | None:
        host = (connection.scope.get("client") or ("", 0))[0]
        if host == "testclient":
            # Starlette's TestClient, which has no socket: no address of the network can look like this.
            return self._local
        reason = self._reason(connection, host)
        if reason is not None:
            raise Forbidden(
                f"{reason} This server is open to its own machine only: configure who may call it "
                "(ACCEPTED_AUTH=keys or jwt, or auth=… in code), and for a page of another origin ACCEPTED_ORIGINS."
            )
        return self._local

    def _reason(self, connection: HTTPConnection, host: str) -> str | None:
        if not _is_loopback(host):
            return f"You call from {host or 'an unknown address'}."
        for name, _ in connection.scope["headers"]:
            if name in _PROXY_HEADERS or name.startswith(b"x-forwarded-"):
                return f"A proxy is in front of it (header {name.decode('latin-1')})."
        if connection.scope.get("http_version") == "1.0":
            # What nginx speaks to its upstreams unless told otherwise, with no other trace of itself.
            return "A proxy may be in front of it (HTTP/1.0)."
        if not _is_of_this_machine(connection.headers.get("host", "")):
            # DNS rebinding: a foreign name that suddenly points to 127.0.0.1, in a browser on this machine.
            return "It was called by a name that is not this machine's."
        if not origin_is_ours(connection, self._origins):
            return f"The page that calls it ({connection.headers.get('origin', 'of another site')}) is not its own."
        return None


_PROXY_HEADERS: Final = frozenset({b"forwarded", b"x-real-ip", b"via", b"cf-connecting-ip", b"true-client-ip"})


@lru_cache(maxsize=1024)
def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@lru_cache(maxsize=1024)
def _is_of_this_machine(host: str) -> bool:
    """Whether this Host header names it."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and (name == "localhost" or name.endswith(".localhost") or _is_loopback(name))


# ── credentials of a request ─────────────────────────────────────────────────────────────────────────


def bearer(connection: HTTPConnection) -> str | None:
    """The token of `Authorization: Bearer …`."""
    given = connection.headers.get("authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def with_bearer(connection: HTTPConnection, token: str) -> HTTPConnection:
    """The same connection as if it had brought this token: for tokens that came in another way."""
    headers = [pair for pair in connection.scope["headers"] if pair[0] not in (b"authorization", b"x-api-key")]
    text = token.encode("latin-1", "replace")
    return HTTPConnection({**connection.scope, "headers": [*headers, (b"authorization", b"Bearer " + text)]})


def take_query(connection: HTTPConnection, name: str) -> str | None:
    """A credential in the query; it is blanked in the connection's scope, and so in access logs and traces."""
    taken: dict[str, str] = connection.scope.setdefault("accepted.taken", {})
    raw: bytes = connection.scope.get("query_string", b"")
    if name not in taken and f"{name}=".encode() in raw:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
        taken.update((key, value) for key, value in reversed(pairs) if key == name)
        blanked = [(key, "REDACTED" if key == name else value) for key, value in pairs]
        connection.scope["query_string"] = urlencode(blanked).encode()
    return taken.get(name)


def job_token_of_query(connection: HTTPConnection) -> str | None:
    """Any other token in the query is the host application's, and stays."""
    if (connection.query_params.get("token") or "").startswith(JOB_TOKEN):
        return take_query(connection, "token")
    return None


def is_safe(connection: HTTPConnection) -> bool:
    """It changes nothing, and a foreign page cannot read its answer."""
    return connection.scope["type"] == "http" and connection.scope["method"] in SAFE_METHODS


def origin_is_ours(connection: HTTPConnection, origins: Sequence[str]) -> bool:
    """False when a page of another origin made this request. Browsers say so on each request that could do harm
    and on every WebSocket; a GET without Origin is a link that was followed, or no browser at all. `*` in `origins`
    opens nothing here."""
    origin = connection.headers.get("origin")
    if origin is None:
        return is_safe(connection) or connection.headers.get("sec-fetch-site") not in ("cross-site", "same-site")
    if origin in origins and origin != "*":
        return True
    try:
        page, own = urlsplit(origin), urlsplit(f"//{connection.headers.get('host', '')}")
        # The scheme is the page's: a proxy that ends TLS makes ours look like http.
        default = {"http": 80, "https": 443}.get(page.scheme)
        return default is not None and page.hostname == own.hostname and (page.port or default) == (own.port or default)
    except ValueError:
        return False


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────


class Access:
    """Who is calling and what they may do, as routes and sockets ask it."""

    def __init__(self, authenticator: Authenticator, tokens: Tokens, settings: Settings) -> None:
        self.authenticator = authenticator
        self.tokens = tokens
        self.settings = settings

    async def find(self, connection: HTTPConnection) -> Identity | None:
        """Who is calling; None when the connection carries no credentials. Raises NotAuthenticated, Forbidden.

        A job token (header, or `?token=` for EventSource, which can send no header) comes first. Credentials
        that a browser adds by itself, cookies say, count for unsafe methods and WebSockets only from pages of our
        own origin or `settings.origins`.
        """
        token = bearer(connection)
        if token is None and b"token=" in connection.scope.get("query_string", b""):
            token = job_token_of_query(connection)
        token = token or connection.scope.get("accepted.taken", {}).get("token")
        if token is not None and token.startswith(JOB_TOKEN):
            claims = await self.tokens.read_job_token(token)
            scope = JobScope(claims.job_id, claims.verbs)
            return Identity(claims.owner, expires_at=claims.expires_at, scope=scope)
        try:
            identity = await self.authenticator(connection)
        except HTTPException as error:
            if error.status_code == 401:
                raise NotAuthenticated(error.detail) from error
            if error.status_code == 403:
                raise Forbidden(error.detail) from error
            raise
        if identity is not None and identity.owner.startswith(SYSTEM_OWNERS):
            raise Forbidden(f"Nobody can be called {identity.owner!r}: names that begin so are the library's own.")
        if identity is not None and not self._may_be_sent(connection):
            raise Forbidden("This request came from a page of another origin; allow it with ACCEPTED_ORIGINS.")
        return identity

    def _may_be_sent(self, connection: HTTPConnection) -> bool:
        """False: a foreign page may have made the browser send this with the user's own credentials."""
        headers = connection.headers
        if "authorization" in headers or "x-api-key" in headers:
            return True
        return is_safe(connection) or origin_is_ours(connection, self.settings.origins)

    async def identify(self, connection: HTTPConnection) -> Identity:
        """Who is calling. Raises NotAuthenticated (no credentials, or bad ones), Forbidden."""
        identity = await self.find(connection)
        if identity is None:
            raise NotAuthenticated
        return identity

    async def redeem(self, ticket: str) -> Identity:
        """Who asked for this one-time ticket. Raises NotAuthenticated."""
        claims = await self.tokens.redeem_ticket(ticket)
        scope = JobScope(claims.job_id, claims.verbs) if claims.job_id is not None else None
        return Identity(claims.owner, admin=claims.admin, expires_at=claims.identity_expires_at, scope=scope)

    async def ticket(self, identity: Identity) -> tuple[str, float]:
        """A one-time ticket with which `identity` opens a socket, and when it ends."""
        scope = identity.scope
        return await self.tokens.ticket(
            identity.owner,
            admin=identity.admin,
            identity_expires_at=identity.expires_at,
            job_id=scope.job_id if scope else None,
            verbs=scope.verbs if scope else frozenset(),
        )

    def full(self, identity: Identity) -> None:
        """For routes that are not about one job. Raises Forbidden for a caller with a job token only."""
        if identity.scope is not None:
            raise Forbidden("This token is for one job; send an API key or the token of a user.")

    def check(self, identity: Identity, job_owner: str, job_id: str, verb: JobVerb) -> None:
        """May `identity` do this to the job? Raises JobNotFound for strangers; Forbidden only for a token of this
        very job that does not allow the verb."""
        scope = identity.scope
        stranger = job_owner != identity.owner and not identity.admin
        if stranger or (scope is not None and scope.job_id != job_id):
            raise JobNotFound(job_id)
        if scope is not None and verb not in scope.verbs:
            raise Forbidden(f"This token allows to {' and '.join(sorted(scope.verbs))}, not to {verb}.")

    async def job(self, identity: Identity, store: WatchingStore, job_id: str, verb: JobVerb) -> JobRecord:
        """The job, if `identity` may do `verb` to it: the one door to a job by its id. Raises JobNotFound, after
        the same time and with the same words whether it is unknown or another's; JobGone to those whose it was;
        Forbidden."""
        return await self._found(identity, store.get(job_id), job_id, verb)

    async def glance(self, identity: Identity, store: WatchingStore, job_id: str) -> Glance:
        """The same to look at it for a moment."""
        return await self._found(identity, store.glance(job_id), job_id, "read")

    async def _found(self, identity: Identity, looking: Awaitable[Found], job_id: str, verb: JobVerb) -> Found:
        began = asyncio.get_running_loop().time()
        try:
            try:
                found = await looking
            except JobGone as gone:
                self.check(identity, gone.owner, job_id, "read")
                raise
            self.check(identity, found.owner, job_id, verb)
        except JobNotFound:
            await self.denied(began)
            raise
        return found

    async def denied(self, began: float) -> None:
        """Wait until a look-up that `began` then (loop time) may be answered with 404: what is somebody else's takes
        as long as what there is not."""
        await asyncio.sleep(began + DENIAL_SECONDS - asyncio.get_running_loop().time())


def authenticator(settings: Settings, store: AccessStore) -> Authenticator:
    """The one that `settings.auth` names. Raises ConfigurationError when what it needs is not installed."""
    if settings.auth == "keys":
        return ApiKeys(store)
    if settings.auth == "jwt":
        from accepted.http.jwks import JWT

        return JWT(settings)
    return LoopbackOnly(settings.origins)


def cors(settings: Settings) -> Middleware | None:
    """Lets pages of `settings.origins` call the API from a browser; None when there are none."""
    if not settings.origins:
        return None
    return Middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        # With "*" any page could use a visitor's cookie.
        allow_credentials="*" not in settings.origins,
        allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_ANSWER_HEADERS,
    )


_REQUEST_HEADERS: Final = (
    "Authorization",
    "X-API-Key",
    "Content-Type",
    "Prefer",
    "Idempotency-Key",
    "Cancel-After",
    "Accepted-Priority",
    "Accepted-Delay",
    "If-None-Match",
    "If-Range",
    "Range",
    "Last-Event-ID",
)
_ANSWER_HEADERS: Final = (
    "Location",
    "Content-Location",
    "Retry-After",
    "Preference-Applied",
    "Idempotency-Replayed",
    "ETag",
    "Accept-Ranges",
    "Content-Range",
    "Content-Disposition",
)
