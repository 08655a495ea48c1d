"""The order of a profile's posts, whoever lists them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from accepted_apps.profiles.model import Post

PINNED_MAX: Final = 3
"""Posts that a profile may have pinned. They are listed first, whenever they were made: as many more are asked for."""


def newest(posts: Iterable[Post], limit: int) -> list[Post]:
    """The newest of them, newest first, each once."""
    once = {post.id: post for post in posts}
    return sorted(once.values(), key=lambda post: post.timestamp, reverse=True)[:limit]
