"""Whatever goes out on a user's behalf: addresses in every form, redirects, names that change their answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
import pytest
from attacks.addresses import PRIVATE, PUBLIC
from attacks.scene import TLS, Scene

from accepted.guard import AddressPolicy, AddressRefused, guarded_client
from accepted.webhooks.targets import refused_for_ever

pytestmark = pytest.mark.asyncio(loop_scope="module")

URLS = [f"http://{f'[{host}]' if host.count(':') > 1 and host[0] != '[' else host}/hook" for host in PRIVATE]
TRICKS = [
    "http://a.localhost/",
    "http://user@127.0.0.1/",
    "http://example.org@127.0.0.1/",
    "http://example.org:80@127.0.0.1:80/",
    "http://127.0.0.1#@example.org/",
    "http://127.0.0.1\\@example.org/",
    "http://example.org\\@127.0.0.1/",
    "http:127.0.0.1/",
    "http:///127.0.0.1/",
    "//127.0.0.1/",
    "http://127.0.0.1:0/",
    "http://example.org:0/",
    "http://example.org:99999/",
    "http://example.org:-1/",
    "http://[::1]:80@example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://example.org/",
    "dict://127.0.0.1/",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "http://127.0.0.1%2f@example.org/",
    "http://%31%32%37.0.0.1/",
    "http://example.org\r\nHost: 127.0.0.1/",
    "http://example.org/\x00",
    " http://127.0.0.1/",
    "http://127.0.0.1 /",
    "http://",
    "",
]


async def test_the_table_is_long() -> None:
    assert len(set(PRIVATE)) == len(PRIVATE) >= 80


@pytest.mark.parametrize("url", [*URLS, *TRICKS], ids=ascii)
async def test_webhooks_to_private_addresses(there: Scene, url: str) -> None:
    async with there.client() as mallory:
        answer = await mallory.post("/v1/webhooks", json={"url": url})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == "#/url"
        there.clean(answer.text)


async def test_a_webhook_is_not_turned_to_a_private_address(there: Scene) -> None:
    async with there.client() as mallory:
        made = (await mallory.post("/v1/webhooks", json={"url": "https://example.org/"})).json()
        for url in ("http://127.0.0.1/", "http://169.254.169.254/", "http://[::ffff:10.0.0.1]/"):
            assert (await mallory.patch(made["links"]["self"], json={"url": url})).status_code == 422
        assert (await mallory.get(made["links"]["self"])).json()["url"] == "https://example.org/"
        await mallory.delete(made["links"]["self"])
    await there.unharmed()


@pytest.mark.parametrize("host", PUBLIC)
async def test_public_addresses_are_no_trouble(host: str) -> None:
    bracketed = f"[{host}]" if ":" in host else host
    assert await refused_for_ever(f"https://{bracketed}/", ()) is None


# ── a site that leads astray ─────────────────────────────────────────────────────────────────────────


@dataclass
class Site:
    """Listens on one address; counts who comes. `to`: where it sends them."""

    port: int = 0
    to: str = ""
    status: int = 302
    visits: int = 0
    _server: asyncio.Server | None = field(default=None, repr=False)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {self.status} X\r\nLocation: {self.to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def site(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Site]:
    made = Site()
    server = await asyncio.start_server(made.answer, address, port)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_to_private_addresses(status: int) -> None:
    """The inside is listening, on the same port as the outside: it is not called once, however it is spelled."""
    async with site("127.0.0.5") as outside, site("127.0.0.1", outside.port) as inside:
        policy = AddressPolicy([f"127.0.0.5:{outside.port}"])
        async with guarded_client(policy, follow_redirects=True) as client:
            for host in (
                "127.0.0.1",
                "127.1",
                "2130706433",
                "0x7f.1",
                "0177.0.0.1",
                "localhost",
                "[::ffff:127.0.0.1]",
                "0",
            ):
                outside.status, outside.to = status, f"http://{host}:{inside.port}/"
                with pytest.raises((AddressRefused, httpx.HTTPError)):
                    await client.get(f"http://127.0.0.5:{outside.port}/")
        assert (outside.visits, inside.visits) == (8, 0)


async def test_a_name_that_changes_its_answer() -> None:
    """DNS rebinding: permitted when it is looked at, private when it is connected to. There is one look-up."""
    async with site("127.0.0.5") as outside, site("127.0.0.1", outside.port) as inside:
        answers = [
            ["127.0.0.5"],
            ["127.0.0.1"],
            ["127.0.0.5", "127.0.0.1"],
            ["::1"],
            ["::ffff:127.0.0.1"],
            ["fe80::1%lo"],
        ]
        asked: list[str] = []

        async def resolver(host: str, port: int) -> Sequence[str]:
            asked.append(host)
            return answers[len(asked) - 1]

        outside.status = 204
        policy = AddressPolicy([f"127.0.0.5:{outside.port}"], resolver=resolver)
        async with guarded_client(policy) as client:
            url = f"http://rebind.example:{outside.port}/"
            assert (await client.get(url, headers={"connection": "close"})).status_code == 204
            for _ in answers[1:]:
                with pytest.raises(AddressRefused):
                    await client.get(url)
        assert asked == ["rebind.example"] * len(answers)
        assert (outside.visits, inside.visits) == (1, 0)


@pytest.mark.parametrize("host", PRIVATE, ids=ascii)
async def test_the_client_refuses_every_form(host: str) -> None:
    """Through the URL parser of the client too, encoded or not."""
    bracketed = f"[{host}]" if host.count(":") > 1 and host[:1] != "[" else host
    async with guarded_client(AddressPolicy(), verify=TLS) as client:
        for url in (f"http://{bracketed}:1/", f"http://{quote(bracketed, safe='[]:.%')}:1/"):
            with pytest.raises(
                (
                    AddressRefused,
                    httpx.InvalidURL,
                    httpx.UnsupportedProtocol,
                    httpx.ConnectError,
                    httpx.LocalProtocolError,
                )
            ) as refused:
                await client.get(url)
            # A connection that was tried would be refused, by nobody listening on port 1.
            assert "Connection refused" not in str(refused.value)
            assert "attempts failed" not in str(refused.value)
