"""Pages that are no articles, and what they are instead."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .language import word_count
from .page import Page
from .shapes import NotAnArticle
from .text import Body
from .traits import PARAGRAPH

_FEWEST = 25
"""Words (characters of Chinese and Japanese: twice as many) below which nobody calls it an article."""
_LOGIN = re.compile(
    r"log ?in|sign ?in|anmelden|einloggen|connectez|identifiez|iniciar sesión|accedi|registr|"
    r"subscribe to (?:read|continue)|subscribers? only|abonn|se connecter|войти|登录|ログイン|로그인",
    re.IGNORECASE,
)
_SCRIPT_ONLY = re.compile(
    r"enable javascript|javascript (?:is|must be|aktivieren)|requires javascript|activer javascript", re.IGNORECASE
)


def refuse(page: Page, body: Body, title: str) -> None:
    """Raises NotAnArticle, with what the page is, if it holds no article."""
    words = word_count(body.text)
    if _is_listing(page, body):
        raise NotAnArticle("This page is a list of articles, not one: give the address of an article.")
    if words >= _FEWEST:
        return
    shown = " ".join(
        one
        for one in page.tree.xpath("//body//text()[not(parent::script or parent::style or parent::template)]")[:4000]
    )
    flat = " ".join(shown.split())
    if _SCRIPT_ONLY.search(flat) or (len(flat) < 400 and len(page.tree.xpath("//script")) > 2):
        raise NotAnArticle("This page is an empty shell that a script fills in the browser: its HTML holds no article.")
    if page.tree.xpath("//input[@type='password']") or (len(flat) < 5000 and _LOGIN.search(flat)):
        raise NotAnArticle("This page shows its article to signed-in readers only: there is no text before the login.")
    if (
        page.meta("og:type").startswith("video")
        or page.meta("og:video", "og:video:url")
        or next(page.linked.of_type("VideoObject"), None)
    ):
        raise NotAnArticle("This page holds a video and no text.")
    if words == 0 or not title:
        raise NotAnArticle("This page holds no article: no running text was found in it.")
    if words < _FEWEST and not page.linked.article:
        raise NotAnArticle("This page holds no article: its text is no longer than a note.")


def _is_listing(page: Page, body: Body) -> bool:
    """A front page or a section: what counts as text is teasers, and each of them leads elsewhere."""
    if page.linked.article or page.meta("og:type") == "article" or page.meta("article:published_time"):
        return False
    length = sum(len(block.text) for block in body.blocks)
    linking = sum(len(block.text) for block in body.blocks if block.linked > 0.5 * len(block.text))
    paragraphs = sum(
        1 for block in body.blocks if len(block.text) >= PARAGRAPH and block.linked < 0.5 * len(block.text)
    )
    front = urlsplit(page.url).path in ("", "/") and not urlsplit(page.url).query
    teasers = len(page.tree.xpath("//h2//a | //h3//a | //a//h2 | //a//h3 | //h4//a | //a//h4"))
    return (
        (length > 0 and linking > 0.6 * length and len(body.blocks) > 5)
        or (front and teasers >= 5)
        or (teasers >= 15 and paragraphs < 3)
    )
