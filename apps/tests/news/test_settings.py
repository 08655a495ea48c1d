"""docs/news.md lists every setting with its default, and every code; a wrong setting is named at start."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from accepted_apps.news import errors, registry, routes, task
from accepted_apps.news.documents.choose import engine_for
from accepted_apps.news.documents.postgres import PostgresEngine
from accepted_apps.news.documents.sqlite import SqliteEngine
from accepted_apps.news.errors import NewsError
from accepted_apps.news.settings import NewsSettings
from accepted_apps.preview.errors import PreviewError

from accepted.errors import ConfigurationError
from accepted.settings import load

PAGE = Path(__file__).parents[3] / "docs" / "news.md"


def shown(value: object, unit: str) -> str:
    match value, unit:
        case None | "", _:
            return "empty"
        case int(), "bytes":
            return f"{value // 2**20} MB"
        case float(), "seconds":
            return f"{value:g} s"
        case _:
            return str(value)


def test_the_page_has_every_setting() -> None:
    settings = PAGE.read_text().split("## Settings")[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", settings, re.MULTILINE)
    known = [(one.name, shown(one.default, one.metadata["unit"]), one.metadata["doc"]) for one in fields(NewsSettings)]
    assert found == known


def test_the_page_has_every_code() -> None:
    assert all((errors, registry, routes, task))  # where they are defined
    text = PAGE.read_text()

    def codes(kind: type[NewsError] | type[PreviewError]) -> set[str]:
        return {kind.code}.union(*(codes(one) for one in kind.__subclasses__()))

    missing = {code for code in codes(NewsError) | codes(PreviewError) if f"`{code}`" not in text}
    assert missing == {"news_error", "preview_error", "invalid_input"}, "those that nobody meets here"


def test_the_database_is_chosen_by_its_url(tmp_path: Path) -> None:
    default = engine_for("", tmp_path)
    assert isinstance(default, SqliteEngine)
    assert default.path == tmp_path / "news.db"
    named = engine_for("sqlite:////data/other.db", tmp_path)
    assert isinstance(named, SqliteEngine)
    assert named.path == Path("/data/other.db")
    assert isinstance(engine_for("postgresql://user:word@host/news", tmp_path), PostgresEngine)
    with pytest.raises(ConfigurationError, match="ACCEPTED_NEWS_DATABASE") as caught:
        engine_for("mysql://user:word@host/news", tmp_path)
    assert "word" not in str(caught.value).replace("password", "")


def test_settings_that_do_not_fit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCEPTED_NEWS_DATABASE", "postgresql://user:word@host/news")
    monkeypatch.setenv("ACCEPTED_NEWS_FRESH", "15m")
    found = load(NewsSettings, section="news")
    assert found.fresh == 900
    assert "word" not in repr(found)
    for name, value in (("LIMIT", "0"), ("LIMIT", "500"), ("MAX_TIER", "4"), ("TURN", "0"), ("TIMEOUT", "soon")):
        monkeypatch.setenv(f"ACCEPTED_NEWS_{name}", value)
        with pytest.raises(ConfigurationError, match=f"ACCEPTED_NEWS_{name}"):
            load(NewsSettings, section="news")
        monkeypatch.delenv(f"ACCEPTED_NEWS_{name}")
