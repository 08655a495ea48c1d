"""Who is calling, and what they may do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_live.serving import users
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from accepted.errors import Forbidden, JobGone, JobNotFound, NotAuthenticated, Unavailable
from accepted.http import jwks
from accepted.http.auth import (
    KEY_TTL,
    Access,
    ApiKeys,
    Identity,
    JobScope,
    LoopbackOnly,
    authenticator,
    bearer,
    cors,
    new_key,
    take_query,
    with_bearer,
)
from accepted.http.jwks import JWT
from accepted.http.tokens import Tokens
from accepted.job import NewJob, new_id
from accepted.settings import Settings
from accepted.stores.sqlite import SQLiteStore


def call(
    method: str = "GET",
    query: str = "",
    *,
    client: str | None = "127.0.0.1",
    version: str = "1.1",
    kind: str = "http",
    **headers: str,
) -> HTTPConnection:
    """A request as a server would hand it over; `x_api_key="…"` is the header X-API-Key."""
    given = {"host": "localhost:8000"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTPConnection(
        {
            "type": kind,
            "method": method,
            "path": "/",
            "http_version": version,
            "query_string": query.encode(),
            "client": (client, 1) if client else None,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value],
        }
    )


@pytest.fixture
async def store() -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(None)
    await store.open()
    yield store
    await store.close()


class TestLoopbackOnly:
    @pytest.mark.parametrize(
        "connection",
        [
            call(),
            call(client="::1", host="[::1]:8000"),
            call(client="::ffff:127.0.0.1"),
            call(client="127.9.8.7", host="127.0.0.1"),
            call(host="app.localhost:8000"),
            call("POST", origin="http://localhost:8000"),
            call("POST", origin="http://localhost", host="localhost"),
            call("POST", origin="https://pages.example"),
            call(client="testclient", host="testserver"),
            call("GET", sec_fetch_site="cross-site"),  # a link to the dashboard, followed
        ],
    )
    async def test_whoever_sits_here_may(self, connection: HTTPConnection) -> None:
        assert await LoopbackOnly(["https://pages.example"])(connection) == Identity("local", admin=True)

    @pytest.mark.parametrize(
        "connection",
        [
            call(client="192.168.1.7"),
            call(client="10.0.0.1", host="localhost"),
            call(client="::2"),
            call(client=None),
            call(client="localhost"),
            call(forwarded="for=1.2.3.4"),
            call(x_forwarded_for="127.0.0.1"),
            call(x_forwarded_host="localhost"),
            call(x_real_ip="127.0.0.1"),
            call(via="1.1 proxy"),
            call(version="1.0"),
            call(host="evil.example"),
            call(host="localhost.evil.example:8000"),
            call(host="127.0.0.1.evil.example"),
            call(host="10.0.0.1:8000"),
            call(host=""),
            call(host="[::1"),
            call("POST", origin="https://evil.example"),
            call("GET", origin="https://evil.example"),
            call("POST", origin="null"),
            call("POST", origin="http://localhost:9999"),
            call("POST", origin="http://["),
            call("POST", sec_fetch_site="cross-site"),
            call(kind="websocket", origin="https://evil.example"),
        ],
    )
    async def test_nobody_else_may_and_is_told_what_to_do(self, connection: HTTPConnection) -> None:
        with pytest.raises(Forbidden, match="ACCEPTED_AUTH"):
            await LoopbackOnly(["*"])(connection)


class TestApiKeys:
    async def test_both_headers(self, store: SQLiteStore) -> None:
        text, key = new_key("ci", "ann", admin=True)
        await store.add_key(key)
        keys = ApiKeys(store)
        for connection in (
            call(authorization=f"Bearer {text}"),
            call(authorization=f"bearer {text}"),
            call(x_api_key=text),
        ):
            assert await keys(connection) == Identity("ann", admin=True)

    async def test_no_key_is_no_error_yet(self, store: SQLiteStore) -> None:
        assert await ApiKeys(store)(call()) is None
        assert await ApiKeys(store)(call(authorization="Basic dTpw")) is None

    @pytest.mark.parametrize("text", ["ak_", "ak_wrong", "sk_1", "ak_" + "x" * 10_000, "ak_é"])
    async def test_a_wrong_key(self, store: SQLiteStore, text: str) -> None:
        with pytest.raises(NotAuthenticated):
            await ApiKeys(store)(call(x_api_key=text))

    async def test_only_its_hash_is_kept(self, store: SQLiteStore) -> None:
        text, key = new_key("ci", "ann")
        await store.add_key(key)
        assert text not in repr(await store.keys())

    async def test_a_revoked_key_ends_within_seconds(self, store: SQLiteStore) -> None:
        now = 0.0
        keys = ApiKeys(store, clock=lambda: now)
        text, key = new_key("ci", "ann")
        await store.add_key(key)
        assert await keys(call(x_api_key=text))
        await store.revoke_key(key.id)
        assert await keys(call(x_api_key=text)), "believed for a moment"
        now += KEY_TTL
        with pytest.raises(NotAuthenticated):
            await keys(call(x_api_key=text))

    async def test_guesses_do_not_fill_the_memory(self, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("accepted.http.auth.KEYS_CACHED", 10)
        keys = ApiKeys(store)
        for n in range(35):
            with pytest.raises(NotAuthenticated):
                await keys(call(x_api_key=f"ak_{n}"))
        assert len(keys._known) <= 10


class Issuer:
    """Publishes keys over HTTP and signs with them."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {
            "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ec": ec.generate_private_key(ec.SECP256R1()),
            "ed": ed25519.Ed25519PrivateKey.generate(),
        }
        self.published = ["rsa", "ec", "ed"]
        self.requests = 0
        self.broken = False
        self.url = ""

    def jwks(self) -> bytes:
        makers: dict[str, Any] = {
            "rsa": jwt.algorithms.RSAAlgorithm,
            "ec": jwt.algorithms.ECAlgorithm,
            "ed": jwt.algorithms.OKPAlgorithm,
        }
        keys = []
        for kid in self.published:
            public = self.private[kid].public_key()
            keys.append({**makers[kid].to_jwk(public, as_dict=True), "kid": kid, "use": "sig"})
        keys.append({"kty": "oct", "kid": "shared", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"})
        return json.dumps({"keys": keys}).encode()

    def sign(self, kid: str | None = "rsa", alg: str = "", **claims: Any) -> str:
        names = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}
        payload = {"sub": "ann", "iss": "https://id.example", "aud": "jobs", "exp": time.time() + 60, **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
        key = self.private[kid or "rsa"]
        return jwt.encode(payload, key, alg or names[kid or "rsa"], headers={"kid": kid} if kid else {})

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        status, body = (b"500 No", b"") if self.broken else (b"200 OK", self.jwks())
        writer.write(b"HTTP/1.1 %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    server = await asyncio.start_server(issuer.answer, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield issuer


LONG_HENCE = 4_102_444_800
"""The year 2100: a time that is taken when the tests are collected is not ahead any more when they run."""


class Now:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class TestJWT:
    @pytest.fixture
    def clock(self) -> Now:
        return Now()

    @pytest.fixture
    def auth(self, issuer: Issuer, clock: Now) -> JWT:
        settings = Settings(
            auth="jwt",
            jwt_jwks_url=issuer.url,
            jwt_issuer="https://id.example",
            jwt_audience="jobs",
            jwt_admin_claim="boss",
        )
        return JWT(settings, clock=clock)

    async def ask(self, auth: JWT, token: str) -> Identity | None:
        return await auth(call(authorization=f"Bearer {token}"))

    async def test_each_kind_of_key(self, auth: JWT, issuer: Issuer) -> None:
        for kid in ("rsa", "ec", "ed"):
            identity = await self.ask(auth, issuer.sign(kid))
            assert identity is not None
            assert (identity.owner, identity.admin) == ("ann", False)
            assert identity.expires_at is not None
            assert 60 < identity.expires_at - time.time() <= 60 + jwks.LEEWAY
        assert issuer.requests == 1

    async def test_admins(self, auth: JWT, issuer: Issuer) -> None:
        for value, admin in ((True, True), (1, False), ("true", False), (False, False)):
            identity = await self.ask(auth, issuer.sign(boss=value))
            assert identity is not None
            assert identity.admin is admin

    async def test_no_token(self, auth: JWT) -> None:
        assert await auth(call()) is None

    @pytest.mark.parametrize(
        "claims",
        [
            {"exp": 1},
            {"exp": None},
            {"nbf": LONG_HENCE},
            {"iss": "https://other.example"},
            {"iss": None},
            {"aud": "others"},
            {"aud": None},
            {"sub": None},
            {"sub": ""},
        ],
        ids=["expired", "no exp", "not yet", "issuer", "no issuer", "audience", "no audience", "no sub", "empty sub"],
    )
    async def test_claims_that_do_not_fit(self, auth: JWT, issuer: Issuer, claims: Mapping[str, Any]) -> None:
        with pytest.raises(NotAuthenticated):
            await self.ask(auth, issuer.sign(**claims))

    async def test_clocks_may_differ_a_little(self, auth: JWT, issuer: Issuer) -> None:
        assert await self.ask(auth, issuer.sign(exp=time.time() - jwks.LEEWAY / 2))

    async def test_forgeries(self, auth: JWT, issuer: Issuer) -> None:
        payload = {"sub": "ann", "iss": "https://id.example", "aud": "jobs", "exp": time.time() + 60}
        unsigned = jwt.encode(payload, "", "none", headers={"kid": "rsa"})
        shared = jwt.encode(payload, b"secretsecretsecretsecretsecret" * 2, "HS256", headers={"kid": "shared"})
        stranger = jwt.encode(payload, rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": "rsa"})
        confused = jwt.encode(payload, issuer.private["ec"], "ES256", headers={"kid": "rsa"})
        good = issuer.sign()
        changed = good[:-8] + ("A" if good[-8] != "A" else "B") + good[-7:]
        for token in (unsigned, shared, stranger, confused, changed, "a.b.c", "a", ".", "é", "x" * 100_000):
            with pytest.raises(NotAuthenticated):
                await self.ask(auth, token)

    async def test_a_new_key_is_fetched_but_not_too_often(self, auth: JWT, issuer: Issuer, clock: Now) -> None:
        issuer.published = ["rsa"]
        assert await self.ask(auth, issuer.sign("rsa"))
        issuer.published = ["ec"]
        with pytest.raises(NotAuthenticated):
            await self.ask(auth, issuer.sign("ec"))
        assert issuer.requests == 1
        clock.now += jwks.REFETCH_PAUSE + 1
        answers = await asyncio.gather(*(self.ask(auth, issuer.sign("ec")) for _ in range(20)))
        assert all(answers)
        assert issuer.requests == 2
        with pytest.raises(NotAuthenticated):
            await self.ask(auth, issuer.sign("rsa"))

    async def test_keys_last_while_the_issuer_is_away(self, auth: JWT, issuer: Issuer, clock: Now) -> None:
        assert await self.ask(auth, issuer.sign())
        issuer.broken = True
        clock.now += jwks.KEYS_TTL + 1
        assert await self.ask(auth, issuer.sign())
        assert await self.ask(auth, issuer.sign())
        assert issuer.requests == 2

    async def test_nothing_fetched_yet_is_our_trouble_not_the_callers(
        self, auth: JWT, issuer: Issuer, clock: Now
    ) -> None:
        issuer.broken = True
        with pytest.raises(Unavailable):
            await self.ask(auth, issuer.sign())
        issuer.broken = False
        clock.now += jwks.FIRST_PAUSE + 0.1
        assert await self.ask(auth, issuer.sign())

    async def test_a_token_that_names_no_key(self, auth: JWT, issuer: Issuer) -> None:
        issuer.published = ["rsa"]
        assert await self.ask(auth, issuer.sign(None))


class TestAccess:
    @pytest.fixture
    def access(self, store: SQLiteStore) -> Access:
        settings = Settings(origins=("https://pages.example",))
        return Access(users, Tokens(store, settings), settings)

    async def test_nobody(self, access: Access) -> None:
        assert await access.find(call()) is None
        with pytest.raises(NotAuthenticated):
            await access.identify(call())

    async def test_a_job_token_by_header_or_query(self, access: Access) -> None:
        token, expires_at = await access.tokens.job_token("j", "ann", verbs=["read"])
        scope = JobScope("j", frozenset({"read"}))
        for connection in (call(authorization=f"Bearer {token}"), call(query=f"a=1&token={token}&b=%20")):
            expected = Identity("ann", expires_at=expires_at, scope=scope)
            assert await access.identify(connection) == expected
            assert await access.identify(connection) == expected, "asked twice"
            assert token.encode() not in connection.scope["query_string"]

    async def test_a_token_parameter_of_the_application_is_left_alone(self, access: Access) -> None:
        connection = call(query="token=ghp_secret", authorization="Bearer user:ann")
        assert (await access.identify(connection)).owner == "ann"
        assert connection.scope["query_string"] == b"token=ghp_secret"

    @pytest.mark.parametrize(
        ("connection", "allowed"),
        [
            (call("GET", cookie="user=ann", origin="https://evil.example"), True),
            (call("POST", cookie="user=ann"), True),
            (call("POST", cookie="user=ann", origin="http://localhost:8000"), True),
            (call("POST", cookie="user=ann", origin="https://pages.example"), True),
            (call("POST", cookie="user=ann", origin="https://evil.example"), False),
            (call("DELETE", cookie="user=ann", origin="null"), False),
            (call("POST", cookie="user=ann", sec_fetch_site="cross-site"), False),
            (call(kind="websocket", cookie="user=ann", origin="https://evil.example"), False),
            (call("POST", authorization="Bearer user:ann", origin="https://evil.example"), True),
        ],
    )
    async def test_what_a_browser_sends_by_itself(
        self, access: Access, connection: HTTPConnection, allowed: bool
    ) -> None:
        if allowed:
            assert (await access.identify(connection)).owner == "ann"
        else:
            with pytest.raises(Forbidden, match="another origin"):
                await access.identify(connection)

    async def test_errors_of_frameworks_mean_the_same(self, access: Access) -> None:
        async def raising(status: int, connection: HTTPConnection, /) -> Identity | None:
            raise HTTPException(status, "no")

        for status, kind in ((401, NotAuthenticated), (403, Forbidden), (418, HTTPException)):

            async def refuse(connection: HTTPConnection, /, status: int = status) -> Identity | None:
                return await raising(status, connection)

            access.authenticator = refuse
            with pytest.raises(kind):
                await access.identify(call())

    def test_who_may_do_what(self, access: Access) -> None:
        ann, root = Identity("ann"), Identity("root", admin=True)
        token = Identity("ann", scope=JobScope("j", frozenset({"read"})))
        for verb in ("read", "cancel", "write", "delete"):
            access.check(ann, "ann", "j", verb)
            access.check(root, "ann", "j", verb)
            with pytest.raises(JobNotFound):
                access.check(ann, "bob", "j", verb)
            with pytest.raises(JobNotFound):
                access.check(token, "ann", "k", verb)
        access.check(token, "ann", "j", "read")
        with pytest.raises(Forbidden, match="not to cancel"):
            access.check(token, "ann", "j", "cancel")
        with pytest.raises(Forbidden):
            access.full(token)
        access.full(ann)

    async def test_one_door_to_a_job(self, access: Access, store: SQLiteStore) -> None:
        job_id, gone = new_id(), new_id()
        await store.submit([NewJob(one, "t", b"{}", owner="ann") for one in (job_id, gone)])
        await store.delete(gone, "deleted")
        ann, bob = Identity("ann"), Identity("bob")
        assert (await access.job(ann, store, job_id, "read")).id == job_id
        with pytest.raises(JobGone):
            await access.job(ann, store, gone, "read")
        for identity, asked in ((bob, job_id), (bob, gone), (bob, "none"), (ann, "none")):
            began = time.perf_counter()
            with pytest.raises(JobNotFound) as raised:
                await access.job(identity, store, asked, "read")
            assert str(raised.value) == str(JobNotFound(asked))
            assert time.perf_counter() - began >= 0.004

    async def test_a_ticket_carries_the_whole_identity(self, access: Access) -> None:
        until = time.time() + 100
        for identity in (
            Identity("ann", admin=True),
            Identity("ann", expires_at=until, scope=JobScope("j", frozenset({"read"}))),
        ):
            ticket, _ = await access.ticket(identity)
            assert await access.redeem(ticket) == identity


async def test_the_setting_chooses(store: SQLiteStore) -> None:
    assert isinstance(authenticator(Settings(), store), LoopbackOnly)
    assert isinstance(authenticator(Settings(auth="keys"), store), ApiKeys)
    assert isinstance(authenticator(Settings(auth="jwt", jwt_jwks_url="http://x"), store), JWT)


def test_a_token_put_in_place_of_others() -> None:
    connection = with_bearer(call(authorization="Bearer a", x_api_key="b"), "é☃")
    assert bearer(connection) == "é?"
    assert "x-api-key" not in connection.headers


def test_a_credential_of_the_query_is_blanked_once_taken() -> None:
    connection = call(query="ticket=a&x=%C3%A9&ticket=b&empty=")
    assert take_query(connection, "ticket") == "a"
    assert take_query(connection, "ticket") == "a"
    assert connection.scope["query_string"] == b"ticket=REDACTED&x=%C3%A9&ticket=REDACTED&empty="
    assert take_query(connection, "token") is None


def test_cors_is_for_the_origins_that_were_named() -> None:
    assert cors(Settings()) is None
    middleware = cors(Settings(origins=("https://pages.example",)))
    assert middleware is not None
    assert middleware.kwargs["allow_credentials"] is True
    anyone = cors(Settings(origins=("*",)))
    assert anyone is not None
    assert anyone.kwargs["allow_credentials"] is False
