"""Bluesky through its public AppView. Without a login.

Who asks to be shown to signed-in people only (the label `!no-unauthenticated`) is not shown, as in Bluesky's own apps:
neither the profile nor a comment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

from pydantic import AliasPath, BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from accepted_apps.profiles.asking import Answer, Asker
from accepted_apps.profiles.errors import (
    LoginNeeded,
    PostMissing,
    ProfileMissing,
    ProfilesError,
    ProfileSuspended,
    UnexpectedAnswer,
)
from accepted_apps.profiles.model import LEVELS_MAX, Comment, Post, Profile, clip, count
from accepted_apps.profiles.pacing import Pacing
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.urls import Target

T = TypeVar("T")

_PAGE: Final = 100
"""Posts that the AppView gives at once."""
_PAGES_MAX: Final = 50
_FURTHER: Final = 10
"""Threads below a post that are asked for by themselves, because they did not come with it."""
_SIGNED_IN_ONLY: Final = "!no-unauthenticated"
_LINK: Final = "app.bsky.richtext.facet#link"

Params = dict[str, str | int]
Text = Annotated[str, BeforeValidator(lambda text: text or "")]
Count = Annotated[int, BeforeValidator(lambda count: count or 0)]


class _Label(BaseModel):
    val: str


class _Actor(BaseModel):
    did: str
    handle: str
    display_name: Text = Field("", alias="displayName")
    description: Text = ""
    avatar: str | None = None
    followers: Count = Field(0, alias="followersCount")
    follows: Count = Field(0, alias="followsCount")
    posts: Count = Field(0, alias="postsCount")
    labels: list[_Label] | None = None

    @property
    def name(self) -> str:
        """As others write it: the handle, or the DID where the handle is not the account's own."""
        return self.did if self.handle == "handle.invalid" else self.handle

    @property
    def signed_in_only(self) -> bool:
        return any(label.val == _SIGNED_IN_ONLY for label in self.labels or ())


class _View(BaseModel):
    """A post. Its record is what the author's program has written: anything at all."""

    uri: str
    author: _Actor
    record: dict[str, Any]
    embed: dict[str, Any] | None = None
    indexed_at: datetime = Field(alias="indexedAt")
    replies: Count = Field(0, alias="replyCount")
    likes: Count = Field(0, alias="likeCount")

    @property
    def key(self) -> str:
        return self.uri.rpartition("/")[2]

    @property
    def url(self) -> str:
        return f"https://bsky.app/profile/{self.author.name}/post/{self.key}"

    @property
    def text(self) -> str:
        return _written_out(self.record)

    @property
    def timestamp(self) -> datetime:
        return _time(self.record.get("createdAt")) or _utc(self.indexed_at)


class _FeedPost(BaseModel):
    post: _View
    reply: dict[str, Any] | None = None
    reason: str | None = Field(None, validation_alias=AliasPath("reason", "$type"))


class _Feed(BaseModel):
    feed: list[_FeedPost]
    cursor: str | None = None


class _Thread(BaseModel):
    """A post with its replies; without `post` it is one that was deleted, or is between people who block each other."""

    post: _View | None = None
    replies: list[_Thread] | None = None


class _ThreadAnswer(BaseModel):
    thread: _Thread


class Bluesky:
    """The AppView, for one attempt of one job. See `base.Provider`."""

    label: ClassVar[str] = "Bluesky"

    def __init__(self, settings: ProfilesSettings, pacing: Pacing, target: Target) -> None:  # noqa: ARG002 - of Provider
        self._settings, self._pacing = settings, pacing
        self._asker = Asker(settings, pacing, self.label)

    @classmethod
    def missing(cls, settings: ProfilesSettings) -> str | None:  # noqa: ARG003 - of Provider
        """Nothing: it works for anyone."""
        return None

    async def __aenter__(self) -> Self:
        await self._asker.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._asker.__aexit__()

    # ── the interface ──

    async def profile(self, target: Target) -> Profile:
        actor = _read(_Actor, await self._ask("app.bsky.actor.getProfile", {"actor": target.name}, target))
        if actor.signed_in_only:
            raise LoginNeeded(f"@{actor.name} asks Bluesky to be shown to signed-in people only.")
        return Profile(
            username=actor.name,
            full_name=actor.display_name or actor.name,
            bio=actor.description,
            followers=actor.followers,
            following=actor.follows,
            post_count=actor.posts,
            profile_url=f"https://bsky.app/profile/{actor.name}",
            profile_pic_url=actor.avatar,
        )

    async def posts(self, target: Target, limit: int) -> list[Post]:
        found: dict[str, _View] = {}
        params: Params = {"actor": target.name, "limit": _PAGE, "filter": "posts_no_replies"}
        for _ in range(_PAGES_MAX):
            page = _read(_Feed, await self._ask("app.bsky.feed.getAuthorFeed", params, target))
            found |= {one.post.uri: one.post for one in page.feed if one.reason is None and one.reply is None}
            self._pacing.count(min(len(found), limit), limit, "posts")
            if page.cursor is None or not page.feed or len(found) >= limit or page.cursor == params.get("cursor"):
                break
            params["cursor"] = page.cursor
        return [_post(view) for view in list(found.values())[:limit]]

    async def post(self, target: Target) -> Post:
        uri = f"at://{target.name}/app.bsky.feed.post/{target.id}"
        view = (await self._thread(uri, depth=0)).post
        if view is None:
            raise PostMissing("Bluesky does not show the post: it was deleted, or its author blocks it.")
        if view.author.signed_in_only:
            raise LoginNeeded(f"@{view.author.name} asks Bluesky to be shown to signed-in people only.")
        return _post(view)

    async def comments(self, post: Post, limit: int) -> list[Comment]:
        root = await self._thread(post.id, depth=LEVELS_MAX)
        if root.post is None:
            raise PostMissing("The post was deleted meanwhile.")
        asked: set[str] = set()
        while len(asked) < _FURTHER and (cut := next(_unfinished(root, asked), None)) is not None:
            reply, uri = cut
            asked.add(uri)
            with suppress(PostMissing):
                reply.replies = (await self._thread(uri, depth=LEVELS_MAX)).replies
        kept = clip(await asyncio.to_thread(_comments, root), limit, self._settings.replies_max)
        self._pacing.count(count(kept), None, f"comments of post {post.shortcode}")
        return kept

    # ── asking ──

    async def _thread(self, uri: str, depth: int) -> _Thread:
        params: Params = {"uri": uri, "depth": depth, "parentHeight": 0}
        data = await self._ask("app.bsky.feed.getPostThread", params)
        answer = await asyncio.to_thread(_read, _ThreadAnswer, data)
        return answer.thread

    async def _ask(self, method: str, params: Params, target: Target | None = None) -> Any:
        """The JSON of an answer. Raises what the network says is wrong."""
        answer = await self._asker.get(f"{self._settings.bluesky_url.rstrip('/')}/xrpc/{method}", params)
        if answer.status == 200:
            return answer.data
        raise _refusal(answer, target.name if target else "")


