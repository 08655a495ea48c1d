"""`accepted serve` and `accepted worker` without their command lines: a target served by uvicorn, worker processes
beside it, and an end in order.

The order of an end, at the first SIGTERM or Ctrl-C: no new connections; streams are dropped and waits answered, for
uvicorn lets an application shut down only when its connections are closed; worker processes and the own worker
finish or give back their jobs (`drain`). A second signal ends everything at once; the store is made for that.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accepted import collector
from accepted.crew import Crew
from accepted.errors import AcceptedError, ConfigurationError
from accepted.jobs import Jobs

log = logging.getLogger("accepted.serving")

_HTTP_SECONDS: Final = 5
"""Time that requests under way have once the streams are dropped: an upload, a download."""
_SETTLE_SECONDS: Final = 5.0
"""On top of drain and grace, before a worker process that does not end is killed."""


# ── the target ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Target:
    """What a command line named: an application, and the `Jobs` behind it."""

    app: ASGIApp
    jobs: Sequence[Jobs]


def load_target(name: str) -> Target:
    """`module:attribute`, an ASGI application or a `Jobs`; the current folder comes first. Raises
    ConfigurationError."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigurationError(f'expected a target such as "app:app" (module:attribute), got {name!r}')
    sys.path.insert(0, str(os.getcwd()))  # noqa: PTH109  a text is wanted
    found = _attribute(_import(name, module), name, attribute)
    if isinstance(found, Jobs):
        return Target(found.app, (found,))
    if not callable(found):
        raise ConfigurationError(f"{name}: expected an ASGI application or a Jobs, got {type(found).__name__}")
    return Target(found, tuple(Jobs.instances))


