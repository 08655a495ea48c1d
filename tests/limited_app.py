"""A task of which one may run at a time for each key, for several processes: `accepted worker limited_app:jobs`."""

from __future__ import annotations

import asyncio
import os

from accepted import Jobs

jobs = Jobs()


@jobs.task(key="domain", per_key=1)
async def crawl(domain: str) -> int:
    """Which process it was. Fails when there is another of this domain, in whatever process."""
    await asyncio.to_thread(os.mkdir, domain)
    await asyncio.sleep(0.005)
    await asyncio.to_thread(os.rmdir, domain)
    return os.getpid()
