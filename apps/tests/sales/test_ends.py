"""Kills, cancels, neighbours, large files, the end of their time: nothing is lost, repeated or left behind."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from accepted_apps.playground.language_model import CHAT, ChatModel
from accepted_apps.playground.social.serving import Served
from helpers import alive, wait_until

from .exports import PHRASES, export
from .serving import STEPS, Client, Server, Shop, step_states


def children(pid: int) -> list[int]:
    """The processes that a server has started, for analyses or else."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [child for child, parent in parents if parent == pid]


@pytest.fixture
def chat() -> Any:
    served = Served(ChatModel())
    served.start()
    yield served
    served.close()


def asking(chat: Any) -> dict[str, object]:
    """Settings of a server that asks this model, one question at a time."""
    return {
        "language_model_url": f"{chat.url}/v1",
        "language_model_model": "stand-in",
        "language_model_price_input": 1,
        "language_model_price_output": 2,
        "language_model_tries": 1,
    }


def answer(chat: Any, *, hang_at: str = "", category: str = "Relevant") -> None:
    """The model answers all keywords alike; the question for one schema stays open."""

    def answers(name: str, made: Any) -> None:
        def give(_question: str, _schema: dict[str, Any]) -> Any:
            if name == hang_at:
                chat.network.trouble(CHAT, "endless")
            return made

        chat.network.answer(name, give)

    numbers = range(1, len(PHRASES) + 1)
    answers("Categories", {"keywords": [{"number": number, "category": category} for number in numbers]})
    answers("Intents", {"keywords": [{"number": number, "intent": 3} for number in numbers]})
    answers("WrittenListing", {"title": "Garlic Press", "bullets": []})


def asked_for(chat: Any) -> list[str]:
    return [one["response_format"]["json_schema"]["name"] for one in chat.network.questions]


# ── kill -9 ──


async def test_after_a_kill_no_page_is_fetched_again(serve: Any, shop: Shop) -> None:
    server: Server = serve(sales_processes=1)
    async with server.client() as client:
        job_id = await client.start(files={"revenue_csv": ("a.csv", export(8_000))})
        await client.until_step(job_id, STEPS[1])
        await wait_until(lambda: children(server.pid), what="the process of the analysis")
        pids = children(server.pid)
        server.kill()
        await wait_until(lambda: not any(map(alive, pids)), what="the end of what it had started")
        server.restart()
        result = await client.completed(job_id)
        state = await client.look(job_id)
    assert shop.pages == ["/dp/B0PRESS001"]
    assert result["listing"]["read"] is True
    assert state["cost"] == 0.0001, "paid once"
    assert set(step_states(state).values()) == {"completed"}
    assert len(result["ai_analysis_keywords"]["structured_data"]["items"]) == 8_000


async def test_after_a_kill_a_model_is_not_asked_again_for_what_it_has_judged(
    serve: Any, shop: Shop, chat: Any
) -> None:
    server: Server = serve(**asking(chat))
    async with server.client() as client:
        answer(chat, hang_at="Intents")
        job_id = await client.start()
        await client.until_step(job_id, STEPS[2])
        await wait_until(lambda: chat.network.open_requests, what="the question")
        server.kill()
        answer(chat)
        chat.network.troubles.clear()
        server.restart()
        result = await client.completed(job_id)
    assert asked_for(chat).count("Categories") == 1
    assert result["analysis_by"]["categories"] == "stand-in"
    assert shop.pages == ["/dp/B0PRESS001"]


# ── cancel ──


async def test_a_cancel_ends_the_reading_at_once(serve: Any, shop: Shop) -> None:
    server: Server = serve()
    async with server.client() as client:
        job_id = await client.start(files={"revenue_csv": ("a.csv", export(60_000))})
        await client.until_step(job_id, STEPS[1])
        await wait_until(lambda: children(server.pid), what="the process of the analysis")
        pids = children(server.pid)
        await client.cancel(job_id)
        state = await client.over(job_id, timeout=20)
        assert state["status"] == "cancelled"
        assert step_states(state)[STEPS[1]] == "cancelled"
        await wait_until(lambda: not any(map(alive, pids)), what="the end of the process")
        # The place is free again.
        assert (await client.run())["success"] is True


@pytest.mark.parametrize(
    ("step", "schema"), [(STEPS[1], "Categories"), (STEPS[2], "Intents"), (STEPS[3], "WrittenListing")]
)
async def test_a_cancel_ends_the_question_of_each_step(
    serve: Any, shop: Shop, chat: Any, step: str, schema: str
) -> None:
    async with serve(**asking(chat)).client() as client:
        answer(chat, hang_at=schema)
        job_id = await client.start()
        await client.until_step(job_id, step)
        await wait_until(lambda: chat.network.open_requests, what="the question")
        await client.cancel(job_id)
        state = await client.over(job_id, timeout=20)
        assert state["status"] == "cancelled"
        assert step_states(state)[step] == "cancelled"
        await wait_until(lambda: chat.network.open_requests == 0, what="the end of the question")


