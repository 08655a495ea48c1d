"""A stand-in of a Mastodon server: what its API answers to callers with and without a token.

As the real one, it gives 60 replies of a post to callers without a token, depth first, and all of them with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .content import COMMENTS, DELETED, PINNED, POSTS, Entry, Person, Remark, person
from .standin import Limit, StandIn, number

TOKEN: Final = "let-me-in"  # noqa: S105  of a server that holds nothing
ANONYMOUS_REPLIES: Final = 60
SIGNED_IN_REPLIES: Final = 4096
ANONYMOUS_DEPTH: Final = 20
_PAGE_MAX: Final = 40
_ROOM: Final = 1_000
"""Numbers that one post and its replies have for their ids."""
_FIRST_ID: Final = 110_000_000_000_000_000


class Mastodon(StandIn):
    """One server; `app` is the ASGI application. `signed_in_only`: it shows nothing to callers without a token."""

    def __init__(self, *, posts: int = POSTS, comments: int = COMMENTS, signed_in_only: bool = False) -> None:
        super().__init__()
        self.signed_in_only = signed_in_only
        self.knows_lookup = True
        """Old servers, and some that are not Mastodon, have no look-up of accounts."""
        self._posts, self._comments = posts, comments
        self._people: dict[int, Person] = {}
        self.app = Starlette(
            routes=[
                Route("/api/v1/accounts/lookup", self._lookup),
                Route("/api/v2/search", self._search),
                Route("/api/v1/accounts/{id}/statuses", self._statuses),
                Route("/api/v1/statuses/{id}", self._status),
                Route("/api/v1/statuses/{id}/context", self._context),
                Route("/api/{path:path}", self._unknown),
            ]
        )

    def too_many(self, retry_after: int | None) -> Response:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return JSONResponse({"error": "Too many requests"}, 429, headers)

    def limit_headers(self, limit: Limit) -> dict[str, str]:
        ends = datetime.fromtimestamp(limit.ends_at, UTC).isoformat(timespec="microseconds")
        return {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(limit.left),
            "X-RateLimit-Reset": ends.replace("+00:00", "Z"),
        }

    # ── accounts ──

    async def _lookup(self, request: Request) -> Response:
        acct = request.query_params.get("acct", "")
        found = self._person(acct)
        answer = _missing() if found is None else JSONResponse(_account(request, found))
        if not self.knows_lookup:
            answer = JSONResponse({"error": "Not Found"}, 404)
        return await self._answer(request, "lookup", acct, answer, found)

    async def _search(self, request: Request) -> Response:
        query = request.query_params.get("q", "").lstrip("@")
        found = self._person(query)
        accounts = [] if found is None else [_account(request, found)]
        answer = JSONResponse({"accounts": accounts, "statuses": [], "hashtags": []})
        return await self._answer(request, "search", query, answer, found)

    async def _statuses(self, request: Request) -> Response:
        found = self._people.get(int(request.path_params["id"]))
        if found is None:
            return await self._answer(request, "statuses", request.path_params["id"], _missing(), None)
        entries: Sequence[Entry] = [] if found.is_a("locked") and not self._signed_in(request) else found.posts
        if request.query_params.get("pinned") == "true":
            entries = [entry for entry in entries if entry.number == PINNED]
        statuses = list(_with_boosts(request, found, entries))
        if request.query_params.get("exclude_reblogs") == "true":
            statuses = [one for one in statuses if one["reblog"] is None]
        limit, below = number(request, "limit", 20, _PAGE_MAX), request.query_params.get("max_id")
        if below:
            statuses = [one for one in statuses if int(one["id"]) < int(below)]
        page = statuses[:limit]
        answer = JSONResponse(page)
        if page:
            place = request.url.include_query_params
            newer, older = place(min_id=page[0]["id"]), place(max_id=page[-1]["id"])
            answer.headers["Link"] = f'<{older}>; rel="next", <{newer}>; rel="prev"'
        return await self._answer(request, "statuses", found.name, answer, found)

    # ── statuses ──

    async def _status(self, request: Request) -> Response:
        found, entry = self._entry(request.path_params["id"])
        answer = _missing() if found is None or entry is None else JSONResponse(_status(request, found, entry))
        return await self._answer(request, "status", request.path_params["id"], answer, found)

    async def _context(self, request: Request) -> Response:
        key = request.path_params["id"]
        found, entry = self._entry(key)
        if found is None or entry is None:
            return await self._answer(request, "context", key, _missing(), found)
        offset = (int(key) - _FIRST_ID) % _ROOM
        most, depth = (
            (SIGNED_IN_REPLIES, COMMENTS) if self._signed_in(request) else (ANONYMOUS_REPLIES, ANONYMOUS_DEPTH)
        )
        replies = list(_below(entry, None if offset == 0 else offset - 1, depth))
        descendants = [_reply(request, found, entry, remark) for remark in replies[:most]]
        return await self._answer(
            request, "context", key, JSONResponse({"ancestors": [], "descendants": descendants}), found
        )

    async def _unknown(self, request: Request) -> Response:
        return await self.answered(request, "unknown", request.url.path, JSONResponse({"error": "Not Found"}, 404))

    # ── who asks for whom ──

    async def _answer(self, request: Request, part: str, what: str, answer: Response, found: Person | None) -> Response:
        token = request.headers.get("authorization")
        if token is not None and not self._signed_in(request):
            answer = JSONResponse({"error": "The access token is invalid"}, 401)
        elif token is None and self.signed_in_only:
            answer = JSONResponse({"error": "This API requires an authenticated user"}, 401)
        return await self.answered(request, part, what, answer, slow=found is not None and found.is_a("slow"))

    @staticmethod
    def _signed_in(request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def _person(self, acct: str) -> Person | None:
        found = person(acct, posts=self._posts, comments=self._comments)
        if found is not None:
            self._people.setdefault(found.seed, found)
        return found

    def _entry(self, key: str) -> tuple[Person | None, Entry | None]:
        """The post that an id belongs to, also that of one of its replies; of somebody who was asked for before."""
        count = (int(key) - _FIRST_ID) // _ROOM if key.isdecimal() else -1
        found = self._people.get(count // _ROOM)
        index = _ROOM - 1 - count % _ROOM
        if found is None or index >= len(found.posts) or (found.is_a("deleted") and index == DELETED):
            return found, None
        return found, found.posts[index]


def _missing() -> Response:
    return JSONResponse({"error": "Record not found"}, 404)


def _id(found: Person, entry: Entry, reply: int | None = None) -> str:
    """Newer posts have higher numbers, and a reply one above those of its post."""
    count = found.seed * _ROOM + (_ROOM - 1 - entry.number)
    return str(_FIRST_ID + count * _ROOM + (0 if reply is None else reply + 1))


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _below(entry: Entry, root: int | None, depth: int) -> Iterator[Remark]:
    for remark in entry.remarks if depth else ():
        if remark.parent == root:
            yield remark
            yield from _below(entry, remark.number, depth - 1)


def _account(request: Request, found: Person) -> dict[str, Any]:
    base, paragraphs = str(request.base_url).rstrip("/"), escape(found.bio).split("\n\n")
    suspended = found.is_a("suspended")
    avatar = f"https://files.example/avatars/{found.name}.png"
    return {
        "id": str(found.seed),
        "username": found.name,
        "acct": found.name,
        "display_name": "" if suspended else found.full_name,
        "locked": found.is_a("locked"),
        "bot": False,
        "discoverable": True,
        "indexable": True,
        "group": False,
        "created_at": "2019-02-08T00:00:00.000Z",
        "note": "" if suspended else "".join(f"<p>{one}</p>" for one in paragraphs),
        "url": f"{base}/@{found.name}",
        "uri": f"{base}/users/{found.name}",
        "avatar": avatar,
        "avatar_static": avatar,
        "header": "https://files.example/headers/original/missing.png",
        "header_static": "https://files.example/headers/original/missing.png",
        "followers_count": 0 if suspended else found.followers,
        "following_count": 0 if suspended else found.following,
        "statuses_count": 0 if suspended else len(found.posts),
        "last_status_at": "2026-11-01",
        "hide_collections": False,
        "roles": [],
        "emojis": [],
        "fields": [],
        **({"suspended": True} if suspended else {}),
    }


def _with_boosts(request: Request, found: Person, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """Posts newest first, after every fifth one a boost of somebody else's."""
    for entry in entries:
        yield _status(request, found, entry)
        if entry.number % 5 == 4:
            boosted = _status(request, found, entry)
            theirs = {**boosted, "id": "42", "account": {**boosted["account"], "acct": "ana@elsewhere.example"}}
            yield {**boosted, "id": str(int(boosted["id"]) - 1), "content": "", "reblog": theirs}


