"""The durable task: one profile with its posts, or one post, with their comments.

The profile, the list of posts, and the comments of each post are steps of the job, so an attempt that follows a pause,
a crash or a deploy goes on at the post that the last one stopped at.
"""

# No `from __future__ import annotations`: the defaults and checks of the parameters depend on the settings.

import asyncio
from collections.abc import Callable
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from accepted import Fail, Job, Jobs, Retry, Task

from .errors import (
    AccountStopped,
    LoginFailed,
    LoginNeeded,
    PaymentNeeded,
    PostMissing,
    ProfilePrivate,
    ProfilesError,
    RateLimited,
    UnexpectedAnswer,
)
from .model import (
    Comment,
    Post,
    PostAlone,
    PostResult,
    PostWithComments,
    Profile,
    ProfileResult,
    ProfileWithPosts,
    Result,
)
from .pacing import Hosts, Pacing
from .providers.base import Provider
from .providers.choose import ready
from .settings import ProfilesSettings
from .urls import Mode, Target, parse_url

TASK: Final = "profile"

_EARLY_RETRIES: Final = 2
"""Further attempts while the network has not shown that it is there."""
_PROFILE_DONE, _POSTS_DONE = 3.0, 10.0
"""Percent."""
_NEXT_PROVIDER = (LoginNeeded, LoginFailed, AccountStopped, PaymentNeeded)
"""Errors after which another provider for the same network may do better."""
_OF_ONE_POST = (PostMissing, ProfilePrivate, UnexpectedAnswer)
"""Errors that say nothing of the other posts."""


class Shared:
    """What the profiles of one process share: the settings, and the pace of each host."""

    def __init__(self, settings: ProfilesSettings) -> None:
        self.settings = settings
        self.hosts = Hosts(at_once=settings.requests_at_once, gap=settings.request_gap)


def add_profiles(jobs: Jobs, shared: Shared) -> Task[..., Result]:
    """Register the task `profile`. Raises ConfigurationError when the name is taken."""
    settings = shared.settings

    @jobs.task(
        name=TASK,
        timeout=settings.timeout,
        active_per_owner=settings.active_per_user,
        retries=settings.retries,
    )
    async def profile(
        url: Annotated[str, AfterValidator(_url_check(settings))],
        mode: Annotated[Mode, AfterValidator(_fits)] = "auto",
        posts: Annotated[int, Field(ge=1, le=settings.posts_max)] = settings.posts,
        comments: Annotated[int, Field(ge=0, le=settings.comments_max)] = settings.comments,
        *,
        job: Job,
    ) -> Result:
        """A social profile with its newest posts, or one post, each with its comments and their replies.

        Mastodon and Bluesky without a login; Instagram through Instaloader or Apify.
        """
        return await Reading(shared, job, parse_url(url, mode), posts, comments).run()

    return profile


def _url_check(settings: ProfilesSettings) -> Callable[[str], str]:
    def check(url: str) -> str:
        try:
            parse_url(url, max_length=settings.url_max_length)
        except ProfilesError as error:
            raise _refusal(error) from None
        return url.strip()

    return check


def _fits(mode: Mode, info: ValidationInfo) -> Mode:
    if "url" in info.data:
        try:
            parse_url(info.data["url"], mode)
        except ProfilesError as error:
            raise _refusal(error) from None
    return mode


def _refusal(error: ProfilesError) -> PydanticCustomError:
    """The objection without the field's name in front: whoever shows it names the field."""
    said = error.message.removeprefix(f"{error.field} ").removesuffix(".")
    return PydanticCustomError("profiles", "{said}", {"said": said})


class CommentsOfPost(BaseModel):
    """What is stored of a post's comments; `note` says why some are missing."""

    comments: list[Comment]
    note: str | None = None


