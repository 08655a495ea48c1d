"""The same routes inside any application: FastAPI and Starlette, with a prefix, mounted, several at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from http_api.serving import Api, problem, serving
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import connect

from accepted.http.fastapi import PlainRoute

JSON = {"content-type": "application/json"}


def plain(api: Api) -> tuple[Any, str]:
    return Starlette(routes=[*api.jobs.routes], lifespan=api.jobs.lifespan), ""


def whole(api: Api) -> tuple[Any, str]:
    return api.jobs.app, ""


def mounted(api: Api) -> tuple[Any, str]:
    return Starlette(routes=[Mount("/sub", app=api.jobs.app)], lifespan=api.jobs.lifespan), "/sub"


def mounted_twice(api: Api) -> tuple[Any, str]:
    inner = Starlette(routes=[Mount("/b", routes=[*api.jobs.routes])])
    return Starlette(routes=[Mount("/a", app=inner)], lifespan=api.jobs.lifespan), "/a/b"


def fastapi(api: Api) -> tuple[Any, str]:
    app = FastAPI()
    app.include_router(api.jobs.router)
    return app, ""


def fastapi_with_prefix(api: Api) -> tuple[Any, str]:
    app = FastAPI(lifespan=api.jobs.lifespan)
    app.include_router(api.jobs.router, prefix="/api")
    return app, "/api"


def fastapi_nested(api: Api) -> tuple[Any, str]:
    app, router = FastAPI(), APIRouter(prefix="/outer")
    router.include_router(api.jobs.router, prefix="/inner")
    app.include_router(router, dependencies=[Depends(lambda: None)])
    return app, "/outer/inner"


def fastapi_with_parameter(api: Api) -> tuple[Any, str]:
    app = FastAPI()
    app.include_router(api.jobs.router, prefix="/tenants/{tenant}")
    return app, "/tenants/blue"


def fastapi_mounted(api: Api) -> tuple[Any, str]:
    inner, app = FastAPI(), FastAPI(lifespan=api.jobs.lifespan)
    inner.include_router(api.jobs.router)
    app.mount("/sub", inner)
    return app, "/sub"


HOSTS = [
    plain,
    whole,
    mounted,
    mounted_twice,
    fastapi,
    fastapi_with_prefix,
    fastapi_with_parameter,
    fastapi_nested,
    fastapi_mounted,
]


@asynccontextmanager
async def living(app: Any) -> AsyncIterator[Any]:
    """The application between its start and its stop."""
    async with app.router.lifespan_context(app):
        yield app


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.__name__)
async def test_everything_in_every_host(host: Callable[[Api], tuple[Any, str]]) -> None:
    api = Api()
    app, base = host(api)
    async with living(app), api.client(app=app) as ann:
        done = await ann.post(f"{base}/v1/tasks/add", json={"a": 1}, headers={"prefer": "wait=20"})
        assert (done.status_code, done.json()) == (200, 3)
        answer = await ann.post(f"{base}/v1/tasks/attach", json={"name": "a b", "text": "x"})
        path = answer.headers["location"]
        assert path.startswith(f"{base}/v1/jobs/")
        await api.over(path)
        job = (await ann.get(path)).json()
        assert job["links"]["ws"] == f"{base}/v1/ws"
        assert (await ann.get(job["links"]["result"])).json() is None
        assert (await ann.get(job["artifacts"][0]["url"])).text == "x"
        assert (await ann.head(path)).status_code == 200
        stream = await ann.get(job["links"]["events"], headers={"accept": "text/event-stream"})
        assert "event: completed" in stream.text
        (listed,) = (await ann.get(f"{base}/v1/jobs?task=attach")).json()["jobs"]
        assert listed["links"] == job["links"]
        for task in (await ann.get(f"{base}/v1/tasks")).json()["tasks"]:
            assert task["submit"] == f"{base}/v1/tasks/{task['name']}"
        assert (await ann.post(job["links"]["retry"])).status_code == 202
        # Errors are problems, and nobody has registered a handler for them.
        problem(await ann.post(f"{base}/v1/tasks/add", json={}), 422, "invalid-input")
        problem(await ann.post(f"{base}/v1/tasks/nope", json={}), 404, "task-not-found")
        problem(await ann.get(f"{base}/v1/jobs/nope"), 404, "job-not-found")
        refused = problem(await ann.put(path), 405, "method-not-allowed")
        assert set(refused["allowed"]) == {"GET", "HEAD", "DELETE"}
        assert (await ann.delete(path)).status_code == 204


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.__name__)
async def test_the_socket_in_every_host(host: Callable[[Api], tuple[Any, str]]) -> None:
    api = Api()
    app, base = host(api)
    async with living(app), serving(app) as port, api.client(app=app) as ann:
        ticket = (await ann.post(f"{base}/v1/ws-ticket")).json()["ticket"]
        async with connect(f"ws://127.0.0.1:{port}{base}/v1/ws?ticket={ticket}") as socket:
            assert '"auth_success"' in str(await socket.recv())
            path = (await ann.post(f"{base}/v1/tasks/add", json={"a": 1})).headers["location"]
            await api.over(path)
            await socket.send(json.dumps({"action": "subscribe", "job_id": path.rsplit("/", 1)[1]}))
            assert f'"self":"{path}"' in str(await socket.recv())


@pytest.mark.parametrize("host", [plain, whole, fastapi], ids=lambda host: host.__name__)
@pytest.mark.parametrize("path", ["/v1", "/public/v1"], ids=["stripped", "whole"])
async def test_behind_a_proxy_with_a_prefix(api: Api, host: Callable[[Api], tuple[Any, str]], path: str) -> None:
    transport = httpx.ASGITransport(host(api)[0], root_path="/public")
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        client.headers["authorization"] = "Bearer user:ann"
        answer = await client.post(f"{path}/tasks/add", json={"a": 1})
        assert answer.headers["location"].startswith("/public/v1/jobs/")


async def test_the_guards_of_the_application_hold(api: Api) -> None:
    """Dependencies run before our handlers, wherever the application has put them."""

    def guard(key: str = "") -> None:
        if key != "sesame":
            raise HTTPException(418, "no")

    guarded = [Depends(guard)]
    apps = [FastAPI(), FastAPI(dependencies=guarded), FastAPI()]
    apps[0].include_router(api.jobs.router, dependencies=guarded)
    apps[1].include_router(api.jobs.router)
    outer = APIRouter(dependencies=guarded)
    outer.include_router(api.jobs.router)
    apps[2].include_router(outer)
    for app in apps:
        async with api.client(app=app) as ann:
            for method, path in (
                ("POST", "/v1/tasks/add"),
                ("GET", "/v1/jobs"),
                ("HEAD", "/v1/jobs"),
                ("GET", "/v1/jobs/x"),
            ):
                assert (await ann.request(method, path)).status_code == 418, (method, path)
            opened = await ann.post("/v1/tasks/add?key=sesame", json={"a": 1}, headers={"prefer": "wait=20"})
            assert opened.json() == 3


async def test_the_limits_of_the_application_hold(api: Api) -> None:
    """On bodies, wherever it has put them."""
    apps = [FastAPI(), FastAPI(max_body_size=10), FastAPI()]
    apps[0].include_router(api.jobs.router, max_body_size=10)
    apps[1].include_router(api.jobs.router)
    outer = APIRouter(max_body_size=10)
    outer.include_router(api.jobs.router)
    apps[2].include_router(outer)
    for app in apps:
        async with api.client(app=app) as ann:
            assert (await ann.post("/v1/tasks/add", content=b'{"a": 12345}', headers=JSON)).status_code == 413
            assert (await ann.post("/v1/tasks/add", content=b'{"a": 1}', headers=JSON)).status_code == 202


@pytest.mark.parametrize("guards", [[], [Depends(lambda: None)]], ids=["alone", "guarded"])
async def test_middlewares_of_the_application_see_what_was_asked(api: Api, guards: list[Any]) -> None:
    seen: list[tuple[str, Any, int]] = []
    app = FastAPI()

    @app.middleware("http")
    async def count(request: Request, answer: Callable[[Request], Any]) -> Any:
        response = await answer(request)
        seen.append((request.scope["route"].path_format, request.path_params, response.status_code))
        assert request.scope["endpoint"] is request.scope["route"].endpoint
        return response

    app.include_router(api.jobs.router, prefix="/api", dependencies=guards)
    async with api.client(app=app) as ann:
        path = (await ann.post("/api/v1/tasks/add", json={"a": 1})).headers["location"]
        await ann.get(path)
        await ann.head(path)
    job_id = {"job_id": path.rsplit("/", 1)[1]}
    routes = [route.removeprefix("/api") for route, _, _ in seen]
    assert routes == ["/v1/tasks/{task}", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}"]
    assert [rest for _, *rest in seen] == [[{"task": "add"}, 202], [job_id, 200], [job_id, 200]]


async def test_nothing_waits_for_a_look_through_the_routes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI tries routes one by one, and there are fifty of ours: neither what is asked all day nor the routes that
    the application has behind them go through these."""
    asked: list[str] = []
    look = PlainRoute.matches

    def matches(self: PlainRoute, scope: Any) -> Any:
        asked.append(self.path)
        return look(self, scope)

    monkeypatch.setattr(PlainRoute, "matches", matches)
    app = FastAPI()
    app.include_router(api.jobs.router)

    @app.get("/own/{rest:path}")
    async def own(rest: str) -> str:
        return rest

    async with api.client(app=app) as ann:
        path = (await ann.post("/v1/tasks/add", json={"a": 1})).headers["location"]
        for asking in (ann.get(path), ann.head(path), ann.get("/own/v/1"), ann.get("/nope")):
            await asking
        assert not asked
        assert (await ann.get("/own/v1/jobs/5")).json() == "v1/jobs/5"
        assert (await ann.get("/v1/jobs")).status_code == 200
        assert asked


