"""A webhook cannot be made to reach inside: at registration, at each connection, by redirects, by the DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from http_api.serving import problem
from webhooks.receiver import Answer, Receiver, receiving
from webhooks.scene import LONG, Scene, scene

from accepted.guard import AddressPolicy
from accepted.webhooks.sending import Sender

LITERAL = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001:0:0:0:0:0:0:1]",
    "localhost",
    "LocalHost",
    "localhost.",
    "inside.localhost",
    "%31%32%37.0.0.1",
]


@pytest.mark.parametrize("host", LITERAL)
async def test_refused_at_registration(at_once: Scene, host: str) -> None:
    answer = await at_once.ann.post("/v1/webhooks", json={"url": f"http://{host}:8080/latest/meta-data/"})
    (error,) = problem(answer, 422, "invalid-input")["errors"]
    assert error["pointer"] == "#/url"
    assert (await at_once.ann.get("/v1/webhooks")).json() == {"webhooks": []}


async def test_the_operator_may_allow_one(at_once: Scene, receiver: Receiver) -> None:
    await at_once.register(url=receiver.url)
    other = receiver.url.replace(str(receiver.port), "1")
    problem(await at_once.ann.post("/v1/webhooks", json={"url": other}), 422, "invalid-input")


class Names:
    """A resolver whose answers change: the first, then the next …; the last stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def resolve_by(there: Scene, names: Names, *allow: str) -> None:
    there.api.jobs.deliveries.sender = Sender(AddressPolicy(allow, resolver=names), timeout=5.0, at_once=5)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"])
async def test_a_name_that_stands_for_an_inside_address(receiver: Receiver, address: str) -> None:
    async with scene(receiver, pauses=LONG) as there:
        names = Names([address])
        resolve_by(there, names)
        webhook = await there.register(url=f"http://rebind.example:{receiver.port}/hook")
        await there.api.done(there.ann, "add", a=1)
        delivery = await there.tried(webhook, 1)
        assert "rebind.example" in delivery["error"]
        assert delivery["attempts"][0]["status"] is None
        assert names.asked == 1
        assert not receiver.received


async def test_a_public_address_beside_an_inside_one_does_not_help(receiver: Receiver) -> None:
    async with scene(receiver, pauses=LONG) as there:
        resolve_by(there, Names(["93.184.215.14", "127.0.0.1"]))
        webhook = await there.register(url=f"http://both.example:{receiver.port}/hook")
        await there.api.done(there.ann, "add", a=1)
        assert "127.0.0.1" in (await there.tried(webhook, 1))["error"]
        assert not receiver.received


async def test_each_try_looks_the_name_up_and_judges_what_it_connects_to(receiver: Receiver) -> None:
    """DNS rebinding: the first answer is permitted, those after it are not."""
    receiver.usual = Answer(500, {"Connection": "close"})
    async with receiving("127.0.0.2", receiver.port) as inside, scene(receiver) as there:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        resolve_by(there, names, f"127.0.0.1:{receiver.port}")
        webhook = await there.register(url=f"http://rebind.example:{receiver.port}/hook")
        await there.api.done(there.ann, "add", a=1)
        delivery = await there.delivery(webhook, status="failed")
        assert [one["status"] for one in delivery["attempts"]] == [500] + [None] * 10
        assert names.asked == 11
        assert len(receiver.received) == 1
        assert not inside.received


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_inside_is_not_followed(at_once: Scene, receiver: Receiver, status: int) -> None:
    async with receiving() as inside:
        receiver.answers = [Answer(status, {"Location": inside.url})]
        webhook = await at_once.register()
        await at_once.api.done(at_once.ann, "add", a=1)
        delivery = await at_once.delivery(webhook, status="completed")
        assert "redirect" in delivery["attempts"][0]["error"]
        assert not inside.received


async def test_an_address_that_was_allowed_and_is_not_any_more_is_tried_once(receiver: Receiver) -> None:
    async with scene(receiver, webhook_allow=()) as there:
        assert (await there.ann.post("/v1/webhooks", json={"url": receiver.url})).status_code == 422
        webhook = await there.register(url="https://example.org/hook")
        stored = await there.api.jobs.store.webhook(webhook["id"])
        assert stored is not None
        await there.api.jobs.store.replace_webhook(replace(stored, url=receiver.url))
        await there.api.done(there.ann, "add", a=1)
        delivery = await there.delivery(webhook, status="failed")
        assert len(delivery["attempts"]) == 1
        assert not receiver.received
