"""Instagram, read by Instaloader: with the session of an account, or without one where that is enough.

One account asks one thing at a time, at a pace that all jobs share (`instagram_pace.py`). The library blocks, so it
works in one thread of each attempt, whose connections are broken off when the attempt ends (`instagram_wire.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar, Final, Self, TypeVar

import instaloader
from instaloader import exceptions
from pydantic import BaseModel

from accepted_apps.profiles.errors import RateLimited
from accepted_apps.profiles.model import Comment, Post, Profile, clip, count
from accepted_apps.profiles.pacing import Pacing
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.urls import Target

from .instagram_account import account_of, can_sign_in, sign_in
from .instagram_errors import (
    SIGN_IN,
    SessionEnded,
    is_refusal,
    login_needed,
    post_missing,
    private,
    translated,
)
from .instagram_listing import PINNED_MAX, newest
from .instagram_pace import NETWORK, Controller
from .instagram_wire import Wire, context_class

T = TypeVar("T")

RELEASE: Final = "4.16"
"""The release whose requests and answers this provider, and its stand-in, know."""
_ATTEMPTS: Final = 2
"""Of one request, by the library."""
_PATIENCE: Final = 2
"""Times that a call is taken up again after Instagram has asked to wait."""
_STEP_COMMENTS: Final = 200
"""Direct comments that are read in one go; a post with more of them has a step of the job for each go."""
_END_SECONDS: Final = 3.0
"""How long a cut-off thread may take; what looks up a name, or connects, ends by its own time limit."""


class Cursor(BaseModel):
    """Where the next page of comments begins: a parameter of the question and its value."""

    name: str
    value: str


class Batch(BaseModel):
    """Some pages of comments, and where the next one begins. None: they are all."""

    comments: list[Comment]
    following: Cursor | None = None


class Instaloader:
    """Instagram through Instaloader; a Provider."""

    label: ClassVar[str] = "Instaloader"

    def __init__(self, settings: ProfilesSettings, pacing: Pacing, _target: Target) -> None:
        self._settings = settings
        self._pacing = pacing
        self._account = account_of(settings)
        self._signed_in = can_sign_in(settings)
        self._wire = Wire(settings.instagram_url, settings.request_timeout)
        self._context: Any = None
        self._found: instaloader.Profile | None = None
        """The profile that is asked for, once it was."""
        self._renewed = False
        """A session that had ended was replaced in this attempt."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="instaloader")
        self._calls: set[asyncio.Future[Any]] = set()

    @classmethod
    def missing(cls, settings: ProfilesSettings) -> str | None:
        """Which settings it lacks, as a sentence; None when it is ready."""
        if can_sign_in(settings) or settings.instagram_anonymous:
            return None
        if settings.instagram_session or settings.instagram_password:
            return "profiles.instagram_user is missing: the name of the user who signs in."
        return f"there is no login: {SIGN_IN}."

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._wire.cut()
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._calls:
            await asyncio.wait(self._calls, timeout=_END_SECONDS)

    # ── what a provider gives ──

    async def profile(self, target: Target) -> Profile:
        """The profile of a name. Raises ProfileMissing, ProfilePrivate, LoginNeeded, LoginFailed."""
        return await self._call(f"the profile {target.name}", self._profile, target.name)

    async def posts(self, target: Target, limit: int) -> list[Post]:
        """The newest posts of a profile, reels among them."""
        return await self._call(f"the profile {target.name}", self._posts, target.name, limit)

    async def post(self, target: Target) -> Post:
        """The post of a shortcode. Raises PostMissing."""
        return await self._call(f"the post {target.id}", self._post, target.id)

    async def comments(self, post: Post, limit: int) -> list[Comment]:
        """The comments of a post, as Instagram orders them, with their answers. Raises PostMissing, LoginNeeded."""
        if limit and not self._signed_in:
            raise login_needed("the comments of posts")
        found: list[Comment] = []
        cursor: Cursor | None = None
        while len(found) < limit:
            left = limit - len(found)
            if limit <= _STEP_COMMENTS:
                batch = await self._batch(post, cursor, left, 0)
            else:
                name = f"Comments of {post.shortcode} from {len(found) + 1}"
                batch = await self._pacing.job.step(name, self._batch, post, cursor, left, count(found))
            found += batch.comments
            cursor = batch.following
            if cursor is None:
                break
        return clip(found, limit, self._settings.replies_max)

    async def _batch(self, post: Post, cursor: Cursor | None, left: int, read: int) -> Batch:
        """The next direct comments, of which `left` are wanted; `read` are there, replies counted."""
        return await self._call(f"the post {post.shortcode}", self._comments, post, cursor, left, read)

    # ── one call of the library, in its thread ──

    async def _call(self, what: str, work: Callable[..., T], *arguments: Any) -> T:
        call = asyncio.get_running_loop().run_in_executor(self._thread, self._patiently, what, work, *arguments)
        self._calls.add(call)
        call.add_done_callback(self._ended)
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            call.cancel()
            raise

    def _ended(self, call: asyncio.Future[Any]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()

    def _patiently(self, what: str, work: Callable[..., T], *arguments: Any) -> T:
        """Do it; again after a pause that Instagram asked for, and with a new session after the end of the old."""
        patience = _PATIENCE
        while True:
            try:
                self._sign_in()
                return work(*arguments)
            except Exception as error:
                if is_refusal(error, self._wire):
                    self._sit_out(patience)
                    patience -= 1
                    continue
                meaning = translated(error, self._wire, user=self._account.user, what=what)
                if not self._renew(meaning):
                    raise meaning from error

    def _sign_in(self) -> None:
        if self._context is None:
            context = context_class(self._wire)(
                sleep=False,
                quiet=True,
                max_connection_attempts=_ATTEMPTS,
                request_timeout=self._wire.timeout,
                rate_controller=lambda _: Controller(self._account.pace, self._pacing, self._wire),
                iphone_support=False,
            )
            if self._signed_in:
                sign_in(self._account, context, self._settings)
            self._context = context

    def _renew(self, meaning: Exception) -> bool:
        """Replace a session that has ended, once in an attempt, where there is a password."""
        if not isinstance(meaning, SessionEnded):
            return False
        ended = self._context.save_session()
        self._account.forget(ended)
        if self._renewed or not self._settings.instagram_password:
            return False
        self._renewed = True
        sign_in(self._account, self._context, self._settings, ended=ended)
        return True

    def _sit_out(self, patience: int) -> None:
        """Wait as long as Instagram asks to, where the library gives up instead. Raises RateLimited."""
        pace = self._account.pace
        if not pace.pause:
            pace.refused("other", self._wire.retry_after)
        if not patience:
            raise RateLimited("Instagram goes on refusing requests as too many.", retry_after=pace.pause)
        self._pacing.sync_wait(pace.pause, NETWORK, stopped=self._wire.stopped)

    # ── what is asked, in the thread ──

    def _profile(self, name: str) -> Profile:
        found = self._by_name(name)
        if found.is_private and not self._may_see(found):
            raise private(name, self._account.user if self._signed_in else "")
        return Profile(
            username=found.username,
            full_name=found.full_name or "",
            bio=found.biography or "",
            followers=found.followers or 0,
            following=found.followees or 0,
            post_count=found.mediacount or 0,
            profile_url=f"https://www.instagram.com/{found.username}/",
            profile_pic_url=found.profile_pic_url_no_iphone or None,
        )

    def _by_name(self, name: str) -> instaloader.Profile:
        if self._found is None:
            self._found = instaloader.Profile.from_username(self._context, name)
        return self._found

    def _may_see(self, profile: instaloader.Profile) -> bool:
        return self._signed_in and (profile.followed_by_viewer or profile.username == self._account.user.lower())

    def _posts(self, name: str, limit: int) -> list[Post]:
        profile = self._by_name(name)
        try:
            listed = [_post(one) for one in islice(profile.get_posts(), limit + PINNED_MAX)]
        except exceptions.LoginRequiredException:
            if profile.is_private:
                raise private(name, "") from None
            raise
        return newest(listed, limit)

    def _post(self, code: str) -> Post:
        try:
            return _post(instaloader.Post.from_shortcode(self._context, code))
        except (exceptions.BadResponseException, exceptions.QueryReturnedNotFoundException) as error:
            raise post_missing(code) from error

    def _comments(self, post: Post, cursor: Cursor | None, left: int, read: int) -> Batch:
        path = f"api/v1/media/{post.id}/comments/"
        found: list[Comment] = []
        while True:
            turned = {} if cursor is None else {cursor.name: cursor.value}
            page = self._asked(post, path, {"can_support_threading": "true", "permalink_enabled": "false", **turned})
            wanted = (page["comments"] or [])[: left - len(found)]
            found += [self._with_answers(post, node) for node in wanted]
            self._pacing.count(read + count(found), post.comment_count or None, f"comments of post {post.shortcode}")
            cursor = _following(page)
            if cursor is None or len(found) >= min(left, _STEP_COMMENTS):
                return Batch(comments=found, following=cursor)

    def _with_answers(self, post: Post, node: dict[str, Any]) -> Comment:
        comment = _comment(node)
        shown = node.get("preview_child_comments") or []
        answers = shown if len(shown) >= (node.get("child_comment_count") or 0) else self._answers(post, comment.id)
        comment.replies = [_comment(one) for one in answers]
        return comment

    def _answers(self, post: Post, comment: str) -> Iterator[dict[str, Any]]:
        """All answers to one comment, as far as one post may have them."""
        path = f"api/v1/media/{post.id}/comments/{comment}/child_comments/"
        last, seen = "", 0
        while True:
            page = self._asked(post, path, {"max_id": last})
            answers = page.get("child_comments") or []
            yield from answers
            seen += len(answers)
            last = page.get("next_max_child_cursor") or ""
            if (
                not (last and answers and page.get("has_more_tail_child_comments"))
                or seen >= self._settings.replies_max
            ):
                return

    def _asked(self, post: Post, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._context.get_iphone_json(path, parameters)
        except (exceptions.QueryReturnedBadRequestException, exceptions.QueryReturnedNotFoundException) as error:
            raise post_missing(post.shortcode) from error
        return answer


def _following(page: dict[str, Any]) -> Cursor | None:
    """Instagram pages by whichever end of its order it likes."""
    for name, key in (("min_id", "next_min_id"), ("max_id", "next_max_id")):
        if page.get(key):
            return Cursor(name=name, value=str(page[key]))
    return None


def _post(found: instaloader.Post) -> Post:
    node = instaloader.get_json_structure(found)["node"]
    # The library's own property asks Instagram once more for what the list of posts has told.
    comments = node["comments"] if node.get("comments") is not None else found.comments
    return Post(
        id=str(found.mediaid),
        url=f"https://www.instagram.com/{'reel' if _is_reel(node) else 'p'}/{found.shortcode}/",
        caption=found.caption or "",
        timestamp=found.date_local.astimezone(UTC),
        like_count=max(found.likes or 0, 0),
        comment_count=comments or 0,
        image_url=node.get("display_url"),
        shortcode=found.shortcode,
    )


def _is_reel(node: dict[str, Any]) -> bool:
    return (node.get("iphone_struct") or node).get("product_type") == "clips"


def _comment(node: dict[str, Any]) -> Comment:
    return Comment(
        id=str(node["pk"]),
        username=node["user"]["username"],
        text=node.get("text") or "",
        timestamp=datetime.fromtimestamp(node.get("created_at_utc") or node["created_at"], UTC),
        like_count=node.get("comment_like_count") or 0,
    )
