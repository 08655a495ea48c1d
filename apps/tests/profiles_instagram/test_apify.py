"""Instagram through Apify: whole profiles, what each costs, every way in which a run goes wrong, and who ends it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.playground.social import Apify, Instagram, Served
from accepted_apps.playground.social.apify import COMMENTS, LATEST, POSTS, PRICE, PROFILES, End, Refusal
from helpers import wait_until

from accepted import JobCancelled

from .desk import Desk, count, desk, profile_url, session_file, stored


@pytest.fixture
def settings(apify_served: Served[Apify]) -> dict[str, Any]:
    return {
        "allow": (apify_served.address,),
        "apify_url": apify_served.url,
        "apify_token": apify_served.network.token,
        "longest_wait": 1.0,
    }


@pytest.fixture
async def payer(tmp_path: Path, apify: Apify, settings: dict[str, Any]) -> AsyncIterator[Desk]:
    async with desk(tmp_path, **settings) as made:
        yield made


def code_of(apify: Apify, name: str, index: int = 0) -> str:
    account = apify.world.account(name)
    assert account is not None
    return account.posts[index].code


# ── what comes ──


async def test_a_profile_comes_whole(payer: Desk, apify: Apify) -> None:
    handle = await payer.start(profile_url("harbour.light"))
    found = (await handle.result(timeout=60)).model_dump(mode="json")["profile"]
    account = apify.world.account("harbour.light")
    assert account is not None
    assert found["profile"] == {
        "username": "harbour.light",
        "fullName": "Harbour Light",
        "bio": account.biography,
        "followers": account.followers,
        "following": account.following,
        "postCount": 20,
        "profileUrl": "https://www.instagram.com/harbour.light/",
        "profilePicUrl": account.picture_url,
    }
    posts = found["posts"]
    assert [post["shortcode"] for post in posts] == [post.code for post in account.posts]
    assert all(newer["timestamp"] > older["timestamp"] for newer, older in pairwise(posts)), "the pinned one too"
    assert [post["commentCount"] for post in posts] == [count(post["comments"]) for post in posts] == [200] * 20
    for post, told in zip(posts, account.posts, strict=True):
        hidden = told.likes % 11 == 0
        assert (post["id"], post["caption"], post["imageUrl"]) == (told.pk, told.caption or "", told.image_url)
        assert post["likeCount"] == (0 if hidden else told.likes)
        assert post["url"] == f"https://www.instagram.com/{'reel' if told.kind == 2 else 'p'}/{told.code}/"
        assert (post["timestamp"], post["note"]) == (told.at.isoformat(timespec="milliseconds"), None)
    first, said = posts[0]["comments"][3], account.posts[0].remarks[3]
    assert (first["id"], first["username"], first["text"]) == (said.pk, said.reader.username, said.text)
    assert (first["likeCount"], len(first["replies"])) == (said.likes, len(said.answers))

    assert [len(apify.of(actor)) for actor in (PROFILES, POSTS, COMMENTS)] == [1, 1, 20]
    record = await handle.refresh()
    assert record.cost == pytest.approx(sum(run.cost for run in apify.runs))
    assert record.cost > 20 * 134 * PRICE
    assert {run.options["maxTotalChargeUsd"] for run in apify.runs} == {"2"}


async def test_posts_that_come_with_the_profile_are_not_paid_again(payer: Desk, apify: Apify) -> None:
    posts = (await payer.profile("harbour.light", posts=LATEST - 3, comments=5))["posts"]
    account = apify.world.account("harbour.light")
    assert account is not None
    assert [post["shortcode"] for post in posts] == [post.code for post in account.posts[: LATEST - 3]]
    assert [len(post["comments"]) for post in posts] == [5] * 9
    assert not apify.of(POSTS)


async def test_a_post_alone(payer: Desk, apify: Apify) -> None:
    code = code_of(apify, "meadow.paper", 2)
    found = (await payer.read(f"https://www.instagram.com/reel/{code}/?igsh=abc"))["post"]
    assert found["postUrl"] == f"https://www.instagram.com/reel/{code}/"
    assert found["post"]["commentCount"] == count(found["comments"]) == 200


async def test_profiles_without_posts_cost_one_run(payer: Desk, apify: Apify) -> None:
    assert (await payer.profile("quiet.place"))["posts"] == []
    assert len(apify.runs) == 1


async def test_replies_that_a_free_plan_leaves_out_are_noted(payer: Desk, apify: Apify) -> None:
    apify.free_plan = True
    [post] = (await payer.profile("harbour.light", posts=1))["posts"]
    assert (len(post["comments"]), count(post["comments"])) == (134, 134)
    assert post["note"] == "Apify gives the 66 replies to accounts with a paid plan only."


async def test_a_post_that_is_gone_costs_the_others_nothing(payer: Desk, apify: Apify) -> None:
    code = code_of(apify, "harbour.light", 1)
    apify.world.deleted.add(code)
    posts = (await payer.profile("harbour.light", posts=3))["posts"]
    assert [len(post["comments"]) for post in posts] == [134, 0, 134]
    assert "it was deleted" in posts[1]["note"]
    refused, _ = await payer.refused(f"https://www.instagram.com/p/{code}/")
    assert refused == "post_missing"


# ── what does not come ──


@pytest.mark.parametrize(
    ("name", "refusal", "code", "words"),
    [
        ("nobody.here", None, "profile_missing", "Instagram has no profile nobody.here"),
        ("private.garden", None, "profile_private", "only its followers may see its posts"),
        ("harbour.light", "payment", "payment_needed", "cannot pay for the run (not-enough-usage-to-run-paid-actor)"),
        ("harbour.light", "limited", "rate_limited", "Apify asks to wait 60 s"),
        ("harbour.light", "memory", "rate_limited", "where other runs take all the memory"),
        ("harbour.light", "input", "unexpected_answer", "does not take this input"),
        ("harbour.light", "actor", "provider_not_configured", "knows no actor apify/instagram-profile-scraper"),
        ("harbour.light", "trouble", "network_trouble", "has an error of its own (500)"),
    ],
)
async def test_each_obstacle_has_a_sentence(
    payer: Desk, apify: Apify, name: str, refusal: Refusal | None, code: str, words: str
) -> None:
    if refusal:
        apify.refusals = [refusal] * 10
    found, sentence = await payer.refused(profile_url(name))
    assert (found, words in sentence) == (code, True), sentence


async def test_a_token_that_is_not_taken(tmp_path: Path, apify: Apify, settings: dict[str, Any]) -> None:
    async with desk(tmp_path, **{**settings, "apify_token": "apify_api_wrong"}) as one:
        code, sentence = await one.refused(profile_url("harbour.light"))
    assert (code, sentence) == ("login_failed", "Apify does not take the token: correct profiles.apify_token.")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("FAILED", "failed (FAILED)"),
        ("TIMED-OUT", "took longer than 1800 s"),
        ("ABORTED", "was aborted at Apify"),
    ],
)
async def test_a_run_that_ends_badly(payer: Desk, apify: Apify, end: End, words: str) -> None:
    apify.ends = [end]
    code, sentence = await payer.refused(profile_url("harbour.light"))
    assert (code, words in sentence) == ("run_failed", True), sentence
    assert len(apify.runs) == 1


async def test_after_a_run_that_failed_another_is_started_and_after_three_none(
    tmp_path: Path, apify: Apify, settings: dict[str, Any]
) -> None:
    async with desk(tmp_path, **settings, retries=5) as one:
        apify.ends = ["FAILED"]
        handle = await one.start(profile_url("harbour.light"), posts=1, comments=0)
        await one.waits(handle)
        assert (await handle.result(timeout=30)).profile.profile.username == "harbour.light"
        assert [run.status for run in apify.of(PROFILES)] == ["FAILED", "SUCCEEDED"]
        apify.ends = ["FAILED"] * 10
        code, sentence = await one.refused(profile_url("meadow.paper"))
        assert (code, "like 2 before it" in sentence) == ("run_failed", True)
        assert len(apify.of(PROFILES)) == 5


async def test_there_is_no_room_for_another_run_for_a_while(
    tmp_path: Path, apify: Apify, settings: dict[str, Any]
) -> None:
    async with desk(tmp_path, **{**settings, "longest_wait": 60.0}) as one:
        apify.refusals = ["memory"]
        handle = await one.start(profile_url("harbour.light"))

        async def pausing() -> bool:
            return "take all the memory of the account, asks to wait 15 s" in await one.said(handle)

        await wait_until(pausing)
        await handle.cancel()
        with pytest.raises(JobCancelled):
            await handle.result(timeout=5)
    assert not apify.runs


# ── who ends it ──


async def test_a_cancel_ends_the_runs(payer: Desk, apify: Apify) -> None:
    handle = await payer.start(profile_url("harbour.light"))
    await wait_until(lambda: apify.of(PROFILES))
    apify.polls = 1_000_000
    await wait_until(lambda: len(apify.of(COMMENTS)) == 4 or len(apify.under_way) == 1, what="runs under way")
    await handle.cancel()
    with pytest.raises(JobCancelled):
        await handle.result(timeout=10)
    await wait_until(lambda: not apify.under_way, what="the end of all runs")
    assert [run for run in apify.runs if run.aborted]


async def test_a_time_limit_ends_the_run(tmp_path: Path, apify: Apify, settings: dict[str, Any]) -> None:
    apify.polls = 1_000_000
    async with desk(tmp_path, **settings, timeout=0.5) as one:
        handle = await one.start(profile_url("harbour.light"))
        await one.jobs.wait_over(handle.id, 10)
        await wait_until(lambda: apify.runs and not apify.under_way, what="the end of the run")
    assert [run.aborted for run in apify.runs] == [True]


async def test_a_stopping_worker_leaves_the_run_to_the_next_one(
    tmp_path: Path, apify: Apify, settings: dict[str, Any]
) -> None:
    apify.polls = 1_000_000
    async with desk(tmp_path, **settings) as one:
        handle = await one.start(profile_url("harbour.light"), posts=1, comments=5)

        async def stored_run() -> bool:
            return any(name.startswith("Apify run") for name in await one.finished_steps(handle))

        await wait_until(stored_run)
    [run] = apify.runs
    assert not run.aborted
    run.polls = 0
    apify.polls = 1
    async with desk(tmp_path, **settings) as one:
        result = await (await one.jobs.get(handle.id)).result(timeout=30)
        cost = (await (await one.jobs.get(handle.id)).refresh()).cost
    assert result.profile.profile.username == "harbour.light"
    assert len(apify.of(PROFILES)) == 1, "started once"
    assert cost == pytest.approx(sum(run.cost for run in apify.runs)), "and paid once"


# ── tokens, and the other provider ──


async def test_the_token_is_nowhere(payer: Desk, apify: Apify, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    handle = await payer.start(profile_url("harbour.light"), posts=2, comments=5)
    await handle.result(timeout=30)
    apify.ends = ["FAILED"]
    await payer.refused(profile_url("meadow.paper"))
    seen = stored(payer.database.parent) + caplog.text.encode() + (await payer.said(handle)).encode()
    assert apify.token.encode() not in seen
    assert not [query for query in apify.queries if "token" in query]


async def test_apify_goes_on_where_instagram_ends_the_session(
    tmp_path: Path, apify: Apify, settings: dict[str, Any], instagram: Instagram, instagram_url: str
) -> None:
    file = session_file(tmp_path, {**instagram.session(), "sessionid": "4711%3Aold"})
    async with desk(tmp_path, **settings, instagram_url=instagram_url, instagram_session=file) as one:
        handle = await one.start(profile_url("harbour.light"), posts=1, comments=5)
        result = await handle.result(timeout=30)
        assert len(result.profile.posts[0].comments) == 5
        assert "Instagram has ended the session of reader" in await one.said(handle)
    assert apify.of(PROFILES)


async def test_a_private_address_is_not_asked(tmp_path: Path, apify: Apify, settings: dict[str, Any]) -> None:
    async with desk(tmp_path, **{**settings, "allow": ()}) as one:
        code, _ = await one.refused(profile_url("harbour.light"))
    assert code == "address_refused"
    assert not apify.queries
