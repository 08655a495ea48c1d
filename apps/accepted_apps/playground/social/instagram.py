"""A stand-in of www.instagram.com and i.instagram.com, as Instaloader 4.16 asks them.

The names of the queries and the shapes of the answers are those of that release; another one asks for other things.
Both hosts are one server here: no path means something else on the other.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .instagram_content import Account, Media, Reader, Remark, World

PAGE: Final = 12
COMMENT_PAGE: Final = 20

#: The queries of Instaloader 4.16, by what they ask for.
PROFILE: Final = "27937681195819736"
TIMELINE: Final = "29104886249145907"
TIMELINE_LOGGED_OUT: Final = "28904005159232689"
POST: Final = "27128499623469141"
COMMENTS_OF_SMALL_POSTS: Final = "97b41c52301f77ce508f55e66d17620e"
ANSWERS_OF_SMALL_POSTS: Final = "51fdd02b67508306ad4484ff574a0b62"

Part = Literal["page", "tokens", "profile", "timeline", "post", "comments", "answers", "login"]
Kind = Literal["limited", "wait", "login wall", "checkpoint", "feedback", "error", "endless", "nonsense"]

LOGIN_PAGE: Final = "https://www.instagram.com/accounts/login/"
WAIT: Final = {"message": "Please wait a few minutes before you try again.", "require_login": True, "status": "fail"}


@dataclass(slots=True)
class Trouble:
    """What the next `times` answers to a part are instead of what was asked for."""

    kind: Kind
    times: int
    retry_after: int | None = None


@dataclass(slots=True)
class Visit:
    """One request: the part of Instagram, what of it, who asked (None: not logged in). `ended`: it was answered."""

    part: Part
    what: str
    user: str | None
    at: float = field(default_factory=time.monotonic)
    ended: bool = False


class Instagram:
    """One stand-in: `app` is the ASGI application, everything else is for whoever tests or shows with it."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.passwords = {"reader": "correct horse battery"}
        """Who may log in. `twofactor` and `checked` are stopped on their way in, with any password."""
        self.visits: list[Visit] = []
        self.troubles: dict[Part, Trouble] = {}
        self.followed: set[str] = set()
        """Private profiles that the accounts here may see."""
        self._sessions: dict[str, str] = {}
        self.app = Starlette(
            routes=[
                Route("/", self._start_page),
                Route("/api/v1/web/accounts/login/ajax/", self._login, methods=["POST"]),
                Route("/api/v1/users/web_profile_info/", self._web_profile_info),
                Route("/api/v1/media/{pk}/comments/", self._comments),
                Route("/api/v1/media/{pk}/comments/{comment}/child_comments/", self._answers),
                Route("/web/search/topsearch/", self._search),
                Route("/api/graphql", self._query, methods=["POST"]),
                Route("/graphql/query", self._query, methods=["GET", "POST"]),
                Route("/{username}/", self._page),
            ]
        )

    def session(self, user: str = "reader") -> dict[str, str]:
        """The cookies of a new session, as Instaloader keeps them in a session file."""
        sessionid = f"4711%3A{token_hex(12)}%3A7"
        self._sessions[sessionid] = user
        return {"sessionid": sessionid, "ds_user_id": "4711", "csrftoken": token_hex(16), "mid": "Z1", "ig_did": "D1"}

    @property
    def session_ids(self) -> list[str]:
        """The secret of each session that lives."""
        return list(self._sessions)

    def end_sessions(self) -> None:
        """Log everybody out, as Instagram does when it pleases."""
        self._sessions.clear()

    def trouble(self, part: Part, kind: Kind, *, times: int = 1_000_000, retry_after: int | None = None) -> None:
        """Answer the next requests for this part in this way."""
        self.troubles[part] = Trouble(kind, times, retry_after)

    def reset(self) -> None:
        """Forget visits, troubles and deletions; sessions stay."""
        self.visits.clear()
        self.troubles.clear()
        self.followed.clear()
        self.world.deleted.clear()

    def counts(self, part: Part) -> Counter[str]:
        """How often each thing of a part was asked for."""
        return Counter(visit.what for visit in self.visits if visit.part == part)

    # ── pages ──

    async def _start_page(self, request: Request) -> Response:
        async with self._visit(request, "tokens", "") as visit:
            if visit.answer is not None:
                return visit.answer
            tokens = (
                f'["LSD",[],{{"token":"{token_hex(8)}"}},323],["IG_USER_EIMU",[],{{}}],"IG_USER_EIMU":"17841400008460"'
            )
            if visit.user:
                tokens += f',["DTSGInitialData",[],{{"token":"NAcM{token_hex(8)}:17"}},258]'
            page = HTMLResponse(f"<html><body><script>requireLazy([{tokens}])</script></body></html>")
            page.set_cookie("csrftoken", token_hex(16), domain=".instagram.com", secure=True)
            return page

    async def _page(self, request: Request) -> Response:
        """A profile as a logged-out visitor sees it, with the data in the page."""
        username = request.path_params["username"]
        async with self._visit(request, "page", username) as visit:
            if visit.answer is not None:
                return visit.answer
            account = self.world.account(username)
            results = [] if account is None else _page_results(account)
            boxes = [["RelayPrefetchedStreamCache", "next", [], [one, {"__bbox": {"result": one}}]] for one in results]
            data = json.dumps({"require": [["ScheduledServerJS", "handle", None, [{"__bbox": {"require": boxes}}]]]})
            return HTMLResponse(
                f'<html><body><script type="application/json" data-sjs>{data}</script></body></html>',
                status_code=200 if account else 404,
            )

    async def _web_profile_info(self, request: Request) -> Response:
        username = request.query_params["username"]
        async with self._visit(request, "profile", username) as visit:
            if visit.answer is not None:
                return visit.answer
            account = self.world.account(username)
            if account is None:
                return JSONResponse({"data": {"user": None}, "status": "ok"})
            return JSONResponse({"data": {"user": _legacy_profile(account)}, "status": "ok"})

    async def _search(self, _request: Request) -> Response:
        return JSONResponse({"users": [], "places": [], "hashtags": [], "status": "ok"})

    # ── login ──

    async def _login(self, request: Request) -> Response:
        form = await _form(request)
        user, password = form.get("username", ""), form.get("enc_password", "").split(":", 3)[-1]
        async with self._visit(request, "login", user) as visit:
            if visit.answer is not None:
                return visit.answer
            if user == "twofactor":
                details = {"two_factor_identifier": token_hex(8), "username": user}
                return JSONResponse(
                    {"message": "", "two_factor_required": True, "two_factor_info": details, "status": "fail"},
                    status_code=400,
                )
            if user == "checked":
                checkpoint = {
                    "message": "checkpoint_required",
                    "checkpoint_url": "/challenge/action/x/",
                    "status": "fail",
                }
                return JSONResponse({**checkpoint, "lock": False}, status_code=400)
            known = user in self.passwords
            if not known or self.passwords[user] != password:
                return JSONResponse({"user": known, "authenticated": False, "status": "ok"})
            answer = JSONResponse(
                {"user": True, "userId": "4711", "authenticated": True, "oneTapPrompt": True, "status": "ok"}
            )
            for name, value in self.session(user).items():
                answer.set_cookie(name, value, domain=".instagram.com", secure=True)
            return answer

    # ── queries ──

    async def _query(self, request: Request) -> Response:
        given = await _form(request) if request.method == "POST" else dict(request.query_params)
        variables = json.loads(given.get("variables", "{}"))
        name = given.get("doc_id") or given.get("query_hash", "")
        if name == PROFILE:
            return await self._profile(request, variables["id"])
        if name == TIMELINE:
            return await self._timeline(request, variables)
        if name == TIMELINE_LOGGED_OUT:
            return await self._logged_out_timeline(request, variables)
        if name == POST:
            return await self._post(request, variables["shortcode"])
        if name == COMMENTS_OF_SMALL_POSTS:
            return await self._small_comments(request, variables["shortcode"])
        return JSONResponse({"message": "feedback_required", "status": "fail"}, status_code=400)

    async def _profile(self, request: Request, pk: str) -> Response:
        async with self._visit(request, "profile", pk, login=True) as visit:
            if visit.answer is not None:
                return visit.answer
            account = next((one for one in self.world.accounts if one.pk == pk), None)
            user = None if account is None else self._seen_profile(account)
            return JSONResponse({"data": {"user": user}, "status": "ok"})

    async def _timeline(self, request: Request, variables: Mapping[str, Any]) -> Response:
        username = variables["username"]
        async with self._visit(request, "timeline", username, login=True) as visit:
            if visit.answer is not None:
                return visit.answer
            account = self.world.account(username)
            if account is None or not self._may_see(account):
                connection = _connection([], None, dict)
            else:
                connection = _connection(account.timeline, variables.get("after"), partial(_media, account))
            return JSONResponse({"data": {"xdt_api__v1__feed__user_timeline_graphql_connection": connection}})

    async def _logged_out_timeline(self, request: Request, variables: Mapping[str, Any]) -> Response:
        async with self._visit(request, "timeline", variables["id"]) as visit:
            if visit.answer is not None:
                return visit.answer
            account = next((one for one in self.world.accounts if _page_id(one) == variables["id"]), None)
            posts = account.timeline if account is not None else []
            connection = _connection(posts, variables.get("after"), lambda post: {"code": post.code})
            return JSONResponse({"data": {"node": {"polaris_ordered_timeline_connection": connection}}})

    async def _post(self, request: Request, code: str) -> Response:
        async with self._visit(request, "post", code) as visit:
            if visit.answer is not None:
                return visit.answer
            found = self.world.post(code)
            items = [_media(*found)] if found is not None and self._may_see(found[0]) else []
            info = {"items": items} if items else None
            return JSONResponse({"data": {"xdt_api__v1__media__shortcode__web_info": info}, "status": "ok"})

    async def _small_comments(self, request: Request, code: str) -> Response:
        async with self._visit(request, "comments", code, login=True) as visit:
            if visit.answer is not None:
                return visit.answer
            found = self.world.post(code)
            if found is None:
                return JSONResponse({"data": {"shortcode_media": None}, "status": "ok"})
            edges = [{"node": _legacy_remark(one)} for one in found[1].remarks]
            page = {"count": len(edges), "page_info": {"has_next_page": False, "end_cursor": None}, "edges": edges}
            return JSONResponse({"data": {"shortcode_media": {"edge_media_to_parent_comment": page}}, "status": "ok"})

    # ── comments, as the telephone asks for them ──

    async def _comments(self, request: Request) -> Response:
        async with self._visit(request, "comments", request.path_params["pk"], login=True) as visit:
            if visit.answer is not None:
                return visit.answer
            found = self.world.post(request.path_params["pk"])
            if found is None:
                return _fail(400, "Media not found or unavailable")
            remarks = found[1].remarks
            start = int(request.query_params.get("min_id", 0))
            more = {"next_min_id": str(start + COMMENT_PAGE)} if start + COMMENT_PAGE < len(remarks) else {}
            return JSONResponse(
                {
                    "comments": [_remark(one) for one in remarks[start : start + COMMENT_PAGE]],
                    "comment_count": found[1].comments,
                    "has_more_headload_comments": bool(more),
                    **more,
                    "status": "ok",
                }
            )

    async def _answers(self, request: Request) -> Response:
        async with self._visit(request, "answers", request.path_params["comment"], login=True) as visit:
            if visit.answer is not None:
                return visit.answer
            found = self.world.post(request.path_params["pk"])
            remarks = found[1].remarks if found is not None else ()
            for one in remarks:
                if one.pk == request.path_params["comment"]:
                    answers = [_remark(answer) for answer in one.answers]
                    return JSONResponse(
                        {"child_comments": answers, "child_comment_count": len(answers), "status": "ok"}
                    )
            return _fail(400, "Comment not found or unavailable")

    # ── who asks, and how it goes ──

    def _visit(self, request: Request, part: Part, what: str, *, login: bool = False) -> _Answering:
        visit = Visit(part, what, self._user(request))
        self.visits.append(visit)
        return _Answering(self, request, visit, login=login)

    def _user(self, request: Request) -> str | None:
        """Whose session it is, by cookie or by the telephone's token, which is made of the same."""
        sessionid = request.cookies.get("sessionid", "")
        _, _, token = request.headers.get("authorization", "").partition("IGT:2:")
        if token:
            sessionid = json.loads(b64decode(token))["sessionid"]
        return self._sessions.get(sessionid)

    def _may_see(self, account: Account) -> bool:
        return not account.private or account.username in self.followed

    def _seen_profile(self, account: Account) -> dict[str, Any]:
        following = account.username in self.followed
        return {**_profile(account), "friendship_status": {"following": following, "blocking": False}}


