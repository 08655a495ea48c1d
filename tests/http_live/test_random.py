"""Random disconnects over mixed transports: what a client received is what was stored."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx
import pytest
from http_live.serving import Service, read_events, serving


class Client:
    """One reader with one cursor, who changes transport whenever it is cut off."""

    def __init__(self, service: Service, job_id: str, chance: random.Random) -> None:
        self.service = service
        self.job_id = job_id
        self.chance = chance
        self.seen: list[int] = []
        self.over = False

    @property
    def cursor(self) -> int:
        return self.seen[-1] if self.seen else 0

    async def run(self) -> list[int]:
        transports = [self.stream, self.streams, self.socket, self.page]
        async with self.service.client() as client:
            while not self.over:
                await self.chance.choice(transports)(client)
        return self.seen

    def take(self, seq: int, kind: str) -> bool:
        """True: go on on this connection."""
        self.seen.append(seq)
        self.over = kind == "completed"
        return not self.over and self.chance.random() > 0.05

    async def stream(self, client: httpx.AsyncClient) -> None:
        headers = {"last-event-id": str(self.cursor)}
        url = f"/v1/jobs/{self.job_id}/events"
        async with client.stream("GET", url, headers=headers) as answer:
            if answer.status_code == 204:
                self.over = True
            async for event in read_events(answer.aiter_lines()):
                if not self.take(int(event.id), event.kind):
                    break

    async def streams(self, client: httpx.AsyncClient) -> None:
        url = f"/v1/events?jobs={self.job_id}&after={self.job_id}:{self.cursor}"
        async with client.stream("GET", url) as answer:
            async for event in read_events(answer.aiter_lines()):
                assert event.id == f"{self.job_id}:{event.data['seq']}"
                if not self.take(event.data["seq"], event.kind):
                    break

    async def socket(self, client: httpx.AsyncClient) -> None:
        async with self.service.socket(close_timeout=0.1) as socket:
            await socket.ask(action="subscribe", job_id=self.job_id, after=self.cursor)
            while True:
                message = await socket.hear()
                if message["type"] == "gap":
                    # A slow moment: the log still has what was left out here.
                    break
                if not self.take(message["seq"], message["kind"]):
                    break

    async def page(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get(f"/v1/jobs/{self.job_id}/page?after={self.cursor}")).json()
        self.seen += answer["seqs"]
        self.over = answer["over"] and len(answer["seqs"]) < 20


@pytest.mark.parametrize("seed", range(4))
async def test_received_is_stored(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    path = tmp_path / "jobs.db" if seed % 2 else None
    async with serving(path, watcher_queue=chance.choice((8, 256)), keep_alive=0.05) as service:
        job_id = await service.start()

        async def work() -> None:
            for _ in range(chance.randrange(60, 120)):
                await service.report(job_id, chance.randrange(1, 4))
                for _ in range(chance.choice((0, 0, 50))):
                    await asyncio.sleep(0)
            await service.complete(job_id)

        clients = [Client(service, job_id, random.Random(chance.random())) for _ in range(8)]
        async with asyncio.timeout(60):
            *received, _ = await asyncio.gather(*(client.run() for client in clients), work())
        stored = await service.stored(job_id)
        assert all(seen == stored for seen in received)
