"""Trees of comments, how much of them is kept, and texts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from accepted_apps.profiles.model import LEVELS_MAX, Comment, clip, count, thread
from accepted_apps.profiles.text import plain_text

AT = datetime(2026, 11, 1, tzinfo=UTC)


def comment(key: str) -> Comment:
    return Comment(id=key, username="ann", text=key, timestamp=AT)


def drawn(comments: list[Comment]) -> str:
    return " ".join(one.id + (f"({drawn(one.replies)})" if one.replies else "") for one in comments)


def tree(*pairs: str) -> list[Comment]:
    """Of texts such as "b>a": b answers a."""
    return thread((comment(pair.partition(">")[0]), pair.partition(">")[2]) for pair in pairs)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], ""),
        (["a>post", "b>post"], "a b"),
        (["a>post", "b>a", "c>b", "d>a", "e>post"], "a(b(c) d) e"),
        (["b>a", "a>post"], "a(b)"),
        (["a>gone", "b>a"], "a(b)"),
        (["a>b", "b>a", "c>post"], "c"),
        (["a>a", "b>post"], "b"),
    ],
)
def test_answers_stand_under_what_they_answer(pairs: list[str], expected: str) -> None:
    assert drawn(tree(*pairs)) == expected


def test_a_chain_is_no_deeper_than_json_readers_go() -> None:
    chain = tree("0>post", *(f"{number}>{number - 1}" for number in range(1, 5000)))
    depth, level = 0, chain
    while level:
        depth, level = depth + 1, level[0].replies
    assert depth == LEVELS_MAX
    assert count(chain) == 5000, "nothing is lost"
    Comment.model_validate_json(chain[0].model_dump_json())


def test_what_is_kept_is_nearest_to_the_post() -> None:
    def made() -> list[Comment]:
        return tree("a>post", "b>a", "c>b", "d>a", "e>post", "f>e", "g>post")

    assert drawn(clip(made(), 9, 9)) == "a(b(c) d) e(f) g"
    assert drawn(clip(made(), 2, 9)) == "a(b(c) d) e(f)"
    assert drawn(clip(made(), 2, 3)) == "a(b d) e(f)"
    assert drawn(clip(made(), 3, 1)) == "a(b) e g"
    assert drawn(clip(made(), 3, 0)) == "a e g"


def test_the_names_in_json_are_those_of_the_contract() -> None:
    assert comment("a").model_dump(mode="json") == {
        "id": "a",
        "username": "ann",
        "text": "a",
        "timestamp": "2026-11-01T00:00:00.000+00:00",
        "likeCount": 0,
        "replies": [],
    }


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>One &amp; two &lt;3</p><p>Three</p>", "One & two <3\n\nThree"),
        ("a<br>b<br />c", "a\nb\nc"),
        (
            (
                '<p>See <a href="https://x.example/long"><span class="invisible">https://</span>'
                '<span class="ellipsis">x.example/</span><span class="invisible">long</span></a></p>'
            ),
            "See https://x.example/long",
        ),
        ('<span class="h-card"><a href="#">@<span>ann</span></a></span> hi :blobcat: 🐈', "@ann hi :blobcat: 🐈"),
        ("<ul><li>one</li><li>two</li></ul>", "• one\n• two"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<p>  spread\n  over </p>", "spread over"),
        ("<script>alert(1)</script><p>x</p><style>y", "x"),
        ("<p>unclosed <b>bold", "unclosed bold"),
        ("just text & no entity", "just text & no entity"),
    ],
)
def test_html_is_read_as_it_is_seen(html: str, text: str) -> None:
    assert plain_text(html) == text