async def test_a_cancel_ends_the_fetch(client: Client, shop: Shop) -> None:
    shop.gate.clear()
    job_id = await client.start()
    await wait_until(lambda: shop.waiting, what="the request")
    await client.cancel(job_id)
    assert (await client.over(job_id, timeout=20))["status"] == "cancelled"


# ── a language model ──


async def test_a_model_judges_and_what_it_takes_is_paid(serve: Any, shop: Shop, chat: Any) -> None:
    answer(chat, category="Outlier")
    async with serve(**asking(chat)).client() as client:
        job_id = await client.start()
        result = await client.completed(job_id)
        state = await client.look(job_id)
        assert (await client.http.get("/api/v1/marketplaces")).json()["judged_by"] == "stand-in"
    assert result["analysis_by"]["categories"] == "stand-in"
    items = result["ai_analysis_keywords"]["structured_data"]["items"]
    assert {one["category"] for one in items} == {"Outlier"}
    assert {one["by"] for one in items} == {"stand-in"}
    assert state["cost"] > 0.0001


async def test_the_rules_judge_where_the_model_fails_and_the_result_says_so(serve: Any, shop: Shop, chat: Any) -> None:
    chat.network.trouble(CHAT, "down")
    async with serve(**asking(chat)).client() as client:
        result = await client.run()
    assert set(result["analysis_by"].values()) == {"rules"}
    assert len([note for note in result["notes"] if "rules" in note]) >= 2


# ── many, and large ──


async def test_several_at_once_do_not_disturb_each_other(client: Client) -> None:
    async def run(number: int) -> dict[str, Any]:
        phrases = ((f"garlic press model {number}", f"{number}00", "0", 8), *PHRASES)
        return await client.run(files={"design_csv": (f"{number}.csv", export(phrases=phrases))})

    results = await asyncio.gather(*map(run, range(1, 6)))
    for number, result in enumerate(results, 1):
        found = {one["phrase"]: one for one in result["ai_analysis_keywords"]["structured_data"]["items"]}
        own = [one for one in found if "model" in one]
        assert own == [f"garlic press model {number}"]
        assert found[own[0]]["search_volume"] == number * 100


@pytest.mark.parametrize(
    "rows", [pytest.param(10_000, id="short"), pytest.param(200_000, id="long", marks=pytest.mark.soak)]
)
async def test_a_large_export_leaves_the_server_to_others(rows: int, serve: Any, shop: Shop) -> None:
    server: Server = serve()
    async with server.client() as client, server.client() as other:
        large = await client.start(files={"revenue_csv": ("large.csv", export(rows))})
        await client.until_step(large, STEPS[1])
        loop = asyncio.get_running_loop()
        slowest, looks, began = 0.0, 0, loop.time()
        while (await client.look(large))["status"] == "processing":
            asked = loop.time()
            (await other.http.get("/api/v1/marketplaces")).raise_for_status()
            slowest, looks = max(slowest, loop.time() - asked), looks + 1
        took = loop.time() - began
        result = await client.completed(large)
        assert looks > 20
        assert slowest < took / 2, "no look waits for the analysis"
        items = result["ai_analysis_keywords"]["structured_data"]["items"]
        analysed = min(rows, 50_000)
        assert result["reading"]["revenue_csv"]["rows"] == rows
        assert (len(items), result["left_out"]) == (analysed, rows - analysed)
        assert any("50,000" in note for note in result["notes"]) is (rows > analysed)
        download = await client.http.get(f"/api/v1/job-results/{large}/download?format=csv")
        assert download.text.count("\r\n") == analysed + 1


# ── the end of its time ──


def files_of(data: Path, job_id: str) -> list[Path]:
    return [path for path in data.rglob("*") if job_id in str(path) and path.is_file()]


async def test_what_is_over_is_purged_with_its_files_when_its_time_is_over(serve: Any, shop: Shop) -> None:
    server: Server = serve(sales_retention="1ms")
    async with server.client() as client:
        job_id = await client.start()
        assert (await client.over(job_id))["status"] == "complete"
        assert files_of(server.data, job_id), "uploads, the result's files"

        # What is over its time is looked for at a start, and then twice a minute.
        server.stop()
        server.restart()

        async def gone() -> httpx.Response | None:
            answer = await client.http.get(f"/api/v1/job-results/{job_id}")
            return answer if answer.status_code != 200 else None

        answer = await wait_until(gone, what="the purge")
        assert answer.status_code == 410
        assert isinstance(answer.json()["detail"], str)
        assert (await client.http.get(f"/api/v1/job-status/{job_id}")).status_code == 410
        await wait_until(lambda: not files_of(server.data, job_id), what="the end of its files")
