"""A stand-in of Bluesky's public AppView: the three calls that give a profile, its posts and their threads.

Handles end with `.test`. As the real one it says with a label who wants to be shown to signed-in people only.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .content import COMMENTS, DELETED, PINNED, POSTS, Entry, Person, Remark, person
from .standin import Limit, StandIn, number

_PAGE_MAX: Final = 100
_DEPTH_MAX: Final = 1000
_ZONE: Final = ".test"
_REASON_REPOST: Final = "app.bsky.feed.defs#reasonRepost"
_REASON_PIN: Final = "app.bsky.feed.defs#reasonPin"


class Bluesky(StandIn):
    """One AppView; `app` is the ASGI application."""

    def __init__(self, *, posts: int = POSTS, comments: int = COMMENTS) -> None:
        super().__init__()
        self._posts, self._comments = posts, comments
        self._people: dict[str, Person] = {}
        self.app = Starlette(
            routes=[
                Route("/xrpc/app.bsky.actor.getProfile", self._profile),
                Route("/xrpc/app.bsky.feed.getAuthorFeed", self._feed),
                Route("/xrpc/app.bsky.feed.getPostThread", self._thread),
                Route("/xrpc/{method}", self._unknown),
            ]
        )

    def too_many(self, retry_after: int | None) -> Response:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return JSONResponse({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, 429, headers)

    def limit_headers(self, limit: Limit) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(limit.requests),
            "RateLimit-Reset": str(int(limit.ends_at)),
            "RateLimit-Remaining": str(limit.left),
            "RateLimit-Policy": f"{limit.requests};w={limit.seconds:g}",
        }

    async def _profile(self, request: Request) -> Response:
        name = request.query_params.get("actor", "")
        found = self._person(name)
        answer = self._refusal(found) or JSONResponse(_detailed(found) if found else None)
        return await self._answer(request, "profile", name, answer, found)

    async def _feed(self, request: Request) -> Response:
        name = request.query_params.get("actor", "")
        found = self._person(name)
        refusal = self._refusal(found)
        if refusal is not None or found is None:
            return await self._answer(request, "feed", name, refusal or _invalid("Profile not found"), found)
        items = list(_feed(found, request.query_params.get("filter", "posts_with_replies")))
        start, limit = number(request, "cursor", 0, 10**6), number(request, "limit", 50, _PAGE_MAX)
        page: dict[str, Any] = {"feed": items[start : start + limit]}
        if request.query_params.get("includePins") == "true" and not start and found.posts:
            page["feed"].insert(0, {**_item(found, found.posts[PINNED]), "reason": {"$type": _REASON_PIN}})
        if start + limit < len(items):
            page["cursor"] = str(start + limit)
        return await self._answer(request, "feed", name, JSONResponse(page), found)

    async def _thread(self, request: Request) -> Response:
        uri = request.query_params.get("uri", "")
        found, entry, reply = self._entry(uri)
        answer: Response = JSONResponse({"error": "NotFound", "message": f"Post not found: {uri}"}, 400)
        if found is not None and entry is not None:
            thread = _thread(found, entry, reply, number(request, "depth", 6, _DEPTH_MAX))
            answer = JSONResponse({"thread": thread})
        return await self._answer(request, "thread", uri, answer, found)

    async def _unknown(self, request: Request) -> Response:
        answer = JSONResponse({"error": "MethodNotImplemented", "message": "Method Not Implemented"}, 501)
        return await self.answered(request, "unknown", request.url.path, answer)

    async def _answer(self, request: Request, part: str, what: str, answer: Response, found: Person | None) -> Response:
        return await self.answered(request, part, what, answer, slow=found is not None and found.is_a("slow"))

    @staticmethod
    def _refusal(found: Person | None) -> Response | None:
        if found is None:
            return _invalid("Profile not found")
        if found.is_a("suspended"):
            return _invalid("Account has been suspended", "AccountTakedown")
        if found.is_a("deactivated"):
            return _invalid("Account is deactivated", "AccountDeactivated")
        return None

    def _person(self, name: str) -> Person | None:
        if name in self._people:
            return self._people[name]
        found = person(name.removesuffix(_ZONE), posts=self._posts, comments=self._comments)
        if found is None or not name.endswith(_ZONE):
            return None
        self._people |= {name: found, _did(found.name): found}
        return found

    def _entry(self, uri: str) -> tuple[Person | None, Entry | None, int | None]:
        """The post that a URI belongs to, and the number of its reply where it is one."""
        who, _, key = uri.removeprefix("at://").replace("app.bsky.feed.post/", "").partition("/")
        found = self._person(who)
        if found is None:
            return None, None, None
        for entry in found.posts:
            gone = found.is_a("deleted") and entry.number == DELETED
            if _key(entry) == key.partition("r")[0] and not gone:
                _, is_reply, digits = key.partition("r")
                return found, entry, int(digits) if is_reply else None
        return found, None, None


def _invalid(message: str, error: str = "InvalidRequest") -> Response:
    return JSONResponse({"error": error, "message": message}, 400)


def _did(name: str) -> str:
    return "did:plc:" + base64.b32encode(blake2b(name.encode(), digest_size=15).digest()).decode().lower()


def _cid(text: str) -> str:
    return "bafyrei" + base64.b32encode(blake2b(text.encode(), digest_size=32).digest()).decode().lower().rstrip("=")


def _key(entry: Entry) -> str:
    return f"3k{9999 - entry.number:04}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _actor(name: str, full_name: str) -> dict[str, Any]:
    did = _did(name)
    labels = []
    if name.startswith("hidden"):
        uri = f"at://{did}/app.bsky.actor.profile/self"
        labels = [{"cid": _cid(uri), "cts": "2024-01-01T00:00:00.000Z", "src": did, "uri": uri}]
        labels[0]["val"] = "!no-unauthenticated"
    return {
        "did": did,
        "handle": f"{name}{_ZONE}",
        "displayName": full_name,
        "avatar": f"https://cdn.example/img/avatar/plain/{did}/{_cid(did)}@jpeg",
        "associated": {"activitySubscription": {"allowSubscriptions": "followers"}},
        "labels": labels,
        "createdAt": "2023-04-24T00:00:00.000Z",
    }


def _detailed(found: Person) -> dict[str, Any]:
    return {
        **_actor(found.name, found.full_name),
        "associated": {"lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": False},
        "description": found.bio,
        "indexedAt": "2024-05-01T00:00:00.000Z",
        "followersCount": found.followers,
        "followsCount": found.following,
        "postsCount": len(found.posts),
        "pinnedPost": {"uri": f"at://{_did(found.name)}/app.bsky.feed.post/3k{9999 - PINNED:04}", "cid": _cid("pin")},
    }


def _feed(found: Person, kind: str) -> list[dict[str, Any]]:
    """Posts newest first; after every fifth one a repost, and a reply where those are asked for."""
    items: list[dict[str, Any]] = []
    for entry in found.posts:
        items.append(_item(found, entry))
        if entry.number % 5 == 4:
            by = _actor(found.name, found.full_name)
            reason = {"$type": _REASON_REPOST, "by": by, "indexedAt": _time(entry.at)}
            items.append({**_item(found, entry), "reason": reason})
            if kind == "posts_with_replies":
                parent = _view(found, entry)
                items.append({**_item(found, entry), "reply": {"root": parent, "parent": parent}})
    return items


def _item(found: Person, entry: Entry) -> dict[str, Any]:
    return {"post": _view(found, entry)}


def _view(found: Person, entry: Entry) -> dict[str, Any]:
    did = _did(found.name)
    uri = f"at://{did}/app.bsky.feed.post/{_key(entry)}"
    text = f"{entry.text} é files.example/da..."
    start = len(text.encode()) - len("files.example/da...")
    link = {"$type": "app.bsky.richtext.facet#link", "uri": f"https://files.example/days/{entry.number}"}
    facet = {"index": {"byteStart": start, "byteEnd": len(text.encode())}, "features": [link]}
    view: dict[str, Any] = {
        "uri": uri,
        "cid": _cid(uri),
        "author": _actor(found.name, found.full_name),
        "record": {"$type": "app.bsky.feed.post", "createdAt": _time(entry.at), "langs": ["en"], "text": text}
        | {"facets": [facet]},
        "bookmarkCount": 0,
        "replyCount": sum(remark.parent is None for remark in entry.remarks),
        "repostCount": entry.likes // 9,
        "likeCount": entry.likes,
        "quoteCount": 0,
        "indexedAt": _time(entry.at),
        "labels": [],
    }
    if entry.picture:
        image = {"thumb": entry.picture.replace("/", "/t_", 3), "fullsize": entry.picture, "alt": ""}
        view["embed"] = {"$type": "app.bsky.embed.images#view", "images": [image]}
    return view


def _thread(found: Person, entry: Entry, root: int | None, depth: int) -> dict[str, Any]:
    post = _view(found, entry) if root is None else _reply(found, entry, entry.remarks[root])
    node: dict[str, Any] = {"$type": "app.bsky.feed.defs#threadViewPost", "post": post, "threadContext": {}}
    if depth:
        below = [remark for remark in entry.remarks if remark.parent == root]
        node["replies"] = [_thread(found, entry, remark.number, depth - 1) for remark in below]
    return node


def _reply(found: Person, entry: Entry, remark: Remark) -> dict[str, Any]:
    uri = f"at://{_did(found.name)}/app.bsky.feed.post/{_key(entry)}r{remark.number}"
    text = remark.text
    return {
        **_view(found, entry),
        "uri": uri,
        "cid": _cid(uri),
        "author": _actor(remark.author, remark.author.capitalize()),
        "record": {"$type": "app.bsky.feed.post", "createdAt": _time(remark.at), "text": text},
        "embed": None,
        "replyCount": sum(one.parent == remark.number for one in entry.remarks),
        "likeCount": remark.likes,
        "indexedAt": _time(remark.at),
    }
