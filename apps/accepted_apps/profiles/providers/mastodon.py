"""Mastodon, and the servers that speak its API: GoToSocial, Pleroma, Akkoma and others. Without a login."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, TypeAdapter, ValidationError

from accepted_apps.profiles.asking import Answer, Asker
from accepted_apps.profiles.errors import (
    LoginFailed,
    LoginNeeded,
    PostMissing,
    ProfileMissing,
    ProfilePrivate,
    ProfilesError,
    ProfileSuspended,
    UnexpectedAnswer,
)
from accepted_apps.profiles.model import Comment, Post, Profile, clip, count, thread
from accepted_apps.profiles.pacing import Pacing
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.text import plain_text
from accepted_apps.profiles.urls import Target

T = TypeVar("T")

_PAGE: Final = 40
"""Posts that a server gives at once."""
_PAGES_MAX: Final = 50
"""Pages that are looked through where a server mixes in what others wrote."""
_ANONYMOUS_MAX: Final = 60
"""Replies that a server gives at once to callers without a token."""
_FURTHER: Final = 10
"""Threads below a post that are asked for by themselves, because they did not come with it."""
_SHOWN: Final = frozenset({"public", "unlisted"})

Id = Annotated[str, BeforeValidator(str)]
Text = Annotated[str, BeforeValidator(lambda text: text or "")]
Count = Annotated[int, BeforeValidator(lambda count: count or 0), AfterValidator(lambda count: max(0, count))]
At = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))]


class _Account(BaseModel):
    id: Id
    username: str
    acct: str
    display_name: Text = ""
    note: Text = ""
    url: str | None = None
    avatar: str | None = None
    locked: bool = False
    suspended: bool = False
    followers_count: Count = 0
    following_count: Count = 0
    statuses_count: Count = 0


class _Author(BaseModel):
    acct: str


class _Media(BaseModel):
    type: str = "unknown"
    url: str | None = None
    preview_url: str | None = None

    @property
    def image(self) -> str | None:
        return self.url if self.type == "image" and self.url else self.preview_url


class _Card(BaseModel):
    image: str | None = None


class _Status(BaseModel):
    id: Id
    created_at: At
    in_reply_to_id: Id | None = None
    visibility: Annotated[str, BeforeValidator(lambda visibility: visibility or "public")] = "public"
    spoiler_text: Text = ""
    content: Text = ""
    url: str | None = None
    uri: str | None = None
    replies_count: Count = 0
    favourites_count: Count = 0
    account: _Author
    reblog: dict[str, Any] | None = None
    media_attachments: Annotated[list[_Media], BeforeValidator(lambda media: media or [])] = []
    card: _Card | None = None

    @property
    def text(self) -> str:
        return "\n\n".join(part for part in (self.spoiler_text.strip(), plain_text(self.content)) if part)

    @property
    def image(self) -> str | None:
        images = [one.image for one in self.media_attachments if one.image]
        return images[0] if images else self.card.image if self.card else None


class _Context(BaseModel):
    descendants: list[_Status]


class _Found(BaseModel):
    accounts: list[_Account]


class Mastodon:
    """One server, for one attempt of one job. See `base.Provider`."""

    label: ClassVar[str] = "Mastodon"

    def __init__(self, settings: ProfilesSettings, pacing: Pacing, target: Target) -> None:
        self._settings, self._pacing = settings, pacing
        self._host, self._api = target.host, f"{target.base}/api"
        token = settings.mastodon_token(target.host)
        self._signed_in = token is not None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._asker = Asker(settings, pacing, target.host, headers=headers)
        self._account: _Account | None = None

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
        account = await self._find(target.name)
        return Profile(
            username=account.acct,
            full_name=account.display_name or account.username,
            bio=plain_text(account.note),
            followers=account.followers_count,
            following=account.following_count,
            post_count=account.statuses_count,
            profile_url=account.url or target.url,
            profile_pic_url=account.avatar,
        )

    async def posts(self, target: Target, limit: int) -> list[Post]:
        account = self._account or await self._find(target.name)
        found: dict[str, _Status] = {}
        url: str | None = f"{self._api}/v1/accounts/{account.id}/statuses"
        params: dict[str, str | int] | None = {"limit": _PAGE, "exclude_reblogs": "true", "exclude_replies": "true"}
        for _ in range(_PAGES_MAX):
            answer = await self._get(url or "", params, ProfileMissing(self._no_profile(target.name)))
            page = _read(list[_Status], answer.data, self._host)
            fresh = [one for one in page if one.id not in found]
            found |= {one.id: one for one in fresh if one.reblog is None and one.visibility in _SHOWN}
            self._pacing.count(min(len(found), limit), limit, "posts")
            url, params = answer.links.get("next"), None
            if url is None or not fresh or len(found) >= limit:
                break
        if not found and account.locked and account.statuses_count:
            raise ProfilePrivate(f"@{account.acct} shows its posts to people it has accepted only.")
        newest = sorted(found.values(), key=lambda one: one.created_at, reverse=True)
        return [self._post(one) for one in newest[:limit]]

    async def post(self, target: Target) -> Post:
        missing = PostMissing(f"{self._host} has no post {target.id}: it was deleted, or is not for everybody.")
        answer = await self._get(f"{self._api}/v1/statuses/{target.id}", None, missing)
        status = _read(_Status, answer.data, self._host)
        if status.visibility not in _SHOWN:
            raise missing
        return self._post(_read(_Status, status.reblog, self._host) if status.reblog else status)

    async def comments(self, post: Post, limit: int) -> list[Comment]:
        found = {one.id: one for one in await self._replies(post.id)}
        cut, asked = not self._signed_in and len(found) >= _ANONYMOUS_MAX, set[str]()
        enough = limit + self._settings.replies_max
        while (
            len(asked) < _FURTHER and len(found) < enough and (reply := _unfinished(found.values(), asked)) is not None
        ):
            asked.add(reply)
            with suppress(PostMissing):
                found = {one.id: one for one in await self._replies(reply)} | found
        kept = await asyncio.to_thread(_tree, found.values(), limit, self._settings.replies_max)
        self._pacing.count(count(kept), None, f"comments of post {post.shortcode}")
        if cut:
            self._pacing.note(
                post.id,
                f"{self._host} gives {_ANONYMOUS_MAX} replies of a post to callers without a token: "
                "for all of them add one to `mastodon_tokens`.",
            )
        return kept

    # ── asking ──

    async def _find(self, name: str) -> _Account:
        """The account that a server knows under `ann` or `ann@host`. Raises ProfileMissing, ProfileSuspended."""
        acct = name.removesuffix(f"@{self._host}")
        answer = await self._ask(f"{self._api}/v1/accounts/lookup", {"acct": acct})
        if answer.status == 404:
            account = await self._search(acct, answer)
        else:
            account = _read(_Account, answer.data, self._host)
        if account.suspended:
            raise ProfileSuspended(f"@{account.acct} is suspended on {self._host}.")
        self._account = account
        return account

    async def _search(self, acct: str, lookup: Answer) -> _Account:
        """For servers that do not know how to look an account up, and as a proof that this is one."""
        if lookup.error == "Record not found":
            raise ProfileMissing(self._no_profile(acct))
        query: dict[str, str | int] = {"q": acct, "type": "accounts", "limit": _PAGE}
        answer = await self._ask(f"{self._api}/v2/search", query)
        if answer.status == 404 and isinstance(lookup.data, dict) and lookup.error:
            raise ProfileMissing(self._no_profile(acct))
        found = _read(_Found, answer.data, self._host).accounts
        same = [one for one in found if one.acct.lower() == acct.lower()]
        if not same:
            raise ProfileMissing(self._no_profile(acct))
        return same[0]

    async def _replies(self, status_id: str) -> list[_Status]:
        missing = PostMissing("The post was deleted meanwhile.")
        answer = await self._get(f"{self._api}/v1/statuses/{status_id}/context", None, missing)
        context = await asyncio.to_thread(_read, _Context, answer.data, self._host)
        return context.descendants

    async def _get(self, url: str, params: dict[str, str | int] | None, missing: ProfilesError) -> Answer:
        """An answer that is not 404. Raises `missing` for that."""
        answer = await self._ask(url, params)
        if answer.status == 404:
            raise missing
        return answer

    async def _ask(self, url: str, params: dict[str, str | int] | None) -> Answer:
        """An answer that is an answer, or 404. Raises LoginNeeded, LoginFailed, ProfileSuspended, UnexpectedAnswer."""
        answer = await self._asker.get(url, params)
        match answer.status:
            case 200 | 404:
                return answer
            case 401 | 403 | 422 if answer.data is not None:
                raise self._no_entry(answer)
            case 410:
                raise ProfileSuspended(f"The profile is suspended on {self._host}, or has moved away.")
            case status:
                raise UnexpectedAnswer(_not_mastodon(self._host, f"it answers with status {status}"))

    def _no_entry(self, answer: Answer) -> ProfilesError:
        said = f" ({answer.error})" if answer.error else ""
        if self._signed_in and answer.status == 401:
            return LoginFailed(f"{self._host} does not take the token of `mastodon_tokens`{said}: make a new one.")
        return LoginNeeded(
            f"{self._host} shows this to signed-in people only{said}: add a token for it to `mastodon_tokens`."
        )

    def _no_profile(self, name: str) -> str:
        return f"{self._host} knows no profile @{name}: check the name, or it was deleted."

    def _post(self, status: _Status) -> Post:
        return Post(
            id=status.id,
            url=status.url or status.uri or f"{self._api.removesuffix('/api')}/@{status.account.acct}/{status.id}",
            caption=status.text,
            timestamp=status.created_at,
            like_count=status.favourites_count,
            comment_count=status.replies_count,
            image_url=status.image,
            shortcode=status.id,
        )


def _tree(found: Iterable[_Status], limit: int, replies: int) -> list[Comment]:
    shown = (one for one in found if one.visibility in _SHOWN)
    return clip(thread((_comment(one), one.in_reply_to_id or "") for one in shown), limit, replies)


def _unfinished(found: Collection[_Status], asked: set[str]) -> str | None:
    """A reply that has answers of which none came along, and was not asked for them yet."""
    known = {one.in_reply_to_id for one in found} | asked
    return next((one.id for one in found if one.replies_count and one.id not in known), None)


def _comment(status: _Status) -> Comment:
    return Comment(
        id=status.id,
        username=status.account.acct,
        text=status.text,
        timestamp=status.created_at,
        like_count=status.favourites_count,
    )


def _read(kind: type[T], data: Any, host: str) -> T:
    """JSON as what it should be. Raises UnexpectedAnswer."""
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the answer"
        raise UnexpectedAnswer(_not_mastodon(host, f"{place}: {first['msg'].lower()}")) from None


def _not_mastodon(host: str, what: str) -> str:
    return f"{host} does not speak Mastodon's API ({what}): check the URL."
