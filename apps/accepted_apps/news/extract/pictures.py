"""The lead picture, and the pictures, videos and sounds inside the article."""

from __future__ import annotations

import re
from typing import Any

from lxml import html

from .linked import Node, types
from .page import Page, text_of
from .shapes import Media

_LOGO = re.compile(
    r"logo|favicon|sprite|placeholder|default[-_.]?(?:image|img|og|share|thumb)|blank\.|spacer|pixel|avatar|"
    r"gravatar|icon[-_./]|/icons?/|1x1|transparent|share[-_]?image[-_]?default|no[-_]?image|\.svg(?:$|\?)",
    re.IGNORECASE,
)
_PLAYERS = re.compile(
    r"(?:youtube(?:-nocookie)?\.com/embed/|youtu\.be/|player\.vimeo\.com/video/|dailymotion\.com/embed/|"
    r"jwplayer|brightcove|players\.|/embed/|video)",
    re.IGNORECASE,
)
_SOUNDS = re.compile(r"soundcloud\.com|open\.spotify\.com/embed|podcast|audio|\.mp3(?:$|\?)", re.IGNORECASE)
_YOUTUBE = re.compile(r"(?:youtube(?:-nocookie)?\.com/embed/|youtu\.be/)([\w-]{6,})")
_LAZY = (
    "data-src",
    "data-lazy-src",
    "data-original",
    "data-hi-res-src",
    "data-full-src",
    "data-image",
    "data-url",
    "data-lazy",
)
_OUTSIDE = re.compile(
    r"related|teaser|recommend|promo|author|avatar|byline|sidebar|newsletter|share|social|comment|outbrain|"
    r"taboola|advert|\bads?\b|logo|icon",
    re.IGNORECASE,
)
_SMALLEST = 100
"""Pixels of width or height below which a picture is decoration."""
_MAX = 60


def lead_image(page: Page, hint: str) -> str:
    """The picture that stands for the article, never the site's logo; empty if there is none."""
    linked = [
        url
        for member in ("image", "thumbnailUrl", "associatedMedia")
        for url in _addresses(page, page.linked.first(member))
    ]
    metas = [
        text
        for name in (
            "og:image:secure_url",
            "og:image",
            "og:image:url",
            "twitter:image",
            "twitter:image:src",
            "sailthru.image.full",
            "parsely-image-url",
            "thumbnail",
        )
        for text in page.metas.get(name, [])
    ]
    rel = [str(one) for one in page.tree.xpath("//link[@rel='image_src']/@href")]
    for address in (*metas, *linked, *rel, hint):
        url = page.absolute(address) if address else ""
        if url and not _LOGO.search(url):
            return url
    return ""


def _addresses(page: Page, value: Any) -> list[str]:
    """Addresses of pictures: text, node or list of these, the largest first."""
    found: list[tuple[int, str]] = []
    for one in page.linked.many(value):
        if isinstance(one, str):
            found.append((0, one))
        elif isinstance(one, dict):
            for member in ("contentUrl", "url", "@id", "thumbnailUrl"):
                texts = [text for text in page.linked.many(one.get(member)) if isinstance(text, str)]
                if texts:
                    found.append((_pixels(one), texts[0]))
                    break
    return [address for _, address in sorted(found, key=lambda pair: -pair[0])]


def _pixels(node: Node) -> int:
    width = re.match(r"\d{1,5}", str(node.get("width") if not isinstance(node.get("width"), dict) else ""))
    return int(width[0]) if width else 0


def media_in(page: Page, container: html.HtmlElement | None) -> list[Media]:
    """Distinct media of the article, in its order; then the videos that only its search-engine data name."""
    found: dict[str, Media] = {}
    if container is not None:
        for element in container.iter("img", "video", "audio", "iframe", "amp-img", "amp-video", "amp-youtube"):
            if len(found) >= _MAX:
                break
            medium = None if _is_outside(element, container) else _medium(page, element)
            if medium is not None:
                found.setdefault(_identity(medium.url), medium)
    for node in page.linked.of_type("VideoObject"):
        medium = _video(page, node)
        if medium is not None and len(found) < _MAX:
            found.setdefault(_identity(medium.url), medium)
    return list(found.values())


def _medium(page: Page, element: html.HtmlElement) -> Media | None:
    tag = str(element.tag)
    if tag in ("img", "amp-img"):
        return _image(page, element)
    if tag in ("iframe", "amp-youtube"):
        return _player(page, element)
    return _recording(page, element, "audio" if tag == "audio" else "video")


