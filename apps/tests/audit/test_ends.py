"""Kills, cancels, bounds and neighbours: nothing is lost, repeated or left behind, and no token is anywhere."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from accepted_apps.audit.surveying import work_folder
from accepted_apps.playground.audit import GitServer, make_repository
from accepted_apps.playground.language_model import ChatModel
from accepted_apps.playground.social import Served
from app_server import make_key
from helpers import alive, wait_until

from .serving import ASYNC, SLOW, Client, Server, matched

TOKEN = "ghp_0123456789abcdefTOKEN"


def children(pid: int) -> list[int]:
    """All descendants that run."""
    found, waiting = [], [pid]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*"):
            try:
                direct = [int(one) for one in (task / "children").read_text().split()]
            except OSError:
                continue
            found += [one for one in direct if alive(one)]
            waiting += direct
    return found


async def in_survey(server: Server) -> int:
    """The process that reads a repository, stopped as soon as it is there: so that it stays."""

    def there() -> int | None:
        for pid in children(server.pid):
            try:
                if b"accepted_apps.processes" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)
                    return pid
            except OSError:
                pass
        return None

    found: int = await wait_until(there, what="the process that reads")
    return found


# ── cancel ──


async def test_a_cancel_while_fetching_leaves_nothing(serve: Callable[..., Server], git: GitServer) -> None:
    git.held.add("shop/fastapi")
    server = serve()
    async with server.client() as client:
        job_id = await client.start()
        await wait_until(lambda: [one for one in git.visits if one.method == "POST"], what="the pack being asked for")
        assert server.left_behind()
        await client.http.post(f"/v1/jobs/{job_id}/cancel")
        assert (await client.over(job_id))["status"] == "cancelled"
        await wait_until(lambda: not server.left_behind(), what="no folder left")
        assert children(server.pid) == []


async def test_a_cancel_while_reading_kills_the_process(serve: Callable[..., Server]) -> None:
    server = serve()
    async with server.client() as client:
        job_id = await client.start()
        pid = await in_survey(server)
        await client.http.post(f"/v1/jobs/{job_id}/cancel")
        assert (await client.over(job_id))["status"] == "cancelled"
        await wait_until(lambda: not alive(pid), what="the end of the process")
        await wait_until(lambda: not server.left_behind(), what="no folder left")
        assert children(server.pid) == []


# ── kill -9 ──


async def test_a_kill_while_reading_starts_again_and_leaves_nothing(
    serve: Callable[..., Server], git: GitServer
) -> None:
    server = serve()
    async with server.client() as client:
        job_id = await client.start()
        pid = await in_survey(server)
        server.kill()
        os.kill(pid, signal.SIGCONT)
        await wait_until(lambda: not alive(pid), what="the process ends with its server")
        assert server.left_behind(), "the killed server could not tidy up"
        server.restart()
        state = await client.over(job_id)
        assert state["status"] == "completed", state
        assert sum(one.method == "POST" for one in git.visits) == 2, "the step had not ended, so it is done again"
        await wait_until(lambda: not server.left_behind(), what="no folder left")


async def test_a_kill_after_the_discovery_fetches_nothing_again(serve: Callable[..., Server], git: GitServer) -> None:
    with Served(ChatModel()) as api:
        model = api.network
        model.delay = 30
        server = serve(language_model_url=f"{api.url}/v1", language_model_model="stand-in")
        async with server.client() as client:
            job_id = await client.start()
            await wait_until(lambda: model.questions or model.open_requests, what="the model being asked")
            server.kill()
            model.delay = 0
            server.restart()
            state = await client.over(job_id)
            assert state["status"] == "completed", state
            assert sum(one.method == "POST" for one in git.visits) == 1
            job = await client.job(job_id)
            assert [one["status"] for one in job["steps"][:3]] == ["completed"] * 3


# ── secrets ──


async def test_the_token_is_nowhere(serve: Callable[..., Server], git: GitServer) -> None:
    git.private["shop/fastapi"] = TOKEN
    server = serve(arguments=["--access-log"])
    async with server.client() as client:
        job_id = await client.start(token=TOKEN)
        seen: list[bytes] = []

        def look() -> bool:
            for pid in [server.pid, *children(server.pid)]:
                for name in ("cmdline", "environ"):
                    try:
                        seen.append(Path(f"/proc/{pid}/{name}").read_bytes())
                    except OSError:
                        continue
            return any(b"accepted_apps.processes" in one for one in seen)

        await wait_until(look, what="the process that reads")
        state = await client.over(job_id)
        assert state["status"] == "completed", state
        answers = [
            (await client.http.get(path)).text
            for path in (f"/status/{job_id}", f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/result", "/v1/jobs")
        ]
        events = await client.http.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"})
        refused = await client.http.post(ASYNC, params={"github_repo": "", "token": TOKEN}, json={"worst_apis": [SLOW]})
        assert refused.status_code == 400
        git.private["shop/fastapi"] = "another"
        wrong = await client.over(await client.start(token=TOKEN))
        assert wrong["error_code"] == "token_refused"
        answers += [events.text, refused.text, str(wrong)]
    server.stop()
    written = [path.read_bytes() for path in server.data.rglob("*") if path.is_file()]
    assert any(b"analyze-worst-apis" in one for one in written), "the access log is among what is looked at"
    basic = base64.b64encode(f"x-access-token:{TOKEN}".encode())
    for text in [*seen, *written, *[one.encode() for one in answers]]:
        for secret in (TOKEN.encode(), basic):
            assert secret not in text


async def test_a_token_in_the_body_works_as_well(client: Client, git: GitServer) -> None:
    git.private["shop/express"] = TOKEN
    body = {"worst_apis": [SLOW], "token": TOKEN}
    answer = await client.http.post(ASYNC, params={"github_repo": "shop/express"}, json=body)
    assert (await client.over(answer.json()["job_id"]))["status"] == "completed"


# ── callers and bounds ──


async def test_owners_do_not_see_each_other(serve: Callable[..., Server]) -> None:
    server = serve(auth="keys")
    ann, bob = make_key(server.data, "ann"), make_key(server.data, "bob")
    async with (
        server.client(headers={"X-API-Key": ann}) as hers,
        server.client(headers={"X-API-Key": bob}) as his,
        server.client() as nobody,
    ):
        job_id = await hers.start("shop/paper")
        assert (await hers.over(job_id))["status"] == "completed"
        assert (await his.http.get(f"/status/{job_id}")).status_code == 404
        assert (await nobody.http.get(f"/status/{job_id}")).status_code == 401
        assert (await nobody.post()).status_code == 401


async def test_one_audit_too_many_is_429(serve: Callable[..., Server], git: GitServer) -> None:
    git.held.add("shop/fastapi")
    async with serve(audit_active_per_user=1).client() as client:
        job_id = await client.start()
        answer = await client.post()
        assert answer.status_code == 429
        assert answer.headers["retry-after"]
        assert answer.json()["detail"]
        await client.http.post(f"/v1/jobs/{job_id}/cancel")


async def test_several_audits_at_once(client: Client, server: Server) -> None:
    names = ["shop/fastapi", "shop/express", "shop/paper"]
    results = await asyncio.gather(*(client.completed(name) for name in names))
    assert [f"shop/{one['repository_info']['repo']}" for one in results] == names
    await wait_until(lambda: not server.left_behind(), what="no folder left")


async def test_bounds_are_told_by_the_names_of_their_settings(serve: Callable[..., Server], git: GitServer) -> None:
    async with serve(audit_repository_files=3, audit_survey_timeout=30).client() as client:
        code, error = await client.failed()
    assert code == "repository_too_large"
    assert "repository_files" in error


async def test_memory_is_bounded(serve: Callable[..., Server]) -> None:
    async with serve(audit_survey_memory="40MB", audit_retries=0).client() as client:
        code, error = await client.failed()
    assert code == "survey_failed"
    assert "survey_memory" in error


async def test_a_private_address_fails_with_its_reason(serve: Callable[..., Server], git: GitServer) -> None:
    async with serve(audit_allow="", audit_github_url=f"https://{git.address}").client() as client:
        code, error = await client.failed()
    assert code == "address_refused"
    assert "loopback" in error
    assert git.visits == []


async def test_a_path_of_this_machine_and_dulwich(serve: Callable[..., Server], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    make_repository(folder / "api", {"main": {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}})
    async with serve(audit_local_repositories=str(folder), audit_git="dulwich").client() as client:
        result = await client.completed(str(folder / "api"))
        assert result["repository_info"]["unpacked_by"] == "dulwich"
        result = await client.completed("shop/fastapi")
        assert result["repository_info"]["unpacked_by"] == "dulwich"
        assert result["repository_info"]["total_apis_discovered"] == 5


def names_in(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


async def test_folders_of_other_jobs_are_left_alone_until_they_are_old(tmp_path: Path) -> None:
    for name in ("audit-mine-x", "audit-other-x", "audit-old-x", "else"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "audit-old-x", (0, 0))
    async with work_folder(tmp_path, "mine", 1000) as folder:
        assert folder.is_dir()
        assert names_in(tmp_path) == {folder.name, "audit-other-x", "else"}
    assert names_in(tmp_path) == {"audit-other-x", "else"}


# ── reports of load tests ──

JTL = "timeStamp,elapsed,label,success\n" + "".join(
    f"{1700000000000 + 100 * number},{3000 + number},GET /api/users/{number},{'false' if number % 2 else 'true'}\n"
    for number in range(50)
)


@pytest.mark.parametrize("form", [True, False])
async def test_a_report_comes_as_a_file_or_as_the_body(form: bool, client: Client) -> None:
    query = {"github_repo": "shop/fastapi"}
    if form:
        answer = await client.http.post(ASYNC, params=query, files={"report": ("load.jtl", JTL.encode())})
    else:
        answer = await client.http.post(ASYNC, params=query, content=JTL, headers={"content-type": "text/csv"})
    assert answer.status_code == 202, answer.text
    state = await client.over(answer.json()["job_id"])
    assert state["status"] == "completed", state
    result = state["result"]
    assert result["performance_analysis"] == {
        "worst_apis_count": 50,
        "matched_apis_count": 50,
        "unmatched_apis_count": 0,
    }
    assert matched(result, "GET /api/users/7")["matched_endpoint"] == "/api/users/{user_id}"
    assert any("JMeter CSV" in note for note in result["notes"])


async def test_a_form_may_hold_everything(client: Client) -> None:
    fields = {"github_repo": "shop/fastapi", "branch": "main", "worst_apis": '[{"endpoint": "/health"}]'}
    answer = await client.http.post(ASYNC, data=fields, files={"file": ("load.jtl", JTL.encode())})
    assert answer.status_code == 202, answer.text
    result = (await client.over(answer.json()["job_id"]))["result"]
    assert result["performance_analysis"]["worst_apis_count"] == 51


async def test_a_report_that_cannot_be_read_is_refused_at_once(client: Client) -> None:
    query = {"github_repo": "shop/fastapi"}
    answers: list[httpx.Response] = [
        await client.http.post(ASYNC, params=query, files={"report": ("a.csv", b"x,y\n1,2\n")}),
        await client.http.post(ASYNC, params=query, content=b"nothing known", headers={"content-type": "text/plain"}),
    ]
    for answer in answers:
        assert answer.status_code == 400, answer.text
        assert answer.json()["field"] == "report"
        assert "JMeter" in answer.json()["detail"]
