"""What Amazon takes in a listing. Sources: docs/sales.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import regex


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """title, front, bullet_least, bullet: in characters; front is what a phone shows of a title. backend: in bytes of
    UTF-8. word_times: how often a title may have one word, articles and prepositions apart."""

    title: int = 200
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


def limits_of(category: Sequence[str]) -> Limits:
    """Those of a category, by its path from the root: clothes, shoes and jewellery have shorter titles."""
    return _CLOTHES if any(_CLOTHING.search(one) for one in category[:2]) else USUAL