async def test_refusals_of_the_application_are_its_own(api: Api) -> None:
    async def full(connection: object) -> None:
        raise HTTPException(429, "too many of you", headers={"Retry-After": "9"})

    api.jobs.access.authenticator = full
    app = FastAPI()
    app.include_router(api.jobs.router)
    async with api.client(app=app) as ann, api.client() as beside:
        answer = await ann.get("/v1/jobs")
        assert (answer.status_code, answer.json()) == (429, {"detail": "too many of you"})
        whole = await beside.get("/v1/jobs")
        assert (whole.status_code, whole.json()["type"]) == (429, "about:blank")
        assert whole.headers["retry-after"] == "9"


async def test_several_in_one_process() -> None:
    first, second = Api(), Api(prefix="/v2")
    app = FastAPI()
    app.include_router(first.jobs.router)
    app.include_router(second.jobs.router)
    async with living(app), first.client(app=app) as ann:
        one = await ann.post("/v1/tasks/add", json={"a": 1})
        two = await ann.post("/v2/tasks/add", json={"a": 2})
        assert two.headers["location"].startswith("/v2/jobs/")
        problem(await ann.get(one.headers["location"].replace("/v1/", "/v2/")), 404, "job-not-found")
        assert len((await ann.get("/v1/jobs")).json()["jobs"]) == 1
        document = (await ann.get("/openapi.json")).json()
        ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
        assert len(ids) == len(set(ids))


