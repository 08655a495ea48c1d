"""docs/sales.md has every code of an error; the settings come from where it says, and what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from accepted_apps.sales import downloads, errors
from accepted_apps.sales.errors import SalesError
from accepted_apps.sales.settings import SalesSettings

from accepted.errors import ConfigurationError
from accepted.settings import load

PAGE = Path(__file__).parents[3] / "docs" / "sales.md"


def test_the_page_has_every_code() -> None:
    text = PAGE.read_text()
    named = [*vars(errors).values(), *vars(downloads).values()]
    codes = {one.code for one in named if isinstance(one, type) and issubclass(one, SalesError)}
    assert {code for code in codes if f"`{code}`" not in text} == {"sales_error"}, "what the others are made of"


def test_settings_come_from_the_environment_and_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACCEPTED_SALES_AMAZON_URLS", "US=http://127.0.0.1:8130/, DE=http://127.0.0.1:8131")
    file = tmp_path / "accepted.toml"
    file.write_text('[sales]\nretention = "1d"\nrows_max = 10\n')
    found = load(SalesSettings, section="sales", config=file)
    assert found.retention == 86400
    assert found.limits.rows == 10
    assert found.base_urls == {"US": "http://127.0.0.1:8130", "DE": "http://127.0.0.1:8131"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("AMAZON_URLS", "JP=http://x"), ("AMAZON_URLS", "US"), ("MAX_TIER", "4"), ("PROCESSES", "0"), ("ROWS_MAX", "0")],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ACCEPTED_SALES_{name}", value)
    with pytest.raises(ConfigurationError, match=f"(?i){name}"):
        load(SalesSettings, section="sales")
