"""A process whose files may not grow beyond 600 kB, until it lets them."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys

from stores.processes import new_job, say

from accepted.errors import StoreError
from accepted.stores.sqlite import SQLiteStore


async def limited(path: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = SQLiteStore(path)
    await store.open()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))
    acknowledged, refused = [], ""
    while not refused:
        job = new_job()
        try:
            await store.submit([job])
            acknowledged.append(job.id)
        except StoreError as error:
            refused = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    job = new_job()
    await store.submit([job])
    await store.close()
    say(acknowledged=[*acknowledged, job.id], error=refused)


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
