"""What Amazon takes in a listing. Sources: docs/sales.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import regex


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """title, short, highlights, front, bullet_least, bullet: in characters. short: what Amazon leaves of a title since
    27 July 2026, None where it leaves all; highlights: the field for the rest. front: what a phone shows of a title.
    backend: in bytes of UTF-8. word_times: how often a title may have one word, articles and prepositions apart."""

    title: int = 200
    short: int | None = 75
    highlights: int = 125
    front: int = 80
    bullets: int = 5
    bullet_least: int = 10
    bullet: int = 255
    backend: int = 249
    word_times: int = 2


USUAL: Final = Limits()
_CLOTHES: Final = Limits(title=125)
_CLOTHING: Final = regex.compile(
    r"(?i)\b(?:clothing|apparel|shoes|jewelry|jewellery|bekleidung|schuhe|schmuck|vêtements|chaussures|bijoux|"
    r"abbigliamento|scarpe|gioielli|ropa|zapatos|joyería)\b"
)
_MEDIA: Final = Limits(short=None)
_MEDIUM: Final = regex.compile(
    r"(?i)(?:books|kindle store|audible.*|(?:digital )?music|cds & vinyl|movies & tv|dvd.*|blu-ray|software"
    r"|(?:pc & )?video games|bücher|kindle-shop|musik-cds & vinyl|games|livres.*|boutique kindle|musique|logiciels"
    r"|jeux vidéo|libri.*|musica(?: digitale)?|cd e vinili|film e tv|videogiochi|libros.*|tienda kindle"
    r"|música(?: digital)?|cds y vinilos|películas y tv|videojuegos)"
)


def limits_of(category: Sequence[str]) -> Limits:
    """Those of a category, by its path from the root: clothes, shoes and jewellery have shorter titles, and books,
    music, films, games and software are not shortened further."""
    if category and _MEDIUM.fullmatch(category[0]):
        return _MEDIA
    return _CLOTHES if any(_CLOTHING.search(one) for one in category[:2]) else USUAL
