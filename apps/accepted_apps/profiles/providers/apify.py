"""Instagram, read by Apify's actors, which need no login of one's own and are paid by results.

The profile's actor gives the newest posts with a profile; more posts, a post alone, and comments come from others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from accepted_apps.profiles.errors import LoginNeeded, ProfilesError, UnexpectedAnswer
from accepted_apps.profiles.model import Comment, Post, Profile, clip
from accepted_apps.profiles.pacing import Pacing
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.urls import Target

from .apify_runs import Item, Runs
from .instagram_errors import post_missing, private, profile_missing
from .instagram_listing import PINNED_MAX, newest

T = TypeVar("T", bound=BaseModel)

Id = Annotated[str, BeforeValidator(str)]
Text = Annotated[str, BeforeValidator(lambda text: text or "")]
Number = Annotated[int, BeforeValidator(lambda number: max(number or 0, 0))]
"""Instagram says −1 where an owner hides the number."""
Time = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))]


class _Profile(BaseModel):
    username: str
    full_name: Text = Field("", alias="fullName")
    biography: Text = ""
    followers: Number = Field(0, alias="followersCount")
    follows: Number = Field(0, alias="followsCount")
    posts: Number = Field(0, alias="postsCount")
    picture: str | None = Field(None, alias="profilePicUrl")
    large_picture: str | None = Field(None, alias="profilePicUrlHD")
    private: bool = False
    latest: list[Any] = Field(default_factory=list, alias="latestPosts")


class _Post(BaseModel):
    id: Id
    code: str = Field(alias="shortCode")
    caption: Text = ""
    at: Time = Field(alias="timestamp")
    likes: Number = Field(0, alias="likesCount")
    comments: Number = Field(0, alias="commentsCount")
    picture: str | None = Field(None, alias="displayUrl")
    product: str | None = Field(None, alias="productType")


class _Comment(BaseModel):
    id: Id
    username: Text = Field("", alias="ownerUsername")
    text: Text = ""
    at: Time = Field(alias="timestamp")
    likes: Number = Field(0, alias="likesCount")
    answers: Number = Field(0, alias="repliesCount")
    replies: Annotated[list[_Comment], BeforeValidator(lambda replies: replies or [])] = Field(default_factory=list)


class Apify:
    """Instagram through Apify; a Provider."""

    label: ClassVar[str] = "Apify"

    def __init__(self, settings: ProfilesSettings, pacing: Pacing, _target: Target) -> None:
        self._settings, self._pacing = settings, pacing
        self._runs = Runs(settings, pacing)
        self._found: _Profile | None = None

    @classmethod
    def missing(cls, settings: ProfilesSettings) -> str | None:
        """Which settings it lacks, as a sentence; None when it is ready."""
        return None if settings.apify_token else "there is no token: set profiles.apify_token."

    async def __aenter__(self) -> Self:
        await self._runs.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._runs.__aexit__(*error)

    async def profile(self, target: Target) -> Profile:
        """The profile of a name. Raises ProfileMissing, ProfilePrivate, LoginNeeded, RunFailed, PaymentNeeded."""
        found = await self._profile(target.name)
        return Profile(
            username=found.username,
            full_name=found.full_name,
            bio=found.biography,
            followers=found.followers,
            following=found.follows,
            post_count=found.posts,
            profile_url=f"https://www.instagram.com/{found.username}/",
            profile_pic_url=found.large_picture or found.picture,
        )

    async def posts(self, target: Target, limit: int) -> list[Post]:
        """The newest posts: those that came with the profile, where they are enough."""
        profile = await self._profile(target.name)
        items = profile.latest
        if len(items) < min(limit + PINNED_MAX, profile.posts):
            given = {"directUrls": [target.url], "resultsType": "posts", "resultsLimit": limit + PINNED_MAX}
            items = await self._runs.items(self._settings.apify_post_actor, given, f"posts of {target.name}")
            if _error_of(items):
                items = []
        return newest([_post(_parsed(_Post, item)) for item in items], limit)

    async def post(self, target: Target) -> Post:
        """The post of a shortcode. Raises PostMissing, LoginNeeded, RunFailed, PaymentNeeded."""
        given = {"directUrls": [target.url], "resultsType": "posts", "resultsLimit": 1}
        items = await self._runs.items(self._settings.apify_post_actor, given, f"post {target.id}")
        if (error := _error_of(items)) or not items:
            raise _restricted(error, f"the post {target.id}") or post_missing(target.id)
        return _post(_parsed(_Post, items[0]))

    async def comments(self, post: Post, limit: int) -> list[Comment]:
        """The comments of a post. Raises PostMissing, RunFailed, PaymentNeeded."""
        if not limit or not post.comment_count:
            return []
        actor = self._settings.apify_comment_actor
        given: dict[str, Any] = {"directUrls": [post.url], "resultsLimit": limit, "includeNestedComments": True}
        if "comment" not in actor:
            given["resultsType"] = "comments"
        items = await self._runs.items(actor, given, f"comments of {post.shortcode}")
        error = _error_of(items)
        if error == "not_found":
            raise post_missing(post.shortcode)
        found = [] if error else [_parsed(_Comment, item) for item in items]
        self._note(post, found)
        return clip([_comment(one) for one in found], limit, self._settings.replies_max)

    async def _profile(self, name: str) -> _Profile:
        """The profile, with its newest posts: by one run in an attempt."""
        if self._found is None:
            self._found = await self._read_profile(name)
        return self._found

    async def _read_profile(self, name: str) -> _Profile:
        given = {"usernames": [name]}
        items = await self._runs.items(self._settings.apify_profile_actor, given, f"profile {name}")
        if (error := _error_of(items)) or not items:
            raise _restricted(error, f"the profile {name}") or profile_missing(name)
        found = _parsed(_Profile, items[0])
        if found.private:
            raise private(name, "")
        return found

    def _note(self, post: Post, found: list[_Comment]) -> None:
        """Say what Apify has left out, which only shows in the numbers."""
        answers = sum(one.answers for one in found)
        if not found:
            self._pacing.note(post.id, f"Apify has found none of the {post.comment_count} comments.")
        elif answers and not any(one.replies for one in found):
            self._pacing.note(post.id, f"Apify gives the {answers} replies to accounts with a paid plan only.")


def _error_of(items: list[Item]) -> str:
    """The code of the error that stands in place of results; "" where there are results, or nothing."""
    return str(items[0].get("error") or "") if items and "error" in items[0] else ""


def _restricted(error: str, what: str) -> ProfilesError | None:
    if "restricted" in error:
        return LoginNeeded(f"Instagram shows {what} to signed-in people only, which Apify's actor is not.")
    return None


def _parsed(kind: type[T], item: Item) -> T:
    try:
        return kind.model_validate(item)
    except ValidationError as error:
        fields = ", ".join(sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]}))
        raise UnexpectedAnswer(f"Apify's actor gives results of another form ({fields}): it has changed.") from error


def _post(found: _Post) -> Post:
    kind = "reel" if found.product == "clips" else "p"
    return Post(
        id=found.id,
        url=f"https://www.instagram.com/{kind}/{found.code}/",
        caption=found.caption,
        timestamp=found.at,
        like_count=found.likes,
        comment_count=found.comments,
        image_url=found.picture,
        shortcode=found.code,
    )


def _comment(found: _Comment) -> Comment:
    return Comment(
        id=found.id,
        username=found.username,
        text=found.text,
        timestamp=found.at,
        like_count=found.likes,
        replies=[_comment(one) for one in found.replies],
    )
