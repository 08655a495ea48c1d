"""Instagram through the unmodified Instaloader: whole profiles, every way in which one cannot be had, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import instaloader
import pytest
import requests
from accepted_apps.playground.social import Instagram, Served
from accepted_apps.playground.social.instagram import COMMENT_PAGE, Kind, Part
from accepted_apps.playground.social.instagram_content import PINNED, SMALL_COMMENTS, World
from accepted_apps.profiles.providers.instaloader import RELEASE
from helpers import wait_until

from accepted import JobCancelled

from .desk import Desk, count, desk, profile_url, session_file, threads


@pytest.fixture
async def reader(tmp_path: Path, instagram_url: str, session: str) -> AsyncIterator[Desk]:
    """Signed in."""
    async with desk(tmp_path, instagram_url=instagram_url, instagram_session=session, longest_wait=5.0) as made:
        yield made


def code_of(instagram: Instagram, name: str, index: int = 0) -> str:
    account = instagram.world.account(name)
    assert account is not None
    return account.posts[index].code


def test_the_release_is_the_one_whose_requests_are_known() -> None:
    assert version("instaloader").startswith(RELEASE), (
        f"Instaloader {version('instaloader')} is installed; the provider and the stand-in know {RELEASE}: other "
        "releases ask Instagram other things. Compare `instaloadercontext.py` and `structures.py`, and change both."
    )


# ── what comes ──


async def test_a_profile_comes_whole(reader: Desk, instagram: Instagram) -> None:
    found = await reader.profile("harbour.light", posts=20, comments=200)
    account = instagram.world.account("harbour.light")
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
        assert (post["id"], post["caption"], post["likeCount"]) == (told.pk, told.caption or "", told.likes)
        assert post["imageUrl"] == told.image_url
        assert post["url"] == f"https://www.instagram.com/{'reel' if told.kind == 2 else 'p'}/{told.code}/"
        assert post["timestamp"] == told.at.isoformat(timespec="milliseconds")
        assert post["note"] is None
    first = posts[0]["comments"][3]
    said = account.posts[0].remarks[3]
    assert (first["id"], first["username"], first["text"]) == (said.pk, said.reader.username, said.text)
    assert (first["likeCount"], len(first["replies"])) == (said.likes, len(said.answers))
    assert first["timestamp"].endswith("+00:00")
    pages = -(-len(account.posts[0].remarks) // COMMENT_PAGE)
    assert instagram.counts("comments") == {post.pk: pages for post in account.posts}, "no page twice"
    await wait_until(lambda: not threads(), what="the end of the thread")


async def test_a_post_alone(reader: Desk, instagram: Instagram) -> None:
    code = code_of(instagram, "meadow.paper", 2)
    found = (await reader.read(f"https://www.instagram.com/reel/{code}/?igsh=abc"))["post"]
    assert found["postUrl"] == found["post"]["url"] == f"https://www.instagram.com/reel/{code}/"
    assert found["post"]["commentCount"] == count(found["comments"]) == 200


async def test_posts_with_few_comments_and_profiles_without_posts(reader: Desk) -> None:
    found = await reader.profile("small.shop", posts=2)
    assert [count(post["comments"]) for post in found["posts"]] == [SMALL_COMMENTS] * 2
    assert (await reader.profile("quiet.place"))["posts"] == []


async def test_fewer_comments_than_there_are(reader: Desk, instagram: Instagram) -> None:
    [post] = (await reader.profile("harbour.light", posts=1, comments=5))["posts"]
    assert (len(post["comments"]), post["commentCount"]) == (5, 200)
    assert sum(instagram.counts("comments").values()) == 1
    [post] = (await reader.profile("harbour.light", posts=1, comments=0))["posts"]
    assert post["comments"] == []


async def test_a_post_with_more_comments_has_a_step_for_each_part(tmp_path: Path) -> None:
    with Served(Instagram(World(posts=1, comments=700))) as served:
        settings = {
            "instagram_url": served.url,
            "instagram_session": session_file(tmp_path, served.network.session()),
            "replies_max": 1000,
        }
        async with desk(tmp_path, **settings) as one:
            handle = await one.start(profile_url("big.one"), comments=1000)
            result = await handle.result(timeout=60)
            [post] = result.model_dump(mode="json")["profile"]["posts"]
            assert count(post["comments"]) == 700
            assert len({comment["id"] for comment in post["comments"]}) == len(post["comments"])
            code = code_of(served.network, "big.one")
            said = await one.said(handle)
            assert f"Comments of {code} from 1" in said
            assert f"Comments of {code} from 201" in said
            assert "700 of 700 comments of post" in str((await handle.refresh()).progress.message) + said


async def test_a_private_profile_that_the_account_follows(reader: Desk, instagram: Instagram) -> None:
    instagram.followed.add("private.garden")
    found = await reader.profile("private.garden", posts=2, comments=10)
    assert [len(post["comments"]) for post in found["posts"]] == [10, 10]


async def test_without_a_login_posts_come_and_comments_are_asked_for_in_vain(
    tmp_path: Path, instagram: Instagram, instagram_url: str
) -> None:
    async with desk(tmp_path, instagram_url=instagram_url, instagram_anonymous=True) as nobody:
        found = await nobody.profile("harbour.light", posts=5, comments=0)
        assert [post["commentCount"] for post in found["posts"]] == [200] * 5
        assert {visit.user for visit in instagram.visits} == {None}
        code, sentence = await nobody.refused(profile_url("harbour.light"), posts=1)
        assert code == "login_needed"
        assert "profiles.instagram_session" in sentence
        assert await nobody.refused(profile_url("private.garden"), comments=0) == (
            "profile_private",
            "The Instagram profile private.garden is private: only its followers may see its posts.",
        )


async def test_nothing_is_configured(tmp_path: Path, instagram_url: str) -> None:
    async with desk(tmp_path, instagram_url=instagram_url) as one:
        code, sentence = await one.refused(profile_url("harbour.light"))
    assert code == "provider_not_configured"
    for name in ("instagram_session", "instagram_user", "instagram_password", "apify_token"):
        assert f"profiles.{name}" in sentence


# ── what does not come ──

ACCOUNT = "Instagram wants reader to confirm who it is"


@pytest.mark.parametrize(
    ("name", "part", "kind", "code", "words"),
    [
        ("nobody.here", None, None, "profile_missing", "Instagram has no profile nobody.here"),
        ("private.garden", None, None, "profile_private", "and reader is none of them"),
        ("harbour.light", "page", "login wall", "login_needed", "to this server's address only after a login"),
        ("harbour.light", "timeline", "login wall", "login_failed", "Instagram has ended the session of reader"),
        ("harbour.light", "comments", "login wall", "login_failed", "make a new one with `instaloader --login NAME`"),
        ("harbour.light", "timeline", "checkpoint", "account_stopped", ACCOUNT),
        ("harbour.light", "comments", "feedback", "account_stopped", "for asking too much"),
        ("harbour.light", "page", "error", "network_trouble", "with an error of its own (500)"),
        ("harbour.light", "comments", "error", "network_trouble", "with an error of its own (500)"),
        ("harbour.light", "timeline", "nonsense", "unexpected_answer", "a newer release of it"),
        ("harbour.light", "comments", "limited", "rate_limited", "goes on refusing"),
        ("harbour.light", "comments", "wait", "rate_limited", "goes on refusing"),
        ("harbour.light", "page", "limited", "rate_limited", "goes on refusing"),
    ],
)
async def test_each_obstacle_has_a_sentence(
    reader: Desk, instagram: Instagram, name: str, part: Part | None, kind: Kind | None, code: str, words: str
) -> None:
    if part and kind:
        instagram.trouble(part, kind)
    found, sentence = await reader.refused(profile_url(name), posts=2)
    assert (found, words in sentence) == (code, True), sentence
    assert "http" not in sentence.removesuffix("HTTPS_PROXY"), "no address of the library's"
    await wait_until(lambda: not threads(), what="the end of the thread")


async def test_an_answer_does_not_come(tmp_path: Path, instagram: Instagram, instagram_url: str, session: str) -> None:
    instagram.trouble("page", "endless")
    async with desk(tmp_path, instagram_url=instagram_url, instagram_session=session, request_timeout=0.5) as one:
        code, sentence = await one.refused(profile_url("harbour.light"))
    assert (code, "did not answer in 0.5 s" in sentence) == ("network_trouble", True)
    await wait_until(lambda: not threads(), what="the end of the thread")


async def test_nobody_answers(tmp_path: Path, session: str) -> None:
    with Served(Instagram()) as gone:
        pass
    async with desk(tmp_path, instagram_url=gone.url, instagram_session=session) as one:
        code, sentence = await one.refused(profile_url("harbour.light"))
    assert (code, "cannot be reached" in sentence) == ("network_trouble", True)


async def test_a_post_that_is_gone_costs_the_others_nothing(reader: Desk, instagram: Instagram) -> None:
    code = code_of(instagram, "harbour.light", 1)
    instagram.world.deleted.add(code)
    posts = (await reader.profile("harbour.light", posts=3))["posts"]
    assert [len(post["comments"]) for post in posts] == [134, 0, 134]
    assert [post["note"] for post in posts] == [
        None,
        f"Instagram has no post {code} to show: it was deleted, or only some people may see it.",
        None,
    ]
    refused, _ = await reader.refused(f"https://www.instagram.com/p/{code}/")
    assert refused == "post_missing"


async def test_comments_in_another_form_cost_the_others_nothing(reader: Desk, instagram: Instagram) -> None:
    instagram.trouble("comments", "nonsense", times=1)
    posts = (await reader.profile("harbour.light", posts=3, comments=10))["posts"]
    assert sorted(len(post["comments"]) for post in posts) == [0, 10, 10]
    [note] = [post["note"] for post in posts if post["note"]]
    assert "a newer release of it" in note


# ── pauses ──


@pytest.mark.parametrize("kind", ["limited", "wait"])
async def test_a_pause_is_obeyed_and_shown(reader: Desk, instagram: Instagram, kind: Kind) -> None:
    instagram.trouble("comments", kind, times=1, retry_after=1)
    handle = await reader.start(profile_url("harbour.light"), posts=1)
    result = await handle.result(timeout=60)
    assert len(result.profile.posts[0].comments) == 134
    said = await reader.said(handle)
    assert "Instagram asks to wait 1 s, until" in said
    refused, again = [visit.at for visit in instagram.visits if visit.part == "comments"][:2]
    assert again - refused >= (1.0 if kind == "limited" else 0.0)


async def test_a_long_pause_gives_the_worker_back(
    tmp_path: Path, instagram: Instagram, session: str, instagram_url: str
) -> None:
    settings = {"instagram_url": instagram_url, "instagram_session": session, "longest_wait": 2.0, "retries": 3}
    async with desk(tmp_path, **settings) as one:
        instagram.trouble("comments", "limited", retry_after=3600)
        handle = await one.start(profile_url("harbour.light"), posts=1)
        record = await one.waits(handle)
        assert "Instagram asks to wait 3600 s" in str(record.progress.message)
        assert len([visit for visit in instagram.visits if visit.part == "comments"]) == 1, "nobody asks meanwhile"
        assert not threads()


async def test_the_own_pace_is_shown_and_the_next_attempt_goes_on(
    tmp_path: Path, instagram: Instagram, instagram_url: str, session: str
) -> None:
    """199 pages in half an hour, and 20 posts need 400: the job is taken up again later, at the post it stopped at."""
    settings = {"instagram_url": instagram_url, "instagram_session": session, "retries": 12}
    async with desk(tmp_path, instagram_pace=1.0, longest_wait=1.0, **settings) as slow:
        handle = await slow.start(profile_url("harbour.light"))
        record = await slow.waits(handle)
        assert "The pace that Instagram allows an account asks to wait 18" in str(record.progress.message)
        assert sum(instagram.counts("comments").values()) + sum(instagram.counts("answers").values()) == 199
        done = {step.rpartition(" ")[2] for step in await slow.finished_steps(handle) if step.startswith("Comments")}
        await handle.cancel()
    assert 5 < len(done) < 20
    instagram.visits.clear()
    async with desk(tmp_path, **settings) as fast:
        again = await fast.jobs.get(handle.id)
        await again.retry()
        result = await again.result(timeout=60)
    posts = result.profile.posts
    assert [count(post.model_dump()["comments"]) for post in posts] == [200] * 20
    assert not {post.id for post in posts if post.shortcode in done} & set(instagram.counts("comments"))
    assert not instagram.counts("timeline"), "the list of posts is a step as well"


async def test_the_end_of_a_job_is_the_end_of_its_thread(reader: Desk, instagram: Instagram) -> None:
    instagram.trouble("comments", "endless")
    handle = await reader.start(profile_url("harbour.light"), posts=4)
    await wait_until(lambda: [visit for visit in instagram.visits if visit.part == "comments"], what="the open request")
    await handle.cancel()
    with pytest.raises(JobCancelled):
        await handle.result(timeout=10)
    assert not threads()
    await wait_until(lambda: all(visit.ended for visit in instagram.visits), what="the broken-off request")


async def test_a_pause_ends_with_the_job(
    tmp_path: Path, instagram: Instagram, instagram_url: str, session: str
) -> None:
    async with desk(tmp_path, instagram_url=instagram_url, instagram_session=session, longest_wait=600.0) as one:
        instagram.trouble("comments", "limited", retry_after=500)
        handle = await one.start(profile_url("harbour.light"), posts=1)

        async def pausing() -> bool:
            return "asks to wait 500 s" in str((await handle.refresh()).progress.message)

        await wait_until(pausing)
        await handle.cancel()
        with pytest.raises(JobCancelled):
            await handle.result(timeout=5)
        await wait_until(lambda: not threads(), timeout=2, what="the end of the thread")


# ── side by side ──


async def test_two_servers_at_once_know_nothing_of_each_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, other = Served(Instagram(World(posts=3, comments=30))), Served(Instagram(World(posts=4, comments=40)))

    async def read(served: Served[Instagram], folder: Path) -> Any:
        file = session_file(folder, served.network.session())
        async with desk(folder, instagram_url=served.url, instagram_session=file) as made:
            return await made.profile("harbour.light")

    with one, other:
        first, second = await asyncio.gather(read(one, tmp_path / "a"), read(other, tmp_path / "b"))
    assert [count(post["comments"]) for post in first["posts"]] == [30] * 3
    assert [count(post["comments"]) for post in second["posts"]] == [40] * 4
    assert vars(instaloader.instaloadercontext)["requests"] is requests, "the library of others is as it was"


async def test_several_jobs_with_one_account_ask_one_after_the_other(reader: Desk, instagram: Instagram) -> None:
    names = ("harbour.light", "meadow.paper", "north.ferry")
    found = await asyncio.gather(*(reader.profile(name, posts=3) for name in names))
    assert [one["profile"]["username"] for one in found] == [*names]
    assert all(count(post["comments"]) == 200 for one in found for post in one["posts"])


def test_the_pinned_post_is_not_the_newest() -> None:
    account = World().account("harbour.light")
    assert account is not None
    assert account.timeline[0] is account.posts[PINNED], "or the order of posts is not tried here"
