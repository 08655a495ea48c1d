"""The playground as a whole: site, proxies and canaries, served from one thread with an event loop of its own."""

import asyncio
import concurrent.futures
import socket
import struct
import threading
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from accepted_apps.playground.canary import Canary, Hit
from accepted_apps.playground.proxies import HttpProxy, Proxy, Rules, SocksProxy
from accepted_apps.playground.site import create_app
from accepted_apps.playground.state import EXIT_ADDRESSES, INTERNAL_ADDRESS, Address, State, Visit

_START_SECONDS = 20.0
LOGIN = "guest:let-me-in"


class Playground:
    """A running playground; start it with `with` or `async with`, or `start` and `close`.

    Ports of 0 are free ones; a `proxy_port` is the first of a consecutive row, in the order of `addresses`.
    `slow_seconds` is what the slow proxy waits; `crawl_delay` goes into robots.txt, None leaves it out.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        proxy_port: int = 0,
        crawl_delay: int | None = None,
        slow_seconds: float = 5.0,
    ) -> None:
        self._host = host
        self._port = port
        self._proxy_port = proxy_port
        self._slow_seconds = slow_seconds
        self._state = State(crawl_delay=crawl_delay)
        self._hits: list[Hit] = []
        self._ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._running: tuple[Proxy, ...] = ()
        self._thread = threading.Thread(target=self._run, name="playground", daemon=True)
        self.url = ""
        """The site, without a slash at the end."""
        self.proxies: tuple[str, ...] = ()
        """The working proxies: two HTTP, two SOCKS5, each with another exit address."""
        self.slow_proxy = ""
        """Works, after `slow_seconds`."""
        self.failing_proxy = ""
        """Takes connections and answers 502 to every request."""
        self.login_proxy = ""
        """Works with the user and password that are in its URL."""
        self.dead_proxy = ""
        """Refuses connections."""
        self.internal_urls: tuple[str, ...] = ()
        """The canaries: one on another loopback address, one on another port of 127.0.0.1."""

    def start(self) -> Self:
        """Return when everything takes connections; an error on the way (a port in use) is raised here."""
        self._thread.start()
        self._ready.result(timeout=_START_SECONDS)
        return self

    def close(self) -> None:
        """Stop everything and break off what is open. Calling it again does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._state.closing.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    @property
    def addresses(self) -> dict[str, str | list[str]]:
        """Everything there is to connect to, by name, as the command line prints it."""
        return {
            "site": self.url,
            "proxies": list(self.proxies),
            "slow_proxy": self.slow_proxy,
            "failing_proxy": self.failing_proxy,
            "login_proxy": self.login_proxy,
            "dead_proxy": self.dead_proxy,
            "internal": list(self.internal_urls),
        }

    @property
    def visits(self) -> list[Visit]:
        """The requests that the site saw, oldest first."""
        return list(self._state.visits)

    @property
    def internal_hits(self) -> list[Hit]:
        """The connections that reached a canary: none, if the guard of the preview holds."""
        return list(self._hits)

    @property
    def proxy_targets(self) -> list[str]:
        """ "host:port" of everything that was asked of any proxy, as the client spelled it."""
        return [target for proxy in self._running for target in proxy.targets]

    def reset(self) -> None:
        """Forget visits, hits and counts, as if just started."""
        self._state.forget()
        self._hits.clear()
        for proxy in self._running:
            proxy.targets.clear()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            await self._start_canaries(stack)
            await self._start_proxies(stack)
            self._start_site(stack)
            self._ready.set_result(None)
            await self._state.closing.wait()

    async def _start_canaries(self, stack: AsyncExitStack) -> None:
        for address in (INTERNAL_ADDRESS, self._host):
            canary = Canary(self._hits)
            await canary.start(_existing(address))
            stack.push_async_callback(canary.close)
            self.internal_urls += (canary.url,)
        self._state.internal_urls = self.internal_urls

    async def _start_proxies(self, stack: AsyncExitStack) -> None:
        aliases = self._state.aliases
        exits = iter(EXIT_ADDRESSES)
        pool: list[Proxy] = [
            kind(Rules(next(exits)), aliases) for kind in (HttpProxy, HttpProxy, SocksProxy, SocksProxy)
        ]
        slow = HttpProxy(Rules(next(exits), delay_seconds=self._slow_seconds), aliases)
        failing = HttpProxy(Rules(next(exits), failing=True), aliases)
        login = HttpProxy(Rules(next(exits), credentials=LOGIN), aliases)
        self._running = (*pool, slow, failing, login)
        for index, proxy in enumerate(self._running):
            await proxy.start(self._host, self._proxy_port and self._proxy_port + index)
            stack.push_async_callback(proxy.close)
        self.proxies = tuple(proxy.url for proxy in pool)
        self.slow_proxy, self.failing_proxy, self.login_proxy = slow.url, failing.url, login.url
        self._reserve_dead_proxy(stack)

    def _reserve_dead_proxy(self, stack: AsyncExitStack) -> None:
        # Bound and not listening: connections are refused, and nobody else can take the port meanwhile.
        dead = stack.enter_context(socket.socket())
        dead.bind((self._host, self._proxy_port and self._proxy_port + len(self._running)))
        self.dead_proxy = "http://{}:{}".format(*dead.getsockname())

    def _start_site(self, stack: AsyncExitStack) -> None:
        listening = stack.enter_context(socket.create_server((self._host, self._port), backlog=128))
        self.url = "http://{}:{}".format(*listening.getsockname())
        config = uvicorn.Config(
            create_app(self._state),
            # The site tells clients apart by peer address: a header must not be able to change that.
            proxy_headers=False,
            server_header=False,
            # One known implementation, as resetting a connection needs its transport.
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        self._state.reset_connection = partial(_reset_connection, server)
        serving = asyncio.create_task(server.serve(sockets=[listening]))

        async def stop() -> None:
            server.should_exit = True
            await serving

        stack.push_async_callback(stop)


def _existing(address: str) -> str:
    """The loopback address itself, or 127.0.0.1 where the system has no other (macOS)."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return "127.0.0.1"
    return address


def _reset_connection(server: uvicorn.Server, client: Address) -> None:
    """End a client's connection with a TCP reset: nothing more is sent, and its next read fails."""
    for connection in tuple(server.server_state.connections):
        if isinstance(connection, H11Protocol) and connection.client == client:
            # Lingering for zero seconds makes the kernel send RST instead of FIN.
            raw = connection.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.transport.abort()
