"""The bench runs: a little of each figure, for its rows and never for its numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_a_quick_run_prints_every_figure(tmp_path: Path) -> None:
    rows, folder = tmp_path / "rows.json", tmp_path / "data"
    ran = subprocess.run(
        [sys.executable, "-m", "bench.run", "--quick", "--json", str(rows), "--folder", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    measured = json.loads(rows.read_text())["rows"]
    figures = [line.split()[1] for line in ran.stderr.splitlines() if line.startswith("measuring ")]
    assert len(figures) == 13
    assert len(measured) >= 29
    assert all(row["what"] in ran.stdout and row["measured"] in ran.stdout for row in measured)
    assert "synchronous=FULL" in ran.stdout
    assert list(folder.iterdir()) == []


def test_a_figure_by_its_name(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench.run", "--quick", "--only", "import", "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "import accepted" in ran.stdout
    assert "pick-up" not in ran.stdout
