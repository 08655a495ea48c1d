"""What a profile, a post and a comment are, whatever network they come from: the shapes of the contract.

In Python the fields have Python's names; in JSON, and in steps, they have the contract's (`likeCount`). Numbers that
a network does not tell are 0. Texts are plain, as a reader sees them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

LEVELS_MAX: Final = 40
"""Replies to replies that are kept inside one another; deeper ones stand beside the last of them."""

Time = Annotated[datetime, PlainSerializer(lambda at: at.isoformat(timespec="milliseconds"), when_used="json")]
"""Aware, UTC; as the job API writes it: with the offset in numbers."""


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class Profile(_Shape):
    """Who somebody is. `username` as others write it: `ann`, `ann@host` for an account of another server."""

    username: str
    full_name: str
    bio: str
    followers: int
    following: int
    post_count: int
    profile_url: str
    profile_pic_url: str | None


class Comment(_Shape):
    """Somebody's answer to a post. `replies` are the answers to it, which have theirs."""

    id: str
    username: str
    text: str
    timestamp: Time
    like_count: int = 0
    replies: list[Comment] = Field(default_factory=list)


class Post(_Shape):
    """A post without its comments. `shortcode` is what stands for it in its URL, and names it in steps."""

    id: str
    url: str
    caption: str
    timestamp: Time
    like_count: int
    comment_count: int
    image_url: str | None
    shortcode: str


class PostWithComments(Post):
    """`note`: why comments are missing, in a sentence; null when nothing is."""

    comments: list[Comment] = Field(default_factory=list)
    note: str | None = None


class ProfileWithPosts(_Shape):
    profile: Profile
    posts: list[PostWithComments]


class PostAlone(_Shape):
    """`note` as in `PostWithComments`."""

    post_url: str
    post: Post
    comments: list[Comment]
    note: str | None = None


class ProfileResult(_Shape):
    """What the job of a profile's URL returns."""

    type: Literal["profile"] = "profile"
    profile: ProfileWithPosts


class PostResult(_Shape):
    """What the job of a post's URL returns."""

    type: Literal["post"] = "post"
    post: PostAlone


Result = Annotated[ProfileResult | PostResult, Field(discriminator="type")]


def thread(answers: Iterable[tuple[Comment, str]]) -> list[Comment]:
    """The tree of a list in which each comment stands with the id of what it answers, in the order of the list.

    What answers nothing in the list answers the post.
    """
    pairs = list(answers)
    known = {comment.id for comment, _ in pairs}
    direct: list[Comment] = []
    below: dict[str, list[Comment]] = defaultdict(list)
    for comment, parent in pairs:
        (below[parent] if parent in known else direct).append(comment)
    todo = deque((comment, direct, 1) for comment in direct)
    while todo:
        comment, beside, level = todo.popleft()
        place = comment.replies if level < LEVELS_MAX else beside
        place += below[comment.id]
        todo += [(reply, place, min(level + 1, LEVELS_MAX)) for reply in below[comment.id]]
    return direct


def clip(comments: list[Comment], limit: int, replies: int) -> list[Comment]:
    """The first `limit` comments with their replies: `replies` of them in all, those nearest to the post first."""
    kept = comments[:limit]
    level, left = kept, replies
    while level:
        for comment in level:
            del comment.replies[left:]
            left -= len(comment.replies)
        level = [reply for comment in level for reply in comment.replies]
    return kept


def count(comments: Iterable[Comment]) -> int:
    """Comments and replies together."""
    return sum(1 + count(comment.replies) for comment in comments)
