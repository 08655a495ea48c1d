"""Learn anew how the news extractor tells the article's blocks by their traits, and write `extract/trees.json`.

    uv run --with scikit-learn python scripts/news_trees.py FOLDER[=WEIGHT]… [--jobs 2] [--check]

Each FOLDER is as for `news_accuracy.py`, with `text`, or with `with` and `without`. All of its pages are learned from:
keep those apart by which the result will be judged. WEIGHT: how much a page of it counts, 1 unless it is said. A block
is of the article if its text stands in the page's `text`; of `with` and `without`, only the blocks that hold one of the
sentences are learned from. --check writes nothing and tells how the pages of each fifth of the sites are read with
what was learned from the others. The same pages give the same trees.
"""

from __future__ import annotations

import argparse
import hashlib
import json
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
from accepted_apps.news.extract.text import KEEP, judged
from accepted_apps.news.extract.titles import folded, title_of
from accepted_apps.news.extract.trees import FILE, Forest

_TREES = {
    "max_iter": 200,
    "learning_rate": 0.05,
    "max_leaf_nodes": 12,
    "l2_regularization": 20,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}
_PARTS = 5
_LONG = 60
"""Words of a block, from which on it counts no more than others."""


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
    """Boosted decision trees."""

    def __init__(self, samples: list[Sample]) -> None:
        numpy, ensemble = import_module("numpy"), import_module("sklearn.ensemble")
        self.names = list(next(one.traits[0] for one in samples if one.traits))
        rows, targets, counts = zip(*(row for one in samples for row in self._learned(one)), strict=True)
        self.fitted = ensemble.HistGradientBoostingClassifier(**_TREES)
        self.fitted.fit(numpy.array(rows, dtype=numpy.float32), numpy.array(targets), sample_weight=numpy.array(counts))

    def _learned(self, one: Sample) -> list[tuple[list[float], float, float]]:
        """Trait values, label and count of each block; all pages count alike, however long they are."""
        counts = [min(len(news_accuracy.words(text)), _LONG) ** 0.7 + 0.3 for text in one.texts]
        total = sum(count for count, label in zip(counts, one.labels, strict=True) if label and label > 0.5)
        return [
            (list(traits.values()), float(label > 0.5), one.weight * 100 * count / max(20.0, total))
            for traits, label, count in zip(one.traits, one.labels, counts, strict=True)
            if label is not None
        ]

    def forest(self) -> Forest:
        # scikit-learn has no public way to look into its trees.
        found = [self._tree(each[0].nodes, 0) for each in self.fitted._predictors]
        return Forest(round(float(self.fitted._baseline_prediction.item()), 4), found)

    def _tree(self, nodes: Any, at: int) -> Any:
        node = nodes[at]
        if node["is_leaf"]:
            return round(float(node["value"]), 4)
        name, bound = self.names[node["feature_idx"]], float(f"{node['num_threshold']:.7g}")
        return [name, bound, self._tree(nodes, node["left"]), self._tree(nodes, node["right"])]


def written(forest: Forest) -> str:
    """JSON with a line for each tree."""
    lines = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in forest.trees)
    return f'{{"bias": {forest.bias}, "trees": [\n{lines}\n]}}\n'


def part_of(gold: dict[str, Any]) -> int:
    """Which fifth of the sites a page is in: those of one site are always together."""
    site = gold.get("site") or urlsplit(gold["url"]).hostname or ""
    return int(hashlib.sha256(site.encode()).hexdigest(), 16) % _PARTS


def checked(samples: list[Sample]) -> dict[str, dict[str, float]]:
    """Scores of each folder, every page read with trees that do not know its site."""
    scores: dict[str, list[news_accuracy.Score]] = {}
    for part in range(_PARTS):
        forest = Model([one for one in samples if part_of(one.gold) != part]).forest()
        for one in samples:
            if part_of(one.gold) == part:
                likely = [forest.likelihood(traits) > KEEP for traits in one.traits]
                text = "\n".join(text for text, kept in zip(one.texts, likely, strict=True) if kept)
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
        FILE.write_text(written(Model(samples).forest()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
