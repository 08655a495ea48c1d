"""Write the parts of docs/ that come from the code: `python scripts/pages.py`. A test holds the pages against it.

A page has `<!-- settings: module:Class section -->` … `<!-- end -->`; what stands between is written anew.
"""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
PART = re.compile(r"(<!-- settings: (\S+):(\S+) ?(\S*) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings_table(cls: Any, section: str) -> str:
    """One row a setting: TOML name, variable, unit, default, meaning."""
    prefix = f"ACCEPTED_{section.upper()}_" if section else "ACCEPTED_"
    rows = ["| setting | variable | unit | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for one in fields(cls):
        default = _shown(one.default, one.metadata["unit"]) if one.default is not MISSING else "by the machine"
        unit = one.metadata["unit"] or "–"
        rows.append(f"| `{one.name}` | `{prefix}{one.name.upper()}` | {unit} | {default} | {one.metadata['doc']} |")
    return "\n".join(rows) + "\n"


def _shown(value: Any, unit: str) -> str:
    if value in ("", None, ()):
        return "empty"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    if unit == "seconds" and value >= 3600:
        return f"{value:g} ({value / 86400:g} d)" if value >= 86400 else f"{value:g} ({value / 3600:g} h)"
    if unit == "bytes" and value >= 1024:
        return f"{value} ({value // 1024**2} MB)" if value >= 1024**2 else f"{value} ({value // 1024} KB)"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


COPIES = {"problems.md": DOCS.parent / "src" / "accepted" / "http" / "problems.md"}
"""Pages that the server has to carry with it."""


def written(page: str, name: str = "") -> str:
    """The page with its parts written anew."""
    if name in COPIES:
        return COPIES[name].read_text(encoding="utf-8")

    def part(found: re.Match[str]) -> str:
        head, module, name, section, end = found.groups()
        return head + settings_table(getattr(importlib.import_module(module), name), section) + end

    return PART.sub(part, page)


def main() -> int:
    for path in sorted(DOCS.glob("*.md")):
        page = path.read_text(encoding="utf-8")
        if written(page, path.name) != page:
            path.write_text(written(page, path.name), encoding="utf-8")
            print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
