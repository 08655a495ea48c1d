"""docs/audit.md lists every setting, code and rule, and the settings come from where it says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from accepted_apps.audit import errors
from accepted_apps.audit.analysis import rules
from accepted_apps.audit.errors import AuditError
from accepted_apps.audit.settings import AuditSettings

from accepted.errors import ConfigurationError
from accepted.settings import load

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"


def shown(value: object, unit: str) -> str:
    match value, unit:
        case None | () | "", _:
            return "empty"
        case int(), "bytes":
            return f"{value // 2**20} MB"
        case float(), "seconds":
            return f"{value:g} s"
        case _:
            return str(value)


def test_the_page_has_every_setting() -> None:
    section = PAGE.read_text().partition("## Settings")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", section, re.MULTILINE)
    known = [(one.name, shown(one.default, one.metadata["unit"]), one.metadata["doc"]) for one in fields(AuditSettings)]
    assert found == known


def test_the_page_has_every_code() -> None:
    text = PAGE.read_text()
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, AuditError)]
    assert {kind.code for kind in kinds if f"`{kind.code}`" not in text} == {"audit_error"}
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_the_page_has_every_rule() -> None:
    code = Path(rules.__file__).read_text()
    named = set(re.findall(r'^\s+"([a-z]+(?:-[a-z]+)+)",$', code, re.MULTILINE))
    assert len(named) == len(rules.RULES)
    section = PAGE.read_text().partition("## The analysis")[2].partition("## Settings")[0]
    assert named == set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACCEPTED_AUDIT_LOCAL_REPOSITORIES", "/srv/a, /srv/b")
    file = tmp_path / "accepted.toml"
    file.write_text('[audit]\nwait = "5s"\nclone_bytes = "1MB"\n')
    found = load(AuditSettings, section="audit", config=file)
    assert (found.local_repositories, found.wait, found.clone_bytes) == (("/srv/a", "/srv/b"), 5, 2**20)


@pytest.mark.parametrize(("name", "value"), [("GIT", "svn"), ("ENDPOINTS_MAX", "0"), ("GITHUB_URL", "github.com")])
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ACCEPTED_AUDIT_{name}", value)
    with pytest.raises(ConfigurationError, match=f"(?i){name}"):
        load(AuditSettings, section="audit")
