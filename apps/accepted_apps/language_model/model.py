"""One question, one answer of the shape that was asked for: at the endpoint's pace, within bounds of time and size.

The address is the operator's own setting, not a user's: it is not guarded, and redirects are not followed.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypedDict, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from accepted_apps.language_model.errors import (
    AnswerUnusable,
    KeyRefused,
    LanguageModelError,
    ModelMissing,
    ModelRateLimited,
    ModelTrouble,
    PaymentNeeded,
    QuestionRefused,
)
from accepted_apps.language_model.settings import LanguageModelSettings
from accepted_apps.language_model.usage import Usage
from accepted_apps.language_model.wire import (
    Mode,
    Reply,
    instruction,
    json_in,
    objections_of,
    repair,
    reply_of,
    response_format,
)

_PAUSE: Final = 0.5
"""Seconds before the second try, doubled before each further one, where the endpoint does not say how long."""
_SAID: Final = 200
"""Characters of what an endpoint says that go into a message."""
_BUSY: Final = frozenset({408, 409, 425, 429, 498, 499, 500, 502, 503, 504, 520, 522, 524, 529})
_NOT_TAKEN: Final = frozenset({400, 413, 415, 422, 501})

T = TypeVar("T", bound=BaseModel)


class Message(TypedDict):
    """One turn of a conversation: role is "system", "user" or "assistant"."""

    role: str
    content: str


class LanguageModel:
    """Asks one model. One for a process, so that its bounds hold for all jobs; it belongs to the loop it is used in."""

    def __init__(self, settings: LanguageModelSettings) -> None:
        self.settings = settings
        self._client: httpx.AsyncClient | None = None
        self._turns = asyncio.Semaphore(settings.at_once)
        self._modes: dict[str, Mode] = {}
        """What the endpoint was found to know, by the name of the schema: some refuse it for parts of one."""
        self._not_before = 0.0
        """By the monotonic clock: until then the endpoint wants to be left alone."""

    @property
    def configured(self) -> bool:
        """Whether there is a model to ask."""
        return bool(self.settings.url)

    @property
    def name(self) -> str:
        """What results call it."""
        return self.settings.model

    async def ask(
        self,
        question: str | Sequence[Message],
        schema: type[T],
        *,
        system: str = "",
        check: Callable[[T], Sequence[str]] | None = None,
    ) -> tuple[T, Usage]:
        """An answer of this shape to a question, or to a conversation, and what it took.

        system: what the model is told of its task. check: the caller's own objections to an answer of the right
        shape. A model whose answer is objected to is told so once, and asked again. Raises LanguageModelError, whose
        `usage` says what was spent all the same; AnswerUnusable where the second answer is no better.
        """
        if not self.configured:
            raise ModelMissing("No language model is set up here: set language_model.url and language_model.model.")
        turns: list[Message] = [{"role": "user", "content": question}] if isinstance(question, str) else [*question]
        reply, used = await self._answered(system, turns, schema, Usage())
        value, objections = _read(reply, schema, check)
        if objections:
            turns += [
                {"role": "assistant", "content": reply.text},
                {"role": "user", "content": repair(schema, objections)},
            ]
            reply, used = await self._answered(system, turns, schema, used)
            again, objections = _read(reply, schema, check)
            value = again or value
        if objections or value is None:
            raise AnswerUnusable(
                f"The language model {self.name} does not answer in the form that was asked for: {objections[0]}.",
                objections=objections,
                value=value,
                usage=used,
            )
        return value, used

    async def close(self) -> None:
        """Idempotent; the next question makes new connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # ── the ways to ask for JSON ──

    async def _answered(
        self, system: str, turns: Sequence[Message], schema: type[BaseModel], used: Usage
    ) -> tuple[Reply, Usage]:
        """The reply, in the strictest mode that the endpoint takes, and what was used until then."""
        mode = self._modes.get(schema.__name__, Mode.SCHEMA)
        while True:
            told = "\n\n".join(filter(None, (system, instruction(schema, mode))))
            body: dict[str, Any] = {
                "model": self.settings.model,
                "messages": [{"role": "system", "content": told}, *turns],
            }
            form = response_format(schema, mode)
            if form is not None:
                body["response_format"] = form
            if self.settings.effort:
                body["reasoning_effort"] = self.settings.effort
            if self.settings.temperature is not None:
                body["temperature"] = self.settings.temperature
            try:
                reply = await self._sent(body)
            except LanguageModelError as error:
                # Many endpoints know but one of the ways; which of a refused question's parts they mean, few say.
                if isinstance(error, QuestionRefused) and mode is not Mode.TEXT:
                    mode = Mode(mode + 1)
                    continue
                error.usage = used
                raise
            self._modes[schema.__name__] = mode
            return reply, used + self._usage(reply.usage)

    # ── one request, until it is answered ──

    async def _sent(self, body: Mapping[str, Any]) -> Reply:
        for further in range(self.settings.tries - 1, -1, -1):
            async with self._turns:
                await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
                try:
                    return await self._once(body)
                except ModelRateLimited as error:
                    if not further or error.retry_after > self.settings.longest_wait:
                        raise
                    self._not_before = time.monotonic() + error.retry_after
                except ModelTrouble:
                    if not further:
                        raise
            tried = self.settings.tries - further
            await asyncio.sleep(_PAUSE * 2 ** (tried - 1) * random.uniform(0.5, 1.0))  # noqa: S311 - a pause
        raise AssertionError("a try returns or raises")

    async def _once(self, body: Mapping[str, Any]) -> Reply:
        try:
            async with (
                asyncio.timeout(self.settings.timeout),
                self._connected().stream("POST", _endpoint(self.settings.url), json=body) as response,
            ):
                raw = await self._body(response)
        except (TimeoutError, httpx.TimeoutException):
            raise ModelTrouble(
                f"The language model {self.name} did not answer within {self.settings.timeout:g} s; try again later, "
                "or raise language_model.timeout."
            ) from None
        except httpx.HTTPError as error:
            said = self._without_key(str(error) or type(error).__name__)
            raise ModelTrouble(f"The language model cannot be reached ({said}); try again later.") from None
        document = _json(raw)
        status = _status(response.status_code, document)
        if status != 200:
            raise self._refusal(status, document, response.headers)
        try:
            return reply_of(document)
        except ValueError:
            raise ModelTrouble(
                "What answers at language_model.url is no OpenAI-compatible API; check the URL."
            ) from None

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self.settings.answer_max:
                raise AnswerUnusable(
                    f"The language model sends more than {self.settings.answer_max} bytes; raise "
                    "language_model.answer_max."
                )
        return bytes(body)

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            settings, headers = self.settings, {}
            if settings.key:
                bearer = settings.key_header.lower() == "authorization"
                headers[settings.key_header] = f"Bearer {settings.key}" if bearer else settings.key
            self._client = httpx.AsyncClient(
                headers=headers,
                timeout=settings.timeout,
                verify=ssl.create_default_context(),
                proxy=settings.proxy or None,
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=settings.at_once),
            )
        return self._client

    def _refusal(self, status: int, document: Any, headers: Mapping[str, str]) -> LanguageModelError:
        said, code = _error_of(document)
        said = f": {self._without_key(said)}" if said else ""
        if status == 402 or code == "insufficient_quota":
            return PaymentNeeded(f"The account of the language model has nothing left{said}.")
        if status in (401, 403):
            return KeyRefused(f"The language model does not take the key; check language_model.key{said}.")
        if status == 404:
            return ModelMissing(
                f"No model {self.name} is there; check language_model.url and language_model.model{said}."
            )
        if status == 429:
            pause = _retry_after(headers)
            return ModelRateLimited(
                f"The language model asks for a pause{said}; try again later.",
                retry_after=_PAUSE if pause is None else pause,
            )
        if status in _NOT_TAKEN:
            return QuestionRefused(f"The language model does not take the question{said}.")
        if status in _BUSY or status >= 500:
            return ModelTrouble(f"The language model has an error of its own ({status}){said}; try again later.")
        return ModelMissing(
            f"What answers at language_model.url answers {status}, as no OpenAI-compatible API does; check the URL."
        )

    def _without_key(self, said: str) -> str:
        if self.settings.key:
            said = said.replace(self.settings.key, "…")
        return " ".join(said.split())[:_SAID].rstrip(".")

    def _usage(self, said: Mapping[str, Any]) -> Usage:
        tokens_in, tokens_out = _count(said, "prompt_tokens"), _count(said, "completion_tokens")
        details = said.get("prompt_tokens_details")
        cached = min(tokens_in, _count(details, "cached_tokens") if isinstance(details, dict) else 0)
        one = self.settings
        if one.price_input or one.price_output:
            price_cached = one.price_input if one.price_cached is None else one.price_cached
            whole = (tokens_in - cached) * one.price_input + cached * price_cached + tokens_out * one.price_output
            cost = whole / 1_000_000
        else:
            # Some endpoints say themselves what an answer cost.
            told = said.get("cost")
            cost = max(0.0, float(told)) if isinstance(told, int | float) else 0.0
        return Usage(cost, tokens_in, tokens_out, 1)


