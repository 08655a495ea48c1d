"""A second user at every route and every action of the socket. A route that is added fails the first test until it
has its row here."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from attacks.scene import ARTIFACT, ATTACKER, MARK, VICTIM, Scene, unknown

from accepted.http.auth import DENIAL_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Door:
    """A route that names something of the victim's. `of`: which, in the path. `body`: what is sent besides."""

    method: str
    path: str
    of: str
    body: Any = None

    @property
    def operation(self) -> tuple[str, str]:
        return self.method, self.path

    def at(self, there: Scene, target: str) -> str:
        """The path with `target` in place of the victim's own."""
        names = {"job_id": there.job, "webhook_id": there.webhook, "delivery_id": there.delivery, "name": ARTIFACT}
        return self.path.format(**{**names, self.of: target})


DOORS = [
    Door("GET", "/v1/jobs/{job_id}", "job_id"),
    Door("DELETE", "/v1/jobs/{job_id}", "job_id"),
    Door("GET", "/v1/jobs/{job_id}/result", "job_id"),
    Door("GET", "/v1/jobs/{job_id}/events", "job_id"),
    Door("GET", "/v1/jobs/{job_id}/artifacts/{name}", "job_id"),
    Door("POST", "/v1/jobs/{job_id}/cancel", "job_id", {"reason": "mine now"}),
    Door("POST", "/v1/jobs/{job_id}/retry", "job_id"),
    Door("POST", "/v1/jobs/{job_id}/tokens", "job_id", {}),
    Door("GET", "/v1/webhooks/{webhook_id}", "webhook_id"),
    Door("PATCH", "/v1/webhooks/{webhook_id}", "webhook_id", {"url": "https://mallory.example"}),
    Door("DELETE", "/v1/webhooks/{webhook_id}", "webhook_id"),
    Door("POST", "/v1/webhooks/{webhook_id}/rotate", "webhook_id", {}),
    Door("POST", "/v1/webhooks/{webhook_id}/test", "webhook_id"),
    Door("GET", "/v1/webhooks/{webhook_id}/deliveries", "webhook_id"),
    Door("POST", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", "webhook_id"),
]
LISTS = {
    ("GET", "/v1/jobs"),
    ("GET", "/v1/tasks"),
    ("GET", "/v1/webhooks"),
    ("GET", "/v1/schedules"),
}
"""What the attacker sees here is his own."""
SUBMITS = {("POST", "/v1/tasks/{task}"), ("POST", "/v1/tasks/{task}/batch")}
OTHERS = {
    ("DELETE", "/v1/jobs"): "test_deleting_all_deletes_ones_own",
    ("GET", "/v1/events"): "test_a_stream_of_several_with_one_foreign_job",
    ("POST", "/v1/webhooks"): "test_smuggled_owners",
    ("POST", "/v1/ws-ticket"): "test_a_ticket_is_the_callers",
}
OPEN = {("GET", path) for path in ("/healthz", "/readyz", "/openapi.json", "/asyncapi.json", "/v1/problems")}
ADMINS = {("GET", "/metrics")}


async def operations(there: Scene) -> set[tuple[str, str]]:
    async with there.client(None) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    found = {(method.upper(), path) for path, one in paths.items() for method in one}
    tasks = set(there.jobs.tasks)

    def template(path: str) -> str:
        head, _, rest = path.partition("/v1/tasks/")
        name, slash, after = rest.partition("/")
        return f"{head}/v1/tasks/{{task}}{slash}{after}" if name in tasks else path

    return {(method, template(path)) for method, path in found}


async def test_every_route_has_its_attack(there: Scene) -> None:
    known = {door.operation for door in DOORS} | LISTS | SUBMITS | set(OTHERS) | OPEN | ADMINS
    assert await operations(there) == known


def told(answer: httpx.Response, target: str) -> tuple[int, list[tuple[str, str]], str]:
    """All of an answer but the id that was asked for and the clock."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "date")
    return answer.status_code, headers, answer.text.replace(target, "ID")


async def test_a_foreign_job_that_is_asked_for_as_if_it_were_known(there: Scene) -> None:
    async with there.client() as mallory:
        for tag in ("*", *(f'W/"{seq}"' for seq in range(1, 9))):
            never = unknown()
            expected = told(await mallory.get(f"/v1/jobs/{never}", headers={"if-none-match": tag}), never)
            assert expected[0] == 404
            for target in (there.job, there.running):
                assert told(await mallory.get(f"/v1/jobs/{target}", headers={"if-none-match": tag}), target) == expected


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.method} {door.path}")
async def test_foreign_and_unknown_are_told_alike(there: Scene, door: Door) -> None:
    victims = {"job_id": [there.job, there.running], "webhook_id": [there.webhook]}[door.of]
    async with there.client() as mallory:
        never = unknown()
        expected = told(await mallory.request(door.method, door.at(there, never), json=door.body), never)
        assert expected[0] == 404
        for target in victims:
            answer = await mallory.request(door.method, door.at(there, target), json=door.body)
            assert told(answer, target) == expected
            there.clean(answer.text, str(answer.headers), sent=target)
            head = await mallory.request("HEAD" if door.method == "GET" else "GET", door.at(there, target))
            assert head.status_code in (404, 405)
            there.clean(head.text, str(head.headers), sent=target)
    await there.unharmed()


@pytest.mark.parametrize("door", [DOORS[0], DOORS[8]], ids=["jobs", "webhooks"])
async def test_their_time_does_not_tell_them_apart(there: Scene, door: Door) -> None:
    """Both are held to one minimum; and whoever guesses by the time which it was, is right half of the time."""
    target = there.job if door.of == "job_id" else there.webhook
    times: dict[str, list[float]] = {"foreign": [], "unknown": []}
    async with there.client() as mallory:
        for number in range(80):
            kind = ("foreign", "unknown")[number % 2]
            path = door.at(there, target if kind == "foreign" else unknown())
            began = time.perf_counter()
            assert (await mallory.get(path)).status_code == 404
            times[kind].append(time.perf_counter() - began)
    assert min(*times["foreign"], *times["unknown"]) >= DENIAL_SECONDS * 0.95
    pairs = [foreign < never for foreign in times["foreign"] for never in times["unknown"]]
    # Five standard deviations to either side of one half.
    assert 0.17 < sum(pairs) / len(pairs) < 0.83


@pytest.mark.parametrize("credentials", [{}, {"authorization": "Bearer nobody"}], ids=["none", "wrong"])
async def test_nobody_gets_in_anywhere(there: Scene, credentials: dict[str, str]) -> None:
    async with there.client(None, headers=credentials) as nobody:
        for method, path in sorted(await operations(there) - OPEN):
            names = {"job_id": there.job, "webhook_id": there.webhook, "delivery_id": there.delivery}
            answer = await nobody.request(method, path.format(task="keep", name=ARTIFACT, **names))
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="accepted"')
            there.clean(answer.text)
        for _, path in OPEN:
            there.clean((await nobody.get(path)).text)
    await there.unharmed()


async def test_a_token_for_one_job_opens_no_other_door(there: Scene) -> None:
    async with there.client() as mallory:
        own = (await mallory.post("/v1/tasks/keep", json={})).json()["id"]
        token = (await mallory.post(f"/v1/jobs/{own}/tokens")).json()["token"]
    async with there.client(None, headers={"authorization": f"Bearer {token}"}) as holder:
        assert (await holder.get(f"/v1/jobs/{own}")).status_code == 200
        for door in DOORS:
            target = there.job if door.of == "job_id" else there.webhook
            answer = await holder.request(door.method, door.at(there, target), json=door.body)
            assert answer.status_code in (
                (404, 403) if door.path.endswith("/tokens") else (404,) if door.of == "job_id" else (403,)
            )
            there.clean(answer.text, sent=target)
        for method, path in sorted(LISTS | SUBMITS | ADMINS | set(OTHERS) - {("POST", "/v1/ws-ticket")}):
            answer = await holder.request(method, path.format(task="keep"), params={"jobs": there.job})
            assert answer.status_code in (403, 404), (method, path)
            there.clean(answer.text, sent=there.job)
    await there.unharmed()


async def test_lists_show_ones_own(there: Scene) -> None:
    async with there.client() as mallory:
        await mallory.post("/v1/tasks/keep", json={"text": "mine"})
        for _, path in sorted(LISTS):
            there.clean((await mallory.get(path)).text)
        for query in (
            MARK,
            "%",
            "_",
            "%25",
            "\\",
            "*",
            "' OR 1=1 --",
            VICTIM,
            there.job,
            "canar_",
            "\x00",
            "💥" * 200,
            "a" * 10_000,
        ):
            answer = await mallory.get("/v1/jobs", params={"q": query})
            assert answer.status_code in (200, 400, 422)
            there.clean(answer.text)
        for owner in (VICTIM, f"{ATTACKER},{VICTIM}", "%", "*", ""):
            answer = await mallory.get("/v1/jobs", params={"owner": owner})
            assert answer.status_code == 403
            there.clean(answer.text, sent=owner)
        answer = await mallory.get(f"/v1/jobs?owner={ATTACKER}&owner={VICTIM}")
        there.clean(answer.text, sent=VICTIM)
        async with there.client(VICTIM) as vera:
            cursor = (await vera.get("/v1/jobs?limit=1")).json()["cursor"]
        for forged in (cursor, "MQ", "MTA", "AAAA", "-1", "9" * 400, "é", "\x00", "a" * 10_000):
            answer = await mallory.get("/v1/jobs", params={"cursor": forged})
            assert answer.status_code in (200, 400, 422)
            there.clean(answer.text)
        assert (await mallory.get("/metrics")).status_code == 403
    await there.unharmed()


async def test_deleting_all_deletes_ones_own(there: Scene) -> None:
    async with there.client() as mallory:
        await mallory.post("/v1/tasks/keep", json={})
        for query in (
            "",
            f"?owner={VICTIM}",
            f"?owner={ATTACKER}",
            f"?confirm={VICTIM}",
            f"?owner={ATTACKER}&owner={VICTIM}",
        ):
            there.clean((await mallory.delete(f"/v1/jobs{query}")).text, sent=VICTIM)
    await there.unharmed()


async def test_a_stream_of_several_with_one_foreign_job(there: Scene) -> None:
    async with there.client() as mallory:
        own = (await mallory.post("/v1/tasks/keep", json={})).json()["id"]
        for target in (there.job, unknown()):
            answer = await mallory.get(f"/v1/events?jobs={own},{target}")
            assert answer.status_code == 404
            there.clean(answer.text, sent=target)
    await there.unharmed()


async def test_a_ticket_is_the_callers(there: Scene) -> None:
    async with there.client() as mallory:
        ticket = (await mallory.post("/v1/ws-ticket", json={"owner": VICTIM, "user_id": VICTIM})).json()["ticket"]
    async with there.socket(None, f"?ticket={ticket}") as socket:
        assert (await socket.hear())["user_id"] == ATTACKER
        assert (await socket.ask(action="subscribe", job_id=there.job))["problem"]["status"] == 404
    await there.unharmed()


SMUGGLED = dict.fromkeys(
    ("x-forwarded-user", "x-remote-user", "remote-user", "x-user", "x-owner", "owner", "accepted-owner", "x-api-owner"),
    VICTIM,
) | {"x-auth-request-user": VICTIM, "from": VICTIM, "cookie": f"user={VICTIM}; owner={VICTIM}"}


async def test_smuggled_owners(there: Scene) -> None:
    async with there.client(headers=SMUGGLED) as mallory:
        query = f"?owner={VICTIM}&user={VICTIM}"
        plain = await mallory.post(f"/v1/tasks/keep{query}", json={"text": "x"})
        assert (plain.status_code, plain.json()["owner"]) == (202, ATTACKER)
        for body in (
            {"owner": VICTIM},
            {"text": "x", "owner": VICTIM},
            {"options": {"owner": VICTIM}},
            {"job": {"owner": VICTIM}},
        ):
            assert (await mallory.post("/v1/tasks/keep", json=body)).status_code == 422
        form = await mallory.post("/v1/tasks/keep", data={"text": "x", "owner": VICTIM}, files={"owner": b"x"})
        assert form.status_code == 422
        fields = {"arguments": (None, json.dumps({"text": "x", "owner": VICTIM}), "application/json")}
        assert (await mallory.post("/v1/tasks/keep", files=fields)).status_code == 422
        lines = b'{"text": "x"}\n{"text": "x", "owner": "%s"}\n' % VICTIM.encode()
        batch = await mallory.post(
            f"/v1/tasks/keep/batch{query}", content=lines, headers={"content-type": "application/x-ndjson"}
        )
        first, second = (json.loads(line) for line in batch.text.splitlines())
        assert second["status"] == 422
        assert (await mallory.get(f"/v1/jobs/{first['job']['id']}")).json()["owner"] == ATTACKER
        hook = await mallory.post("/v1/webhooks", json={"url": "https://m.example", "owner": VICTIM})
        assert hook.status_code == 422
        hook = await mallory.post(f"/v1/webhooks{query}", json={"url": "https://m.example"})
        assert hook.status_code == 201
        listed = (await mallory.get("/v1/jobs")).json()["jobs"]
        assert {one["owner"] for one in listed} == {ATTACKER}
    async with there.client(VICTIM) as vera:
        assert len((await vera.get("/v1/webhooks")).json()["webhooks"]) == 1
    await there.unharmed()


async def test_the_same_key_of_two_users_is_two_keys(there: Scene) -> None:
    async with there.client() as mallory:
        body = {"text": f"{MARK}-argument", "name": ARTIFACT}
        key = {"idempotency-key": f"{MARK}-key"}
        answer = await mallory.post("/v1/tasks/keep", json=body, headers=key)
        assert answer.status_code == 202
        assert "idempotency-replayed" not in answer.headers
        assert answer.json()["id"] != there.job
    await there.unharmed()


async def test_every_action_of_the_socket(there: Scene) -> None:
    async with there.client(None) as client:
        document = (await client.get("/asyncapi.json")).json()
    actions = {one["$ref"].rpartition(".")[2] for one in document["operations"]["say"]["messages"]}
    assert actions == {"authenticate", "subscribe", "unsubscribe", "cancel", "ping"}, "an action without its attack"
    async with there.socket() as socket:
        for action in ("subscribe", "cancel"):
            never = unknown()
            expected = json.dumps(await socket.ask(action=action, job_id=never, after=0)).replace(never, "ID")
            for target in (there.job, there.running):
                answer = json.dumps(await socket.ask(action=action, job_id=target, after=0, owner=VICTIM))
                assert answer.replace(target, "ID") == expected
                there.clean(answer, sent=target)
        left = await socket.ask(action="unsubscribe", job_id=there.running)
        assert left == {"type": "unsubscribed", "job_id": there.running}
        assert await socket.ask(action="ping", job_id=there.job) == {"type": "pong"}
        async with there.client(VICTIM) as vera:
            await vera.post("/v1/tasks/keep", json={"text": MARK})
        # What came of the victim's work would have come before this.
        assert await socket.ask(action="ping") == {"type": "pong"}
        assert (await socket.ask(action="authenticate", token=f"user:{VICTIM}"))["type"] == "auth_error"
        assert await socket.closed() == 4401
    await there.unharmed()