class _Answering:
    """One request under way: who asks, and the trouble that stands in place of an answer, where one is due."""

    def __init__(self, instagram: Instagram, request: Request, visit: Visit, *, login: bool) -> None:
        self._instagram = instagram
        self._request = request
        self._visit = visit
        self._login = login
        self.user = visit.user
        self.answer: Response | None = None

    async def __aenter__(self) -> _Answering:
        trouble = self._instagram.troubles.get(self._visit.part)
        if trouble is not None and trouble.times > 0:
            trouble.times -= 1
            self.answer = await self._troubled(trouble)
        elif self._login and self.user is None:
            self.answer = RedirectResponse(LOGIN_PAGE, status_code=302)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._visit.ended = True

    async def _troubled(self, trouble: Trouble) -> Response:
        match trouble.kind:
            case "limited":
                headers = {} if trouble.retry_after is None else {"Retry-After": str(trouble.retry_after)}
                return _fail(429, "Too many requests", headers)
            case "wait":
                return JSONResponse(WAIT, status_code=401)
            case "login wall":
                return RedirectResponse(f"{LOGIN_PAGE}?next={self._request.url.path}", status_code=302)
            case "checkpoint":
                return _fail(400, "checkpoint_required")
            case "feedback":
                return _fail(400, "feedback_required")
            case "error":
                return HTMLResponse("<html><body>Sorry, something went wrong.</body></html>", status_code=500)
            case "nonsense":
                return JSONResponse({"data": {}, "status": "ok"})
            case "endless":
                return await self._until_left()

    async def _until_left(self) -> Response:
        """Answer nothing until the client has gone."""
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        return Response(status_code=499)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a POST as a browser writes them. Instaloader's own Content-Length and Host are left alone."""
    return {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}