def _read(reply: Reply, schema: type[T], check: Callable[[T], Sequence[str]] | None) -> tuple[T | None, list[str]]:
    """The value, if the reply has the shape, and what there is to object to."""
    if reply.refusal:
        return None, [f"the model refuses to answer ({reply.refusal[:_SAID]})"]
    if reply.cut:
        return None, ["the answer was cut off at the limit of tokens: answer more shortly"]
    try:
        value = schema.model_validate_json(json_in(reply.text))
    except ValidationError as error:
        return None, objections_of(error)
    return value, list(check(value)) if check is not None else []


def _endpoint(url: str) -> httpx.URL:
    base = httpx.URL(url)
    path = base.path.rstrip("/")
    return base.copy_with(path=path if path.endswith("/chat/completions") else f"{path}/chat/completions")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _status(status: int, document: Any) -> int:
    """Some gateways put the status of what is behind them into an answer of status 200."""
    if status == 200 and isinstance(document, dict) and "choices" not in document:
        error = document.get("error")
        if isinstance(error, dict):
            code = error.get("code", 502)
            return code if isinstance(code, int) and 400 <= code < 600 else 502
    return status


def _error_of(document: Any) -> tuple[str, str]:
    """What the endpoint says went wrong, and its code, both "" where it says nothing."""
    error = document.get("error", document) if isinstance(document, dict) else None
    if isinstance(error, dict):
        said = error.get("message") or error.get("detail") or ""
        return said if isinstance(said, str) else json.dumps(said), str(error.get("code") or error.get("type") or "")
    return (error, "") if isinstance(error, str) else ("", "")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return None


def _count(of: Mapping[str, Any], name: str) -> int:
    value = of.get(name)
    return value if isinstance(value, int) and value > 0 else 0
