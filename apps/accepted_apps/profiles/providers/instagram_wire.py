"""The way from Instaloader to Instagram: where Instagram is, how long it may take, and how to cut it short.

Instaloader makes its sessions itself, in many places, by the name `requests` in its module `instaloadercontext`. So
each attempt runs a copy of that module of its own, in which the name stands for sessions of ours: nothing is replaced
in the library that others use, and two jobs with different settings know nothing of each other.
"""

from __future__ import annotations

import importlib.util
import socket
import threading
from contextlib import suppress
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from accepted import Cancelled

HOSTS: Final = ("https://www.instagram.com/", "https://i.instagram.com/")
_CONNECT_SECONDS: Final = 10.0
_PLEASE_WAIT: Final = b"wait a few minutes"


class Wire:
    """All connections of one attempt. Its sessions reach Instagram and nothing else.

    url: what stands for both hosts of Instagram; "" means Instagram. timeout: seconds of one request, from the
    connection to the last byte.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.timeout = timeout
        self.requests = 0
        """How many were sent."""
        self.status: int | None = None
        """Of the last answer; None: there was none."""
        self.retry_after: float | None = None
        """Seconds that the last answer asks to wait, where it says so."""
        self.late = False
        """Whether the last request was broken off because it took too long."""
        self.anonymous = True
        """Whether the last request was without a session."""
        self._url = url.rstrip("/")
        self.stopped = threading.Event()
        """Set by `cut`."""
        self._open: set[HTTPConnection] = set()
        self._lock = threading.Lock()
        self.pool_classes = _pool_classes(self)

    # ── what is under way ──

    def cut(self) -> None:
        """Break off what is under way, from any thread; whatever comes after raises Cancelled."""
        self.stopped.set()
        self._break_off()

    def check(self) -> None:
        """Raises Cancelled after `cut`."""
        if self.stopped.is_set():
            raise Cancelled("the attempt is over")

    def pause(self, seconds: float) -> None:
        """Wait in a thread. Raises Cancelled at once after `cut`."""
        self.stopped.wait(seconds)
        self.check()

    def opened(self, connection: HTTPConnection) -> None:
        """A connection was made."""
        with self._lock:
            self._open.add(connection)
        if self.stopped.is_set():
            self._break_off()

    def closed(self, connection: HTTPConnection) -> None:
        """A connection was closed."""
        with self._lock:
            self._open.discard(connection)

    def _too_late(self) -> None:
        self.late = True
        self._break_off()

    def _break_off(self) -> None:
        with self._lock:
            sockets = [connection.sock for connection in self._open]
        for one in sockets:
            with suppress(OSError, AttributeError):
                # Not the method of a TLS socket, which would first drop what the reading thread is using.
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    # ── one request ──

    def located(self, url: str) -> str:
        """Where a URL of Instagram's is reached."""
        return url if not self._url else self._url + "/" + url.split("/", 3)[3]

    def send(self, adapter: Adapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send one request, and read its answer to the end in time."""
        self.check()
        self.requests += 1
        self.status, self.retry_after, self.late = None, None, False
        self.anonymous = _is_anonymous(request)
        watch = threading.Timer(self.timeout, self._too_late)
        watch.daemon = True
        watch.start()
        try:
            response = adapter.pass_on(request, **options)
            body = response.content
        finally:
            watch.cancel()
            self.check()
        if response.status_code == 401 and _PLEASE_WAIT in body:
            # What Instagram says instead of 429 where it feels like it; the library knows what to do about a 429.
            response.status_code = 429
        self.status, self.retry_after = response.status_code, _seconds(response.headers.get("Retry-After"))
        return response


class Adapter(HTTPAdapter):
    """Sends what a session of the library asks for along the wire. Cookies and errors know Instagram's URLs only."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As the base class, with connections that the wire knows."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._wire.pool_classes

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """As the base class, with connections that the wire knows."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._wire.pool_classes
        return manager

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """One request, from the session. Raises Cancelled after the wire was cut."""
        return self._wire.send(self, request, **options)

    def pass_on(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """The request itself, to where Instagram is."""
        sent = request.copy()
        sent.url = self._wire.located(str(request.url))
        if sent.url != request.url:
            options["proxies"] = get_environ_proxies(sent.url)
        options["timeout"] = (min(_CONNECT_SECONDS, self._wire.timeout), self._wire.timeout)
        response = super().send(sent, **options)
        response.url, response.request = str(request.url), request
        return response


class _Session(requests.Session):
    """A session that knows no way but the wire's."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.adapters.clear()
        for host in HOSTS:
            self.mount(host, Adapter(wire))


def context_class(wire: Wire) -> Any:
    """The library's `InstaloaderContext`, all of whose sessions go along this wire, and which prints nothing."""
    module = _own_copy("instaloader.instaloadercontext")
    module.requests = SimpleNamespace(  # type: ignore[attr-defined]
        Session=partial(_Session, wire),
        Response=requests.Response,
        exceptions=requests.exceptions,
        utils=requests.utils,
    )
    base: Any = module.InstaloaderContext

    class QuietContext(base):  # type: ignore[misc]
        def log(self, *_: Any, **__: Any) -> None:
            """Nothing: jobs say what happens."""

        def error(self, *_: Any, **__: Any) -> None:
            """Nothing: what matters is raised as well."""

    return QuietContext


def _own_copy(name: str) -> ModuleType:
    """The module, run once more for us alone; it is not in `sys.modules`."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pool_classes(wire: Wire) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools by scheme, with connections that the wire can break off."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            wire.opened(self)

        def close(self) -> None:
            wire.closed(self)
            super().close()

    class Encrypted(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            wire.opened(self)

        def close(self) -> None:
            wire.closed(self)
            super().close()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _is_anonymous(request: requests.PreparedRequest) -> bool:
    cookies = (part.strip().partition("=") for part in str(request.headers.get("Cookie", "")).split(";"))
    return "authorization" not in request.headers and not any(
        name == "sessionid" and value.strip('"') for name, _, value in cookies
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.strip().isdecimal() else None
