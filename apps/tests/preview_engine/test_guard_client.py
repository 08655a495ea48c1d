"""The guarded client connects to the checked address only, directly and through proxies, at every hop."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from accepted.guard import AddressPolicy, AddressRefused, ProxyServer, guarded_client

from .servers import HttpProxy, Names, Site, SocksProxy, certificate, redirect, reply


async def test_the_name_is_looked_up_once_and_the_checked_address_is_used() -> None:
    async with Site({"/": reply("outside")}, "127.0.0.5") as outside, Site({"/": reply("inside")}) as inside:
        # A rebinding name: first the permitted address, then the private one.
        names = Names(rebind_test=[["127.0.0.5"], ["127.0.0.1"]])
        policy = AddressPolicy(["127.0.0.5"], resolver=names)
        async with guarded_client(policy) as client:
            answer = await client.get(f"http://rebind.test:{outside.port}/")
            assert answer.text == "outside"
            assert names.asked == ["rebind.test"]
            with pytest.raises(AddressRefused) as refused:
                await client.get(f"http://rebind.test:{inside.port}/")
        assert refused.value.url == f"http://rebind.test:{inside.port}/"
        assert inside.connections == 0
        assert outside.requests[0].headers["host"] == f"rebind.test:{outside.port}"


async def test_a_redirect_to_a_private_address_fails_at_its_hop() -> None:
    async with Site(host="127.0.0.5") as site, Site({"/secret": reply("secret")}) as inside:
        site.routes |= {"/1": redirect("/2"), "/2": redirect(f"{inside.url}/secret")}
        policy = AddressPolicy(["127.0.0.5"])
        async with guarded_client(policy, follow_redirects=True) as client:
            with pytest.raises(AddressRefused):
                await client.get(f"{site.url}/1")
        assert [request.path for request in site.requests] == ["/1", "/2"]
        assert inside.connections == 0


async def test_tls_is_checked_against_the_name_not_the_address(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path, "site.test")
    async with Site({"/": reply("hello")}, tls=server) as site, SocksProxy() as socks, HttpProxy() as proxy:
        names = Names(site_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
        policy = AddressPolicy(["127.0.0.1"], resolver=names)
        for through in (None, socks.url, proxy.url):
            async with guarded_client(policy, proxy=through, verify=trusting) as client:
                assert (await client.get(f"https://site.test:{site.port}/")).text == "hello"
                with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                    await client.get(f"https://other.test:{site.port}/")


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
async def test_a_proxy_is_given_the_checked_address_and_never_a_name(kind: type[HttpProxy | SocksProxy]) -> None:
    names = Names(site_test=[["127.0.0.1"]], inside_test=[["10.0.0.7"]])
    policy = AddressPolicy(["127.0.0.1"], resolver=names)
    async with Site({"/": reply("hello")}) as site, kind("127.0.0.9") as proxy:
        async with guarded_client(policy, proxy=proxy.url) as client:
            assert (await client.get(f"http://site.test:{site.port}/")).text == "hello"
            with pytest.raises(AddressRefused):
                await client.get("http://inside.test/")
        assert proxy.seen.targets == [("127.0.0.1", site.port)]
        assert site.requests[0].headers["host"] == f"site.test:{site.port}"
        assert site.requests[0].peer == "127.0.0.9"


async def test_credentials_reach_the_proxy_and_no_message() -> None:
    policy = AddressPolicy(["127.0.0.1"])
    async with Site({"/": reply("hello")}) as site, SocksProxy(login=("u", "p@ss")) as socks, HttpProxy() as http:
        good = f"socks5://u:p%40ss@127.0.0.1:{socks.port}"
        async with guarded_client(policy, proxy=good) as client:
            assert (await client.get(site.url)).text == "hello"
        async with guarded_client(policy, proxy=f"socks5://u:secret1@127.0.0.1:{socks.port}") as client:
            with pytest.raises(httpx.ProxyError, match="did not accept") as failed:
                await client.get(site.url)
        assert "secret1" not in str(failed.value)
        async with guarded_client(policy, proxy=f"http://u:secret1@127.0.0.1:{http.port}") as client:
            assert (await client.get(site.url)).text == "hello"
        assert http.seen.credentials == ["Basic dTpzZWNyZXQx"]
        assert "secret1" not in repr(ProxyServer.parse("http://u:secret1@127.0.0.1:1"))


async def test_a_proxy_that_refuses_or_is_dead_is_a_proxy_error() -> None:
    policy = AddressPolicy(["127.0.0.1"])
    async with HttpProxy(refuse="403 Forbidden") as proxy:
        async with guarded_client(policy, proxy=proxy.url) as client:
            with pytest.raises(httpx.ProxyError, match="403 Forbidden"):
                await client.get("http://127.0.0.1:9/")
        dead = proxy.url
    async with guarded_client(policy, proxy=dead) as client:
        with pytest.raises(httpx.ProxyError, match="cannot be reached"):
            await client.get("http://127.0.0.1:9/")


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://x", "http://", "socks4://x:1"])
def test_a_proxy_url_that_cannot_be_read_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match="written as"):
        ProxyServer.parse(url)


async def test_the_environment_s_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Site({"/": reply("hello")}) as site, HttpProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        async with guarded_client(AddressPolicy(["127.0.0.1"])) as client:
            assert (await client.get(site.url)).text == "hello"
        assert proxy.connections == 0


async def test_a_name_without_address_is_a_connect_error() -> None:
    async with guarded_client(AddressPolicy(resolver=Names())) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://nowhere.test/")
