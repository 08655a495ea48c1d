"""The examples run as they stand."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from helpers import wait_until

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


async def client_of(stack: AsyncExitStack, module: ModuleType) -> httpx.AsyncClient:
    await stack.enter_async_context(module.jobs)
    transport = httpx.ASGITransport(module.app)
    return await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://localhost"))


async def test_quickstart() -> None:
    module = load("quickstart")
    async with AsyncExitStack() as stack:
        client = await client_of(stack, module)
        answer = await client.post("/v1/tasks/audit", json={"repo": "o/r"}, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202
        job = await module.jobs.get(answer.json()["id"])
        result = await job.result(timeout=10)
        assert result.routes == ["GET /o/r", "POST /o/r@main"]
        body = (await client.get(answer.headers["Location"])).json()
        assert body["steps"][0]["name"] == "Discovering APIs"
        assert (await client.get(body["links"]["result"])).json() == {"repo": "o/r", "routes": result.routes}


async def test_convert_endpoint() -> None:
    module = load("convert_endpoint")
    async with AsyncExitStack() as stack:
        client = await client_of(stack, module)
        fast = await client.post("/analyze", json={"text": "hello"})
        assert (fast.status_code, fast.json()) == (200, {"length": 5})
        slow = await client.post("/analyze", json={"text": "hello", "seconds": 600}, headers={"Prefer": "wait=0"})
        assert slow.status_code == 202
        assert slow.json()["status"] in ("pending", "running")
        assert (await client.post(slow.json()["links"]["cancel"])).status_code in (200, 202)


async def test_starlette_app() -> None:
    module = load("starlette_app")
    async with AsyncExitStack() as stack:
        client = await client_of(stack, module)
        answer = await client.post("/v1/tasks/count", json={"words": ["a", "b", "a"]}, headers={"Prefer": "wait=10"})
        assert (answer.status_code, answer.json()) == (200, {"a": 2, "b": 1})


async def test_typed() -> None:
    await load("typed").main()


async def test_crawler() -> None:
    module = load("crawler")
    async with AsyncExitStack() as stack:
        client = await client_of(stack, module)
        answer = await client.post(
            "/v1/tasks/crawl_all", json={"sites": ["a.example"] * 3}, headers={"Prefer": "wait=10"}
        )
        assert (answer.status_code, answer.json()) == (200, 3)
        made = (await client.get("/v1/jobs?task=crawl")).json()["jobs"]
        results = [await (await module.jobs.get(one["id"])).result(timeout=10) for one in made]
        assert results == ["what https://a.example/ says"] * 3

        async def scheduled() -> list[dict[str, str]]:
            return (await client.get("/v1/schedules")).json()["schedules"]  # type: ignore[no-any-return]

        (night,) = await wait_until(scheduled)
        assert (night["task"], night["cron"]) == ("crawl_all", "30 2 * * *")
