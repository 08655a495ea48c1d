"""docs/profiles.md lists every setting and every code, and the settings come from where it says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from accepted_apps.profiles import errors
from accepted_apps.profiles.errors import ProfilesError
from accepted_apps.profiles.settings import ProfilesSettings

from accepted.errors import ConfigurationError
from accepted.settings import load

PAGE = Path(__file__).parents[3] / "docs" / "profiles.md"


def shown(value: object, unit: str) -> str:
    match value, unit:
        case None | () | "", _:
            return "empty"
        case bool(), _:
            return str(value).lower()
        case tuple(), _:
            return ", ".join(value)
        case int(), "bytes":
            return f"{value // 2**20} MB"
        case float(), "seconds":
            return f"{value:g} s"
        case float(), "US dollars":
            return f"${value:g}"
        case float(), _:
            return f"{value:g}"
        case _:
            return str(value)


def test_the_page_has_every_setting() -> None:
    found = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", PAGE.read_text().partition("## Settings")[2], re.MULTILINE)
    known = [
        (one.name, shown(one.default, one.metadata["unit"]), one.metadata["doc"]) for one in fields(ProfilesSettings)
    ]
    assert found == known


def test_the_page_has_every_code() -> None:
    text = PAGE.read_text()
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ProfilesError)]
    missing = {kind.code for kind in kinds if f"`{kind.code}`" not in text}
    assert missing == {"profiles_error"}, "the class that the others are made of"
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACCEPTED_PROFILES_MASTODON_TOKENS", "mastodon.social=se=cret, 127.0.0.1:8120=other")
    monkeypatch.setenv("ACCEPTED_PROFILES_TIMEOUT", "2h")
    file = tmp_path / "accepted.toml"
    file.write_text('[profiles]\nallow = ["127.0.0.1:8120"]\ntimeout = "1m"\nposts = 5\n')
    found = load(ProfilesSettings, section="profiles", config=file)
    assert (found.timeout, found.posts, found.allow) == (7200, 5, ("127.0.0.1:8120",))
    assert found.mastodon_token("mastodon.social") == "se=cret"
    assert found.mastodon_token("127.0.0.1:8120") == "other"
    assert found.mastodon_token("elsewhere.example") is None
    for secret in ("cret", "other"):
        assert secret not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MASTODON_TOKENS", "se-cret"), ("MASTODON_TOKENS", "=se-cret"), ("POSTS_AT_ONCE", "0"), ("POSTS_MAX", "none")],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ACCEPTED_PROFILES_{name}", value)
    with pytest.raises(ConfigurationError, match=f"(?i){name}") as refused:
        load(ProfilesSettings, section="profiles")
    assert "se-cret" not in str(refused.value)
