"""Files in and out: multipart submissions, artifacts with ranges."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from http_api.serving import Api, problem, started

from accepted import Artifact, Job
from accepted.http.uploads import safe_media_type, safe_name

WAIT = {"prefer": "wait=20"}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads lie on their way in; empty again after each test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def uploads(temporary: Path, pattern: str = "accepted-upload-*") -> list[Path]:
    return list(temporary.glob(pattern))


# ── uploads ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_and_fields(ann: httpx.AsyncClient, temporary: Path) -> None:
    answer = await ann.post(
        "/v1/tasks/measure",
        files={"file": ("report.csv", b"a,b\n", "text/csv")},
        data={"tags": "one", "n": "3"},
        headers=WAIT,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["name"], body["type"], body["size"]) == ("report.csv", "text/csv", 4)
    assert (body["tags"], body["n"]) == (["one"], 3)
    assert "accepted-upload-" not in body["local"]
    assert not uploads(temporary)


async def test_arguments_as_json_beside_a_file(ann: httpx.AsyncClient) -> None:
    answer = await ann.post(
        "/v1/tasks/measure",
        files={"file": ("a", b"x")},
        data={"arguments": '{"tags": ["a", "b"], "n": 5}', "n": "6"},
        headers=WAIT,
    )
    assert (answer.json()["tags"], answer.json()["n"]) == (["a", "b"], 6)


async def test_several_files(ann: httpx.AsyncClient) -> None:
    files = [("file", ("a", b"x")), ("more", ("b", b"y")), ("more", ("c", b"z"))]
    assert (await ann.post("/v1/tasks/measure", files=files, headers=WAIT)).status_code == 200
    twice = problem(await ann.post("/v1/tasks/measure", files=[files[0], files[0]]), 422, "invalid-input")
    assert twice["errors"][0]["pointer"] == "#/file"


async def test_no_file_where_one_is_needed(ann: httpx.AsyncClient) -> None:
    # What a browser sends for a file input in which nothing was chosen.
    files = {"file": ("", b"", "application/octet-stream")}
    body = problem(await ann.post("/v1/tasks/measure", files=files), 422, "invalid-input")
    assert body["errors"][0]["pointer"] == "#/file"


async def test_a_file_that_nobody_asked_for(api: Api, ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/measure", files={"file": ("a", b"x"), "extra": ("b", b"y")})
    body = problem(answer, 422, "invalid-input")
    assert body["errors"][0]["pointer"] == "#/extra"
    assert not (await api.jobs.list()).jobs


@pytest.mark.parametrize(
    "data",
    [
        {"file": "text"},
        {"arguments": '{"file": {"filename": "x", "local": "/etc/passwd"}}'},
        {"arguments": '{"file": {"filename": "x", "blob": "result.json"}}'},
        {"arguments": '{"more": [{"filename": "x", "local": "/etc/passwd"}]}'},
    ],
)
async def test_nobody_can_name_a_file_of_the_server(ann: httpx.AsyncClient, data: dict[str, str]) -> None:
    answer = await ann.post("/v1/tasks/measure", data=data, files={"nothing": ("", b"")})
    assert problem(answer, 422, "invalid-input")["errors"][0]["detail"] == "expected a file, not text"
    as_json = await ann.post("/v1/tasks/measure", json={"file": {"filename": "x", "local": "/etc/passwd"}})
    problem(as_json, 422, "invalid-input")


async def test_names_are_made_harmless(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/measure", files={"file": ("../../etc/passwd", b"x")}, headers=WAIT)
    assert answer.json()["name"] == "passwd"
    assert Path(answer.json()["local"]).name == "upload.file"


def test_safe_names() -> None:
    assert safe_name("C:\\fakepath\\a.txt") == "a.txt"
    assert safe_name("../..") == "file"
    assert safe_name("") == "file"
    assert safe_name("ä b.csv") == "ä b.csv"
    assert safe_name("a\r\nb") == "ab"
    assert safe_name("x" * 500 + ".csv") == "x" * 196 + ".csv"
    assert len(safe_name("." * 500 + "x" * 500)) == 200
    assert safe_media_type("text/csv; charset=x", "a") == "text/csv"
    assert safe_media_type("nonsense\r\n", "a.png") == "image/png"
    assert safe_media_type("", "a") == "application/octet-stream"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"", 415),
        ("multipart/form-data; boundary=x", b"", 400),
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n", 400),
        ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="n"\r\n\r\nno end', 400),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="n"\r\n\r\n\xff\r\n--x--',
            400,
        ),
        ("multipart/form-data; boundary=" + "x" * 5000, b"--x--", 400),
    ],
)
async def test_forms_out_of_form(ann: httpx.AsyncClient, kind: str, body: bytes, status: int, temporary: Path) -> None:
    answer = await ann.post("/v1/tasks/measure", content=body, headers={"content-type": kind})
    assert answer.status_code == status, answer.text
    assert not uploads(temporary)


async def test_a_large_file_is_never_whole_in_memory(temporary: Path) -> None:
    """Sent piece by piece; the pieces are on disk long before the last has come."""
    seen = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal seen
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="big"\r\n\r\n'
        for _ in range(64):
            yield b"x" * 65536
        (file,) = uploads(temporary, "accepted-upload-*/0")
        seen = file.stat().st_size
        yield b"\r\n--x--\r\n"

    async with started() as api, api.client() as ann:
        headers = {"content-type": "multipart/form-data; boundary=x", **WAIT}
        answer = await ann.post("/v1/tasks/measure", content=pieces(), headers=headers)
        assert answer.json()["size"] == 64 * 65536
        assert seen > 60 * 65536


async def test_bounds_of_uploads(temporary: Path) -> None:
    async with started(upload_max=10_000, upload_files_max=2, body_max=1000) as api, api.client() as ann:
        large = await ann.post("/v1/tasks/measure", files={"file": ("a", b"x" * 20_000)})
        assert problem(large, 413, "payload-too-large")["limit"] == 10_000
        many = await ann.post("/v1/tasks/measure", files=[("more", ("a", b"x"))] * 3)
        assert problem(many, 413, "payload-too-large")["limit"] == 2
        text = await ann.post("/v1/tasks/measure", files={"file": ("a", b"x")}, data={"tags": "x" * 2000})
        assert problem(text, 413, "payload-too-large")["limit"] == 1000
        assert not (await api.jobs.list()).jobs
    assert not uploads(temporary)


async def test_too_many_fields(ann: httpx.AsyncClient) -> None:
    data = {f"f{number}": "x" for number in range(1001)}
    problem(await ann.post("/v1/tasks/measure", data=data, files={"file": ("a", b"x")}), 400, "bad-request")


# ── artifacts ────────────────────────────────────────────────────────────────────────────────────────

TEXT = "0123456789"


@pytest.fixture
async def artifact(api: Api, ann: httpx.AsyncClient) -> str:
    path = await api.done(ann, "attach", name="ten ü.txt", text=TEXT)
    url: str = (await ann.get(path)).json()["artifacts"][0]["url"]
    return url


async def test_an_artifact(ann: httpx.AsyncClient, artifact: str) -> None:
    answer = await ann.get(artifact)
    assert (answer.status_code, answer.text) == (200, TEXT)
    assert answer.headers["etag"] == f'"{hashlib.sha256(TEXT.encode()).hexdigest()}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == "10"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''ten%20%C3%BC.txt")
    head = await ann.head(artifact)
    assert head.headers["content-length"] == "10"
    assert head.content == b""
    same = await ann.get(artifact, headers={"if-none-match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("wanted", "part", "span"), [("0-3", "0123", "0-3"), ("7-", "789", "7-9"), ("-2", "89", "8-9")]
)
async def test_parts(ann: httpx.AsyncClient, artifact: str, wanted: str, part: str, span: str) -> None:
    answer = await ann.get(artifact, headers={"range": f"bytes={wanted}"})
    assert (answer.status_code, answer.text) == (206, part)
    assert answer.headers["content-range"] == f"bytes {span}/10"
    assert answer.headers["content-length"] == str(len(part))


async def test_parts_that_are_not(ann: httpx.AsyncClient, artifact: str) -> None:
    beyond = await ann.get(artifact, headers={"range": "bytes=10-"})
    problem(beyond, 416, "range-not-satisfiable")
    assert beyond.headers["content-range"] == "bytes */10"
    for ignored in ("bytes=0-1,3-4", "lines=1-2", "bytes=5-1"):
        assert (await ann.get(artifact, headers={"range": ignored})).text == TEXT


async def test_a_part_of_what_the_client_has(ann: httpx.AsyncClient, artifact: str) -> None:
    tag = (await ann.get(artifact)).headers["etag"]
    part = {"range": "bytes=0-1"}
    assert (await ann.get(artifact, headers=part | {"if-range": tag})).status_code == 206
    for other in ('"other"', f"W/{tag}", "Sun, 22 Nov 2026 07:00:00 GMT"):
        assert (await ann.get(artifact, headers=part | {"if-range": other})).status_code == 200


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.html", None), ("a.svg", None), ("a.bin", "text/html"), ("a.txt", "bad\r\nx: y"), ("a", "ü/ü")],
)
async def test_nothing_runs_in_a_browser(api: Api, ann: httpx.AsyncClient, name: str, kind: str | None) -> None:
    path = await api.done(ann, "attach", name=name, text="<script>", media_type=kind)
    answer = await ann.get(f"{path}/artifacts/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert "x" not in answer.headers


@pytest.mark.parametrize("name", ["nope", "%2e%2e%2fresult.json", "..%2f..%2fjobs.db", "%00", "artifact.a"])
async def test_no_such_artifact(api: Api, ann: httpx.AsyncClient, name: str) -> None:
    path = await api.done(ann, "attach", name="a", text="x")
    answer = await ann.get(f"{path}/artifacts/{name}")
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_result_that_is_a_file(api: Api, ann: httpx.AsyncClient) -> None:
    @api.jobs.task
    async def export(name: str, *, job: Job) -> Artifact:
        return await job.attach(name, b"a,b")

    path = await api.done(ann, "export", name="a b.csv")
    answer = await ann.get(path + "/result")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/artifacts/a%20b.csv")
    assert (await ann.get(answer.headers["location"])).text == "a,b"
