"""A network's JSON over HTTP: at the host's pace, within its limits, bounded in size and time, guarded.

Every connection goes to a public address or one that the setting `allow` names, at every redirect.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final, Self

import httpx

from accepted.guard import AddressPolicy, AddressRefused, guarded_client
from accepted_apps.profiles.errors import AddressNotAllowed, NetworkTrouble, RateLimited, UnexpectedAnswer
from accepted_apps.profiles.pacing import Pacing
from accepted_apps.profiles.settings import ProfilesSettings

_TRIES: Final = 3
"""How often one request is sent when connections break, or the server has an error of its own."""
_TRY_PAUSE: Final = 0.5
_REFUSALS: Final = 5
"""How often one request may be refused for the pace within one attempt."""
_UNSAID_PAUSE: Final = 60.0
"""Seconds to wait where a refusal does not say how long."""
_REDIRECTS: Final = 5
_LONG: Final = 256 * 1024
"""Bytes from which an answer is read in a thread."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`data`: the JSON; None where the body is none. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: Any
    links: Mapping[str, str]
    """URLs of the header Link, by relation."""

    @property
    def error(self) -> str:
        """What the server says went wrong, shortened; "" when it says nothing."""
        found = self.data if isinstance(self.data, dict) else {}
        said = found.get("message") or found.get("error")
        return said[:200] if isinstance(said, str) else ""


@dataclass(frozen=True, slots=True)
class _Request:
    """`body` is sent as JSON; None: there is none."""

    method: str
    url: str
    params: Mapping[str, str | int] | None = None
    body: Any = None

    @property
    def host(self) -> str:
        return httpx.URL(self.url).netloc.decode("ascii")


class Asker:
    """Asks one network; an async context manager that owns its connections.

    who: how messages name it. headers: sent with each request, and to the same origin only.
    """

    def __init__(
        self, settings: ProfilesSettings, pacing: Pacing, who: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.who = who
        self._settings, self._pacing = settings, pacing
        self._client = guarded_client(
            AddressPolicy(settings.allow),
            verify=_certificates(),
            max_connections=settings.requests_at_once,
            headers={"User-Agent": settings.user_agent, "Accept": "application/json", **(headers or {})},
            timeout=settings.request_timeout,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__()

    async def get(self, url: str, params: Mapping[str, str | int] | None = None, *, paced: bool = True) -> Answer:
        """Any answer but those that say "later", which are obeyed. Raises NetworkTrouble, RateLimited,
        AddressNotAllowed, UnexpectedAnswer (too large, endless redirects).

        paced: false for what waits at the other end, and would keep others from their turn.
        """
        return await self._until_answered(_Request("GET", url, params), tries=_TRIES, paced=paced)

    async def post(
        self, url: str, params: Mapping[str, str | int] | None = None, *, body: Any = None, paced: bool = True
    ) -> Answer:
        """The same; not sent again when the connection breaks, as nobody knows then what it has done."""
        return await self._until_answered(_Request("POST", url, params, body), tries=1, paced=paced)

    async def _until_answered(self, request: _Request, *, tries: int, paced: bool) -> Answer:
        refusals, failures = 0, 0
        while True:
            try:
                answer = await (self._paced(request) if paced else self._once(request))
            except NetworkTrouble:
                failures += 1
                if failures >= tries:
                    raise
                await asyncio.sleep(_TRY_PAUSE * failures)
                continue
            if not _says_later(answer):
                return answer
            refusals += 1
            seconds = _pause(answer.headers)
            if refusals > _REFUSALS:
                raise RateLimited(f"{self.who} goes on refusing requests as too many.", retry_after=seconds)
            await self._pacing.limited(request.host, seconds, self.who)

    async def _paced(self, request: _Request) -> Answer:
        async with self._pacing.turn(request.host):
            answer = await self._once(request)
            left = _number(answer.headers, "x-ratelimit-remaining", "ratelimit-remaining")
            # Those that are under way may not be counted yet.
            if left is not None and left < self._settings.requests_at_once and answer.status != 429:
                self._pacing.pause(request.host, _until_reset(answer.headers) or 0.0, self.who)
            return answer

    async def _once(self, request: _Request) -> Answer:
        try:
            async with (
                asyncio.timeout(self._settings.request_timeout),
                self._client.stream(request.method, request.url, params=request.params, json=request.body) as response,
            ):
                body = await self._body(response)
        except AddressRefused as error:
            raise AddressNotAllowed(error.public) from None
        except (TimeoutError, httpx.TimeoutException):
            seconds = self._settings.request_timeout
            raise NetworkTrouble(f"{self.who} did not answer within {seconds:g} s; try again later.") from None
        except httpx.TooManyRedirects:
            raise UnexpectedAnswer(f"{self.who} redirects without end; check the URL.") from None
        except httpx.HTTPError as error:
            raise NetworkTrouble(
                f"{self.who} cannot be reached ({_short(error)}); check the URL, or try again later."
            ) from error
        if response.status_code >= 500 and response.status_code != 503:
            raise NetworkTrouble(f"{self.who} has an error of its own ({response.status_code}); try again later.")
        links = {str(one["rel"]): str(one["url"]) for one in response.links.values() if "rel" in one and "url" in one}
        # A long thread takes longer to read than other jobs in the loop may be held up.
        data = await asyncio.to_thread(_json, body) if len(body) > _LONG else _json(body)
        return Answer(response.status_code, response.headers, data, links)

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._settings.answer_max:
                raise UnexpectedAnswer(f"{self.who} sends more than {self._settings.answer_max} bytes at once.")
        return bytes(body)


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than most requests."""
    return ssl.create_default_context()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:120]


# ── what servers say of their limits ──


def _says_later(answer: Answer) -> bool:
    return answer.status in (429, 503)


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds that a refusal asks to wait: at least one, so that nobody is asked in a circle."""
    asked = _retry_after(headers)
    if asked is None:
        asked = _until_reset(headers)
    return max(1.0, _UNSAID_PAUSE if asked is None else asked)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = _number(headers, "retry-after")
    return seconds if seconds is not None else _from_now(_http_date(headers.get("retry-after")), headers)


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Mastodon writes a time, Bluesky seconds since the epoch, others the seconds that are left."""
    text = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or ""
    try:
        number = float(text)
    except ValueError:
        return _from_now(_iso(text), headers)
    # Whole seconds, rounded down: the limit ends within the second that follows.
    return _from_now(number + 1.0, headers) if number > 1e9 else max(0.0, number)


def _from_now(at: float | None, headers: Mapping[str, str]) -> float | None:
    """By the server's own clock, where it shows it."""
    now = _http_date(headers.get("date")) or time.time()
    return None if at is None else max(0.0, at - now)


def _number(headers: Mapping[str, str], *names: str) -> float | None:
    for name in names:
        try:
            return max(0.0, float(headers[name]))
        except (KeyError, ValueError):
            continue
    return None


def _http_date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def _iso(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
