"""docs/preview.md lists every setting with its default, and the settings come from where it says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from accepted_apps.preview.errors import PreviewError
from accepted_apps.preview.settings import PreviewSettings

from accepted.errors import ConfigurationError
from accepted.settings import load

PAGE = Path(__file__).parents[3] / "docs" / "preview.md"


def shown(value: object, unit: str) -> str:
    match value, unit:
        case None | () | "", _:
            return "empty"
        case bool(), _:
            return str(value).lower()
        case int(), "bytes":
            return f"{value // 2**20} MB"
        case float(), "seconds":
            return f"{value:g} s"
        case float(), "US dollars":
            return f"${value:g}"
        case _:
            return str(value)


def test_the_page_has_every_setting() -> None:
    found = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    known = [
        (one.name, shown(one.default, one.metadata["unit"]), one.metadata["doc"]) for one in fields(PreviewSettings)
    ]
    assert found == known


def test_the_page_has_every_code() -> None:
    text = PAGE.read_text()

    def codes(kind: type[PreviewError]) -> set[str]:
        return {kind.code}.union(*(codes(one) for one in kind.__subclasses__()))

    missing = {code for code in codes(PreviewError) if f"`{code}`" not in text}
    assert missing == {"preview_error"}, "the class that the others are made of"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACCEPTED_PREVIEW_PROXIES", "http://user:word@a:3128, socks5://b:1080")
    monkeypatch.setenv("ACCEPTED_PREVIEW_TIMEOUT", "2m")
    monkeypatch.setenv("ACCEPTED_PREVIEW_BROWSER_SANDBOX", "false")
    file = tmp_path / "accepted.toml"
    file.write_text('[preview]\nallow = ["127.0.0.1:8100"]\ntimeout = "1m"\n')
    found = load(PreviewSettings, section="preview", config=file)
    assert found.proxies == ("http://user:word@a:3128", "socks5://b:1080")
    assert found.allow == ("127.0.0.1:8100",)
    assert found.timeout == 120
    assert found.browser_sandbox is False
    assert "word" not in repr(found)
    monkeypatch.setenv("ACCEPTED_PREVIEW_WAIT", "soon")
    with pytest.raises(ConfigurationError, match="ACCEPTED_PREVIEW_WAIT"):
        load(PreviewSettings, section="preview")