def _import(name: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise _import_failed(name, error) from error
        raise ConfigurationError(f"{name}: there is no module {error.name!r} here ({os.getcwd()})") from error  # noqa: PTH109
    except Exception as error:
        raise _import_failed(name, error) from error


def _import_failed(name: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"{name} cannot be imported: {_told(error)}")


def _told(error: BaseException) -> str:
    """An error of somebody else's code in one line, with its place."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"


def _attribute(module: Any, name: str, path: str) -> Any:
    found = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise ConfigurationError(f"{name}: {module.__name__} has no {path!r}")
        found = getattr(found, part)
    return found


def refuse_open(target: Target, host: str) -> None:
    """Raises ConfigurationError when `host` can be reached by others and nobody would be asked who they are."""
    from accepted.http.auth import LoopbackOnly

    if not _is_loopback(host) and any(isinstance(jobs.access.authenticator, LoopbackOnly) for jobs in target.jobs):
        raise ConfigurationError(
            f"{host} can be reached from other machines, and anybody could run jobs: "
            "set ACCEPTED_AUTH=keys (then `accepted keys create`) or ACCEPTED_AUTH=jwt, or pass auth=… to Jobs."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# ── starting applications ────────────────────────────────────────────────────────────────────────────


class Startup:
    """The application with an eye on its lifespan: what fails there is kept, to be told in a sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.failure: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def without_traceback(message: Message) -> None:
            await send({**message, "message": ""} if "message" in message else message)

        try:
            await self._app(scope, receive, without_traceback)
        except BaseException as error:
            self.failure = error
            raise

    def failed(self) -> AcceptedError:
        """What to raise when uvicorn says that the start failed."""
        if isinstance(self.failure, AcceptedError):
            return self.failure
        if self.failure is None:
            return ConfigurationError("the application refused to start, and did not say why")
        failed = ConfigurationError(f"the application cannot start: {_told(self.failure)}")
        failed.__cause__ = self.failure
        return failed


def _config(app: Startup, *, access_log: bool = False) -> uvicorn.Config:
    """uvicorn takes uvloop and httptools by itself where they are installed."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=access_log,
        server_header=False,
        # Compression costs about 70 KB for each socket, and job events are short; nobody sends us long messages.
        ws_per_message_deflate=False,
        ws_max_size=64 * 1024,
        timeout_graceful_shutdown=_HTTP_SECONDS,
    )


# ── the server ───────────────────────────────────────────────────────────────────────────────────────


def serve(
    target: Target,
    *,
    host: str,
    port: int,
    ready: Callable[[str], None],
    worker_command: Sequence[str] = (),
    workers: int = 0,
    access_log: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is told the address; port 0 takes a free one. `worker_command` starts
    one worker process; `workers` of them are kept. Raises ConfigurationError, StoreError, whatever the
    application's start raises."""
    refuse_open(target, host)
    listener = _listen(host, port)
    crew = Crew(worker_command, workers, patience=_longest_stop(target.jobs))
    startup = Startup(target.app)
    server = _Server(_config(startup, access_log=access_log), target, crew, lambda: ready(_address(listener)))
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # How uvicorn says that the application did not start.
        raise startup.failed() from None
    finally:
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """Listening before the application starts: clients that come back during a restart wait instead of failing."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(found[4][:2], family=found[0], backlog=2048)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _longest_stop(jobs: Sequence[Jobs]) -> float:
    """Seconds in which a worker process that is told to stop has stopped."""
    return max((one.settings.drain + one.settings.cancel_grace for one in jobs), default=0.0) + _SETTLE_SECONDS


class _Server(uvicorn.Server):
    """uvicorn, with the end described above."""

    def __init__(self, config: uvicorn.Config, target: Target, crew: Crew, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._target = target
        self._crew = crew
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        if self._target.jobs and not any(jobs.started for jobs in self._target.jobs):
            log.warning("the application does not start its jobs: give it lifespan=jobs.lifespan")
        self._crew.start()
        collector.spare()
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  uvicorn's signature
        if self.should_exit:
            self._crew.kill()
            os._exit(128 + sig)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        self._crew.tell()
        await asyncio.gather(*(jobs.hub.stop() for jobs in self._target.jobs if jobs.started))
        await super().shutdown(sockets)
        await self._crew.stop()


# ── a worker ─────────────────────────────────────────────────────────────────────────────────────────


def work(target: Target, *, ready: Callable[[Sequence[str]], None], supervised: bool = False) -> None:
    """Run jobs until SIGTERM or SIGINT. The application's lifespan is run as well: tasks find what it sets up.

    `supervised`: standard input is a pipe from the server; its end is the server's, and so a reason to stop.
    Raises ConfigurationError, StoreError, whatever the application's start raises.
    """
    startup = Startup(target.app)
    config = _config(startup)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_work(target, config, startup, ready, supervised=supervised))


async def _work(
    target: Target,
    config: uvicorn.Config,
    startup: Startup,
    ready: Callable[[Sequence[str]], None],
    *,
    supervised: bool,
) -> None:
    stop = _stop_event()
    if supervised:
        _end_with_server(stop, _longest_stop(target.jobs))
    async with _lifespan(config, startup), AsyncExitStack() as stack:
        for jobs in target.jobs:
            if not jobs.started:
                await stack.enter_async_context(jobs)
            await jobs.worker.start()
        collector.spare()
        ready(sorted({name for jobs in target.jobs for name in jobs.tasks}))
        await stop.wait()


def _stop_event() -> asyncio.Event:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def told(sig: int) -> None:
        if stop.is_set():
            os._exit(128 + sig)
        stop.set()

    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, told, sig)
    return stop


def _end_with_server(stop: asyncio.Event, patience: float) -> None:
    """Stop when standard input ends; at once `patience` seconds later. In a thread, for a job may block the loop."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(0, 1024):
            pass
        loop.call_soon_threadsafe(stop.set)
        time.sleep(patience)
        log.error("the server is gone, and this worker process has not stopped in %g s: it ends now", patience)
        os._exit(1)

    threading.Thread(target=watch, name="accepted server", daemon=True).start()


@asynccontextmanager
async def _lifespan(config: uvicorn.Config, startup: Startup) -> AsyncIterator[None]:
    config.load()
    lifespan = config.lifespan_class(config)
    await lifespan.startup()
    if lifespan.should_exit:
        raise startup.failed()
    try:
        yield
    finally:
        await lifespan.shutdown()
