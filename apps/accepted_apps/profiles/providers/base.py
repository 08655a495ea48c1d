"""What a network is to the task: the interface that each provider fills."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self

from accepted_apps.profiles.model import Comment, Post, Profile
from accepted_apps.profiles.pacing import Pacing
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.urls import Target


class Provider(Protocol):
    """One network for one attempt of one job: an async context manager that owns its connections.

    Made with the settings, the pacing of the attempt and what is asked for. Every call is a step of the job, or part
    of one, and several `comments` run at once. Before each request it takes `pacing.turn(host)`; when the network
    asks to wait it awaits `pacing.limited(...)`; it tells counts by `pacing.count(...)`. All raise ProfilesError.

    When the block ends, also by cancellation, nothing of it is left: no connection, no thread, no run elsewhere.
    """

    label: ClassVar[str]
    """The name that people read: `Mastodon`."""

    def __init__(self, settings: ProfilesSettings, pacing: Pacing, target: Target) -> None: ...

    @classmethod
    def missing(cls, settings: ProfilesSettings) -> str | None:
        """Which settings it lacks, as a sentence; None when it is ready."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: Any) -> None: ...

    async def profile(self, target: Target) -> Profile:
        """The profile that the URL names. Raises ProfileMissing, ProfilePrivate, ProfileSuspended, LoginNeeded."""
        ...

    async def posts(self, target: Target, limit: int) -> list[Post]:
        """Its newest posts, `limit` at most, newest first; no reposts, a pinned one in its place by time."""
        ...

    async def post(self, target: Target) -> Post:
        """The post that the URL names. Raises PostMissing, ProfilePrivate, LoginNeeded."""
        ...

    async def comments(self, post: Post, limit: int) -> list[Comment]:
        """Its comments, `limit` direct ones at most, each with its replies, of which `settings.replies_max` come with
        one post (`model.clip`). Raises PostMissing when the post is gone meanwhile."""
        ...
