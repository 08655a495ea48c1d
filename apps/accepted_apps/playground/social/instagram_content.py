"""What the stand-ins of Instagram and of Apify tell: made-up accounts, posts and comments, the same by name.

Names that begin with these words are not ordinary profiles: `nobody` does not exist, `private` is private, `quiet` has
no posts, `small` has posts with few comments. All others have `POSTS` posts of `COMMENTS` comments, answers counted.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

POSTS = 20
COMMENTS = 200
SMALL_COMMENTS = 7
PINNED = 17
"""The post, counted from the newest, that an ordinary profile has pinned."""

_NEWEST = datetime(2026, 11, 1, 12, tzinfo=UTC)
_FIRST_MEDIA = 3_600_000_000_000_000_000
_WORDS = ("harbour", "morning", "granite", "linden", "paper", "meadow", "kettle", "lantern", "north", "ferry")
_READERS = ("mira.holt", "j_okafor", "tomas.r", "ana_wei", "studio.lind", "per.e", "lucia__m", "dk.frame")
#: Answers of each ten comments: (comment, answers, of which the list of comments shows).
_ANSWERED = {3: (2, 2), 7: (3, 1)}


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who comments."""

    pk: str
    username: str
    full_name: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment with its answers, or an answer. `shown`: how many answers come with it."""

    pk: str
    reader: Reader
    text: str
    at: datetime
    likes: int
    answers: tuple[Remark, ...] = ()
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Media:
    """One post. kind: 1 a picture, 2 a reel, 8 several pictures, as Instagram numbers them."""

    pk: str
    code: str
    kind: int
    caption: str | None
    at: datetime
    likes: int
    pinned: bool
    remarks: tuple[Remark, ...]

    @property
    def comments(self) -> int:
        """Comments, answers counted, as Instagram does."""
        return sum(1 + len(remark.answers) for remark in self.remarks)

    @property
    def image_url(self) -> str:
        """Where the picture would be: nobody serves it."""
        return f"https://scontent.cdninstagram.com/v/t51/{self.pk}_n.jpg"


@dataclass(frozen=True, slots=True)
class Account:
    """One profile; `posts` newest first."""

    pk: str
    username: str
    full_name: str
    biography: str
    followers: int
    following: int
    private: bool
    posts: tuple[Media, ...]

    @property
    def picture_url(self) -> str:
        """Where the profile's picture would be."""
        return f"https://scontent.cdninstagram.com/v/t51/{self.pk}_a.jpg"

    @property
    def timeline(self) -> list[Media]:
        """As Instagram lists them: what is pinned first, and only there."""
        return sorted(self.posts, key=lambda post: not post.pinned)


class World:
    """The accounts that were asked for so far, and their posts by code and number."""

    def __init__(self, *, posts: int = POSTS, comments: int = COMMENTS) -> None:
        self._posts = posts
        self._comments = comments
        self._accounts: dict[str, Account] = {}
        self._media: dict[str, tuple[Account, Media]] = {}
        self.deleted: set[str] = set()
        """Codes of posts that are listed, and gone when they are opened."""

    @property
    def accounts(self) -> list[Account]:
        """Those that were asked for so far."""
        return list(self._accounts.values())

    def account(self, username: str) -> Account | None:
        """The profile of this name, or None where there is none."""
        name = username.lower()
        if name.startswith("nobody"):
            return None
        if name not in self._accounts:
            account = self._accounts[name] = self._make(name)
            self._media |= {key: (account, post) for post in account.posts for key in (post.code, post.pk)}
        return self._accounts[name]

    def post(self, key: str) -> tuple[Account, Media] | None:
        """A post by code or number, of an account that was asked for before; None when it is deleted."""
        found = self._media.get(key)
        return None if found is None or found[1].code in self.deleted else found

    def _make(self, name: str) -> Account:
        seed = _number(name)
        posts = 0 if name.startswith("quiet") else self._posts
        comments = SMALL_COMMENTS if name.startswith("small") else self._comments
        return Account(
            pk=str(10_000_000_000 + seed),
            username=name,
            full_name=name.replace(".", " ").replace("_", " ").title(),
            biography=f"{_WORDS[seed % 10].title()} & {_WORDS[seed % 7]} 🌿\nPictures by {name}",
            followers=1200 + seed % 90_000,
            following=80 + seed % 700,
            private=name.startswith("private"),
            posts=tuple(_post(seed, index, comments) for index in range(posts)),
        )


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big")


def _post(seed: int, index: int, comments: int) -> Media:
    pk = _FIRST_MEDIA + seed * 1_000 + index
    at = _NEWEST - timedelta(hours=37 * index)
    word = _WORDS[(seed + index) % len(_WORDS)]
    caption = None if index % 9 == 8 else f"{word.title()} no. {index} — “as found” 📷\n\n#{word} #film @mira.holt"
    return Media(
        pk=str(pk),
        code=_code(pk),
        kind=(1, 8, 2)[index % 3],
        caption=caption,
        at=at,
        likes=(seed + 131 * index) % 5_000,
        pinned=index == PINNED,
        remarks=_remarks(pk, at, comments),
    )


def _code(number: int) -> str:
    """A post's number as Instagram writes it in URLs: base 64, most significant first."""
    text = urlsafe_b64encode(number.to_bytes(9, "big")).decode()
    return text.lstrip("A")


def _remarks(media: int, at: datetime, count: int) -> tuple[Remark, ...]:
    """Comments and answers, `count` together."""
    remarks: list[Remark] = []
    left = count
    while left > 0:
        index = len(remarks)
        answers, shown = _ANSWERED.get(index % 10, (0, 0))
        answers = min(answers, left - 1)
        remarks.append(_remark(media, at, index, answers, min(shown, answers)))
        left -= 1 + answers
    return tuple(remarks)


def _remark(media: int, at: datetime, index: int, answers: int, shown: int) -> Remark:
    said = at + timedelta(minutes=3 * index + 1)
    return Remark(
        pk=_remark_pk(media, index, 0),
        reader=_reader(media + index),
        text=f"{_WORDS[index % 10].title()}, and again: {index} 👏",
        at=said,
        likes=(index * 7) % 23,
        answers=tuple(_answer(media, index, number, said) for number in range(1, answers + 1)),
        shown=shown,
    )


def _answer(media: int, index: int, number: int, said: datetime) -> Remark:
    return Remark(
        pk=_remark_pk(media, index, number),
        reader=_reader(media + index + number),
        text=f"@{_reader(media + index).username} answer {number}",
        at=said + timedelta(minutes=number),
        likes=number,
    )


def _remark_pk(media: int, index: int, number: int) -> str:
    return str(17_800_000_000_000_000 + (media % 100_000_000_000) * 10_000 + index * 10 + number)


def _reader(number: int) -> Reader:
    username = _READERS[number % len(_READERS)]
    return Reader(str(5_000_000_000 + number % len(_READERS)), username, username.replace(".", " ").title())
