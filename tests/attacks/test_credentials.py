"""Forged, stale, stolen and revoked credentials, over every way in: HTTP, event streams, sockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from attacks.scene import TLS
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from helpers import wait_until
from http_api.serving import serving
from http_live.serving import Socket
from http_live.test_auth import Issuer
from websockets.asyncio.client import connect

from accepted import Job, Jobs
from accepted.http.auth import new_key
from accepted.http.tokens import Tokens
from accepted.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Service:
    """A server, one job of ann's that waits for ever, and a credential of hers."""

    jobs: Jobs
    port: int
    good: str
    job_id: str = ""

    def client(self, token: str = "", **headers: str) -> httpx.AsyncClient:
        given = headers | ({"authorization": f"Bearer {token}"} if token else {})
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=given, timeout=20, verify=TLS)

    def address(self, query: str = "") -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws{query}"

    async def furnish(self) -> None:
        async with self.client(self.good) as ann:
            answer = await ann.post("/v1/tasks/wait", json={})
            assert answer.status_code == 202, answer.text
            self.job_id = answer.json()["id"]

    async def refused(self, token: str, status: int = 401, *, sendable: bool = True) -> None:
        """By every request, stream and socket that carries it. `sendable`: it can stand in a header."""
        if sendable:
            async with self.client(token) as client:
                for method, path, accept in self._requests():
                    answer = await client.request(method, path, headers={"accept": accept})
                    assert answer.status_code == status, (path, answer.text)
                    assert ("www-authenticate" in answer.headers) == (status == 401)
        assert await self.socket_says(token, "message") == status + 4000
        assert await self.socket_says(token, "ticket") in (4401, 4403)
        if sendable:
            assert await self.socket_says(token, "header") == status + 4000
        async with self.client() as client:
            for path in (f"/v1/jobs/{self.job_id}/events", f"/v1/jobs/{self.job_id}"):
                answer = await client.get(path, params={"token": token}, headers={"accept": "text/event-stream"})
                assert answer.status_code == 401, answer.text

    def _requests(self) -> list[tuple[str, str, str]]:
        return [
            ("GET", "/v1/jobs", "*/*"),
            ("GET", f"/v1/jobs/{self.job_id}", "*/*"),
            ("POST", "/v1/tasks/wait", "*/*"),
            ("DELETE", f"/v1/jobs/{self.job_id}", "*/*"),
            ("POST", "/v1/ws-ticket", "*/*"),
            ("GET", f"/v1/jobs/{self.job_id}/events", "text/event-stream"),
            ("GET", f"/v1/events?jobs={self.job_id}", "text/event-stream"),
        ]

    async def socket_says(self, token: str, way: str) -> int:
        """The code with which a socket is closed that says who it is in this way."""
        headers = {"authorization": f"Bearer {token}"} if way == "header" else {}
        query = f"?{httpx.QueryParams({'ticket': token})}" if way == "ticket" else ""
        async with connect(self.address(query), additional_headers=headers, close_timeout=0.2) as connection:
            socket = Socket(connection)
            if way == "message" or not token:
                await socket.say(action="authenticate", token=token)
            answer = await socket.hear()
            assert answer["type"] == "auth_error", answer
            return await socket.closed()


async def _service(jobs: Jobs, stack: AsyncExitStack, good: Callable[[], Any]) -> Service:
    @jobs.task
    async def wait(*, job: Job) -> None:
        await job.progress(10, "waiting")
        await asyncio.Event().wait()

    await stack.enter_async_context(jobs)
    port = await stack.enter_async_context(serving(jobs.app))
    made = Service(jobs, port, await good())
    await made.furnish()
    return made


# ── JWT ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    server = await asyncio.start_server(issuer.answer, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield issuer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def by_jwt(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async def good() -> str:
        return issuer.sign()

    data = tmp_path_factory.mktemp("jwt")
    jobs = Jobs(
        f"sqlite:///{data / 'jobs.db'}",
        auth="jwt",
        jwt_jwks_url=issuer.url,
        jwt_issuer="https://id.example",
        jwt_audience="jobs",
        cancel_grace=0.2,
        drain=0.2,
    )
    async with AsyncExitStack() as stack:
        yield await _service(jobs, stack, good)


def claims(**changes: Any) -> dict[str, Any]:
    return {"sub": "ann", "iss": "https://id.example", "aud": "jobs", "exp": time.time() + 60, **changes}


