"""The page that a problem's `type` leads to: problems.md beside this file, as HTML with a section for each slug."""

from __future__ import annotations

import html
import re
from functools import cache
from importlib.resources import files

_CODE = re.compile(r"`([^`]+)`")


@cache
def problem_page() -> bytes:
    """UTF-8. The source is ours and plain: headings, paragraphs, code; anything else would stay as it is."""
    source = files("accepted.http").joinpath("problems.md").read_text(encoding="utf-8")
    body = "\n".join(_block(block) for block in source.split("\n\n") if block.strip())
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems</title>'
    style = (
        "<style>body{font:16px/1.5 system-ui;max-width:44em;margin:2em auto;padding:0 1em}h2{scroll-margin:1em}</style>"
    )
    return f"{head}{style}\n{body}\n</html>".encode()


def _block(block: str) -> str:
    text = _CODE.sub(r"<code>\1</code>", html.escape(block.strip(), quote=False))
    if text.startswith("## "):
        slug = text.removeprefix("## ")
        return f'<h2 id="{slug}">{slug}</h2>'
    if text.startswith("# "):
        return f"<h1>{text.removeprefix('# ')}</h1>"
    return f"<p>{text}</p>"
