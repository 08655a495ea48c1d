"""Who asks Instagram: sessions from files and passwords, their ends, and that nobody else sees them."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import instaloader
import pytest
from accepted_apps.playground.social import Instagram, Served

from .desk import Desk, desk, profile_url, session_file, stored

PASSWORD = "correct horse battery"


@pytest.fixture
def instagram_served() -> Iterator[Served[Instagram]]:
    """One for each test: a process remembers its sessions by the address of Instagram."""
    with Served(Instagram()) as served:
        yield served


async def read_one(one: Desk, name: str = "harbour.light") -> int:
    """How many comments the newest post has: none without a login."""
    [post] = (await one.profile(name, posts=1, comments=10))["posts"]
    return len(post["comments"])


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "session" in path.name]


def moved(file: str) -> str:
    """The same file for what has not read it yet."""
    path = Path(file)
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir()
    return str(path.rename(elsewhere / path.name))


async def test_a_password_signs_in_once_for_all_jobs(tmp_path: Path, instagram: Instagram, instagram_url: str) -> None:
    settings = {"instagram_url": instagram_url, "instagram_user": "reader", "instagram_password": PASSWORD}
    async with desk(tmp_path, **settings) as one:
        names = ("harbour.light", "meadow.paper", "north.ferry")
        found = await asyncio.gather(*(read_one(one, name) for name in names))
    assert sum(found) == 30
    assert instagram.counts("login") == {"reader": 1}
    assert not files(tmp_path), "kept in memory only"


async def test_a_new_session_is_kept_for_its_owner_alone(
    tmp_path: Path, instagram: Instagram, instagram_url: str
) -> None:
    file = tmp_path / "kept" / "session-reader"
    settings = {"instagram_url": instagram_url, "instagram_session": str(file)}
    async with desk(tmp_path, instagram_password=PASSWORD, **settings) as one:
        assert await read_one(one) == 10
    assert file.stat().st_mode & 0o777 == 0o600
    assert files(file.parent) == ["session-reader"]
    # The library itself can go on with it, and so can another process.
    loader = instaloader.Instaloader(quiet=True)
    loader.load_session_from_file("reader", str(file))
    assert loader.context.is_logged_in
    async with desk(tmp_path, instagram_url=instagram_url, instagram_session=moved(str(file))) as one:
        assert await read_one(one) == 10
    assert instagram.counts("login") == {"reader": 1}


async def test_a_file_of_the_librarys(tmp_path: Path, instagram: Instagram, instagram_url: str) -> None:
    loader = instaloader.Instaloader(quiet=True)
    loader.load_session("reader", instagram.session())
    file = tmp_path / "mine.session"
    loader.save_session_to_file(str(file))
    settings = {"instagram_url": instagram_url, "instagram_session": str(file)}
    async with desk(tmp_path, instagram_user="reader", **settings) as one:
        assert await read_one(one) == 10
    async with desk(tmp_path, **settings) as one:
        code, sentence = await one.refused(profile_url("harbour.light"))
    assert (code, "profiles.instagram_user is missing" in sentence) == ("provider_not_configured", True)


class Harm:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("content", ["text", "nothing", "harm", "list", "signed-out"])
async def test_a_file_that_is_no_session(tmp_path: Path, instagram_url: str, content: str) -> None:
    harm = tmp_path / "harm"
    files = {
        "text": b"sessionid=1; csrftoken=2",
        "nothing": b"",
        "harm": pickle.dumps(Harm(harm)),
        "list": pickle.dumps(["sessionid"]),
        "signed-out": pickle.dumps({"sessionid": "", "csrftoken": "x"}),
    }
    file = tmp_path / "session-reader"
    file.write_bytes(files[content])
    async with desk(tmp_path, instagram_url=instagram_url, instagram_session=str(file)) as one:
        code, sentence = await one.refused(profile_url("harbour.light"))
    assert code == "login_failed"
    assert "make a new one with `instaloader --login NAME`" in sentence
    assert not harm.exists()


async def test_a_file_that_is_not_there(tmp_path: Path, instagram_url: str) -> None:
    async with desk(tmp_path, instagram_url=instagram_url, instagram_session=str(tmp_path / "session-x")) as one:
        code, sentence = await one.refused(profile_url("harbour.light"))
    assert (code, "There is no Instagram session" in sentence) == ("login_failed", True)


@pytest.mark.parametrize(
    ("user", "password", "code", "words"),
    [
        (
            "reader",
            "wrong",
            "login_failed",
            "does not take the password of reader: correct profiles.instagram_password",
        ),
        ("stranger", PASSWORD, "login_failed", "knows no user stranger: correct profiles.instagram_user"),
        ("twofactor", PASSWORD, "login_failed", "asks twofactor for a second factor"),
        ("checked", PASSWORD, "account_stopped", "wants checked to confirm who it is"),
    ],
)
async def test_a_login_that_fails(
    tmp_path: Path, instagram: Instagram, instagram_url: str, user: str, password: str, code: str, words: str
) -> None:
    async with desk(tmp_path, instagram_url=instagram_url, instagram_user=user, instagram_password=password) as one:
        found, sentence = await one.refused(profile_url("harbour.light"))
        assert (found, words in sentence) == (code, True), sentence
        assert password not in sentence
        assert await one.refused(profile_url("meadow.paper")) == (found, sentence)
    assert instagram.counts("login") == {user: 1}, "no second try, which would lock the account"


async def test_too_many_logins(tmp_path: Path, instagram: Instagram, instagram_url: str) -> None:
    instagram.trouble("login", "wait")
    settings = {"instagram_url": instagram_url, "instagram_user": "reader", "instagram_password": PASSWORD}
    async with desk(tmp_path, instagram_pace=1.0, longest_wait=1.0, **settings) as one:
        code, _ = await one.refused(profile_url("harbour.light"))
    assert code == "rate_limited"
    assert instagram.counts("login") == {"reader": 1}


async def test_a_session_that_has_ended_is_replaced_where_there_is_a_password(
    tmp_path: Path, instagram: Instagram, instagram_url: str
) -> None:
    file = session_file(tmp_path, {**instagram.session(), "sessionid": "4711%3Aold"})
    settings = {"instagram_url": instagram_url, "instagram_session": file}
    async with desk(tmp_path, **settings) as one:
        code, sentence = await one.refused(profile_url("harbour.light"), posts=1)
        assert (code, "has ended the session of reader" in sentence) == ("login_failed", True)
    async with desk(tmp_path, instagram_password=PASSWORD, **settings) as one:
        assert await read_one(one) == 10
    assert instagram.counts("login") == {"reader": 1}
    settings["instagram_session"] = moved(file)
    async with desk(tmp_path, instagram_user="reader", **settings) as one:
        assert await read_one(one) == 10, "the file holds the new one"


async def test_a_new_file_is_read_when_the_old_session_has_ended(
    tmp_path: Path, instagram: Instagram, instagram_url: str
) -> None:
    file = session_file(tmp_path, instagram.session())
    async with desk(tmp_path, instagram_url=instagram_url, instagram_session=file) as one:
        assert await read_one(one) == 10
        instagram.end_sessions()
        assert (await one.refused(profile_url("harbour.light"), posts=1))[0] == "login_failed"
        session_file(tmp_path, instagram.session())
        assert await read_one(one) == 10


@pytest.mark.parametrize("way", ["password", "file", "wrong password"])
async def test_secrets_are_nowhere(
    tmp_path: Path, instagram: Instagram, instagram_url: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cookies = instagram.session()
    settings: dict[str, Any] = {"instagram_url": instagram_url, "instagram_user": "reader"}
    if way == "file":
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        settings["instagram_session"] = session_file(folder, cookies)
    else:
        settings["instagram_password"] = PASSWORD if way == "password" else "wr0ng-and-secret"
    async with desk(tmp_path, **settings) as one:
        handle = await one.start(profile_url("harbour.light"), posts=2, comments=5)
        instagram.trouble("comments", "error", times=1)
        await one.jobs.wait_over(handle.id, 30)
        seen = stored(tmp_path) + caplog.text.encode() + (await one.said(handle)).encode()
    secrets = [PASSWORD, "wr0ng-and-secret", *cookies.values(), *instagram.session_ids]
    assert not [secret for secret in secrets if len(secret) > 6 and secret.encode() in seen]
