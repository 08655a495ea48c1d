"""Waiting for a job on behalf of a client that may go away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive


async def while_connected(receive: Receive, waiting: Coroutine[Any, Any, bool]) -> bool:
    """What `waiting` answers. Raises ClientDisconnect when the client goes away first: the wait ends then, the job
    does not. The request's body has been read before."""
    wait = asyncio.ensure_future(waiting)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((wait, gone), return_when=asyncio.FIRST_COMPLETED)
        if wait.done():
            return wait.result()
        raise ClientDisconnect
    finally:
        wait.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
