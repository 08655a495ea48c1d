"""Names of artifacts and uploads that would like to be paths."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from attacks.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = [
    "../../../../etc/passwd",
    "..",
    ".",
    "/etc/passwd",
    "//etc/passwd",
    "..\\..\\windows\\win.ini",
    "C:\\boot.ini",
    "a/../../jobs.db",
    "jobs.db",
    "../jobs.db",
    "a\x00b",
    "a\nb",
    "‥/a",
    "．．／a",
    "%2e%2e%2fjobs.db",
    "..%c0%af..%c0%afetc",
    "~root",
    "-rf",
    "CON",
    "a" * 5000,
    "é" * 300,
    "\u202etxt.exe",
    " ",
    "a ",
    "artifact.x",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_artifacts_that_are_asked_for(there: Scene, name: str) -> None:
    """Found by comparing names; nothing of the file system is behind the URL."""
    async with there.client() as mallory:
        made = await mallory.post("/v1/tasks/keep", json={}, headers={"prefer": "wait=20"})
        at = f"{made.headers['content-location']}/artifacts/"
        # Dots alone, encoded once, lead the client itself to another URL.
        forms = [quote(quote(name, safe="").replace(".", "%2e"), safe="")]
        if name.strip("."):
            forms += [quote(name), quote(name, safe="")]
        for form in forms:
            answer = await mallory.get(at + form)
            assert answer.status_code in (404, 401, 403), (form, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert b"SQLite" not in answer.content
            there.clean(answer.text)
    await there.unharmed()


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_artifacts_that_a_task_attaches_by_name(there: Scene, name: str) -> None:
    """A name that came as an argument: kept as a name, or refused; never a place."""
    folder = Path(str(there.jobs.settings.url).removeprefix("sqlite:///")).parent
    async with there.client() as mallory:
        answer = await mallory.post(
            "/v1/tasks/keep", json={"text": "pwned", "name": name}, headers={"prefer": "wait=20"}
        )
        assert answer.status_code in (200, 409), answer.text
        job = (await mallory.get(answer.headers["content-location"])).json()
        for one in job["artifacts"]:
            file = await mallory.get(one["url"])
            assert (file.status_code, file.text) == (200, "pwned")
            assert file.headers["x-content-type-options"] == "nosniff"
    assert not (folder.parent / "jobs.db").exists()
    assert (folder / "jobs.db").read_bytes()[:6] == b"SQLite"
    await there.unharmed()


def inside(there: Scene, place: str) -> bool:
    """Whether a file lies in the server's own folder."""
    database = Path(there.jobs.settings.url.removeprefix("sqlite:///"))
    return Path(place).resolve().is_relative_to(database.parent.resolve())


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_uploads(there: Scene, name: str) -> None:
    """The file lies where the server put it; its name is the last part, without what a shell would mind."""
    raw = name.replace("\\", "\\\\").replace('"', '\\"').encode()
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + raw + b'"\r\n\r\nx\r\n--b--\r\n'
    async with there.client() as mallory:
        headers = {"content-type": "multipart/form-data; boundary=b", "prefer": "wait=20"}
        answer = await mallory.post("/v1/tasks/read", content=body, headers=headers)
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            filename, place = answer.json()
            assert not set(filename) & set("/\\\x00\n")
            assert filename not in (".", "..")
            assert len(filename) <= 200
            assert inside(there, place), place
    await there.unharmed()


@pytest.mark.parametrize(
    "value",
    [
        '{"filename": "x", "blob": "artifact.canary.txt"}',
        '{"local": "/etc/passwd", "filename": "x"}',
        "/etc/passwd",
        "file:///etc/passwd",
    ],
)
async def test_a_description_in_place_of_a_file(there: Scene, value: str) -> None:
    async with there.client() as mallory:
        for form in (
            {"file": (None, value)},
            {"file": (None, value, "application/json")},
            {"arguments": (None, '{"file": %s}' % (value if value[0] == "{" else f'"{value}"'), "application/json")},
        ):
            answer = await mallory.post("/v1/tasks/read", files=form)
            assert answer.status_code in (400, 415, 422), answer.text
        answer = await mallory.post(
            "/v1/tasks/read",
            content=b'{"file": %s}' % (value.encode() if value[0] == "{" else b'"x"'),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 422
        there.clean(answer.text)
    await there.unharmed()