def _refusal(answer: Answer, name: str) -> ProfilesError:
    code = answer.data.get("error") if isinstance(answer.data, dict) else None
    said = answer.error or f"status {answer.status}"
    match code:
        case "AccountTakedown":
            return ProfileSuspended(f"Bluesky has suspended @{name}.")
        case "AccountDeactivated":
            return ProfileSuspended(f"The owner of @{name} has deactivated the account.")
        case "NotFound":
            return PostMissing("Bluesky has no such post: it was deleted, or its author's account is gone.")
        case "InvalidRequest" if name:
            return ProfileMissing(f"Bluesky knows no profile @{name} ({said}): check the name, or it was deleted.")
        case "InvalidRequest":
            return PostMissing(f"Bluesky has no such post ({said}): check the URL.")
        case "AuthenticationRequired" | "AuthMissing":
            return LoginNeeded(f"Bluesky shows this to signed-in people only ({said}).")
        case _:
            return UnexpectedAnswer(f"Bluesky's AppView answers as none does ({said}): check `bluesky_url`.")


def _read(kind: type[T], data: Any) -> T:
    """JSON as what it should be. Raises UnexpectedAnswer."""
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the answer"
        raise UnexpectedAnswer(
            f"Bluesky's AppView answers as none does ({place}: {first['msg'].lower()}): check `bluesky_url`."
        ) from None


# ── what came, as ours ──


def _post(view: _View) -> Post:
    return Post(
        id=view.uri,
        url=view.url,
        caption=view.text,
        timestamp=view.timestamp,
        like_count=view.likes,
        comment_count=view.replies,
        image_url=_image(view.embed),
        shortcode=view.key,
    )


def _comments(thread: _Thread, level: int = 1) -> list[Comment]:
    """The replies that are shown, as a tree; those below the deepest level stand beside it."""
    found: list[Comment] = []
    for reply in thread.replies or ():
        if reply.post is None or reply.post.author.signed_in_only:
            continue
        below = _comments(reply, min(level + 1, LEVELS_MAX))
        comment = Comment(
            id=reply.post.uri,
            username=reply.post.author.name,
            text=reply.post.text,
            timestamp=reply.post.timestamp,
            like_count=reply.post.likes,
            replies=below if level < LEVELS_MAX else [],
        )
        found += [comment] if level < LEVELS_MAX else [comment, *below]
    return found


def _unfinished(thread: _Thread, asked: set[str]) -> Iterator[tuple[_Thread, str]]:
    """Replies that have answers of which none came along, and were not asked for them yet; with their URIs."""
    for reply in thread.replies or ():
        if reply.post is not None and reply.post.replies and not reply.replies and reply.post.uri not in asked:
            yield reply, reply.post.uri
        yield from _unfinished(reply, asked)


def _written_out(record: dict[str, Any]) -> str:
    """The text with its links in full: apps shorten what they show, and keep the link beside it.

    Positions count bytes of UTF-8. What does not fit is left as it is.
    """
    text = str(record.get("text") or "")
    raw = text.encode()
    for start, end, uri in sorted(_links(record.get("facets")), reverse=True):
        if 0 <= start < end <= len(raw):
            raw = raw[:start] + uri.encode() + raw[end:]
    return raw.decode(errors="replace")


def _links(facets: Any) -> Iterator[tuple[int, int, str]]:
    for facet in facets if isinstance(facets, list) else ():
        try:
            place = facet["index"]
            links = [one["uri"] for one in facet["features"] if one.get("$type") == _LINK]
            if links:
                yield int(place["byteStart"]), int(place["byteEnd"]), str(links[0])
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


def _image(embed: dict[str, Any] | None) -> str | None:
    """The first picture of a post: its own, its video's, that of the page it links to."""
    embed = embed or {}
    pictures = embed.get("images") or embed.get("items") or [embed.get("external") or embed]
    first = pictures[0] if isinstance(pictures, list) and isinstance(pictures[0], dict) else {}
    found = first.get("fullsize") or first.get("thumb") or first.get("thumbnail")
    if isinstance(found, str):
        return found
    media = embed.get("media")
    return _image(media) if isinstance(media, dict) else None


def _time(text: Any) -> datetime | None:
    try:
        return _utc(datetime.fromisoformat(text))
    except (TypeError, ValueError):
        return None


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
