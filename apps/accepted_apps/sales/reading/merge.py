"""Phrases that stand more than once: in one file, or in both."""

from __future__ import annotations

from dataclasses import replace

from accepted_apps.sales.model import Export, File, Keyword, Keywords, ReadingReport
from accepted_apps.sales.reading.headers import SORTS, SUMMED


def fold(other: Keyword, into: Keyword, *, add: bool = False) -> None:
    """Put what two rows tell about one phrase together: the first row counts, the other fills in what it leaves open.

    Of two ranks of one ASIN the better counts. add: the rows count different things, such as two campaigns.
    """
    for name in SORTS:
        value = getattr(other, name)
        if value is None:
            continue
        present = getattr(into, name)
        if present is None:
            setattr(into, name, value)
        elif add and name in SUMMED:
            setattr(into, name, present + value)
    for asin, rank in other.ranks.items():
        into.ranks[asin] = min(rank, into.ranks.get(asin, rank))


def merge(*exports: Export) -> Keywords:
    """The keywords of the files of a request, each once: those of the first file, then those that only the next has.

    A phrase that is in both has the first file's numbers; the next fills in what that leaves open, and adds its ranks.
    """
    keywords: dict[str, Keyword] = {}
    asins: dict[File, tuple[str, ...]] = {}
    reports: dict[File, ReadingReport] = {}
    for export in exports:
        asins[export.file] = export.asins
        reports[export.file] = export.report
        for keyword in export.keywords:
            present = keywords.get(keyword.key)
            if present is None:
                keywords[keyword.key] = keyword
            else:
                both = replace(present, ranks=dict(present.ranks), in_files=(*present.in_files, export.file))
                fold(keyword, both)
                keywords[keyword.key] = both
    return Keywords(keywords=list(keywords.values()), asins=asins, reports=reports)