def _image(page: Page, element: html.HtmlElement) -> Media | None:
    url = page.absolute(_source(element))
    if not url or _LOGO.search(url) or _is_small(element):
        return None
    return Media("image", url, alt=_text(element.get("alt")), caption=_caption(element))


def _source(element: html.HtmlElement) -> str:
    """The picture's address, where it is loaded late too; of a set of sizes the largest."""
    sets = [element.get("srcset") or element.get("data-srcset") or ""]
    parent = element.getparent()
    if parent is not None and parent.tag == "picture":
        sets += [one.get("srcset") or one.get("data-srcset") or "" for one in parent.iter("source")]
    plain = next((value for name in _LAZY if (value := element.get(name)) and not value.startswith(("data:", "{"))), "")
    shown = element.get("src") or ""
    if not plain and shown and not shown.startswith("data:") and not _LOGO.search(shown):
        plain = shown
    return plain or next((address for one in sets if (address := _largest(one))), "")


def _largest(srcset: str) -> str:
    sizes = re.findall(r"(\S+?)(?:\s+(\d{1,5}(?:\.\d+)?)[wx])?\s*(?:,\s+|,?$)", srcset[:8000])
    return max(sizes, key=lambda pair: float(pair[1] or 0))[0] if sizes else ""


def _is_small(element: html.HtmlElement) -> bool:
    return any(
        (value := element.get(name) or "").isascii() and value.isdigit() and int(value[:5]) < _SMALLEST
        for name in ("width", "height")
    )


def _player(page: Page, element: html.HtmlElement) -> Media | None:
    address = element.get("src") or element.get("data-src") or element.get("data-lazy-src") or ""
    if element.tag == "amp-youtube":
        address = f"https://www.youtube.com/embed/{element.get('data-videoid') or ''}"
    url = page.absolute(address)
    if not url:
        return None
    if _SOUNDS.search(url):
        return Media("audio", url, alt=_text(element.get("title")), caption=_caption(element))
    if not _PLAYERS.search(url):
        return None
    still = _YOUTUBE.search(url)
    thumbnail = f"https://i.ytimg.com/vi/{still[1]}/hqdefault.jpg" if still else ""
    return Media("video", url, alt=_text(element.get("title")), caption=_caption(element), thumbnail=thumbnail)


def _recording(page: Page, element: html.HtmlElement, kind: str) -> Media | None:
    sources = [element.get("src") or "", *(one.get("src") or "" for one in element.iter("source"))]
    url = next((found for address in sources if address and (found := page.absolute(address))), "")
    if not url:
        return None
    thumbnail = page.absolute(element.get("poster") or "") if element.get("poster") else ""
    return Media(
        "audio" if kind == "audio" else "video",
        url,
        alt=_text(element.get("title")),
        caption=_caption(element),
        thumbnail=thumbnail,
    )


def _video(page: Page, node: Node) -> Media | None:
    address = next(
        (
            text
            for member in ("contentUrl", "embedUrl")
            for text in page.linked.many(node.get(member))
            if isinstance(text, str)
        ),
        "",
    )
    url = page.absolute(address) if address else ""
    if not url or "VideoObject" not in types(node):
        return None
    thumbnails = _addresses(page, node.get("thumbnailUrl") or node.get("thumbnail"))
    caption = next(iter(page.linked.texts(node.get("name"))), "")
    return Media("video", url, caption=caption, thumbnail=page.absolute(thumbnails[0]) if thumbnails else "")


def _caption(element: html.HtmlElement) -> str:
    for around in list(element.iterancestors())[:6]:
        captions = around.xpath(".//figcaption") if around.tag in ("figure", "div", "span", "amp-story") else []
        captions = captions or (
            around.xpath(".//*[contains(@class, 'caption') or contains(@class, 'Caption')]")
            if around.tag in ("figure", "div")
            else []
        )
        if captions and len(around.xpath(".//img")) <= 2:
            return text_of(captions[0])[:1000]
        if around.tag in ("figure", "article", "body", "main"):
            return ""
    return ""


def _is_outside(element: html.HtmlElement, container: html.HtmlElement) -> bool:
    for around in (element, *element.iterancestors()):
        if around is container:
            return False
        if around.tag in ("aside", "footer", "nav", "button", "noscript") or _OUTSIDE.search(
            f"{around.get('class') or ''} {around.get('id') or ''}"
        ):
            return True
    return False


def _identity(url: str) -> str:
    """The same picture in other sizes has another query."""
    return re.sub(r"[?#].*$", "", url)


def _text(value: str | None) -> str:
    return " ".join((value or "").split())[:1000]