class Reading:
    """One attempt of one job. Used once."""

    def __init__(self, shared: Shared, job: Job, target: Target, posts: int, comments: int) -> None:
        self._shared, self._settings, self._job = shared, shared.settings, job
        self._target, self._posts, self._comments = target, posts, comments
        self._pacing = Pacing(job, shared.hosts, longest_wait=self._settings.longest_wait)
        self._found = False
        """Whether the network has shown what was asked for."""

    async def run(self) -> ProfileResult | PostResult:
        """The result. Raises Fail, or Retry where a further attempt may help."""
        try:
            return await self._by_any_provider()
        except ProfilesError as error:
            raise self._verdict(error) from error
        finally:
            self._pacing.close()

    async def _by_any_provider(self) -> ProfileResult | PostResult:
        *others, last = ready(self._target.network, self._settings)
        for kind in others:
            try:
                return await self._by(kind)
            except _NEXT_PROVIDER as error:
                self._job.log(f"{kind.label}: {error} The next provider is tried.", level="warning")
        return await self._by(last)

    async def _by(self, kind: type[Provider]) -> ProfileResult | PostResult:
        async with kind(self._settings, self._pacing, self._target) as provider:
            read = self._read_profile if self._target.kind == "profile" else self._read_post
            return await read(provider)

    async def _read_profile(self, provider: Provider) -> ProfileResult:
        profile = await self._job.step("Profile", read_profile, provider, self._target)
        self._found = True
        self._job.progress(_PROFILE_DONE)
        posts = await self._job.step("Posts", read_posts, provider, self._target, self._posts)
        self._job.progress(_POSTS_DONE)
        found = await self._all_comments(provider, posts)
        return ProfileResult(profile=ProfileWithPosts(profile=profile, posts=found))

    async def _read_post(self, provider: Provider) -> PostResult:
        post = await self._job.step("Post", read_post, provider, self._target)
        self._found = True
        self._job.progress(_POSTS_DONE)
        [found] = await self._all_comments(provider, [post])
        return PostResult(
            post=PostAlone(post_url=post.url, post=post, comments=found.comments, note=found.note),
        )

    async def _all_comments(self, provider: Provider, posts: list[Post]) -> list[PostWithComments]:
        """Each post with its comments, some at once. The first error ends the others."""
        if not self._comments:
            return [_with(post, CommentsOfPost(comments=[])) for post in posts]
        room, done = asyncio.Semaphore(self._settings.posts_at_once), 0

        async def one(number: int, post: Post) -> PostWithComments:
            nonlocal done
            async with room:
                found = await self._comments_of(provider, f"{number} of {len(posts)}", post)
            done += 1
            percent = _POSTS_DONE + (100.0 - _POSTS_DONE) * done / len(posts)
            self._job.progress(percent, current=done, total=len(posts), unit="posts")
            return found

        reading = [asyncio.create_task(one(number, post)) for number, post in enumerate(posts, 1)]
        try:
            return await asyncio.gather(*reading)
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)

    async def _comments_of(self, provider: Provider, place: str, post: Post) -> PostWithComments:
        name = f"Comments of post {place}: {post.shortcode}"
        return _with(post, await self._job.step(name, read_comments, provider, self._pacing, post, self._comments))

    def _verdict(self, error: ProfilesError) -> Fail | Retry:
        self._job.progress(message=error.message)
        tries = self._settings.retries if self._found or isinstance(error, RateLimited) else _EARLY_RETRIES
        if error.retryable and self._job.attempt <= min(tries, self._settings.retries):
            return Retry(error.message, after=getattr(error, "retry_after", None))
        return Fail(error.message, code=error.code)


# ── the steps: what they return is stored by their names and arguments, of which a provider counts by its type ──


async def read_profile(provider: Provider, target: Target) -> Profile:
    return await provider.profile(target)


async def read_posts(provider: Provider, target: Target, limit: int) -> list[Post]:
    return await provider.posts(target, limit)


async def read_post(provider: Provider, target: Target) -> Post:
    return await provider.post(target)


async def read_comments(provider: Provider, pacing: Pacing, post: Post, limit: int) -> CommentsOfPost:
    """A post that cannot be read any more has no comments and a note, and costs the others nothing."""
    try:
        comments = await provider.comments(post, limit)
    except _OF_ONE_POST as error:
        return CommentsOfPost(comments=[], note=error.message)
    return CommentsOfPost(comments=comments, note=pacing.noted(post.id))


def _with(post: Post, found: CommentsOfPost) -> PostWithComments:
    return PostWithComments(**dict(post), comments=found.comments, note=found.note)
