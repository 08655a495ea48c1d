"""A stand-in of api.apify.com with the actors that read Instagram: runs take their time, cost, fail, and are ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Final, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .instagram_content import Account, Media, Remark, World

PROFILES: Final = "apify~instagram-profile-scraper"
POSTS: Final = "apify~instagram-scraper"
COMMENTS: Final = "apify~instagram-comment-scraper"
LATEST: Final = 12
"""Posts that come with a profile."""
PRICE: Final = 0.0019
"""Of one result, in dollars."""

End = Literal["SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"]

_REFUSALS: Final = {
    "payment": (402, "not-enough-usage-to-run-paid-actor", "By launching this job you will exceed your usage."),
    "memory": (402, "actor-memory-limit-exceeded", "By launching this job you will exceed the memory limit of 8192MB."),
    "limited": (429, "rate-limit-exceeded", "You have exceeded the rate limit."),
    "input": (400, "invalid-input", "Input is not valid: Field input.usernames must be array."),
    "actor": (404, "record-not-found", "Actor was not found"),
    "trouble": (500, "internal-server-error", "Something went wrong."),
}
Refusal = Literal["payment", "memory", "limited", "input", "actor", "trouble"]


@dataclass(slots=True)
class Run:
    """One run of an actor. `polls`: how often it is asked for before it is over."""

    id: str
    actor: str
    given: dict[str, Any]
    options: dict[str, str]
    items: list[dict[str, Any]]
    end: End
    polls: int
    status: str = "READY"
    looked_at: int = 0
    aborted: bool = False
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def dataset(self) -> str:
        """The id of its dataset."""
        return f"d{self.id}"

    @property
    def cost(self) -> float:
        """Dollars."""
        return round(PRICE * len(self.items), 6) if self.status == "SUCCEEDED" else 0.0

    def look(self) -> None:
        """One poll: READY, RUNNING for as long as it takes, then its end."""
        self.looked_at += 1
        if self.status in ("READY", "RUNNING"):
            self.status = "RUNNING" if self.looked_at < self.polls else self.end

    def data(self) -> dict[str, Any]:
        """As the API describes it."""
        return {
            "id": self.id,
            "actId": self.actor,
            "userId": "u1",
            "startedAt": self.started.isoformat().replace("+00:00", "Z"),
            "finishedAt": None,
            "status": self.status,
            "statusMessage": "Scraper finished" if self.status == "SUCCEEDED" else "Starting the crawler.",
            "defaultDatasetId": self.dataset,
            "defaultKeyValueStoreId": f"k{self.id}",
            "options": {"build": "latest", "timeoutSecs": int(self.options.get("timeout", 0)), "memoryMbytes": 1024},
            "usageTotalUsd": self.cost,
        }


class Apify:
    """One stand-in: `app` is the ASGI application; what else there is, is for whoever tests or shows with it."""

    def __init__(self, world: World | None = None, *, token: str | None = None) -> None:
        self.world = world or World()
        self.token = token or "apify_api_playground"
        self.runs: list[Run] = []
        self.queries: list[str] = []
        """The query of each request, to see that no token is in it."""
        self.ends: list[End] = []
        """How the next runs end; those after them succeed."""
        self.refusals: list[Refusal] = []
        """What the next starts are answered with."""
        self.polls = 1
        """How often a run is asked for before it is over."""
        self.free_plan = False
        """Without a plan that is paid for, no answers to comments come."""
        self._numbers = count(1)
        self.app = Starlette(
            routes=[
                Route("/v2/acts/{actor}/runs", self._start, methods=["POST"]),
                Route("/v2/actor-runs/{run}", self._run),
                Route("/v2/actor-runs/{run}/abort", self._abort, methods=["POST"]),
                Route("/v2/datasets/{dataset}/items", self._items),
            ]
        )

    def reset(self) -> None:
        """As if just started."""
        self.runs.clear()
        self.queries.clear()
        self.ends.clear()
        self.refusals.clear()
        self.world.deleted.clear()
        self.polls, self.free_plan = 1, False

    def of(self, actor: str) -> list[Run]:
        """The runs of an actor."""
        return [run for run in self.runs if run.actor == actor]

    @property
    def under_way(self) -> list[Run]:
        """Runs that still cost."""
        return [run for run in self.runs if run.status in ("READY", "RUNNING")]

    # ── the API ──

    async def _start(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        if self.refusals:
            return _error(*_REFUSALS[self.refusals.pop(0)])
        actor, given = request.path_params["actor"], await request.json()
        read = {PROFILES: self._profiles, POSTS: self._posts, COMMENTS: self._comments}.get(actor)
        if read is None:
            return _error(*_REFUSALS["actor"])
        number = next(self._numbers)
        end = self.ends.pop(0) if self.ends else "SUCCEEDED"
        run = Run(f"run{number:04}", actor, given, dict(request.query_params), read(given), end, self.polls)
        self.runs.append(run)
        return JSONResponse({"data": run.data()}, status_code=201)

    async def _run(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        run = next((run for run in self.runs if run.id == request.path_params["run"]), None)
        if run is None:
            return _error(404, "record-not-found", "Actor run was not found")
        run.look()
        if run.status == "RUNNING":
            # A poll that waits at the server, shortened.
            await asyncio.sleep(min(0.05, float(request.query_params.get("waitForFinish", 0))))
        return JSONResponse({"data": run.data()})

    async def _abort(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        run = next(run for run in self.runs if run.id == request.path_params["run"])
        run.aborted = True
        if run.status in ("READY", "RUNNING"):
            run.status = "ABORTED"
        return JSONResponse({"data": run.data()})

    async def _items(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        run = next(run for run in self.runs if run.dataset == request.path_params["dataset"])
        start = int(request.query_params.get("offset", 0))
        items = run.items[start : start + int(request.query_params.get("limit", len(run.items)))]
        body = json.dumps(items).encode()
        return Response(body, headers={"X-Apify-Pagination-Total": str(len(run.items))}, media_type="application/json")

    def _refused(self, request: Request) -> Response | None:
        self.queries.append(request.url.query)
        if request.headers.get("authorization") == f"Bearer {self.token}":
            return None
        return _error(401, "user-or-token-not-found", "User was not found or authentication token is not valid")

    # ── the actors ──

    def _profiles(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [_profile(name, self.world.account(name)) for name in given["usernames"]]

    def _posts(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Of profiles, or by themselves."""
        found: list[dict[str, Any]] = []
        for url in given["directUrls"]:
            parts = url.rstrip("/").split("/")
            if parts[-2] in ("p", "reel"):
                one = self.world.post(parts[-1])
                found.append(_missing(url, "Post does not exist") if one is None else _post(*one))
                continue
            account = self.world.account(parts[-1])
            if account is None or account.private or not account.posts:
                found.append(_nothing(url))
            else:
                found += map(partial(_post, account), account.timeline[: given["resultsLimit"]])
        return found

    def _comments(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        nested = given.get("includeNestedComments", False) and not self.free_plan
        for url in given["directUrls"]:
            one = self.world.post(url.rstrip("/").split("/")[-1])
            if one is None:
                found.append(_missing(url, "Post does not exist"))
            else:
                remarks = one[1].remarks[: given["resultsLimit"]]
                found += [_remark(url, remark, nested=nested) for remark in remarks]
        return found


def _error(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": {"type": kind, "message": message}}, status_code=status)


def _missing(url: str, why: str) -> dict[str, Any]:
    return {"url": url, "inputUrl": url, "error": "not_found", "errorDescription": why}


def _nothing(url: str) -> dict[str, Any]:
    return {"inputUrl": url, "error": "no_items", "errorDescription": "Empty or private data for provided input"}


def _profile(name: str, account: Account | None) -> dict[str, Any]:
    url = f"https://www.instagram.com/{name}"
    if account is None:
        return {"username": name, **_missing(url, "Page not found")}
    return {
        "inputUrl": url,
        "id": account.pk,
        "username": account.username,
        "url": url,
        "fullName": account.full_name,
        "biography": account.biography,
        "externalUrls": [],
        "followersCount": account.followers,
        "followsCount": account.following,
        "postsCount": len(account.posts),
        "isBusinessAccount": False,
        "private": account.private,
        "verified": False,
        "profilePicUrl": account.picture_url,
        "profilePicUrlHD": account.picture_url,
        "latestIgtvVideos": [],
        "latestPosts": [] if account.private else [_post(account, one) for one in account.timeline[:LATEST]],
    }


def _post(account: Account, post: Media) -> dict[str, Any]:
    return {
        "inputUrl": f"https://www.instagram.com/{account.username}/",
        "id": post.pk,
        "type": {1: "Image", 2: "Video", 8: "Sidecar"}[post.kind],
        "shortCode": post.code,
        "caption": post.caption or "",
        "hashtags": [],
        "mentions": [],
        "url": f"https://www.instagram.com/p/{post.code}/",
        "commentsCount": post.comments,
        "firstComment": post.remarks[0].text if post.remarks else "",
        "latestComments": [],
        "displayUrl": post.image_url,
        "images": [],
        "alt": None,
        "likesCount": -1 if post.likes % 11 == 0 else post.likes,
        "timestamp": _time(post.at),
        "ownerFullName": account.full_name,
        "ownerUsername": account.username,
        "ownerId": account.pk,
        "productType": {1: "feed", 2: "clips", 8: "carousel_container"}[post.kind],
        "isPinned": post.pinned,
        "isCommentsDisabled": False,
    }


def _remark(url: str, remark: Remark, *, nested: bool) -> dict[str, Any]:
    return {
        "postUrl": url,
        "commentUrl": f"{url}c/{remark.pk}",
        "id": remark.pk,
        "text": remark.text,
        "ownerUsername": remark.reader.username,
        "ownerProfilePicUrl": f"https://scontent.cdninstagram.com/v/t51/{remark.reader.pk}_a.jpg",
        "timestamp": _time(remark.at),
        "likesCount": remark.likes,
        "repliesCount": len(remark.answers),
        "replies": [_remark(url, one, nested=nested) for one in remark.answers] if nested else [],
        "owner": {"id": remark.reader.pk, "username": remark.reader.username, "is_verified": False},
    }


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
