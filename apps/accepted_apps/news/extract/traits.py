"""What can be said of a block when it is judged: numbers between about -1 and 1, each with a name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import html

from .blocks import MARKS, Block
from .titles import folded

_SENTENCE_END = re.compile(r"[.!?。！？…؟।»”\"'’)\]]\s*$")
_COMMAS = re.compile(r"[,;:，、；،]")
_STOPS = re.compile(r"[.!?。！？؟।](?:\s|$|[^\w\s])")
_ALSO = re.compile(
    r"^[\W\d]*(?:read (?:more|also|next|on|the)|also read|see (?:also|more)|more (?:on|from|about|stories)|"
    r"related|recommended|you may|don.t miss|watch(?: now)?:|listen|in pictures|"
    r"click here|sign up|subscribe|follow (?:us|me|@|on)|download|get the|join |share|top stories|editor.s picks|"
    r"les(?:en)? sie|lesen|mehr (?:zum|dazu|zu|über|aus)|auch interessant|siehe|zum thema|weitere|"
    r"passend dazu|das könnte|hier (?:geht|finden|lesen|klicken)|jetzt |abonnieren|folgen sie|"
    r"à lire|lire (?:aussi|la suite|plus)|voir aussi|sur le même|abonnez|inscri|retrouvez|écoute[rz]|"
    r"lea |leer |lee (?:también|más)|ver (?:más|también)|te puede|más (?:info|noticias|sobre)|suscr|sigue|"
    r"mira |también (?:lee|te)|"
    r"leggi|guarda|vedi|potrebbe|iscriviti|segui|ascolta|leia|veja|saiba|siga|assine|confira|ouça|"
    r"lees (?:ook|meer)|bekijk|les (?:også|mer|saken)|se også|læs (?:også|mere)|läs (?:mer|också)|lue (?:myös|lisää)|"
    r"czytaj|zobacz|sprawdź|polecamy|čtěte|přečtěte|читайте|смотрите|подпис|читати|oku[ry]|ayrıca|baca|simak|"
    r"lihat|xem |đọc |"
    r"続きを|関連|あわせて|もっと|関連記事|相关|更多|"
    r"延伸阅读|延伸閱讀|推荐阅读|関連リンク|관련|더보기|اقرأ|المزيد|शेयर|यह भी|ये भी)",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"^\W*(?:photo|image|picture|foto|bild|bilder|quelle|source|credit|crédit|fuente|fonte|getty|reuters|afp|"
    r"dpa|ap photo|epa|imago|ansa|shutterstock|istock|unsplash|"
    r"写真|图|图片|사진|copyright|©|\(c\)|all rights|alle rechte|tous droits|todos los derechos|imagem|obraz|zdj|"
    r"фото|foto:)\b|©|getty images|\(photo|/ ?(?:afp|reuters|dpa|ap|getty|imago|epa)\W*$|picture[ -]alliance",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:19|20)\d{2}\b|\d{1,2}[:.h]\d{2}\b|\b\d{1,2}\. ?\w+\b|\bago\b|\bvor \d|\bmin(?:\.|uten|utes?)?\b|"
    r"\d+分|\d+日|updated|aktualisiert|stand:|publi",
    re.IGNORECASE,
)
_BY = re.compile(
    r"^\W*(?:by|von|vom|par|por|di|de|door|av|af|od|autor\w*|text|words|written|reporting|redaktion|"
    r"mit (?:dpa|afp|material|agentur\w*)|with reporting|additional reporting|автор|記者|记者|责任编辑|编辑|editing)\b",
    re.IGNORECASE,
)
_PLEA = re.compile(
    r"newsletter|subscri|cookie|privacy|datenschutz|sign up|log ?in|abonn|whatsapp|telegram|facebook|"
    r"instagram|twitter|follow us|download|app store|google (?:news|play)|kommentar|comment|javascript|"
    r"browser|advertis|anzeige|externe|third.part|einwillig|consent|terms of|©|copyright|e-?mail|inbox|"
    r"account|premium|support (?:us|our)|donat|spende|购买|登录|会員|登録",
    re.IGNORECASE,
)
_WINDOW = 3
PARAGRAPH = 120
"""Characters from which on a block is taken for a paragraph and not for a label."""
TAGS = (
    "p",
    "li",
    "div",
    "td",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "figcaption",
    "dd",
    "dt",
    "section",
    "article",
    "pre",
    "address",
    "center",
    "header",
)
ABOVE = (
    "article",
    "main",
    "aside",
    "footer",
    "nav",
    "header",
    "form",
    "figure",
    "ul",
    "ol",
    "table",
    "blockquote",
    "section",
    "details",
    "dl",
)


@dataclass(frozen=True, slots=True)
class Witness:
    """Someone who has an opinion on what the text is: its lines, comparable."""

    lines: frozenset[str]
    whole: str

    @classmethod
    def of(cls, text: str) -> Witness:
        lines = [folded(line) for line in text.split("\n")]
        return cls(frozenset(line for line in lines if line), "".join(lines))

    def knows(self, key: str) -> bool:
        """Short texts count as whole lines only: they stand in everything by chance."""
        return key in self.lines or (len(key) >= 25 and (key in self.whole or key[3:-3] in self.whole))

    def __bool__(self) -> bool:
        return bool(self.lines)


Traits = dict[str, float]


def traits_of(blocks: Sequence[Block], witnesses: dict[str, Witness], title: str, lead: str) -> list[Traits]:
    """Of each block. witnesses: by name; the first of them that says anything tells where the article is."""
    return _Judge(blocks, witnesses, title, lead).all()


class _Judge:
    def __init__(self, blocks: Sequence[Block], witnesses: dict[str, Witness], title: str, lead: str) -> None:
        self.blocks = blocks
        self.keys = [folded(block.text) for block in blocks]
        self.said = {name: [bool(w) and w.knows(key) for key in self.keys] for name, w in witnesses.items()}
        self.silent = {name: not witness for name, witness in witnesses.items()}
        self.trust = next((votes for votes in self.said.values() if any(votes)), [False] * len(blocks))
        self.title, self.lead = folded(title), folded(lead)
        self.counts = Counter(self.keys)
        self._locate()

    def _locate(self) -> None:
        voted = [(block, len(key)) for block, key, yes in zip(self.blocks, self.keys, self.trust, strict=True) if yes]
        self.total = sum(length for _, length in voted) or 1
        parents: Counter[html.HtmlElement] = Counter()
        around: Counter[html.HtmlElement] = Counter()
        self.styles: Counter[tuple[str, str]] = Counter()
        self.all_styles: Counter[tuple[str, str]] = Counter()
        for block, length in voted:
            parents[_parent(block)] += length
            self.styles[_style(block)] += length
            for one in block.element.iterancestors():
                around[one] += length
        for block, key in zip(self.blocks, self.keys, strict=True):
            self.all_styles[_style(block)] += len(key)
        self.parent = max(parents, key=lambda one: parents[one]) if parents else None
        self.parents = parents
        grand = self.parent.getparent() if self.parent is not None else None
        self.grand = grand
        # Ancestors come from the inside: among the narrow ones, the last that was counted first is the deepest.
        wide = [one for one, length in around.items() if length >= 0.8 * self.total]
        self.container = max(wide, key=_depth) if wide else None
        places = [at for at, yes in enumerate(self.trust) if yes]
        self.first, self.last = (places[0], places[-1]) if places else (0, len(self.blocks) - 1)
        headings = [at for at, key in enumerate(self.keys) if key == self.title or self.blocks[at].tag == "h1"]
        self.heading = min(headings, key=lambda at: abs(at - self.first)) if headings else -1

    def all(self) -> list[Traits]:
        own = [self._own(at) for at in range(len(self.blocks))]
        for at, traits in enumerate(own):
            self._near(at, traits)
        return own

    def _own(self, at: int) -> Traits:
        block, key = self.blocks[at], self.keys[at]
        length = len(key)
        share = min(1.0, block.linked / max(1, length))
        traits: Traits = {
            "length": min(1.0, math.log1p(length) / 7),
            "tiny": float(length < 15),
            "short": float(15 <= length < 60),
            "medium": float(60 <= length < 200),
            "links": share,
            "all link": float(share > 0.9),
            "many links": float(block.links > 2),
            "ends": float(bool(_SENTENCE_END.search(block.text))),
            "colon": float(block.text.endswith((":", "："))),
            "sentences": min(1.0, len(_STOPS.findall(block.text)) / 4),
            "commas": min(1.0, len(_COMMAS.findall(block.text)) / 4),
            "stress": min(1.0, block.stressed / max(1, length)),
            "also": float(bool(_ALSO.match(block.text)) and length < 250),
            "credit": float(bool(_CREDIT.search(block.text)) and length < 200),
            "date": float(bool(_DATE.search(block.text)) and length < 80),
            "by": float(bool(_BY.match(block.text)) and length < 100),
            "plea": float(bool(_PLEA.search(block.text)) and length < 400),
            "question": float(block.text.endswith(("?", "？"))),
            "upper": float(block.text.isupper() and length > 3),
            "again": float(self.counts[key] > 1),
            "heading": float(block.is_heading),
            "is title": float(bool(key) and key == self.title),
            "in title": float(length > 3 and key in self.title),
            "is lead": float(length > 20 and (key in self.lead or (len(self.lead) > 40 and self.lead[:-3] in key))),
            "pipe": float("|" in block.text or "•" in block.text or "»" in block.text),
        }
        for tag in TAGS:
            traits[f"tag {tag}"] = float(block.tag == tag)
        for tag in ABOVE:
            traits[f"above {tag}"] = float(tag in block.above)
        for mark in MARKS:
            traits[f"own {mark}"] = float(mark in block.own)
            traits[f"mark {mark}"] = float(mark in block.marks)
        for name, votes in self.said.items():
            traits[f"said {name}"] = float(votes[at])
            traits[f"silent {name}"] = float(self.silent[name])
        self._place(at, traits)
        return traits

    def _place(self, at: int, traits: Traits) -> None:
        block = self.blocks[at]
        parent, style = _parent(block), _style(block)
        traits["same parent"] = float(parent is self.parent)
        traits["parent share"] = self.parents[parent] / self.total
        traits["same grandparent"] = float(
            self.grand is not None and parent is not None and (parent.getparent() is self.grand or parent is self.grand)
        )
        traits["in container"] = float(
            self.container is not None and any(one is self.container for one in block.element.iterancestors())
        )
        traits["style share"] = self.styles[style] / self.total
        traits["style trust"] = self.styles[style] / max(1, self.all_styles[style])
        traits["before"] = float(at < self.first)
        traits["just before"] = float(self.first - 4 <= at < self.first)
        traits["after"] = float(at > self.last)
        traits["just after"] = float(self.last < at <= self.last + 4)
        traits["late"] = min(1.0, max(0.0, (at - self.first) / max(1, self.last - self.first)))
        traits["under heading"] = float(0 <= self.heading < at)
        traits["first of all"] = float(at == self.first)
        traits["last of all"] = float(at == self.last)

    def _near(self, at: int, traits: Traits) -> None:
        """What those beside it are."""
        for name, votes in self.said.items():
            window = votes[max(0, at - _WINDOW) : at] + votes[at + 1 : at + 1 + _WINDOW]
            traits[f"near {name}"] = sum(window) / (2 * _WINDOW)
            traits[f"next {name}"] = float(at + 1 < len(votes) and votes[at + 1])
            traits[f"last {name}"] = float(at > 0 and votes[at - 1])
        for name, other in (("next", at + 1), ("last", at - 1)):
            beside = self.blocks[other] if 0 <= other < len(self.blocks) else None
            traits[f"{name} long"] = float(
                beside is not None and len(self.keys[other]) > PARAGRAPH and beside.linked < len(self.keys[other]) / 3
            )
            traits[f"{name} link"] = float(beside is not None and beside.linked > 0.8 * len(self.keys[other]))
            traits[f"{name} heading"] = float(beside is not None and beside.is_heading)
            traits[f"{name} alike"] = float(beside is not None and _style(beside) == _style(self.blocks[at]))


def _parent(block: Block) -> html.HtmlElement:
    found = block.element.getparent()
    return found if found is not None else block.element


def _style(block: Block) -> tuple[str, str]:
    return block.tag, block.element.get("class") or ""


def _depth(element: html.HtmlElement) -> int:
    return sum(1 for _ in element.iterancestors())
