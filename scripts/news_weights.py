"""Learn anew what the traits of a block weigh in the news extractor, and write `extract/weights.py`.

    uv run --with numpy python scripts/news_weights.py FOLDER[=WEIGHT]… [--jobs 2] [--check]

Each FOLDER is as for `news_accuracy.py`, with `text`, or with `with` and `without`. All of its pages are learned from:
keep those apart by which the result will be judged. WEIGHT: how much a page of it counts, 1 unless it is said. A block
is of the article if its text stands in the page's `text`; of `with` and `without`, only the blocks that hold one of the
sentences are learned from. --check writes nothing and tells how the pages of each fifth of the sites are read with
the weights of the others. The same pages give the same weights.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import news_accuracy
from accepted_apps.news.extract.engine import description_of, site_of
from accepted_apps.news.extract.page import Page
from accepted_apps.news.extract.text import judged
from accepted_apps.news.extract.titles import folded, title_of

WEIGHTS = Path(__file__).parent.parent / "apps/accepted_apps/news/extract/weights.py"
_PULL = 1.0
"""How strongly weights are drawn to nothing: the inverse variance that is expected of them."""
_LEAST = 0.03
_PARTS = 5
_LONG = 60
"""Words of a block, from which on it counts no more than others."""

_HEAD = '''"""What the traits of a block weigh: a logistic regression over the blocks of pages whose article is known.

`scripts/news_weights.py` writes it; docs/news.md says from which pages. Positive: belongs to the article. What weighs
nearly nothing is left out.
"""

from __future__ import annotations

'''


@dataclass(frozen=True)
class Sample:
    """A page that is learned from. labels: share of each block that is of the article; None: nobody says."""

    folder: str
    weight: float
    gold: dict[str, Any]
    texts: list[str]
    traits: list[dict[str, float]]
    labels: list[float | None]


def read(folder: str, weight: float, path: Path, gold: dict[str, Any]) -> Sample:
    return sample(folder, weight, gold, path.read_bytes())


def sample(folder: str, weight: float, gold: dict[str, Any], body: bytes) -> Sample:
    page = Page(body, gold["url"], "")
    blocks, traits = judged(page, title_of(page, site_of(page), "").text, description_of(page))
    texts = [block.text for block in blocks]
    return Sample(folder, weight, gold, texts, traits, labels_of(texts, gold))


def labels_of(texts: list[str], gold: dict[str, Any]) -> list[float | None]:
    if not gold.get("text"):
        wanted, unwanted = ([" ".join(one.split()) for one in gold[name]] for name in ("with", "without"))
        return [
            1.0 if any(one in text for one in wanted) else 0.0 if any(one in text for one in unwanted) else None
            for text in texts
        ]
    lines, whole = {folded(line) for line in gold["text"].split("\n")}, folded(gold["text"])
    known = set(news_accuracy.runs(news_accuracy.words(gold["text"]), 3))
    return [_share(text, lines, whole, known) for text in texts]


def _share(text: str, lines: set[str], whole: str, known: set[tuple[str, ...]]) -> float:
    key, words = folded(text), news_accuracy.words(text)
    if key and (key in lines or (len(key) >= 25 and key in whole)):
        return 1.0
    runs = list(news_accuracy.runs(words, 3))
    return sum(run in known for run in runs) / len(runs) if len(words) >= 6 else 0.0


# ── learning ──


class Model:
    """A logistic regression, by Newton's method."""

    def __init__(self, samples: list[Sample]) -> None:
        self.np = import_module("numpy")
        self.names = list(next(one.traits[0] for one in samples if one.traits))
        rows, targets, counts = [], [], []
        for one in samples:
            for row, target, count in self._learned(one):
                rows.append(row)
                targets.append(target)
                counts.append(count)
        self.bias, self.weights = self._fit(self.np.array(rows), self.np.array(targets), self.np.array(counts))

    def _learned(self, one: Sample) -> list[tuple[list[float], float, float]]:
        """Trait values, label and count of each block; all pages count alike, however long they are."""
        counts = [min(len(news_accuracy.words(text)), _LONG) ** 0.7 + 0.3 for text in one.texts]
        total = sum(count for count, label in zip(counts, one.labels, strict=True) if label and label > 0.5)
        return [
            ([*traits.values(), 1.0], float(label > 0.5), one.weight * 100 * count / max(20.0, total))
            for traits, label, count in zip(one.traits, one.labels, counts, strict=True)
            if label is not None
        ]

    def _fit(self, rows: Any, targets: Any, counts: Any) -> tuple[float, list[float]]:
        np = self.np
        found = np.zeros(rows.shape[1])
        pull = np.full(rows.shape[1], _PULL)
        pull[-1] = 0.0
        for _ in range(30):
            likely = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
            slope = rows.T @ (counts * (likely - targets)) + pull * found
            curve = (rows * (counts * likely * (1 - likely))[:, None]).T @ rows + np.diag(pull + 1e-9)
            step = np.linalg.solve(curve, slope)
            found = found - step
            if np.abs(step).max() < 1e-4:
                break
        return float(found[-1]), [float(one) for one in found[:-1]]

    def keeps(self, traits: dict[str, float]) -> bool:
        return self.bias + sum(w * v for w, v in zip(self.weights, traits.values(), strict=True)) > 0

    def written(self) -> str:
        lines = [f'    "{n}": {w:.2f},' for n, w in zip(self.names, self.weights, strict=True) if abs(w) >= _LEAST]
        return _HEAD + f"BIAS = {self.bias:.2f}\nWEIGHTS = {{\n" + "\n".join(lines) + "\n}\n"


def part_of(gold: dict[str, Any]) -> int:
    """Which fifth of the sites a page is in: those of one site are always together."""
    site = gold.get("site") or urlsplit(gold["url"]).hostname or ""
    return int(hashlib.sha256(site.encode()).hexdigest(), 16) % _PARTS


def checked(samples: list[Sample]) -> dict[str, dict[str, float]]:
    """Scores of each folder, every page read with weights that do not know its site."""
    scores: dict[str, list[news_accuracy.Score]] = {}
    for part in range(_PARTS):
        model = Model([one for one in samples if part_of(one.gold) != part])
        for one in samples:
            if part_of(one.gold) == part:
                text = "\n".join(t for t, v in zip(one.texts, one.traits, strict=True) if model.keeps(v))
                scores.setdefault(one.folder, []).append(news_accuracy.score(news_accuracy.Found(text), one.gold))
    return {
        folder: {k: v for k, v in news_accuracy.summary(column).items() if k != "ms"}
        for folder, column in scores.items()
    }


# ── the command ──


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="FOLDER[=WEIGHT]")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--check", action="store_true", help="tell how good it is, and write nothing")
    options = parser.parse_args()
    arguments = []
    for named in options.folders:
        folder, _, weight = named.partition("=")
        arguments += [
            (Path(folder).name, float(weight or 1), *page)
            for page in news_accuracy.pages(Path(folder))
            if page[1].get("text") or page[1].get("with")
        ]
    with ProcessPoolExecutor(options.jobs) as pool:
        samples = [one for one in pool.map(read, *zip(*arguments, strict=True), chunksize=4) if one.traits]
    if options.check:
        print(news_accuracy.table(checked(samples)))
    else:
        WEIGHTS.write_text(Model(samples).written())
    return 0


if __name__ == "__main__":
    sys.exit(main())