def _fail(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"message": message, "status": "fail"}, status_code=status, headers=headers)


def _page_id(account: Account) -> str:
    """The page's own number of a profile, which is not that of the user."""
    return f"178414{account.pk}"


def _page_results(account: Account) -> list[dict[str, Any]]:
    """The two queries whose results a profile's page holds; a private one has no posts."""
    details = {**_profile(account), "id": _page_id(account), "all_media_count": len(account.posts)}
    del details["media_count"]
    shown: dict[str, Any] = {"id": _page_id(account), "is_private": account.private}
    if not account.private:
        connection = _connection(account.timeline, None, lambda post: {"code": post.code})
        shown["polaris_ordered_timeline_connection"] = connection
    return [{"data": {"xig_user_by_username": details}}, {"data": {"xig_user_by_username": shown}}]


def _profile(account: Account) -> dict[str, Any]:
    return {
        "pk": account.pk,
        "username": account.username,
        "full_name": account.full_name,
        "biography": account.biography,
        "is_private": account.private,
        "is_verified": False,
        "is_business": False,
        "category": None,
        "external_url": "",
        "follower_count": account.followers,
        "following_count": account.following,
        "media_count": len(account.posts),
        "profile_pic_url": account.picture_url,
        "hd_profile_pic_url_info": {"url": account.picture_url},
    }


