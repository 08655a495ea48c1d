"""HTTP as a browser speaks it: its TLS handshake, its HTTP/2 settings, its headers in its order.

libcurl, patched and bundled by curl_cffi, makes the connections. It is given one way out, a guarding proxy on loopback
that lives as long as the client: names are looked up, judged and pinned there, and so is the operator's own proxy.
Every request goes through a tunnel of that proxy, plain http too, so that what the proxy says of a connection can
never be taken for something that a site said.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from curl_cffi import Curl, CurlECode, CurlError, CurlHttpVersion, CurlInfo, CurlOpt
from curl_cffi.curl import CURL_WRITEFUNC_ERROR
from curl_cffi.requests.impersonate import DEFAULT_CHROME

from accepted.guard import AddressPolicy, AddressRefused, GuardingProxy, ProxyServer

from .errors import NeverEnds, Obstacle, PrivateAddress, ProxyTrouble, TooLarge, Unreachable

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_HEAD = 128 * 1024
_GRACE = 1.0
"""Seconds that a transfer may take beyond its time before it is given up from outside."""
_STOP = CURL_WRITEFUNC_ERROR
_GUARD_SAYS = re.compile(r'accepted-guard; error=(\w+)(?:; details="((?:[^"\\]|\\.)*)")?')
_CURL_SAYS = re.compile(r"curl: \(\d+\) (.*?)\. See https://curl\.se")
_NO_HTTP = (CurlECode.UNSUPPORTED_PROTOCOL, CurlECode.WEIRD_SERVER_REPLY)
_TLS_ERRORS = (
    CurlECode.SSL_CONNECT_ERROR,
    CurlECode.PEER_FAILED_VERIFICATION,
    CurlECode.SSL_CERTPROBLEM,
    CurlECode.SSL_CIPHER,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Header names are in lower case, repeated ones joined by commas; `body` is unpacked.

    `location`: where a redirect leads, as the site wrote it; its body was not read then.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    location: str | None


class Impersonator:
    """A client for one job: an async context manager that owns its connections, its cookies and its guarding proxy.

    It makes one request at a time, follows no redirect, and keeps cookies and connections from one to the next.
    curl works in a thread of its own, because it reads all certificates anew for each client (tens of milliseconds).

    impersonate: a browser that curl_cffi knows (`chrome`: its newest Chrome); ValueError for another.
    proxy: the operator's proxy to go through.
    connect_timeout: seconds for look-up and connection, and as long again for TLS.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        impersonate: str,
        accept_language: str,
        connect_timeout: float,
        proxy: ProxyServer | None = None,
    ) -> None:
        self._guard = GuardingProxy(policy, upstream=proxy, connect_timeout=connect_timeout)
        self._easy = _browser(impersonate)
        # Connection is a browser's first header after Host, in HTTP/1.1; HTTP/2 has none.
        self._headers = [b"Connection: keep-alive", f"Accept-Language: {accept_language}".encode()]
        self._easy.setopt(CurlOpt.CONNECTTIMEOUT_MS, int(2000 * connect_timeout))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="curl")

    async def __aenter__(self) -> Self:
        guard = await self._guard.__aenter__()
        for option, value in {
            CurlOpt.PROXY: guard.url.encode(),
            CurlOpt.PROXYUSERNAME: guard.username.encode(),
            CurlOpt.PROXYPASSWORD: guard.password.encode(),
            CurlOpt.HTTPPROXYTUNNEL: 1,
            # Said to be empty, because the environment's NO_PROXY would count otherwise.
            CurlOpt.NOPROXY: b"",
        }.items():
            self._easy.setopt(option, value)
        return self

    async def __aexit__(self, *_: object) -> None:
        # A request that was cancelled or is stuck ends with the proxy, its only connection; then the thread is free.
        try:
            await self._guard.__aexit__()
        finally:
            closing = self._thread.submit(self._easy.close)
            self._thread.shutdown(wait=False)
        await asyncio.wrap_future(closing)

    async def get(
        self, url: str, *, limit: int, timeout: float, cut: bool = False, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request.

        limit: bytes of the body, unpacked; a longer one is TooLarge, or with `cut` ends there.
        timeout: seconds for all of it. headers: beside the browser's own, such as If-None-Match.

        Raises PrivateAddress, TooLarge, NeverEnds, Unreachable for an unknown name, and Obstacle or ProxyTrouble for
        what another try or another tier may get by.
        """
        receiver = _Receiver(self._easy, limit, cut=cut)
        further = [f"{name}: {value}".encode() for name, value in (headers or {}).items()]
        try:
            # curl keeps the time itself, but has been known to miss it.
            async with asyncio.timeout(timeout + _GRACE):
                await asyncio.wrap_future(self._thread.submit(self._perform, url, receiver, timeout, further))
        except TimeoutError:
            raise receiver.late(timeout) from None
        except CurlError as error:
            if not receiver.complete and not _followed_by_junk(error, receiver):
                raise self._failure(url, receiver, error, timeout) from None
        if not receiver.status:
            raise Obstacle("connection reset")  # in the middle of the head, which curl takes for its end
        return receiver.answer()

    def _perform(self, url: str, receiver: _Receiver, timeout: float, further: list[bytes]) -> None:
        """In the thread: one transfer from beginning to end."""
        self._easy.setopt(CurlOpt.URL, url.encode())
        self._easy.setopt(CurlOpt.HTTPHEADER, self._headers + further)
        self._easy.setopt(CurlOpt.TIMEOUT_MS, max(1, int(timeout * 1000)))
        self._easy.setopt(CurlOpt.HEADERFUNCTION, receiver.header)
        self._easy.setopt(CurlOpt.WRITEFUNCTION, receiver.write)
        # Of the packed bytes, declared or sent; the receiver counts the unpacked ones.
        self._easy.setopt(CurlOpt.MAXFILESIZE_LARGE, 0 if receiver.cut else receiver.limit)
        # The headers are of this request alone: setting them again would add to the list.
        self._easy.perform(clear_headers=True)

    def _failure(self, url: str, receiver: _Receiver, error: CurlError, timeout: float) -> Exception:
        if receiver.failure is not None:
            return receiver.failure
        if not receiver.status and receiver.guard_says:
            return self._not_connected(url, receiver.guard_says)
        if error.code == CurlECode.FILESIZE_EXCEEDED:
            return _too_large(receiver.limit)
        if error.code == CurlECode.OPERATION_TIMEDOUT:
            return receiver.late(timeout)
        if error.code == CurlECode.BAD_CONTENT_ENCODING:
            return Obstacle(
                f"a body packed as {receiver.headers.get('content-encoding', '')[:40]!r} cannot be unpacked"
            )
        if error.code in _NO_HTTP:
            return Obstacle(f"an answer that cannot be read ({_words(error)})")
        if error.code in _TLS_ERRORS and "SSL_ERROR_SYSCALL" not in str(error):
            return Obstacle(f"no connection ({_words(error)})")
        return Obstacle("connection reset")

    def _not_connected(self, url: str, guard_says: str) -> Exception:
        """The guarding proxy's `Proxy-Status` as an error."""
        found = _GUARD_SAYS.fullmatch(guard_says)
        kind, details = (found[1], re.sub(r"\\(.)", r"\1", found[2] or "")) if found else ("", guard_says)
        if kind == "destination_ip_prohibited":
            last = self._guard.refusals[-1]
            return PrivateAddress(str(AddressRefused(last.host, last.address, last.reason, url=url)))
        if kind == "dns_error":
            return Unreachable("The host name of the URL does not exist, or cannot be looked up at present.")
        if kind == "proxy_internal_error":
            return ProxyTrouble(details)
        if kind == "connection_timeout":
            return Obstacle("time-out")
        return Obstacle(f"no connection ({details})")


class _Receiver:
    """Takes in one answer, and stops it at the end of a redirect's head and beyond the limits."""

    def __init__(self, easy: Curl, limit: int, *, cut: bool) -> None:
        self.limit = limit
        self.cut = cut
        self.status = 0
        """Of the site's answer, once its head is complete."""
        self.headers: dict[str, str] = {}
        self.guard_says = ""
        self.complete = False
        """Whether it was stopped because there is no need of more."""
        self.failure: Exception | None = None
        self._easy = easy
        self._body = bytearray()
        self._head_size = 0
        self._head_ended = True

    def answer(self) -> Answer:
        location = self.headers.get("location") if self.status in _REDIRECTS else None
        return Answer(self.status, self.headers, bytes(self._body), location)

    def late(self, timeout: float) -> Exception:
        """What it means that the time is up now."""
        if self.status:
            return NeverEnds(f"The page did not end within {timeout:.3g} seconds.")
        return Obstacle("time-out")

    def header(self, line: bytes) -> int:
        """curl's callback for each line of the tunnel's head, of interim answers, of the answer, of its trailers."""
        self._head_size += len(line)
        if self._head_size > _MAX_HEAD:
            self.failure = Obstacle(f"headers of more than {_MAX_HEAD // 1024} KiB")
            return _STOP
        if self.status:
            return len(line)  # trailers
        if self._head_ended:
            self.headers, self._head_ended = {}, False
            return len(line)  # the line with the status
        if line.strip():
            self._take(line)
            return len(line)
        self._head_ended = True
        return self._end_of_head() or len(line)

    def _take(self, line: bytes) -> None:
        raw_name, _, raw_value = line.partition(b":")
        name, value = raw_name.decode("latin-1").strip().lower(), _text(raw_value).strip()
        self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value

    def _end_of_head(self) -> int:
        """What the callback returns to stop here, else 0."""
        code = self._easy.getinfo(CurlInfo.RESPONSE_CODE)
        assert isinstance(code, int)  # noqa: S101 - it is a number by its definition
        if code == 0:
            self.guard_says = self.headers.get("proxy-status", "")
        elif code >= 200:
            self.status = code
            self.complete = code in _REDIRECTS and "location" in self.headers
        return _STOP if self.complete else 0

    def write(self, part: bytes) -> int:
        """curl's callback, for at most 16 KiB of the unpacked body."""
        room = self.limit - len(self._body)
        self._body += part[:room]
        if len(part) <= room:
            return len(part)
        if self.cut:
            self.complete = True
        else:
            self.failure = _too_large(self.limit)
        return _STOP


def _browser(impersonate: str) -> Curl:
    """A handle that is set up as that browser, and can do nothing but fetch over http and https."""
    # The certificates that Python's own TLS would trust, SSL_CERT_FILE included; else those that curl_cffi brings.
    easy = Curl(cacert=ssl.get_default_verify_paths().cafile or "")
    if easy.impersonate(DEFAULT_CHROME if impersonate == "chrome" else impersonate) != 0:
        raise ValueError(f"impersonate: {impersonate!r} is no browser that curl_cffi knows, such as 'chrome'.")
    for option, value in {
        CurlOpt.HTTPHEADER_ORDER: b"Host,Connection",
        # The browser's own header stays; this is what makes curl unpack.
        CurlOpt.ACCEPT_ENCODING: b"gzip, deflate, br, zstd",
        # Over plain http, curl would ask for an upgrade to HTTP/2, as no browser does.
        CurlOpt.HTTP_VERSION: CurlHttpVersion.V2TLS,
        CurlOpt.PROTOCOLS_STR: b"http,https",
        CurlOpt.FOLLOWLOCATION: 0,
        # The path that robots.txt was asked for, with all its dots.
        CurlOpt.PATH_AS_IS: 1,
        CurlOpt.NETRC: 0,
        # Cookies in memory, of this handle alone.
        CurlOpt.COOKIEFILE: b"",
        CurlOpt.NOSIGNAL: 1,
    }.items():
        easy.setopt(option, value)
    return easy


def _followed_by_junk(error: CurlError, receiver: _Receiver) -> bool:
    """Whether a packed body was unpacked to its end and bytes come after it, which browsers pass over in silence."""
    return error.code == CurlECode.WRITE_ERROR and bool(receiver.status) and receiver.failure is None


def _words(error: CurlError) -> str:
    found = _CURL_SAYS.search(str(error))
    return found[1][:200] if found else f"curl error {error.code}"


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The page is larger than {limit / 2**20:.3g} MiB.")
