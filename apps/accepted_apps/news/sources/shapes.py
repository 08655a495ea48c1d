"""What an address alone tells: whether it is more likely an article's, or a section's, a tag's, an author's."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_DATE = re.compile(
    r"(?:^|[/_-])(?:19|20)\d{2}[/_-]?(?:0?[1-9]|1[0-2]|[a-z]{3})(?:[/_-]?(?:0?[1-9]|[12]\d|3[01]))?(?=[/_.-]|$)"
    r"|(?:^|/)(?:19|20)\d{6}(?=[/_.-]|$)"
)
_FILE = re.compile(r"\.(?:s?html?|php|aspx?|jsp|ece|cms|amp|story|article|bok|stm|xhtml|do)$", re.IGNORECASE)
_OTHER_FILE = re.compile(
    r"\.(?:jpe?g|png|gif|webp|svg|pdf|mp[34]|m4a|zip|xml|rss|json|js|css|ics|docx?|xlsx?|epub|apk|exe|txt)$",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"(?:^|[^0-9])\d{5,}(?:$|[^0-9])|(?:^|[-_.,/])[a-z]{0,4}\d{4,}$|^[a-z]{1,3}[0-9a-z]{6,}\d[0-9a-z]*$"
)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}|[0-9a-f]{16,}")
_SELECTS = re.compile(
    r"(?:^|&)(?:id|p|aid|nid|sid|cid|no|idx?|article_?id|art_?id|news_?id|story_?id|item_?id|newsno|article|story|"
    r"idxno|oid|newsid|doc_?id|contentid|ucode|key)=[\w.-]*\d[\w.-]*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_WITHOUT_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_ARTICLES = re.compile(
    r"article|articles?|artikel|articulo|articolo|artigo|story|stories|news-story|a|noticia|notizie|actualite|doc|post|"
    r"view|read|content|detail|xinwen|nyheter|uutiset|zprava|clanek|wiadomosc|haber|berita|noticias?|id",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"tags?|topics?|themen?|thema|themes?|sujets?|temas?|etiquetas?|keywords?|authors?|autor(?:en|es)?|auteurs?|autori|"
    r"journalists?|profiles?|people|staff|team|by|contributors?|columnists?|categor(?:y|ies)|kategori\w*|categorie|categoria|"
    r"rubri(?:k|que|ca)s?|search|suche|recherche|buscar|cerca|zoeken|login|log-in|signin|sign-in|sign-up|signup|"
    r"anmelden|anmeldung|logout|register|registration|registrieren|account|konto|my|mein|meine?-?\w*|user|users|subscribe|"
    r"subscriptions?|abonnements?|abonnieren|abo|abos|abonne|abonneren|suscripcion|suscribete|newsletters?|"
    r"podcasts?|live-?radio|radio|tv|tv-?guide|tv-programm|programme|contact(?:-us)?|kontakt|about(?:-us)?|ueber-uns|"
    r"impressum|imprint|datenschutz\w*|privacy(?:-\w+)*|terms(?:-\w+)*|agb|nutzungsbedingungen|cookies?(?:-\w+)*|legal|"
    r"mentions-legales|help|hilfe|faq|jobs|stellenmarkt|careers?|karriere|stellen\w*|advertis\w+|werbung|mediadaten|publicidad|shop|store|tienda|"
    r"boutique|rss|feeds?|sitemap|archive?s?|archiv|archivo|games?|spiele|puzzles?|crosswords?|sudoku|horoscopes?|horoskop|"
    r"wetter|weather|meteo|lottery|lotto|obituaries|traueranzeigen|deals|coupons?|gutscheine?|vouchers?|partner|sponsored|"
    r"anzeigen?|preisvergleich|angebote|offers|redirect|job|products?|produkte?|aktien?|quotes|redaktion|issues?|epaper|e-paper|apps?|mobile|share|print|comments?|kommentare|forum|community|page|seite|wp-admin|wp-login\.php|"
    r"cdn-cgi|events?|kalender|calendar|immobilien|immo|trauer|homes?|cars|dating|author-\w+|tag-\w+",
    re.IGNORECASE,
)
_HUBS = re.compile(
    r"videos?|fotos?|photos?|pictures?|galler(?:y|ies)|galerie|bilder|bilderserien|fotostrecken?|slideshows?|screenshots|"
    r"audio|multimedia|mediathek|watch",
    re.IGNORECASE,
)

NEVER = -10


def likelihood(url: str) -> int:
    """From `NEVER` (no article, whatever else speaks for it) over 0 (as well a section as an article) to about 6."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    segments = [segment for segment in path.split("/") if segment]
    host = (parts.hostname or "").split(".")[0]
    if _OTHER_FILE.search(path) or (_ELSEWHERE.fullmatch(host) and host != "mobile"):
        return NEVER
    selected = 3 if _SELECTS.search(parts.query) or _SELECTS.search(parts.fragment.lstrip("!")) else 0
    if not segments:
        return selected or NEVER
    last = _FILE.sub("", segments[-1]) or segments[-1]
    words = _words(last) or (_words(segments[-2]) if len(segments) > 1 and not _words(last) else 0)
    marks = selected + _of_marks(path, segments, last)
    score = _of_words(words) + marks
    if _ELSEWHERE.fullmatch(last) or last in ("index", "home"):
        return selected or NEVER
    if any(_ELSEWHERE.fullmatch(segment) for segment in segments[:-1]):
        return score - 3 if words >= 5 or marks >= 2 else NEVER
    if any(_HUBS.fullmatch(segment) for segment in segments):
        return NEVER
    return score


def shape(url: str) -> tuple[str, ...]:
    """What addresses of one kind have in common: the number and sorts of their parts, and the parts that stay."""
    parts = urlsplit(url)
    return (parts.netloc, *(_sort(segment) for segment in parts.path.split("/") if segment), "?" if parts.query else "")


def _sort(segment: str) -> str:
    if segment.isdigit():
        return "#"
    words = _words(unquote(_FILE.sub("", segment)))
    has_digits = "#" if any(character.isdigit() for character in segment) else ""
    return "words" + has_digits if words >= 3 else f"word{has_digits}"


def _words(segment: str) -> int:
    """Words of a slug; scripts without spaces count by characters."""
    return max(len(_WORD.findall(segment)), len(_WITHOUT_SPACES.findall(segment)) // 3)


def _of_words(words: int) -> int:
    return 3 if words >= 5 else 2 if words >= 3 else 0


def _of_marks(path: str, segments: list[str], last: str) -> int:
    score = 0
    if _DATE.search(path.lower()):
        score += 2
    if any(_IDENTIFIER.search(segment.lower()) or _UUID.search(segment.lower()) for segment in (last, *segments[-2:])):
        score += 2
    if _FILE.search(segments[-1]) and (len(segments) > 1 or any(character.isdigit() for character in last)):
        score += 1
    if len(segments) > 1 and any(_ARTICLES.fullmatch(segment) for segment in segments[:-1]):
        score += 1
    return score