def _status(request: Request, found: Person, entry: Entry) -> dict[str, Any]:
    base, key = str(request.base_url).rstrip("/"), _id(found, entry)
    attachment: dict[str, Any] = {
        "id": key,
        "type": "image",
        "url": entry.picture,
        "preview_url": entry.picture,
        "remote_url": None,
        "meta": {},
        "description": None,
        "blurhash": "UJODn#kq00?b~qRPIURj~qj[IUWBD%of%Mt7",
    }
    return {
        "id": key,
        "created_at": _time(entry.at),
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"{base}/users/{found.name}/statuses/{key}",
        "url": f"{base}/@{found.name}/{key}",
        "replies_count": sum(remark.parent is None for remark in entry.remarks),
        "reblogs_count": entry.likes // 9,
        "favourites_count": entry.likes,
        "quotes_count": 0,
        "edited_at": None,
        "content": f"<p>{escape(entry.text)}</p>",
        "reblog": None,
        "application": {"name": "Web", "website": None},
        "account": _account(request, found),
        "media_attachments": [attachment] if entry.picture else [],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "quote": None,
        "card": None,
        "poll": None,
    }


def _reply(request: Request, found: Person, entry: Entry, remark: Remark) -> dict[str, Any]:
    key = _id(found, entry, remark.number)
    host = "elsewhere.example"
    mention = f'<span class="h-card"><a href="#" class="u-url mention">@<span>{found.name}</span></a></span>'
    return {
        **_status(request, found, entry),
        "id": key,
        "created_at": _time(remark.at),
        "in_reply_to_id": _id(found, entry, remark.parent),
        "in_reply_to_account_id": str(found.seed),
        "uri": f"https://{host}/users/{remark.author}/statuses/{key}",
        "url": f"https://{host}/@{remark.author}/{key}",
        "replies_count": sum(one.parent == remark.number for one in entry.remarks),
        "favourites_count": remark.likes,
        "content": f"<p>{mention} {escape(remark.text)}</p>",
        "account": {
            **_account(request, found),
            "id": str(7_000_000 + len(remark.author)),
            "username": remark.author,
            "acct": f"{remark.author}@{host}",
            "display_name": remark.author.capitalize(),
        },
        "media_attachments": [],
    }
