"""The ordinary pages: every one listed answers, and those that look difficult are not walls."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from accepted_apps.playground import Playground
from accepted_apps.playground.pages import Page
from accepted_apps.playground.site import SECTIONS
from selectolax.lexbor import LexborHTMLParser

PAGES = [page for section in SECTIONS for page in section.pages]
STATUS = {
    "/address": 403,
    "/akamai": 403,
    "/captcha": 403,
    "/challenge": 403,
    "/climb": 403,
    "/headers": 403,
    "/missing": 404,
    "/news/busy/rss.xml": 429,
    "/too-many": 429,
    "/unavailable": 503,
}
#: These end in an error by design, or take their time; they have tests of their own.
ELSEWHERE = {"/slow", "/endless", "/reset", "/huge", "/gzip-bomb"}


def path(page: Page) -> str:
    return page.route


async def test_the_index_lists_every_page_with_its_sentence(web: httpx.AsyncClient) -> None:
    tree = LexborHTMLParser((await web.get("/")).text)
    rows = dict(zip((link.attributes["href"] for link in tree.css("main td a")), tree.css("main tr"), strict=True))
    assert list(rows) == [page.path for page in PAGES]
    assert all(page.sentence in rows[page.path].text() for page in PAGES)


@pytest.mark.parametrize("page", [page for page in PAGES if page.route not in ELSEWHERE], ids=path)
async def test_a_page_answers_a_bare_client_with_its_status(page: Page, web: httpx.AsyncClient) -> None:
    expected = 3 if page.route.startswith("/redirect/") else STATUS.get(page.route, 200)
    answer = await web.get(page.path)
    assert expected in {answer.status_code, answer.status_code // 100}


@pytest.mark.parametrize("path", ["/plain", "/vendors", "/consent-banner"])
async def test_a_list_shows_products_that_have_pages_and_pictures(path: str, web: httpx.AsyncClient) -> None:
    tree = LexborHTMLParser((await web.get(path)).text)
    assert len(tree.css("article.card .price")) >= 12
    link, picture = tree.css(".card h2 a")[0], tree.css(".card img")[0]
    assert "Harbour Kettle" in (await web.get(link.attributes["href"] or "")).text
    assert (await web.get(picture.attributes["src"] or "")).headers["content-type"] == "image/svg+xml"


async def test_content_is_the_same_on_every_start(web: httpx.AsyncClient) -> None:
    async with Playground() as other:
        assert (await web.get(f"{other.url}/plain")).text == (await web.get("/plain")).text


async def test_the_slow_page_takes_the_seconds_asked_for(
    web: httpx.AsyncClient, pg: Playground, wait_until: Callable[..., Any]
) -> None:
    await web.get("/slow?seconds=0.15")
    (visit,) = pg.visits
    await wait_until(lambda: visit.ended is not None)  # told a moment after the client has the last byte
    assert visit.ended is not None
    assert visit.ended - visit.started >= 0.15


@pytest.mark.parametrize("query", ["seconds=soon", "seconds=-1", "seconds=1e9", "seconds=nan"])
async def test_a_parameter_out_of_range_is_refused_by_name(query: str, web: httpx.AsyncClient) -> None:
    answer = await web.get(f"/slow?{query}")
    assert answer.status_code == 400
    assert "seconds: expected a number from 0 to 600" in answer.text


async def test_the_login_page_has_a_recaptcha_and_a_form(web: httpx.AsyncClient) -> None:
    tree = LexborHTMLParser((await web.get("/login")).text)
    assert tree.css_first("form .g-recaptcha") is not None
    assert len(tree.css("form input")) == 2


async def test_the_protected_shop_carries_the_marks_of_its_vendors(web: httpx.AsyncClient) -> None:
    answer = await web.get("/vendors")
    assert answer.headers["server"] == "cloudflare"
    assert answer.headers["x-datadome"] == "protected"
    assert "cf-mitigated" not in answer.headers
    assert {"datadome", "__cf_bm"} <= set(answer.cookies)
    for mark in ("js.datadome.co", "/_Incapsula_Resource", "/cdn-cgi/challenge-platform/", "px-cloud.net"):
        assert mark in answer.text
    for script in LexborHTMLParser(answer.text).css("script[src]"):
        assert (await web.get(script.attributes["src"] or "")).status_code == 200


async def test_the_awkward_page_is_awkward(web: httpx.AsyncClient) -> None:
    source = (await web.get("/selectors")).text
    tree = LexborHTMLParser(source)
    assert len(tree.css("#same")) == 2
    assert "<tbody" not in source.split("id=no-tbody")[1].split("</table>")[0]
    assert len(tree.css("#no-tbody > tbody > tr")) == 3
    ids = {node.attributes["id"] for node in tree.css("[id]")}
    assert {"1st", "a.b:c#d[e]", "two words", 'say "hi"', "it's", "日本語-🙂", "back\\slash", ""} <= ids
    assert tree.css_first("svg text") is not None


async def test_size_and_depth_are_as_asked_for(web: httpx.AsyncClient) -> None:
    assert (await web.get("/many?rows=70")).text.count("<tr>") == 70
    assert (await web.get("/deep?depth=300")).text.count("<div>") == 300
