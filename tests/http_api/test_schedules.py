"""`GET /v1/schedules`: what runs by the clock, for whom it is."""

from __future__ import annotations

from datetime import datetime

from helpers import wait_until
from http_api.serving import Api, problem

from accepted.http.shapes import AcceptedScheduleList


async def test_mine_and_for_an_administrator_all() -> None:
    api = Api()
    add = api.jobs.tasks["add"]
    api.jobs.schedule(add, every="1s", arguments={"a": 1}, owner="ann", name="often")
    api.jobs.schedule(add, cron="0 3 * * *", timezone="Europe/Berlin", arguments={"a": 2}, owner="bob")
    async with api.jobs, api.client("ann") as ann, api.client("bob") as bob, api.client("root") as root:

        async def fired() -> list[dict[str, object]]:
            answer = await ann.get("/v1/schedules")
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
            AcceptedScheduleList.model_validate(answer.json())
            return [one for one in answer.json()["schedules"] if one["last_job"]]

        (mine,) = await wait_until(fired)
        assert (mine["name"], mine["task"], mine["owner"]) == ("often", "add", "ann")
        assert (mine["cron"], mine["timezone"], mine["every_seconds"]) == (None, None, 1.0)
        last, following = (datetime.fromisoformat(str(mine[name])) for name in ("last_at", "next_at"))
        assert (following - last).total_seconds() == 1
        job = (await ann.get(f"/v1/jobs/{mine['last_job']}")).json()
        assert (job["task"], job["owner"], job["scheduled_at"]) == ("add", "ann", mine["last_at"])
        (his,) = (await bob.get("/v1/schedules")).json()["schedules"]
        assert (his["name"], his["cron"], his["timezone"]) == ("add", "0 3 * * *", "Europe/Berlin")
        assert (his["last_at"], his["last_job"], his["every_seconds"]) == (None, None, None)
        listed = (await root.get("/v1/schedules")).json()["schedules"]
        assert [one["name"] for one in listed] == ["add", "often"]
        problem(await ann.delete("/v1/schedules"), 405, "method-not-allowed")
        problem(await api.client(None).get("/v1/schedules"), 401, "not-authenticated")


async def test_a_token_for_one_job_shows_none(api: Api) -> None:
    async with api.client("ann") as ann:
        path = await api.submit(ann, "add", a=1)
        token = (await ann.post(path + "/tokens", json={})).json()["token"]
        async with api.client(None, headers={"authorization": f"Bearer {token}"}) as guest:
            problem(await guest.get("/v1/schedules"), 403, "forbidden")
