"""`@jobs.endpoint`: quick answers are what they were, slow ones are jobs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, Response, UploadFile, WebSocket
from helpers import wait_until
from http_api.conversions import CONVERSIONS, Ask, Decorator, as_it_was
from http_api.serving import Api, problem
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from accepted import Fail, Job
from accepted import UploadFile as OurFile
from accepted.errors import ConfigurationError

SAME = ("content-type", "content-length", "x-reason", "allow")


def calls() -> list[Any]:
    return [
        pytest.param(app, ask, id=f"{app.__name__} {ask[0]} {ask[1]} {number}")
        for app, asks in CONVERSIONS
        for number, ask in enumerate(asks)
    ]


@pytest.mark.parametrize(("make", "ask"), calls())
async def test_old_clients_see_no_difference(api: Api, make: Callable[[Decorator], Any], ask: Ask) -> None:
    method, path, content = ask
    async with api.client(app=make(as_it_was)) as before, api.client(app=make(api.jobs.endpoint(wait=20))) as after:
        was, is_now = await before.request(method, path, **content), await after.request(method, path, **content)
    assert is_now.status_code == was.status_code, is_now.text
    assert is_now.content == was.content
    for name in SAME:
        assert is_now.headers.get(name) == was.headers.get(name), name


@pytest.mark.parametrize("make", [make for make, _ in CONVERSIONS[:4]], ids=lambda make: make.__name__)
def test_the_document_of_the_application_stays(api: Api, make: Callable[[Decorator], Any]) -> None:
    assert make(api.jobs.endpoint).openapi() == make(as_it_was).openapi()


class Question(BaseModel):
    text: str = ""


@pytest.fixture
def app(api: Api) -> FastAPI:
    """One endpoint that waits at the gate, beside the routes of its jobs."""
    app = FastAPI()

    @app.post("/slow")
    @api.jobs.endpoint(wait=0.05)
    async def slow(question: Question, *, job: Job) -> dict[str, str]:
        job.progress(10, "Thinking")
        await api.gate.wait()
        return {"answer": question.text}

    @app.post("/quick")
    @api.jobs.endpoint
    async def quick(question: Question) -> dict[str, str]:
        api.calls.append(question.text)
        if question.text == "bug":
            raise ValueError("a bug")
        if question.text == "fail":
            raise Fail("no luck", code="no-luck", status=400)
        return {"answer": question.text}

    app.include_router(api.jobs.router, prefix="/api")
    return app


async def test_slow_is_a_job(api: Api, app: FastAPI) -> None:
    async with api.client(app=app) as ann:
        answer = await ann.post("/slow", json={"text": "x"})
        assert answer.status_code == 202
        assert answer.headers["location"] == answer.json()["links"]["self"]
        assert answer.headers["location"].startswith("/api/v1/jobs/")
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["vary"] == "Prefer"
        assert answer.json()["task"] == "slow"
        api.gate.set()
        await api.over(answer.headers["location"])
        assert (await ann.get(answer.headers["location"] + "/result")).json() == {"answer": "x"}


async def test_the_client_says_how_long_it_waits(api: Api, app: FastAPI) -> None:
    async with api.client(app=app) as ann:
        at_once = await ann.post("/quick", json={}, headers={"prefer": "respond-async"})
        assert at_once.status_code == 202
        assert at_once.headers["preference-applied"] == "respond-async"
        held = asyncio.ensure_future(ann.post("/slow", json={"text": "y"}, headers={"prefer": "wait=20"}))
        await wait_until(lambda: api.jobs.hub.watched)
        api.gate.set()
        answer = await held
        assert (answer.status_code, answer.json()) == (200, {"answer": "y"})
        assert answer.headers["preference-applied"] == "wait=20"
        assert (await ann.get(answer.headers["content-location"])).json()["progress"]["message"] == "Thinking"


async def test_what_goes_wrong_in_time(api: Api, app: FastAPI) -> None:
    async with api.client(app=app) as ann:
        bug = await ann.post("/quick", json={"text": "bug"})
        assert bug.status_code == 500
        assert bug.json()["type"].endswith("#task-failed")
        assert bug.json()["detail"] == "a bug"
        assert bug.headers["content-location"].startswith("/api/v1/jobs/")
        failed = await ann.post("/quick", json={"text": "fail"})
        assert failed.status_code == 400
        assert failed.json()["type"].endswith("#no-luck")
        cancelled = await ann.post("/slow", json={}, headers={"cancel-after": "100ms", "prefer": "wait=20"})
        problem(cancelled, 409, "job-cancelled")


async def test_one_key_one_job(api: Api, app: FastAPI) -> None:
    async with api.client(app=app) as ann:
        key = {"idempotency-key": "k"}
        first = await ann.post("/quick", json={"text": "x"}, headers=key)
        second = await ann.post("/quick", json={"text": "x"}, headers=key)
        assert first.json() == second.json()
        assert second.headers["idempotency-replayed"] == "true"
        problem(await ann.post("/quick", json={"text": "y"}, headers=key), 422, "idempotency-mismatch")
        assert api.calls == ["x"]


async def test_who_may(api: Api, app: FastAPI) -> None:
    async with (
        api.client(None, app=app) as nobody,
        api.client("ann", app=app) as ann,
        api.client("bob", app=app) as bob,
    ):
        problem(await nobody.post("/quick", json={}), 401, "not-authenticated")
        path = (await ann.post("/slow", json={})).headers["location"]
        assert (await ann.get(path)).json()["owner"] == "ann"
        problem(await bob.get(path), 404, "job-not-found")


async def test_nobody_goes_round_the_endpoint(api: Api) -> None:
    """Its dependencies say who is calling; as a task anybody could say so themselves."""
    app = FastAPI()

    @app.post("/pay")
    @api.jobs.endpoint
    async def pay(user: Annotated[str, Depends(lambda: "ann")]) -> str:
        return user

    app.include_router(api.jobs.router)
    async with api.client(app=app) as ann:
        assert (await ann.post("/pay")).json() == "ann"
        body = problem(await ann.post("/v1/tasks/pay", json={"user": "root"}), 404, "task-not-found")
        assert "pay" not in body["detail"].split("known here")[1]
        assert "pay" not in [task["name"] for task in (await ann.get("/v1/tasks")).json()["tasks"]]
        assert "/v1/tasks/pay" not in app.openapi()["paths"]


async def test_our_own_file_type(api: Api) -> None:
    """It stands for an upload, never for a JSON body in which a client names a path."""
    app = FastAPI()

    @app.post("/measure")
    @api.jobs.endpoint
    async def measure_it(file: OurFile, more: list[OurFile] = []) -> list[str]:  # noqa: B006  as people write it
        return [one.path.read_text() for one in (file, *more)]

    async with api.client(app=app) as ann:
        files = [("file", ("a", b"x")), ("more", ("b", b"y"))]
        assert (await ann.post("/measure", files=files)).json() == ["x", "y"]
        forged = await ann.post("/measure", json={"file": {"filename": "x", "local": "/etc/passwd"}})
        assert forged.status_code == 422


async def test_uploads_are_bounded(tmp_path: Path) -> None:
    api = Api(upload_max=10)
    app = FastAPI()

    @app.post("/measure")
    @api.jobs.endpoint
    async def measure_it(file: UploadFile) -> int | None:
        return file.size

    async with api.jobs, api.client(app=app) as ann:
        assert (await ann.post("/measure", files={"file": ("a", b"x")})).json() == 1
        problem(await ann.post("/measure", files={"file": ("a", b"x" * 11)}), 413, "payload-too-large")


# ── plain Starlette ──────────────────────────────────────────────────────────────────────────────────


async def test_starlette(api: Api) -> None:
    async def double(x: int, file: OurFile | None = None) -> int:
        if x > 100:
            await api.gate.wait()
        return x * 2 + (file.size_bytes if file else 0)

    inner = Starlette(routes=[Route("/double", api.jobs.endpoint(wait=20)(double), methods=["POST"]), *api.jobs.routes])
    app = Starlette(routes=[Mount("/sub", app=inner)])
    async with api.client(app=app) as ann:
        done = await ann.post("/sub/double", json={"x": 2})
        assert (done.status_code, done.json()) == (200, 4)
        assert done.headers["content-location"].startswith("/sub/v1/jobs/")
        upload = await ann.post("/sub/double", data={"x": "2"}, files={"file": ("a", b"xyz")})
        assert upload.json() == 7
        later = await ann.post("/sub/double", json={"x": 101}, headers={"prefer": "wait=0"})
        assert later.status_code == 202
        assert later.headers["location"].startswith("/sub/v1/jobs/")
        problem(await ann.post("/sub/double", json={"x": "no"}), 422, "invalid-input")
        problem(
            await ann.post("/sub/double", content=b"{", headers={"content-type": "application/json"}),
            400,
            "bad-request",
        )


# ── at decoration ────────────────────────────────────────────────────────────────────────────────────


class Session:
    """What no job can store."""


def needs_request(request: Request) -> None: ...
def needs_socket(socket: WebSocket) -> None: ...
def needs_response(response: Response) -> None: ...
def needs_background(tasks: BackgroundTasks) -> None: ...
def needs_session(session: Annotated[Session, Depends(Session)]) -> None: ...
def needs_untyped_session(session=Depends(Session)) -> None: ...  # type: ignore[no-untyped-def]  # noqa: B008
def needs_bytes(content: bytes) -> None: ...
def maybe_request(request: Request | None = None) -> None: ...
def odd_files(files: list[UploadFile] | None = None) -> None: ...
def named_files(files: dict[str, UploadFile]) -> None: ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (needs_request, "request"),
        (needs_socket, "socket"),
        (needs_response, "response"),
        (needs_background, "tasks"),
        (needs_session, "session"),
        (needs_untyped_session, "session"),
        (needs_bytes, "content"),
        (maybe_request, "request"),
        (odd_files, "files"),
        (named_files, "files"),
    ],
)
def test_what_cannot_be_stored_is_named(api: Api, function: Callable[..., Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"parameter '{name}'"):
        api.jobs.endpoint(function)


def test_results_that_cannot_be_stored(api: Api) -> None:
    def answers() -> Response: ...  # type: ignore[empty-body]
    def opens() -> Session: ...  # type: ignore[empty-body]
    def yields() -> Any:
        yield 1

    for function in (answers, opens, yields):
        with pytest.raises(ConfigurationError, match=function.__name__):
            api.jobs.endpoint(function)


async def test_a_response_in_place_of_a_value(api: Api) -> None:
    app = FastAPI()

    @app.get("/")
    @api.jobs.endpoint
    async def page():  # type: ignore[no-untyped-def]
        return Response("x")

    async with api.client(app=app) as ann:
        assert "returned a Response" in (await ann.get("/")).json()["detail"]


def something():  # type: ignore[no-untyped-def]
    return Session()


async def test_a_dependency_that_returns_something_else(api: Api) -> None:
    app = FastAPI()

    @app.get("/")
    @api.jobs.endpoint
    async def page(session=Depends(something)) -> None:  # type: ignore[no-untyped-def]  # noqa: B008
        ...

    async with api.client(app=app) as ann:
        assert "'session'" in problem(await ann.get("/"), 500, "configuration")["detail"]


async def test_called_directly_it_is_the_function(api: Api) -> None:
    @api.jobs.endpoint
    async def double(x: int) -> int:
        return x * 2

    @api.jobs.endpoint(name="thrice", retries=3, timeout="5s")
    def triple(x: int) -> int:
        return x * 3

    assert await double(2) == 4
    assert await triple(x=2) == 6
    assert api.jobs.tasks["thrice"].policy.retries == 3
    assert api.jobs.tasks["thrice"].policy.timeout == 5


USER_FILE = """
from fastapi import FastAPI
from pydantic import BaseModel
from accepted import Jobs

class Report(BaseModel):
    size: int

jobs = Jobs("sqlite://:memory:")
app = FastAPI(lifespan=jobs.lifespan)
app.include_router(jobs.router)

@app.post("/analyze")
@jobs.endpoint(wait=20, retries=2, timeout="15m")
async def analyze(text: str, depth: int = 1) -> Report:
    return Report(size=len(text) * depth)

@app.post("/count")
@jobs.endpoint
def count(text: str) -> int:
    return len(text)

async def use() -> None:
    report: Report = await analyze("x", depth=2)
    number: int = await count("x")
    await analyze(1)  # error
    reveal_type(analyze)
"""


def test_types_of_a_users_file(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER_FILE)
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        f"--cache-dir={root}/.mypy_cache/user",
        "user.py",
    ]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    errors = [line for line in found.splitlines() if "error:" in line]
    assert len(errors) == 1, found
    assert 'Argument 1 to "analyze"' in errors[0] or "incompatible type" in errors[0]
    assert "depth: int = ..." in found or "depth: int =" in found
