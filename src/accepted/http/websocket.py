"""Live updates over WebSocket: many jobs on one connection (docs/http.md, "WebSocket").

`LiveSocket` is the life of a socket, whatever is said on it: accept, find out who it is, answer its messages, hand
it the news of what it follows, and close with a code that says why. `JobSocket` is the language of the job API. An
application with a language of its own subclasses `LiveSocket` and overrides `received`, `deliver` and, where its
words differ, `token_of`, `welcome`, `refuse` and `problem`.

Two tasks share a socket: one reads messages, the other pumps updates. Each waits for the client to take what it
sends, so a slow client holds at most one batch and the transport's buffer; what it misses meanwhile is left out and
marked by a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final

from pydantic_core import from_json
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from accepted.errors import (
    AcceptedError,
    BadRequest,
    Forbidden,
    JobGone,
    JobNotFound,
    LimitReached,
    NotAuthenticated,
    StoreError,
    Unavailable,
)
from accepted.http.auth import Identity, JobVerb, take_query, with_bearer
from accepted.http.live import Live, Place
from accepted.http.problems import problem, unexpected
from accepted.http.tokens import JOB_TOKEN, TICKET
from accepted.hub import Ended, Events, Gap, Joined, Removed, Trimmed, Update
from accepted.job import JSON, JobRecord

log = logging.getLogger("accepted.http")

WHO_ARE_YOU: Final = 4401
NOT_ALLOWED: Final = 4403
NO_SUCH_JOB: Final = 4404
TOO_SLOW: Final = 4408
TOO_MANY: Final = 4429
TOO_BIG: Final = 1009
GOING_AWAY: Final = 1012
BROKEN: Final = 1011

MESSAGE_MAX: Final = 16 * 1024
"""Longest message of a client, in characters. The server in front of us has a limit of its own, up to which it
reads a message whole (`ws_max_size` of uvicorn)."""
REASON_MAX: Final = 500
"""Longest reason of a cancel, in characters."""
GRACE_SECONDS: Final = 1.0
"""Time a client has to take what is being sent when its socket is closed; then the connection is dropped."""


class Closing(Exception):
    """Ends the socket with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason[:100]


