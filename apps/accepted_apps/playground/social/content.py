"""What the stand-ins of Mastodon and Bluesky tell: made-up people, posts and comments, the same by name on every start.

Names that begin with these words are not ordinary people: `missing` is unknown, `suspended` is closed, `locked` shows
posts to accepted followers only, `hidden` asks to be shown to signed-in people only, `quiet` has no posts, `deleted`
has a third post that is gone when it is opened, `deep` has comments that each answer the one before, `slow` takes a
while for each answer. Everybody else has `POSTS` posts
with `COMMENTS` comments each, three quarters of them direct ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b

POSTS = 50
COMMENTS = 200
PINNED = 7
"""The post, counted from the newest, that everybody has pinned."""
DELETED = 2
"""The post of `deleted`, counted from the newest, that is gone when it is opened."""

_NEWEST = datetime(2026, 11, 1, 12, tzinfo=UTC)
_WORDS = ("harbour", "morning", "granite", "linden", "paper", "meadow", "kettle", "lantern", "north", "ferry")
_READERS = ("mira", "okafor", "tomas", "ana", "studio", "per", "lucia", "frame")
#: Of each eight comments, the distance back to the one that is answered; the others answer the post.
_ANSWERS = {3: 1, 7: 4}


@dataclass(frozen=True)
class Remark:
    """A comment; `parent` is the number of the one it answers, None where it answers the post."""

    number: int
    author: str
    text: str
    at: datetime
    likes: int
    parent: int | None


@dataclass(frozen=True)
class Entry:
    """One post; `number` counts from the newest, 0. Every third has a picture."""

    owner: str
    number: int
    text: str
    at: datetime
    likes: int
    comments: int

    @property
    def picture(self) -> str | None:
        """Where the picture would be: nobody serves it."""
        return f"https://files.example/{self.owner}/{self.number}.jpg" if self.number % 3 == 0 else None

    @cached_property
    def remarks(self) -> tuple[Remark, ...]:
        """Oldest first, so that nobody answers what was not said yet."""
        return tuple(_remark(self, number) for number in range(self.comments))


@dataclass(frozen=True)
class Person:
    """One profile; `posts` newest first. `seed` is a number of its own."""

    name: str
    full_name: str
    bio: str
    followers: int
    following: int
    seed: int
    posts: tuple[Entry, ...] = field(repr=False)

    def is_a(self, kind: str) -> bool:
        """Whether it is one of those that are not ordinary."""
        return self.name.startswith(kind)


def person(name: str, *, posts: int = POSTS, comments: int = COMMENTS) -> Person | None:
    """Whoever has this name; None: nobody has."""
    name = name.lower()
    if name.startswith("missing"):
        return None
    seed = int.from_bytes(blake2b(name.encode(), digest_size=3).digest(), "big")
    count = 0 if name.startswith("quiet") else posts
    return Person(
        name=name,
        full_name=f"{name.capitalize()} {_WORDS[seed % len(_WORDS)].capitalize()}",
        bio=f"Notes on {_word(seed)} & {_word(seed // 7)}.\n\nFrom the {_word(seed // 11)} side.",
        followers=seed % 9_000 + 120,
        following=seed % 700 + 12,
        seed=seed,
        posts=tuple(_entry(name, seed, number, comments) for number in range(count)),
    )


def _entry(owner: str, seed: int, number: int, comments: int) -> Entry:
    return Entry(
        owner=owner,
        number=number,
        text=f"Day {POSTS - number}: the {_word(seed + number)} by the {_word(seed // 3 + number)} <3 & more.",
        at=_NEWEST - timedelta(hours=9 * number, seconds=seed % 3600),
        likes=(seed + 37 * number) % 500,
        comments=comments,
    )


def _remark(entry: Entry, number: int) -> Remark:
    back = _ANSWERS.get(number % 8)
    if entry.owner.startswith("deep"):
        back = 1 if number else None
    author = _READERS[(entry.number + number) % len(_READERS)]
    return Remark(
        number=number,
        author=author,
        text=f"{_word(number).capitalize()} and {_word(entry.number + 3 * number)}, says {author} ({number}).",
        at=entry.at + timedelta(seconds=20 * (number + 1)),
        likes=(number * 13 + entry.number) % 40,
        parent=None if back is None else number - back,
    )


def _word(number: int) -> str:
    return _WORDS[number % len(_WORDS)]
