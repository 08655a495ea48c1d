"""The papers: each with its way of listing its articles, of marking them up, and of making addresses."""

from collections.abc import Callable
from dataclasses import dataclass

from accepted_apps.playground.news.stories import (
    ENGLISH,
    FRENCH,
    GERMAN,
    JAPANESE,
    SPANISH,
    Language,
    Story,
    stories,
)


@dataclass(frozen=True)
class Paper:
    """One paper. `path` makes the address of an article below `/news/NAME/`; `markup` is how its pages describe
    themselves: `json-ld`, `graph`, `og` or `microdata`; `front` the template of its front page."""

    name: str
    title: str
    language: Language
    stories: tuple[Story, ...]
    path: Callable[[Story], str]
    markup: str
    front: str = ""

    def url(self, story: Story) -> str:
        """The path of an article on the site."""
        return f"/news/{self.name}/{self.path(story)}"

    def at(self, path: str) -> Story | None:
        """The article with this path below the paper's own."""
        return next((story for story in self.stories if self.path(story) == path), None)


def _dated(story: Story) -> str:
    return f"{story.published:%Y/%m/%d}/{story.slug}"


def _numbered(story: Story) -> str:
    return f"{story.section.lower()}/{story.slug}-a{story.number}.html"


def _paper(name: str, title: str, language: Language, prefix: str, start: int, markup: str, front: str = "") -> Paper:
    path = _numbered if start % 2 else _dated
    return Paper(name, title, language, stories(language, prefix, start), path, markup, front)


HARBOUR = _paper("harbour", "Harbour Post", ENGLISH, "council-decides-about-the-harbour", 410_000, "json-ld", "cards")
HAFENBLATT = _paper("hafenblatt", "Hafenblatt", GERMAN, "stadtrat-entscheidet-ueber-den-hafen", 520_001, "og")
MINATO = _paper("minato", "みなと新聞", JAPANESE, "chogikai-ga-kimeta-minato", 630_000, "microdata")
COURRIER = _paper(
    "courrier", "Courrier du port", FRENCH, "conseil-municipal-decide-pour-le-port", 740_001, "graph", "blocks"
)
PUERTO = _paper("puerto", "El Puerto", SPANISH, "ayuntamiento-decide-sobre-el-puerto", 850_000, "og", "list")
SLOW = _paper("slow", "Slow Tidings", ENGLISH, "slowly-decided-by-the-council", 960_000, "json-ld")
TORN = _paper("torn", "Torn Pages", ENGLISH, "torn-out-of-the-council-minutes", 970_000, "json-ld")
BUSY = _paper("busy", "Busy Courier", ENGLISH, "busy-council-decides-at-last", 980_000, "json-ld")
WIRE = _paper("wire", "Harbour wire", ENGLISH, "agency-report-from-the-council", 990_000, "json-ld")

PAPERS = {paper.name: paper for paper in (HARBOUR, HAFENBLATT, MINATO, COURRIER, PUERTO, SLOW, TORN, BUSY, WIRE)}
