"""A stand-in of an OpenAI-compatible API: it answers any JSON schema with something that fits, or as a test tells it.

    with Served(ChatModel()) as api:
        settings = LanguageModelSettings(url=f"{api.url}/v1", model="stand-in")

`python -m accepted_apps.playground.language_model --port 8140` serves it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accepted_apps.playground.social.serving import Served
from accepted_apps.playground.social.standin import Limit, StandIn

CHAT: Final = "chat"
"""The part of the stand-in that troubles are set for."""
LETTERS_A_TOKEN: Final = 4

Wrong = Literal["prose", "broken", "empty", "cut", "refusal", "error", "quota", "fenced", "thoughts", "parts"]
"""How the next answers go wrong, or are merely wrapped (the last three)."""
Answerer = Callable[[str, dict[str, Any]], Any]
"""Given the conversation as text and the schema, the answer: an object, or text as it is."""


class ChatModel(StandIn):
    """One model behind `/v1/chat/completions`.

    key: refuses others with 401; "": takes any. formats: the types of `response_format` that it takes.
    """

    def __init__(
        self, *, name: str = "stand-in", key: str = "", formats: tuple[str, ...] = ("json_schema", "json_object")
    ) -> None:
        super().__init__()
        self.name, self.key, self.formats = name, key, formats
        self.questions: list[dict[str, Any]] = []
        """The bodies of all requests that were read, oldest first."""
        self.wrongs: deque[Wrong] = deque()
        self._answerers: dict[str, Answerer] = {}
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/models", self._models),
            ]
        )

    def answer(self, schema: str, answerer: Answerer) -> None:
        """Answer questions for the schema of this name so."""
        self._answerers[schema] = answerer

    def wrong(self, *kinds: Wrong) -> None:
        """The next answers are wrong in these ways, one after another; then they are right again."""
        self.wrongs.extend(kinds)

    def reset(self) -> None:
        super().reset()
        self.questions.clear()
        self.wrongs.clear()
        self._answerers.clear()

    def too_many(self, retry_after: int | None) -> Response:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return _error(429, "Rate limit reached for requests", "rate_limit_exceeded", headers)

    def limit_headers(self, limit: Limit) -> dict[str, str]:
        return {"x-ratelimit-remaining-requests": str(limit.left)}

    async def _models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": self.name, "object": "model"}]})

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        self.questions.append(body)
        form = body.get("response_format") or {}
        name = str((form.get("json_schema") or {}).get("name", ""))
        return await self.answered(request, CHAT, name, self._judged(request, body, form))

    def _judged(self, request: Request, body: dict[str, Any], form: dict[str, Any]) -> Response:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            given = request.headers.get("authorization", "")
            return _error(401, f"Incorrect API key provided: {given}", "invalid_api_key")
        if body.get("model") != self.name:
            return _error(404, f"The model `{body.get('model')}` does not exist", "model_not_found")
        kind = form.get("type")
        if kind is not None and kind not in self.formats:
            return _error(400, f"response_format of type {kind} is unavailable", "invalid_request_error")
        return self._completion(body, _schema_of(body, form))

    def _completion(self, body: dict[str, Any], schema: tuple[str, dict[str, Any]]) -> Response:
        name, shape = schema
        conversation = "\n\n".join(str(one["content"]) for one in body["messages"] if one["role"] != "system")
        answerer = self._answerers.get(name)
        made = sample(shape) if answerer is None else answerer(conversation, shape)
        text = made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)
        wrong = self.wrongs.popleft() if self.wrongs else None
        if wrong == "error":
            return JSONResponse({"error": {"message": "Upstream is overloaded", "code": 503}})
        if wrong == "quota":
            return _error(429, "You exceeded your current quota", "insufficient_quota")
        message, finish = _spoken(text, wrong)
        asked = sum(len(str(one["content"])) for one in body["messages"])
        return JSONResponse(
            {
                "id": f"chatcmpl-{len(self.questions)}",
                "object": "chat.completion",
                "model": self.name,
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": {
                    "prompt_tokens": asked // LETTERS_A_TOKEN,
                    "completion_tokens": len(text) // LETTERS_A_TOKEN,
                    "total_tokens": asked // LETTERS_A_TOKEN + len(text) // LETTERS_A_TOKEN,
                    "prompt_tokens_details": {"cached_tokens": 0},
                },
            }
        )


def sample(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """The plainest value that fits a JSON schema."""
    root = schema if root is None else root
    if "$ref" in schema:
        return sample(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], root)
    match schema.get("type"):
        case "object":
            return {name: sample(shape, root) for name, shape in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema.get("items", {}), root) for _ in range(schema.get("minItems", 1))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "as it stands"


def _schema_of(body: dict[str, Any], form: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and schema, as the request says it, or as the words of the system message do."""
    if form.get("type") == "json_schema":
        return form["json_schema"]["name"], form["json_schema"]["schema"]
    told = str(body["messages"][0]["content"]).rpartition("JSON schema, ")[2]
    name, _, schema = told.partition(": ")
    try:
        return name, json.loads(schema)
    except ValueError:
        return "", {"type": "object"}


def _spoken(text: str, wrong: Wrong | None) -> tuple[dict[str, Any], str]:
    """The message with this text, wrapped or spoiled, and why it ended."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    match wrong:
        case "prose":
            message["content"] = "Certainly! Here is what I think of it."
        case "broken":
            message["content"] = text[: len(text) // 2]
        case "empty":
            message["content"] = None
        case "cut":
            message["content"] = text[: len(text) // 2]
            return message, "length"
        case "refusal":
            message |= {"content": None, "refusal": "I cannot help with that."}
        case "fenced":
            message["content"] = f"Here you are:\n\n```json\n{text}\n```\nTell me if you need more."
        case "thoughts":
            message["content"] = f'<think>Perhaps {{"a": 1}}? No.</think>\n{text}'
        case "parts":
            message["content"] = [{"type": "text", "text": text[:3]}, {"type": "text", "text": text[3:]}]
        case _:
            pass
    return message, "stop"


def _error(status: int, message: str, code: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": code, "code": code}}, status, headers)


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m accepted_apps.playground.language_model", description="A stand-in of an OpenAI-compatible API."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        api = Served(ChatModel(), host=options.host, port=options.port).start()
    except OSError as error:
        sys.exit(f"the stand-in cannot start: {error}")
    sys.stdout.write(f"language model: {api.url}/v1\n")
    sys.stdout.flush()
    stop.wait()
    api.close()


if __name__ == "__main__":
    main()
