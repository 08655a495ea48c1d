"""Letting event streams go when the server is told to stop.

Servers such as uvicorn tell an application to shut down only after its connections are closed, and an event stream
closes only when somebody ends it: each would wait for the other until a timeout, or for ever. The signal comes
first, so that is when streams are ended.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from accepted.hub import Hub

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def draining_on_signals(hub: Hub) -> Iterator[None]:
    """While inside, SIGTERM and SIGINT also drain `hub`; whoever handled them before still does.

    For the lifespan of an application that some server runs: enter it in the server's event loop. Outside the main
    thread, where no signal can be handled, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    ours: dict[int, Handler] = {}
    theirs: dict[int, Handler] = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        previous = signal.getsignal(number)
        if callable(previous):
            theirs[number] = previous
            ours[number] = _drain_then(previous, hub, loop)
            signal.signal(number, ours[number])
    try:
        yield
    finally:
        for signum, handler in ours.items():
            # Somebody may have put theirs over ours since; theirs stays then.
            if signal.getsignal(signum) is handler:
                signal.signal(signum, theirs[signum])


def _drain_then(previous: Handler, hub: Hub, loop: asyncio.AbstractEventLoop) -> Handler:
    def handle(number: int, frame: FrameType | None) -> object:
        if not loop.is_closed():
            loop.call_soon_threadsafe(hub.drain)
        return previous(number, frame)

    return handle
