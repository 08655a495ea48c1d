"""docs/client.md, executed: its application served, its examples run in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import HERE, Server

PAGE = (HERE.parent / "docs" / "client.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python( app)?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def documented(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "app.py").write_text("".join(code for kind, code in BLOCKS if kind))
    server = Server(tmp_path / "data", target="app:jobs", PYTHONPATH=str(tmp_path))
    try:
        yield server.start()
    finally:
        server.clean_up()


def test_the_examples_run(documented: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    examples = [code for kind, code in BLOCKS if not kind]
    assert len(examples) > 4
    for code in examples:
        exec(compile(code.replace("http://127.0.0.1:8000", documented.url), "client.md", "exec"), names)
    assert (tmp_path / "page.html").read_text() == "<h1>Example</h1>"
