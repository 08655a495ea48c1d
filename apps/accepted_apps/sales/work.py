"""What an analysis does in a process of its own: reading, judging, scoring, writing, the files. Each part takes what
the part before it has left, packed, and leaves the same; `tell` is called with counts now and then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from accepted_apps.sales.analysis.documents import (
    keyword_root_optimization,
    roots,
    seo_analysis,
    structured_data,
    variants,
)
from accepted_apps.sales.analysis.keywords import analyse
from accepted_apps.sales.analysis.model import Analysis
from accepted_apps.sales.analysis.scoring import score
from accepted_apps.sales.analysis.seo.optimize import Optimization, draft_by_rules
from accepted_apps.sales.downloads import CSV, XLSX, as_csv, as_workbook, sheets
from accepted_apps.sales.model import Export, File, Product, ReadingReport
from accepted_apps.sales.packing import packed, unpacked
from accepted_apps.sales.reading.export import read_export
from accepted_apps.sales.reading.limits import Limits
from accepted_apps.sales.reading.merge import merge

Tell = Callable[[int, int | None, str, float], None]
"""How many, of how many where that is known, of what; and the share of the step that is done by then, 0 to 1."""

_READ: Final = 0.5
"""Share of judging that is reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Keywords with their categories. read: of all files together; reports: how each was read; analysis: packed."""

    read: int
    reports: dict[File, ReadingReport]
    kinds: dict[File, str]
    analysis: str


def judge(
    tell: Tell,
    files: dict[File, Path],
    product: Product | None,
    marketplace: str,
    main_keyword: str | None,
    limits: Limits,
) -> Judged:
    """Read the exports and judge their keywords by rules. Raises BadExport."""
    exports: list[Export] = []
    contents = {file: path.read_bytes() for file, path in files.items()}
    lines, rows = sum(map(_lines, contents.values())), 0

    def pulse(read: int) -> None:
        done = rows + read
        tell(done, max(lines, done) or None, "rows", _READ * min(1.0, done / lines) if lines else 0.0)

    for file, content in contents.items():
        exports.append(read_export(content, file, limits, pulse))
        rows += exports[-1].report.rows
    keywords = merge(*exports)
    count = len(keywords.keywords)
    tell(count, count, "keywords", _READ)
    found = analyse(keywords, product, marketplace, main_keyword)
    return Judged(
        read=count,
        reports=keywords.reports,
        kinds={export.file: export.kind for export in exports},
        analysis=packed(found, Analysis),
    )


def scored(tell: Tell, analysis: str) -> str:
    """Fill in intent, roots, variants and opportunities by rules."""
    found = unpacked(analysis, Analysis)
    count = len(found.items)
    tell(0, count, "keywords", 0.3)
    score(found)
    tell(count, count, "keywords", 0.7)
    return packed(found, Analysis)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What goes out. documents: packed, as of `Documents`; files: name, media type, content of each."""

    documents: str
    files: list[tuple[str, str, bytes]]


class Documents(TypedDict):
    """The parts of a result that the analysis makes."""

    structured_data: dict[str, Any]
    seo: dict[str, Any]
    roots: list[dict[str, Any]]
    variants: list[dict[str, Any]]
    keyword_root_optimization: dict[str, Any]
    main_keyword: str
    analysis_by: dict[str, str]
    left_out: int
    notes: list[str]


def drafted(tell: Tell, analysis: str) -> Optimization:
    """The listing by rules."""
    found = unpacked(analysis, Analysis)
    tell(0, 3, "parts", 0.1)
    return draft_by_rules(found)


def written(tell: Tell, analysis: str, made: Optimization, stem: str) -> Written:
    """All of the analysis as JSON, and the files. made: the listing; stem: what the files' names begin with."""
    found = unpacked(analysis, Analysis)
    tell(1, 3, "parts", 0.3)
    documents = _documents(found, made)
    tell(2, 3, "parts", 0.5)
    tables = sheets(documents)
    texts = [(f"{stem}-{table.name}.csv", CSV, as_csv(table)) for table in tables]
    files = [(f"{stem}.xlsx", XLSX, as_workbook(tables)), *texts]
    tell(3, 3, "parts", 0.9)
    return Written(documents=packed(documents, Documents), files=files)


def _documents(found: Analysis, made: Optimization) -> Documents:
    return Documents(
        structured_data=structured_data(found),
        seo=seo_analysis(found, made),
        roots=roots(found),
        variants=variants(found),
        keyword_root_optimization=keyword_root_optimization(found),
        main_keyword=found.main_keyword,
        analysis_by={"categories": found.categories_by, "intent": found.intent_by, "listing": made.by},
        left_out=found.left_out,
        notes=[*found.notes, *made.notes],
    )


def _lines(content: bytes) -> int:
    """Of a text, about as many as it has rows; a workbook tells nothing."""
    return 0 if content.startswith(b"PK") else content.count(b"\n")