async def test_a_second_application_on_the_same_jobs() -> None:
    """Each start is ended by one stop; the work goes on while one of them is up."""
    api = Api()
    async with AsyncExitStack() as stack:
        outer = await stack.enter_async_context(living(plain(api)[0]))
        async with living(fastapi(api)[0]):
            pass
        async with api.client(app=outer) as ann:
            answer = await ann.post("/v1/tasks/add", json={"a": 1}, headers={"prefer": "wait=20"})
            assert answer.json() == 3
    assert not api.jobs.started


async def test_a_task_that_is_registered_later(api: Api) -> None:
    app = FastAPI()
    app.include_router(api.jobs.router)

    @api.jobs.task
    async def later(x: int) -> int:
        return x

    async with api.client(app=app) as ann:
        answer = await ann.post("/v1/tasks/later", json={"x": 5}, headers={"prefer": "wait=20"})
        assert answer.json() == 5


# ── what only a whole server has ─────────────────────────────────────────────────────────────────────


async def test_health(api: Api) -> None:
    async with api.client(None) as nobody:
        assert (await nobody.get("/healthz")).json() == {"status": "ok"}
        assert (await nobody.get("/readyz")).json() == {"status": "ok"}


async def test_not_ready_before_the_start(api: Api) -> None:
    fresh = Api()
    async with fresh.client(None) as nobody:
        assert (await nobody.get("/healthz")).status_code == 200
        problem(await nobody.get("/readyz"), 503, "unavailable")


async def test_not_ready_without_the_store(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("accepted.http.service._PATIENCE", 0.05)
    monkeypatch.setattr(api.jobs.store, "oldest_pending", hangs)
    async with api.client(None) as nobody:
        problem(await nobody.get("/readyz"), 503, "unavailable")


@pytest.mark.parametrize("path", ["/", "/nope", "/v1", "/v1/nope", "/v1/jobs/a/b/c/d"])
async def test_pages_that_are_not(ann: httpx.AsyncClient, path: str) -> None:
    problem(await ann.get(path), 404, "not-found")


@pytest.mark.parametrize("path", ["/metrics", "/v1/jobs", "/v1/tasks", "/v1/ws-ticket", "/v1/events"])
async def test_methods_that_are_not(ann: httpx.AsyncClient, path: str) -> None:
    answer = await ann.request("PATCH", path)
    assert problem(answer, 405, "method-not-allowed")["allowed"] == answer.headers["allow"].split(", ")


async def test_pages_of_other_origins() -> None:
    api = Api(origins="https://app.example")
    async with api.jobs, api.client() as ann:
        answer = await ann.get("/v1/jobs", headers={"origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert "Location" in answer.headers["access-control-expose-headers"]
        other = await ann.get("/v1/jobs", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
