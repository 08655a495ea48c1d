"""docs/ tells the truth: what comes from the code is as the code says, and what is linked exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pages
import pytest

from accepted.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_generated_parts_are_current(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert pages.written(page, path.name) == page, "run: python scripts/pages.py"


def test_every_setting_has_its_row() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for one in fields(Settings):
        assert f"| `{one.name}` | `ACCEPTED_{one.name.upper()}` |" in page


@pytest.mark.parametrize("path", [*DOCS, ROOT / "README.md", ROOT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_environment_is_read_in_one_module() -> None:
    readers = [
        path.name
        for path in (ROOT / "src" / "accepted").rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text(encoding="utf-8"))
    ]
    # isolation.py and serving hand the environment on to child processes; they read no setting from it.
    assert set(readers) <= {"settings.py", "isolation.py", "isolated.py", "serving.py", "processes.py"}


def test_quoted_status_names_stand_in_the_state_machine_and_the_sql_only() -> None:
    allowed = {"job.py"}
    quoted = re.compile(r"""["'](pending|running|completed|failed|cancelled)["']""")
    for path in (ROOT / "src" / "accepted").rglob("*.py"):
        if path.name in allowed or {"client", "conformance"} & set(path.parts) or path.name == "openapi.py":
            continue
        code = re.sub(r'"""(?:.|\n)*?"""', "", path.read_text(encoding="utf-8"))
        code = re.sub(r'_SQL\["\w+"\]', "", code)  # the name of a statement
        found = quoted.findall(code)
        assert not found, f"{path.name}: use Status.{found[0].upper()}"


def test_every_test_that_the_guarantees_name_exists() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::([\w*]+)`", page)
    assert len(named) > 20
    for path, name in named:
        code = (ROOT / path).read_text(encoding="utf-8")
        assert name == "*" or re.search(rf"def {name}\b", code), f"{path}::{name}"
