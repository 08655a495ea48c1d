"""Which tier brings which page, on what sign it climbs, and where it must not go."""

from __future__ import annotations

from typing import Any

import pytest
from accepted_apps.playground import Playground

from .serving import Client


def tried(task: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(one["tier"], one["outcome"], one["sign"]) for one in task["escalation_log"]]


@pytest.mark.parametrize(
    "page", ["/plain", "/article", "/headers", "/vendors", "/consent-banner", "/encoding/shift-jis"]
)
async def test_the_first_tier_brings_what_is_open(page: str, client: Client, web: Playground) -> None:
    task = await client.run(web.url + page)
    assert task["status"] == "completed"
    assert tried(task) == [(1, "ok", "")]
    assert task["cost"] == 0.0001


@pytest.mark.parametrize(
    ("page", "sign"),
    [
        ("/address", "Cloudflare block page"),
        ("/akamai", "Access Denied"),
        ("/imperva", "Imperva"),
    ],
)
async def test_a_blocked_address_goes_through_a_proxy(page: str, sign: str, client: Client, web: Playground) -> None:
    task = await client.run(web.url + page, max_tier=2)
    assert task["status"] == "completed", task
    (first, second) = task["escalation_log"]
    assert (first["tier"], first["outcome"]) == (1, "escalated")
    assert sign in first["sign"]
    assert (second["tier"], second["outcome"]) == (2, "ok")
    assert task["cost"] == 0.0051
    assert task["result"]["tier_info"] == {
        "tier_used": 2,
        "tier_name": "IP Rotation",
        "cost_per_page": 0.005,
        "escalation_log": task["escalation_log"],
    }
    for entry in task["escalation_log"]:
        assert set(entry) == {"tier", "tier_name", "outcome", "sign", "status_code", "seconds", "cost"}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("page", "signs"),
    [
        ("/climb", ["Cloudflare block page", "Cloudflare challenge", ""]),
        ("/script", ["JavaScript", "script", ""]),
        ("/challenge", ["Cloudflare challenge", "Cloudflare challenge", ""]),
    ],
)
async def test_the_browser_brings_what_needs_script(
    page: str, signs: list[str], client: Client, web: Playground
) -> None:
    task = await client.run(web.url + page)
    assert task["status"] == "completed", task
    assert [one["tier"] for one in task["escalation_log"]] == [1, 2, 3]
    for entry, sign in zip(task["escalation_log"], signs, strict=True):
        assert sign.lower() in entry["sign"].lower()
    assert task["result"]["tier_info"]["tier_used"] == 3
    assert task["result"]["elements"]


async def test_an_unavailable_and_a_reset_site_escalate(client: Client, web: Playground) -> None:
    for page in ("/unavailable?times=1&key=tiers", "/reset"):
        task = await client.run(web.url + page, max_tier=2)
        assert task["escalation_log"][0]["outcome"] == "escalated", task
        assert len(task["escalation_log"]) == 2


async def test_not_found_does_not_escalate(client: Client, web: Playground) -> None:
    task = await client.run(web.url + "/missing")
    assert (task["status"], task["error_code"]) == ("failed", "not_found")
    assert "404" in task["error"]
    assert [one["tier"] for one in task["escalation_log"]] == [1]
    assert task["result"] is None


async def test_retry_after_is_obeyed(client: Client, web: Playground) -> None:
    task = await client.run(web.url + "/too-many?times=1&retry_after=1&key=obeyed")
    assert task["status"] == "completed", task
    visits = [one.started for one in web.visits if one.path == "/too-many"]
    assert len(visits) == 2
    assert visits[1] - visits[0] >= 1


async def test_a_captcha_fails_and_says_so(client: Client, web: Playground) -> None:
    task = await client.run(web.url + "/captcha")
    assert (task["status"], task["error_code"]) == ("failed", "captcha")
    assert "CAPTCHA" in task["error"]
    assert "person" in task["error"]


async def test_robots_are_honoured(client: Client, web: Playground) -> None:
    task = await client.run(web.url + "/private-area/ledger")
    assert (task["status"], task["error_code"]) == ("failed", "robots_refused")


@pytest.mark.parametrize("tier", [1, 2, pytest.param(3, marks=pytest.mark.browser)])
@pytest.mark.parametrize(
    "page", ["/redirect/metadata", "/redirect/private", "/redirect/internal", "/redirect/two-hops"]
)
async def test_a_redirect_to_a_private_address_is_refused_in_every_tier(
    page: str, tier: int, client: Client, web: Playground
) -> None:
    task = await client.run(web.url + page, min_tier=tier, max_tier=tier)
    assert (task["status"], task["error_code"]) == ("failed", "address_refused"), task
    assert web.internal_hits == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]/"]
)
async def test_private_addresses_are_refused(url: str, client: Client) -> None:
    task = await client.run(url)
    assert (task["status"], task["error_code"]) == ("failed", "address_refused")
    assert "refused" in task["error"]


@pytest.mark.browser
async def test_what_a_page_loads_in_the_browser_is_guarded_too(client: Client, web: Playground) -> None:
    task = await client.run(web.url + "/private-resources", min_tier=3)
    assert task["status"] == "completed"
    assert web.internal_hits == []


async def test_elements_have_the_shape_of_the_contract(client: Client, web: Playground) -> None:
    page = (await client.preview(web.url + "/many?rows=500")).json()
    assert set(page) == {"url", "title", "elements", "tier_info"}
    assert len(page["elements"]) == 100
    for number, element in enumerate(page["elements"], 1):
        assert set(element) == {"id", "type", "text", "xpath", "css", "path"}
        assert element["id"] == f"el-{number}"
        assert 0 < len(element["text"]) <= 300


@pytest.mark.browser
async def test_a_max_tier_above_three_is_three(client: Client, web: Playground) -> None:
    task = await client.run(web.url + "/script", max_tier=9)
    assert task["max_tier"] == 3
    assert task["result"]["tier_info"]["tier_used"] == 3


async def test_a_lower_max_tier_is_not_passed(client: Client, web: Playground) -> None:
    task = await client.run(web.url + "/address", max_tier=1)
    assert (task["status"], task["error_code"]) == ("failed", "blocked")
    assert "Cloudflare block page" in task["error"]
    assert tried(task) == [(1, "failed", "Cloudflare block page")]
