"""One try of one delivery: an HTTP request through the guard, and what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from accepted.guard import AddressPolicy, AddressRefused
from accepted.version import __version__

if TYPE_CHECKING:
    import httpx

_READ_MAX: Final = 4096
"""Bytes of an answer that are read at most; what is left ends with the connection."""
_SHOWN: Final = 500
"""Characters of it that the log keeps."""
_HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": f"accepted/{__version__}",
    "accept": "*/*",
    # What is compressed could be a thousand times as long as what was read.
    "accept-encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Try:
    """What became of one request. `error` None: it arrived."""

    status: int | None
    milliseconds: int
    answer: str = ""
    """The beginning of the answer's body."""
    error: str | None = None
    retry_after: float | None = None
    """Seconds that the receiver asks for."""
    refused: bool = False
    """By our guard: the address is not public."""


class Sender:
    """Sends from one event loop, over connections that are kept for some seconds; `close` ends them.

    `timeout`: seconds from the look-up of the name to the status of the answer. `at_once`: requests under way.
    """

    def __init__(self, policy: AddressPolicy, *, timeout: float, at_once: int) -> None:
        self.policy = policy
        self._timeout = timeout
        self._at_once = at_once
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Idempotent; the next request begins anew, in whatever loop."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            # Loading the library and the machine's certificates would hold the loop up.
            made = await asyncio.to_thread(self._open)
            if self._client is None:
                self._client = made
            else:  # another delivery was quicker
                await made.aclose()
        return self._client

    def _open(self) -> httpx.AsyncClient:
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        from accepted.guard import guarded_client

        return guarded_client(
            self.policy,
            max_connections=self._at_once,
            timeout=None,  # one for the whole try, in `post`
            follow_redirects=False,
            # One receiver's cookies are no business of the next at the same host.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Try:
        """Never raises for what the receiver or the network does."""
        client, loop = await self._opened(), asyncio.get_running_loop()
        import httpx

        began = loop.time()

        def spent() -> int:
            return round((loop.time() - began) * 1000)

        refused = False
        try:
            async with asyncio.timeout(self._timeout):
                request = client.build_request("POST", url, headers={**_HEADERS, **headers}, content=body)
                response = await client.send(request, stream=True)
        except TimeoutError:
            error = f"no answer within {self._timeout:g} s"
        except AddressRefused as reason:
            error, refused = str(reason), True
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as reason:
            error = f"no answer: {str(reason) or type(reason).__name__}"
        else:
            milliseconds, text = spent(), await self._beginning(response)
            return _judged(response, milliseconds, text)
        return Try(None, spent(), error=error, refused=refused)

    async def _beginning(self, response: httpx.Response) -> str:
        """What the log shows of the answer. Its status has come: a body that breaks off or drips changes nothing."""
        import httpx

        raw = b""
        try:
            async with asyncio.timeout(self._timeout):
                async for part in response.aiter_raw():
                    raw += part[:_READ_MAX]
                    if len(raw) >= _READ_MAX:
                        break
        except (TimeoutError, httpx.HTTPError, OSError):
            pass
        finally:
            await response.aclose()
        return raw.decode("utf-8", "replace")[:_SHOWN]


def _judged(response: httpx.Response, milliseconds: int, answer: str) -> Try:
    status = response.status_code
    if 200 <= status < 300:
        return Try(status, milliseconds, answer)
    error = f"the receiver answered {status}"
    if 300 <= status < 400:
        error += ", a redirect, which is not followed; register the address it leads to"
    return Try(status, milliseconds, answer, error, _retry_after(response.headers.get("retry-after")))


def _retry_after(value: str | None) -> float | None:
    """Seconds from now: as a number, or as a date (RFC 9110, 10.2.3). None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - time.time())