class LiveSocket:
    """One socket from accept to close: `await LiveSocket(websocket, live).run()`. Used once."""

    query_tokens: ClassVar[bool] = False
    """Whether `?token=` may be any token of the authenticator, not a job token only. Off: it lands in logs of
    proxies; on for a front end that is made so."""

    def __init__(self, websocket: WebSocket, live: Live) -> None:
        self.websocket = websocket
        self.live = live
        self.identity: Identity
        """Who it is; set before `welcome`, `received` and `deliver` are called."""
        self.subscription = live.hub.watch({}, complete=False, on_end=self._ended)
        self._closing: Closing | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._expiry: asyncio.TimerHandle | None = None
        self._pump: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._forced = False

    # ── for subclasses ──

    def token_of(self, message: Mapping[str, JSON]) -> str | None:
        """The token of a message that says who is calling; None when it is another message."""
        token = message.get("token")
        return token if message.get("action") == "authenticate" and isinstance(token, str) else None

    async def welcome(self, message: Mapping[str, JSON]) -> None:
        """The caller is known. `message`: theirs that said so, {} when the handshake did."""
        await self.reply(message, {"type": "auth_success", "user_id": self.identity.owner})

    async def refuse(self, message: Mapping[str, JSON], error: AcceptedError) -> None:
        """The caller is not let in; the socket closes next."""
        await self.reply(message, {"type": "auth_error", "message": str(error)})

    async def received(self, message: Mapping[str, JSON]) -> None:
        """A message of a known caller. An AcceptedError that it raises is answered by `problem`."""
        raise NotImplementedError

    async def deliver(self, update: Update) -> None:
        """News of a followed job; never Ended."""
        raise NotImplementedError

    async def problem(self, message: Mapping[str, JSON], error: AcceptedError) -> None:
        """A message could not be served; the socket stays open."""
        about = {"job_id": message["job_id"]} if isinstance(message.get("job_id"), str) else {}
        await self.reply(message, {"type": "error", **about, "problem": problem(error)})

    # ── tools for subclasses ──

    async def send(self, text: str) -> None:
        """Returns when the client is ready for more. Raises WebSocketDisconnect when it is gone."""
        if self.websocket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect(1006)
        await self.websocket.send({"type": "websocket.send", "text": text})

    async def reply(self, message: Mapping[str, JSON], answer: Mapping[str, JSON], *, job: bytes | None = None) -> None:
        """Send `answer` with the `id` of the message, if it has one, and with a job's JSON as its `job`."""
        tag = {"id": message["id"]} if isinstance(message.get("id"), str | int) else {}
        text = json.dumps({**answer, **tag}, separators=(",", ":"))
        if job is not None:
            text = f'{text[:-1]},"job":{job.decode()}}}'
        await self.send(text)

    async def job(self, job_id: JSON, verb: JobVerb) -> JobRecord:
        """The job, if the caller may do `verb` to it. Raises BadRequest, JobNotFound, JobGone, Forbidden."""
        if not isinstance(job_id, str):
            raise BadRequest("job_id: expected the id of a job.")
        try:
            return await self.live.access.job(self.identity, self.live.hub.store, job_id, verb)
        except (JobNotFound, JobGone) as error:
            self._end_without_job(job_id, error)
            raise

    def room(self, job_id: str) -> None:
        """Ask before `subscription.follow`. Raises LimitReached when this job is one too many."""
        used, at_most = self.subscription.following, self.live.settings.subscriptions_max
        if used >= at_most and not self.subscription.follows(job_id):
            raise LimitReached("jobs that one socket follows", used=used, at_most=at_most)

    async def follow_all(self) -> None:
        """Follow all jobs of the caller, those to come too; each arrives as Joined. Raises Forbidden for a job
        token."""
        self.live.access.full(self.identity)
        await self.subscription.follow_owner(self.identity.owner)

    async def snapshot(self, job_id: str) -> tuple[JobRecord, bytes] | None:
        """The job as it is now and as JSON, in place of events that are left out: its news go on after it. None
        when it is gone (Removed comes next)."""
        try:
            record = await self.live.hub.store.get(job_id)
        except (JobNotFound, JobGone):
            return None
        body = await self.live.body(record)
        self.subscription.move(job_id, record.seq)
        return record, body

    def close(self, code: int, reason: str) -> None:
        """Close it soon, from wherever in the loop; the first call wins."""
        self._closing = self._closing or Closing(code, reason)
        self.subscription.end()

    # ── its life ──

    async def run(self) -> None:
        """Serve the socket until it is closed; then everything is freed."""
        self._task = asyncio.current_task()
        place: Place | None = None
        try:
            # Taken before it is accepted: that is when servers log the address.
            credential = take_query(self.websocket, "ticket") or self._query_token()
            await self.websocket.accept()
            place = self.live.places.take(None)
            greeting = await self._identify(credential)
            place.claim(self.identity.owner)
            async with self.subscription:
                self._end_with_identity()
                if greeting is not None:
                    await self.welcome(greeting)
                self._pump = asyncio.get_running_loop().create_task(self._deliver())
                await self._receive()
        except asyncio.CancelledError:
            if not self._forced:
                raise
        except Exception as error:
            await self._close_for(error)
        finally:
            if place is not None:
                place.release()
            for timer in filter(None, (*self._timers, self._expiry)):
                timer.cancel()
            if self._pump is not None:
                self._pump.cancel()

    async def _identify(self, credential: str | None) -> Mapping[str, JSON] | None:
        """Find out who it is. Returns what `welcome` answers: the message that said so, {} for a credential in the
        query; None when nobody introduced themselves (a header, a cookie, the address). Raises Closing."""
        message: Mapping[str, JSON] | None = None
        try:
            if credential is not None:
                self.identity = await self._by_token(credential)
                return {}
            identity = await self.live.access.find(self.websocket)
            if identity is None:
                message = await self._first_message()
                token = self.token_of(message)
                if token is None:
                    raise NotAuthenticated("The first message has to say who you are.")
                identity = await self._by_token(token)
        except (NotAuthenticated, Forbidden, BadRequest) as error:
            await self.refuse(message or {}, error)
            raise Closing(NOT_ALLOWED if isinstance(error, Forbidden) else WHO_ARE_YOU, str(error)) from error
        self.identity = identity
        return message

    def _query_token(self) -> str | None:
        token = self.websocket.query_params.get("token", "")
        ours = token.startswith(JOB_TOKEN) or (self.query_tokens and token != "")
        return take_query(self.websocket, "token") if ours else None

    async def _by_token(self, token: str) -> Identity:
        if token.startswith(TICKET):
            return await self.live.access.redeem(token)
        return await self.live.access.identify(with_bearer(self.websocket, token))

    async def _first_message(self) -> Mapping[str, JSON]:
        try:
            async with asyncio.timeout(self.live.settings.socket_auth):
                return await self._next_message()
        except TimeoutError as error:
            raise Closing(TOO_SLOW, "say who you are in the first message") from error

    async def _introduce(self, message: Mapping[str, JSON], token: str) -> None:
        """A known caller sends a token: the same caller may do so, to stay for longer."""
        try:
            identity = await self._by_token(token)
            if (identity.owner, identity.scope) != (self.identity.owner, self.identity.scope):
                raise NotAuthenticated("This token is somebody else's; open another socket for it.")
        except (NotAuthenticated, Forbidden) as error:
            await self.refuse(message, error)
            raise Closing(WHO_ARE_YOU, str(error)) from error
        self.identity = identity
        self._end_with_identity()
        await self.welcome(message)

    def _end_with_identity(self) -> None:
        """Close the socket when the caller's right to it ends."""
        if self._expiry is not None:
            self._expiry.cancel()
        if self.identity.expires_at is not None:
            rest = max(0.0, self.identity.expires_at - time.time())
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(rest, self.close, WHO_ARE_YOU, "the token has expired")

    def _end_without_job(self, job_id: str, error: AcceptedError) -> None:
        """A job token is about one job: without it there is nothing to talk about. Raises Closing then."""
        if self.identity.scope is not None and self.identity.scope.job_id == job_id:
            raise Closing(NO_SUCH_JOB, str(error)) from error

    async def _next_message(self) -> Mapping[str, JSON]:
        """Raises BadRequest when it is not one of ours, Closing when it is too long, WebSocketDisconnect."""
        received = await self.websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if text is None:
            raise BadRequest("Expected a text message, got a binary one.")
        if len(text) > MESSAGE_MAX:
            raise Closing(TOO_BIG, f"messages may have {MESSAGE_MAX} characters")
        try:
            # Not `json.loads`: that takes half a surrogate pair, which no store can hold.
            message = from_json(text, allow_inf_nan=False)
        except ValueError as error:
            raise BadRequest("This message is not JSON.") from error
        if not isinstance(message, dict):
            raise BadRequest("Expected a JSON object.")
        return message

    async def _receive(self) -> None:
        while True:
            message: Mapping[str, JSON] = {}
            try:
                message = await self._next_message()
                token = self.token_of(message)
                if token is not None:
                    await self._introduce(message, token)
                else:
                    await self.received(message)
            except AcceptedError as error:
                if error.status >= 500:
                    log.warning("a message of a socket: %s", error, extra={"action": "refuse"}, exc_info=error)
                await self.problem(message, error)

    async def _deliver(self) -> None:
        """The pump: what the subscription has, as fast as the client takes it."""
        try:
            while True:
                for update in await self.subscription.next():
                    if isinstance(update, Ended):
                        raise self._closing or Closing(GOING_AWAY, "the server stops; connect again")
                    await self.deliver(update)
                    if isinstance(update, Removed):
                        self._end_without_job(update.job_id, JobNotFound(update.job_id))
        except Exception as error:
            await self._close_for(error)

    async def _close_for(self, error: Exception) -> None:
        """The right close for what happened; nothing when the client is gone."""
        match error:
            case WebSocketDisconnect() | OSError():
                return
            case Closing():
                await self._close(error)
            case LimitReached() | Unavailable():
                await self._refuse(error)
                await self._close(Closing(TOO_MANY, str(error)))
            case StoreError():
                log.warning("socket closed: %s", error)
                await self._close(Closing(BROKEN, "the store is not available"))
            case _:
                log.error("socket closed", exc_info=error)
                await self._close(Closing(BROKEN, str(unexpected())))

    async def _refuse(self, error: AcceptedError) -> None:
        with contextlib.suppress(WebSocketDisconnect, OSError):
            await self.problem({}, error)

    async def _close(self, closing: Closing) -> None:
        if self.websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, OSError):
                # A client that takes nothing does not take this either: leave it to the server to drop it.
                async with asyncio.timeout(GRACE_SECONDS):
                    await self.websocket.close(closing.code, closing.reason)

    def _ended(self) -> None:
        """The subscription was ended: the pump closes the socket now, unless it is stuck in `send`."""
        self._timers.append(asyncio.get_running_loop().call_later(GRACE_SECONDS, self._force))

    def _force(self) -> None:
        if self._task is not None:
            self._forced = True
            self._task.cancel()


