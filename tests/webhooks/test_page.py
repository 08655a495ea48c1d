"""The receiver of docs/webhooks.md, run as it stands there, against a real delivery."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from http_api.serving import serving
from webhooks.receiver import Receiver
from webhooks.scene import scene

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


async def test_the_receiver_of_the_page() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    seen: set[str] = set()
    kept: list[Any] = []

    def first_time(message: str) -> bool:
        new = message not in seen
        seen.add(message)
        return new

    app = FastAPI()
    names: dict[str, Any] = {"app": app, "Request": Request, "Response": Response}
    names |= {"first_time": first_time, "remember_for_later": kept.append}
    exec(code, names)
    async with serving(app) as port:
        there = Receiver()
        there.host, there.port = "127.0.0.1", port
        async with scene(there) as one:
            webhook = await one.register()
            names["SECRET"] = webhook["secret"]
            await one.api.done(one.ann, "add", a=1)
            delivery = await one.delivery(webhook, status="completed")
            await one.ann.post(f"{webhook['links']['deliveries']}/{delivery['id']}/resend")
            await one.delivery(webhook, status="completed")
            assert [event["data"]["result"] for event in kept] == [3]
            names["SECRET"] = (await one.register(tasks=["fail"]))["secret"]
            await one.api.done(one.ann, "add", a=2)
            refused = await one.delivery(webhook, status="failed")
            assert {attempt["status"] for attempt in refused["attempts"]} == {401}
            assert len(kept) == 1
