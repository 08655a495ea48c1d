"""docs/playground.md lists the pages as they are."""

from pathlib import Path

import pytest
from accepted_apps.playground.pages import Page
from accepted_apps.playground.site import SECTIONS

DOCUMENT = Path(__file__).parents[3] / "docs" / "playground.md"


@pytest.mark.parametrize("page", [page for section in SECTIONS for page in section.pages], ids=lambda page: page.route)
def test_a_page_has_its_row(page: Page) -> None:
    assert f"| `{page.path}` | {page.sentence} | {page.outcome} |\n" in DOCUMENT.read_text()


def test_there_is_no_row_for_anything_else() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `/")]
    assert len(rows) == sum(len(section.pages) for section in SECTIONS)