def by_hand(header: dict[str, Any], secret: bytes | None) -> str:
    """What no library signs: HMAC with a key that is public, or nothing."""
    body = ".".join(_base64(json.dumps(one).encode()) for one in (header, claims()))
    signature = b"" if secret is None else hmac.digest(secret, body.encode(), hashlib.sha256)
    return f"{body}.{_base64(signature)}"


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def public(issuer: Issuer, encoding: serialization.Encoding) -> bytes:
    made: bytes = (
        issuer.private["rsa"].public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return made


def stranger(**header: Any) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if header.pop("embedded", False):
        header["jwk"] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return jwt.encode(claims(), key, "RS256", headers={"kid": "rsa", **header})


PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
FORGED: dict[str, Callable[[Issuer], str]] = {
    "no signature": lambda _: by_hand({"alg": "none", "kid": "rsa"}, None),
    "no signature, in capitals": lambda _: by_hand({"alg": "NONE", "kid": "rsa"}, None),
    "no algorithm": lambda _: by_hand({"kid": "rsa"}, None),
    "an algorithm that is no text": lambda _: by_hand({"alg": ["RS256"], "kid": "rsa"}, None),
    "a right header without a signature": lambda _: by_hand({"alg": "RS256", "kid": "rsa"}, None),
    "the public key as a secret": lambda issuer: by_hand({"alg": "HS256", "kid": "rsa"}, public(issuer, PEM)),
    "the public key as a secret, binary": lambda issuer: by_hand({"alg": "HS256", "kid": "rsa"}, public(issuer, DER)),
    "a published shared secret": lambda _: by_hand(
        {"alg": "HS256", "kid": "shared"}, b"secretsecretsecretsecretsecret"
    ),
    "a key of his own": lambda _: stranger(),
    "a key of his own inside": lambda _: stranger(embedded=True),
    "a key of his own at an address": lambda _: stranger(jku="http://127.0.0.1:1/", x5u="http://127.0.0.1:1/"),
    "an unknown key id": lambda _: stranger(kid="nobody"),
    "a key id that is a path": lambda _: stranger(kid="../../../../dev/null"),
    "another key's id": lambda issuer: jwt.encode(claims(), issuer.private["ec"], "ES256", headers={"kid": "rsa"}),
    "no key id": lambda issuer: issuer.sign(None),
    "an unknown critical header": lambda issuer: jwt.encode(
        claims(), issuer.private["rsa"], "RS256", headers={"kid": "rsa", "crit": ["x"], "x": 1}
    ),
    "expired": lambda issuer: issuer.sign(exp=time.time() - 60),
    "expired long ago": lambda issuer: issuer.sign(exp=-1),
    "never expires": lambda issuer: issuer.sign(exp=None),
    "expires after all time": lambda issuer: issuer.sign(exp=10**400),
    "expires in words": lambda issuer: issuer.sign(exp="tomorrow"),
    "not yet valid": lambda issuer: issuer.sign(nbf=time.time() + 600),
    "another audience": lambda issuer: issuer.sign(aud="others"),
    "no audience": lambda issuer: issuer.sign(aud=None),
    "another issuer": lambda issuer: issuer.sign(iss="https://id.example.evil.example"),
    "no issuer": lambda issuer: issuer.sign(iss=None),
    "no owner": lambda issuer: issuer.sign(sub=None),
    "an empty owner": lambda issuer: issuer.sign(sub=""),
    "owners": lambda issuer: issuer.sign(sub=["ann", "vera"]),
    "an owner that is an object": lambda issuer: issuer.sign(sub={"name": "ann"}),
    "an owner with half a character": lambda issuer: issuer.sign(sub="\ud800"),
    "not a token": lambda _: "a.b.c",
    "cut": lambda issuer: issuer.sign().rpartition(".")[0],
    "a very long one": lambda _: "a." + "x" * 7000,
}


@pytest.mark.parametrize("kind", FORGED)
async def test_a_forged_or_stale_jwt(by_jwt: Service, issuer: Issuer, kind: str) -> None:
    await by_jwt.refused(FORGED[kind](issuer))
    async with by_jwt.client(issuer.sign()) as ann:
        assert (await ann.get(f"/v1/jobs/{by_jwt.job_id}")).status_code == 200


@pytest.mark.parametrize("owner", ["accepted:", "accepted:webhook:01a2"])
async def test_a_jwt_with_a_name_of_the_librarys(by_jwt: Service, issuer: Issuer, owner: str) -> None:
    await by_jwt.refused(issuer.sign(sub=owner), 403)


async def test_a_jwt_that_ends_ends_what_it_opened(by_jwt: Service, issuer: Issuer) -> None:
    """29 s ago it ended, and clocks may differ by 30: a second is left."""
    token = issuer.sign(exp=time.time() - 29)
    async with by_jwt.client(token) as ann, connect(by_jwt.address()) as connection:
        socket = Socket(connection)
        assert (await socket.ask(action="authenticate", token=token))["type"] == "auth_success"
        path = f"/v1/jobs/{by_jwt.job_id}/events"
        async with ann.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            async for _ in stream.aiter_lines():
                pass
        assert await socket.closed() == 4401
        assert (await ann.get(path, headers={"accept": "text/event-stream"})).status_code == 401


# ── API keys ─────────────────────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def by_key(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    data = tmp_path_factory.mktemp("keys")
    jobs = Jobs(f"sqlite:///{data / 'jobs.db'}", auth="keys", cancel_grace=0.2, drain=0.2)

    async def good() -> str:
        text, key = new_key("ci", "ann")
        await jobs.store.add_key(key)
        return text

    async with AsyncExitStack() as stack:
        yield await _service(jobs, stack, good)


KEYS: dict[str, Callable[[str], str]] = {
    "unknown": lambda _: new_key("x", "ann")[0],
    "begun rightly": lambda good: good[:-1],
    "and more": lambda good: good + "A",
    "in capitals": lambda good: good.upper(),
    "the prefix": lambda _: "ak_",
    "another prefix": lambda good: good.replace("ak_", "jt_"),
    "very long": lambda _: "ak_" + "x" * 7000,
    "its hash": lambda good: "ak_" + hashlib.sha256(good.encode()).hexdigest(),
    "SQL": lambda _: "ak_' OR 1=1 --",
}


@pytest.mark.parametrize("kind", KEYS)
async def test_a_wrong_key(by_key: Service, kind: str) -> None:
    await by_key.refused(KEYS[kind](by_key.good))


@pytest.mark.parametrize("end", ["\x00", "\x00x", "\ud800", "é", "\r\nX: y"], ids=ascii)
async def test_a_key_with_what_no_header_can_hold(by_key: Service, end: str) -> None:
    """In a message it can come; half a character is no JSON text, which closes the socket too."""
    assert await by_key.socket_says(by_key.good + end, "message") == 4401


async def test_an_empty_key(by_key: Service) -> None:
    for headers in ({"authorization": "Bearer"}, {"x-api-key": ""}, {"authorization": ""}):
        async with by_key.client(**headers) as client:
            assert (await client.get("/v1/jobs")).status_code == 401
    assert await by_key.socket_says("", "message") == 4401


async def test_a_null_in_the_header_of_a_key(by_key: Service) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", by_key.port)
    writer.write(b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\x00\r\n\r\n" % by_key.good.encode())
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_a_revoked_key(by_key: Service) -> None:
    """It opens nothing more, soon; what it had opened is not the door to anything new."""
    text, key = new_key("stolen", "ann")
    await by_key.jobs.store.add_key(key)
    async with by_key.client(text) as thief:
        assert (await thief.get("/v1/jobs")).status_code == 200
        await by_key.jobs.store.revoke_key(key.id)

        async def out() -> bool:
            return (await thief.get("/v1/jobs")).status_code == 401

        await wait_until(out, timeout=4, what="the end of a revoked key")
    await by_key.refused(text)


# ── what the server signs itself ─────────────────────────────────────────────────────────────────────


def changed(token: str, **changes: Any) -> str:
    """Other claims under the same signature."""
    body, _, signature = token.partition(".")
    told = json.loads(base64.urlsafe_b64decode(body[3:] + "=" * (-len(body[3:]) % 4)))
    return f"{body[:3]}{_base64(json.dumps(told | changes, separators=(',', ':')).encode())}.{signature}"


async def elsewhere(folder: Path) -> SQLiteStore:
    store = SQLiteStore(folder / "other.db")
    await store.open()
    return store


async def test_a_forged_or_stale_job_token(by_key: Service, tmp_path: Path) -> None:
    tokens, settings = by_key.jobs.access.tokens, by_key.jobs.settings
    good, _ = await tokens.job_token(by_key.job_id, "ann", verbs=["read"])
    past = Tokens(by_key.jobs.store, settings, clock=lambda: time.time() - 10_000)
    other = await elsewhere(tmp_path)
    forged = {
        "another job": changed(good, job="01a2"),
        "more verbs": changed(good, verbs=["cancel", "read"]),
        "another owner": changed(good, owner="vera"),
        "a longer life": changed(good, exp=time.time() + 1e6),
        "expired": (await past.job_token(by_key.job_id, "ann"))[0],
        "of another server": (await Tokens(other, settings).job_token(by_key.job_id, "ann"))[0],
        "no signature": good.partition(".")[0] + ".",
        "another spelling of the signature": good + "=",
        "a ticket in its place": "jt_" + (await tokens.ticket("ann", admin=True, identity_expires_at=None))[0][3:],
        "very long": "jt_" + "A" * 7000 + ".A",
    }
    for token in forged.values():
        await by_key.refused(token)
    await other.close()


async def test_a_job_token_beyond_its_job_and_its_verbs(by_key: Service) -> None:
    token, _ = await by_key.jobs.access.tokens.job_token(by_key.job_id, "ann", verbs=["read"])
    async with by_key.client(by_key.good) as ann:
        second = (await ann.post("/v1/tasks/wait", json={})).json()["id"]
    path = f"/v1/jobs/{by_key.job_id}"
    async with by_key.client(token) as holder, connect(by_key.address(f"?token={token}")) as connection:
        assert (await holder.get(path)).status_code == 200
        for method, beyond, status in (
            ("POST", f"{path}/cancel", 403),
            ("POST", f"{path}/retry", 403),
            ("POST", f"{path}/tokens", 403),
            ("DELETE", path, 403),
            ("GET", "/v1/jobs", 403),
            ("DELETE", "/v1/jobs", 403),
            ("POST", "/v1/tasks/wait", 403),
            ("POST", "/v1/tasks/wait/batch", 403),
            ("GET", f"/v1/jobs/{second}", 404),
            ("GET", f"/v1/jobs/{second}/events", 404),
            ("GET", f"/v1/events?jobs={by_key.job_id},{second}", 404),
        ):
            assert (await holder.request(method, beyond)).status_code == status, beyond
        socket = Socket(connection)
        assert (await socket.hear())["type"] == "auth_success"
        answer = await socket.ask(action="cancel", job_id=by_key.job_id)
        assert answer["problem"]["status"] == 403
        assert (await socket.ask(action="subscribe", job_id=second))["problem"]["status"] == 404
        assert (await socket.ask(action="subscribe", job_id=by_key.job_id))["type"] == "subscribed"


@pytest.mark.parametrize("way", ["ticket", "message"])
async def test_a_ticket_opens_one_socket(by_key: Service, way: str) -> None:
    async with by_key.client(by_key.good) as ann:
        ticket = (await ann.post("/v1/ws-ticket")).json()["ticket"]
    query = f"?ticket={ticket}" if way == "ticket" else ""
    async with connect(by_key.address(query)) as connection:
        socket = Socket(connection)
        if way == "message":
            await socket.say(action="authenticate", token=ticket)
        assert (await socket.hear())["type"] == "auth_success"
        for again in ("ticket", "message"):
            assert await by_key.socket_says(ticket, again) == 4401
    await by_key.refused(ticket)


async def test_a_forged_or_stale_ticket(by_key: Service, tmp_path: Path) -> None:
    tokens, settings = by_key.jobs.access.tokens, by_key.jobs.settings
    good, _ = await tokens.ticket("ann", admin=False, identity_expires_at=None)
    past = Tokens(by_key.jobs.store, settings, clock=lambda: time.time() - 10_000)
    other = await elsewhere(tmp_path)
    stale: dict[str, Any] = {"admin": False, "identity_expires_at": None}
    for forged in (
        changed(good, admin=True),
        changed(good, owner="vera"),
        changed(good, id="another"),
        (await past.ticket("ann", **stale))[0],
        (await Tokens(other, settings).ticket("ann", **stale))[0],
        "wt_" + (await tokens.job_token(by_key.job_id, "ann"))[0][3:],
    ):
        await by_key.refused(forged)
    assert await by_key.socket_says(good, "header") == 4401
    await other.close()