def _legacy_profile(account: Account) -> dict[str, Any]:
    return {
        "id": account.pk,
        "username": account.username,
        "full_name": account.full_name,
        "biography": account.biography,
        "is_private": account.private,
        "edge_followed_by": {"count": account.followers},
        "edge_follow": {"count": account.following},
        "edge_owner_to_timeline_media": {"count": len(account.posts)},
        "profile_pic_url": account.picture_url,
        "profile_pic_url_hd": account.picture_url,
    }


def _connection(posts: list[Media], after: str | None, node: Any) -> dict[str, Any]:
    start = 0 if after is None else int(after)
    end = start + PAGE
    return {
        "edges": [{"node": node(post), "cursor": str(start + index)} for index, post in enumerate(posts[start:end], 1)],
        "page_info": {"has_next_page": end < len(posts), "end_cursor": str(end)},
    }


def _media(account: Account, post: Media) -> dict[str, Any]:
    """A post as the web page's queries describe it."""
    found: dict[str, Any] = {
        "pk": post.pk,
        "id": f"{post.pk}_{account.pk}",
        "code": post.code,
        "media_type": post.kind,
        "product_type": {1: "feed", 2: "clips", 8: "carousel_container"}[post.kind],
        "taken_at": int(post.at.timestamp()),
        "caption": None if post.caption is None else {"text": post.caption, "pk": "1"},
        "title": None,
        "has_liked": False,
        "like_count": post.likes,
        "comment_count": post.comments,
        "timeline_pinned_user_ids": [account.pk] if post.pinned else [],
        "user": _user(Reader(account.pk, account.username, account.full_name)),
        "image_versions2": {"candidates": [{"url": post.image_url, "height": 1350, "width": 1080}]},
        "video_versions": None,
        "carousel_media": None,
        "usertags": None,
    }
    if post.kind == 2:
        found |= {"video_versions": [{"url": f"{post.image_url}.mp4", "type": 101}], "view_count": post.likes * 9}
    if post.kind == 8:
        found["carousel_media"] = [
            {"pk": post.pk, "media_type": 1, "image_versions2": found["image_versions2"], "video_versions": None}
        ]
    return found