class JobSocket(LiveSocket):
    """The messages of docs/http.md."""

    async def received(self, message: Mapping[str, JSON]) -> None:
        match message.get("action"):
            case "subscribe":
                await self._subscribe(message)
            case "unsubscribe":
                job_id = str(message.get("job_id"))
                self.subscription.unfollow(job_id)
                await self.reply(message, {"type": "unsubscribed", "job_id": job_id})
            case "cancel":
                await self._cancel(message)
            case "ping":
                await self.reply(message, {"type": "pong"})
            case _:
                raise BadRequest("action: expected authenticate, subscribe, unsubscribe, cancel or ping.")

    async def _subscribe(self, message: Mapping[str, JSON]) -> None:
        record = await self.job(message.get("job_id"), "read")
        after = message.get("after", record.seq)
        if not isinstance(after, int) or isinstance(after, bool) or after < 0:
            raise BadRequest("after: expected the seq of an event, 0 for all of them.")
        self.room(record.id)
        after = min(after, record.seq)
        await self._subscribed(message, record, after)
        self.subscription.follow(record.id, after)

    async def _subscribed(self, message: Mapping[str, JSON], record: JobRecord, after: int) -> None:
        answer = {"type": "subscribed", "job_id": record.id, "seq": after}
        await self.reply(message, answer, job=await self.live.body(record))

    async def _cancel(self, message: Mapping[str, JSON]) -> None:
        record = await self.job(message.get("job_id"), "cancel")
        reason = message.get("reason")
        reason = reason[:REASON_MAX] if isinstance(reason, str) and reason else "requested"
        record = await self.live.cancel(record.id, reason)
        await self.reply(message, {"type": "snapshot"}, job=await self.live.body(record))

    async def deliver(self, update: Update) -> None:
        match update:
            case Events():
                for one in update.messages:
                    await self.send(one.text)
            case Gap(job_id, first, last):
                found = await self.snapshot(job_id)
                if found is not None:
                    last = max(last, found[0].seq)
                await self.reply({}, {"type": "gap", "job_id": job_id, "from": first, "to": last})
                if found is not None:
                    await self.reply({}, {"type": "snapshot"}, job=found[1])
            case Trimmed(job_id):
                found = await self.snapshot(job_id)
                if found is not None:
                    await self.reply({}, {"type": "snapshot"}, job=found[1])
            case Joined(record, after):
                await self._subscribed({}, record, after)
            case Removed(job_id):
                await self.reply({}, {"type": "removed", "job_id": job_id})


def job_socket(live: Live) -> Callable[[WebSocket], Awaitable[None]]:
    """The endpoint of `WS /v1/ws`."""

    async def endpoint(websocket: WebSocket) -> None:
        await JobSocket(websocket, live).run()

    return endpoint
