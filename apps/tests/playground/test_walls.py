"""The walls: whom each one turns away, with what marks, and whom it lets in."""

import re
from collections.abc import Callable

import httpx
import pytest
from accepted_apps.playground import Playground
from accepted_apps.playground.state import fnv1a

Through = Callable[[str], httpx.AsyncClient]


def solved(page: str) -> str:
    """The clearance cookie, computed as the page's script does."""
    found = re.search(r'data-token="([^"]+)"', page)
    assert found is not None
    token = found[1]
    return next(f"{token}.{n}" for n in range(100_000) if fnv1a(f"{token}.{n}") & 0x3FF == 0)


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/address", (403, ["Attention Required! | Cloudflare", 'id="cf-error-details"', "127.0.0.1"])),
        ("/akamai", (403, ["Access Denied", "Reference&#32;&#35;18&#46;"])),
        ("/imperva", (200, ["/_Incapsula_Resource?SWUDNSAI", "Incapsula incident ID"])),
    ],
)
async def test_a_wall_by_address_opens_to_a_proxy_only(
    path: str, refusal: tuple[int, list[str]], web: httpx.AsyncClient, pg: Playground, through: Through
) -> None:
    status, marks = refusal
    refused = await web.get(path)
    assert refused.status_code == status
    assert all(mark in refused.text for mark in marks)
    assert "price" not in refused.text
    for proxy in pg.proxies:
        async with through(proxy) as client:
            answer = await client.get(path)
        assert answer.status_code == 200
        assert 'class="price"' in answer.text


async def test_a_header_cannot_pretend_to_be_a_proxy(web: httpx.AsyncClient) -> None:
    forged = {"X-Forwarded-For": "127.0.0.2", "Forwarded": "for=127.0.0.2"}
    assert (await web.get("/address", headers=forged)).status_code == 403


async def test_rotation_matters_where_requests_are_counted(
    web: httpx.AsyncClient, pg: Playground, through: Through
) -> None:
    assert [(await web.get("/rotate?limit=2")).status_code for _ in range(4)] == [200, 200, 403, 403]
    for proxy in pg.proxies:
        async with through(proxy) as client:
            assert [(await client.get("/rotate?limit=1")).status_code for _ in range(2)] == [200, 403]
    assert (await web.get("/rotate?limit=2&key=another")).status_code == 200


async def test_a_browsers_headers_open_the_wall_by_headers(
    web: httpx.AsyncClient, browser_headers: dict[str, str]
) -> None:
    assert (await web.get("/headers", headers=browser_headers)).status_code == 200
    for missing in browser_headers:
        fewer = {name: value for name, value in browser_headers.items() if name != missing}
        refused = await web.get("/headers", headers=fewer)
        assert refused.status_code == 403, missing
        assert refused.headers["x-cache"] == "Error from cloudfront"
        assert "Request blocked" in refused.text


async def test_a_browser_without_brands_needs_none(web: httpx.AsyncClient) -> None:
    firefox = {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Accept": "text/html",
        "Accept-Language": "en",
    }
    assert (await web.get("/headers", headers=firefox)).status_code == 200


async def test_the_challenge_announces_itself_and_opens_to_the_computed_cookie(web: httpx.AsyncClient) -> None:
    wall = await web.get("/challenge")
    assert wall.status_code == 403
    assert wall.headers["cf-mitigated"] == "challenge"
    assert "<title>Just a moment...</title>" in wall.text
    assert "cType:'non-interactive'" in wall.text
    assert (await web.get("/challenge", headers={"Cookie": f"cf_clearance={solved(wall.text)}"})).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "a.b.1", "..", "a.b.ä"])
async def test_a_made_up_clearance_opens_nothing(cookie: str, web: httpx.AsyncClient) -> None:
    answer = await web.get("/challenge", headers={b"Cookie": f"cf_clearance={cookie}".encode()})
    assert answer.status_code == 403


async def test_a_clearance_holds_in_its_own_playground_only(web: httpx.AsyncClient) -> None:
    async with Playground() as other:
        cookie = solved((await web.get(f"{other.url}/challenge")).text)
    assert (await web.get("/challenge", headers={"Cookie": f"cf_clearance={cookie}"})).status_code == 403


async def test_a_clearance_with_the_wrong_number_opens_nothing(web: httpx.AsyncClient) -> None:
    cookie = solved((await web.get("/challenge")).text)
    token, _, answer = cookie.rpartition(".")
    wrong = f"{token}.{int(answer) - 1}"
    assert (await web.get("/challenge", headers={"Cookie": f"cf_clearance={wrong}"})).status_code == 403


async def test_the_challenge_can_be_as_large_as_real_ones(web: httpx.AsyncClient) -> None:
    assert len((await web.get("/challenge?kb=447")).content) > 447_000


async def test_climb_asks_for_one_thing_after_the_other(
    web: httpx.AsyncClient, pg: Playground, through: Through
) -> None:
    first = await web.get("/climb")
    assert first.status_code == 403
    assert "cf-mitigated" not in first.headers
    assert "Sorry, you have been blocked" in first.text
    async with through(pg.proxies[0]) as client:
        second = await client.get("/climb")
    assert second.status_code == 403
    assert second.headers["cf-mitigated"] == "challenge"
    for wall in (first, second):
        third = await web.get("/climb", headers={"Cookie": f"cf_clearance={solved(wall.text)}"})
        assert third.status_code == 200
        assert "The view from the top" in third.text


@pytest.mark.parametrize(
    ("query", "marks"),
    [
        ("", ['class="h-captcha"', "js.hcaptcha.com"]),
        ("?vendor=turnstile", ["cType:'interactive'", 'id="turnstile-wrapper"', "Verify you are human"]),
    ],
)
async def test_a_captcha_asks_everybody_for_a_person(
    query: str, marks: list[str], web: httpx.AsyncClient, pg: Playground, through: Through
) -> None:
    async with through(pg.proxies[0]) as client:
        for answer in (await web.get(f"/captcha{query}"), await client.get(f"/captcha{query}")):
            assert answer.status_code == 403
            assert all(mark in answer.text for mark in marks)
            assert "<script src" not in answer.text


async def test_the_consent_wall_stands_until_a_choice_is_made(web: httpx.AsyncClient) -> None:
    wall = await web.get("/consent")
    assert wall.status_code == 200
    assert "Before you continue" in wall.text
    assert "price" not in wall.text
    chosen = await web.post("/consent/choice", data={"choice": "reject"}, follow_redirects=True)
    assert 'class="price"' in chosen.text