def _user(reader: Reader) -> dict[str, Any]:
    return {
        "pk": reader.pk,
        "id": reader.pk,
        "username": reader.username,
        "full_name": reader.full_name,
        "is_private": False,
        "is_verified": False,
        "profile_pic_url": f"https://scontent.cdninstagram.com/v/t51/{reader.pk}_a.jpg",
    }


def _remark(remark: Remark) -> dict[str, Any]:
    """A comment as the telephone gets it."""
    return {
        "pk": remark.pk,
        "user": _user(remark.reader),
        "text": remark.text,
        "created_at": int(remark.at.timestamp()),
        "created_at_utc": int(remark.at.timestamp()),
        "comment_like_count": remark.likes,
        "content_type": "comment",
        "child_comment_count": len(remark.answers),
        "preview_child_comments": [_remark(one) for one in remark.answers[: remark.shown]],
    }


def _legacy_remark(remark: Remark) -> dict[str, Any]:
    """A comment as the older queries describe it, with all of its answers."""
    node = {
        "id": remark.pk,
        "text": remark.text,
        "created_at": int(remark.at.timestamp()),
        "owner": {"id": remark.reader.pk, "username": remark.reader.username, "is_verified": False},
        "edge_liked_by": {"count": remark.likes},
    }
    answers = [{"node": _legacy_remark(one)} for one in remark.answers]
    return {**node, "edge_threaded_comments": {"count": len(answers), "edges": answers}}
