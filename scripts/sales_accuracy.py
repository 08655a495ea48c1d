"""How far the analysis agrees with results that people have: `python scripts/sales_accuracy.py FOLDER`.

FOLDER holds results in the form of the contract (`*.json` with `ai_analysis_keywords.structured_data.items`); those of
one ASIN are taken together, and the category that most of them give a keyword counts. Where a folder of the ASIN's name
stands beside them, the exports in it (`revenue*.csv`, `design*.csv`) are read; else ranks are made up that give each
keyword the relevancy of the results.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from accepted_apps.sales.analysis.documents import structured_data
from accepted_apps.sales.analysis.keywords import analyse
from accepted_apps.sales.analysis.model import CATEGORIES, SPANISH, WANTED
from accepted_apps.sales.analysis.scoring import score
from accepted_apps.sales.analysis.text import Stemmer, tokens
from accepted_apps.sales.model import MARKETPLACES, Keyword, Keywords, Product
from accepted_apps.sales.reading.export import read_export
from accepted_apps.sales.reading.limits import Limits
from accepted_apps.sales.reading.merge import merge

ASINS = tuple(f"B0{number:08d}" for number in range(20))


def main() -> None:
    """Print one line a product."""
    folder = Path(sys.argv[1])
    by_asin: defaultdict[str, list[Any]] = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        if _items(result):
            asin = re.search(r"B0[A-Z0-9]{8}|\d{9}[\dX]", str(result.get("asin")))
            by_asin[asin[0] if asin else path.stem].append(result)
    for name, results in by_asin.items():
        print(f"{name}: {measured(results, folder / name)}")


def measured(results: list[Any], exports: Path) -> str:
    """How many of a product's keywords have the category, intent, relevancy and root of the results."""
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for item in _items(result):
            labels[_key(item)][item["category"]] += 1
    keywords = _read(exports) if exports.is_dir() else _made_up(results)
    marketplace = str(results[0].get("marketplace") or "US").upper()
    found = analyse(keywords, _product(results), marketplace if marketplace in MARKETPLACES else "US")
    score(found)
    mine = {_key(item): item for item in structured_data(found)["items"]}
    stem = Stemmer(found.language).stem
    counts: Counter[str] = Counter()
    for key, given in labels.items():
        if key in mine:
            category = mine[key]["category"] if mine[key]["category"] in CATEGORIES else SPANISH
            usual = given.most_common(1)[0][0]
            counts["keywords"] += 1
            counts["category"] += category == usual
            counts["wanted"] += (category in WANTED) == (usual in WANTED)
    for result in results:
        for item in _items(result):
            if own := mine.get(_key(item)):
                counts["items"] += 1
                counts["relevancy"] += own["base_relevancy_score"] == item.get("relevancy_score")
                counts["intent"] += abs(own["intent_score"] - item.get("intent_score", 0)) <= 1
                if item.get("root"):
                    counts["rooted"] += 1
                    counts["root"] += stem(tokens(item["root"])[-1]) == stem(own["root"])
    parts = [f"{counts['keywords']} keywords"]
    parts += [f"{name} {counts[name] / max(1, counts['keywords']):.1%}" for name in ("category", "wanted")]
    parts += [f"{name} {counts[name] / max(1, counts['items']):.1%}" for name in ("relevancy", "intent")]
    parts.append(f"root {counts['root'] / max(1, counts['rooted']):.1%}")
    return ", ".join(parts)


def _items(result: Any) -> list[Any]:
    return ((result.get("ai_analysis_keywords") or {}).get("structured_data") or {}).get("items") or []


def _key(item: Any) -> str:
    return " ".join(str(item["phrase"]).casefold().split())


def _read(folder: Path) -> Keywords:
    files = [(path, "revenue") for path in sorted(folder.glob("revenue*"))]
    files += [(path, "design") for path in sorted(folder.glob("design*"))]
    return merge(*(read_export(path.read_bytes(), file, Limits()) for path, file in files))  # type: ignore[arg-type]


def _made_up(results: list[Any]) -> Keywords:
    made: dict[str, Keyword] = {}
    for result in results:
        for item in _items(result):
            ranks = dict.fromkeys(ASINS[: int(item.get("relevancy_score") or 0)], 1)
            made[_key(item)] = Keyword(
                phrase=item["phrase"],
                key=_key(item),
                search_volume=item.get("search_volume"),
                title_density=item.get("title_density"),
                ranks=ranks,
                in_files=("revenue",),
            )
    return Keywords(keywords=list(made.values()), asins={"revenue": ASINS}, reports={})


def _product(results: list[Any]) -> Product | None:
    for result in results:
        page = result["ai_analysis_keywords"].get("scraped_product") or {}
        elements = page.get("elements") or {}
        title = " ".join((elements.get("productTitle") or {}).get("text") or [])
        if title:
            overview = (elements.get("productOverview_feature_div") or {}).get("kv") or {}
            bullets = (elements.get("feature-bullets") or {}).get("bullets") or []
            return Product(
                asin="",
                marketplace="US",
                url="",
                title=title,
                bullets=bullets,
                brand=overview.get("Brand"),
                overview=overview,
            )
    return None


if __name__ == "__main__":
    main()
