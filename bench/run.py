"""The figures of this machine, in one table.

    make bench
    python -m bench.run [--quick] [--only NAME …] [--json FILE] [--folder FOLDER]

What each means and what limits it: docs/performance.md. Figures are of this machine, this disk and this moment.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench import history, idle, machine, routes, streaming, submitting, working
from bench.figure import Bench, Figure, Row
from bench.processes import ROOT

FIGURES: Final[Mapping[str, Figure]] = {
    "submit": submitting.submit,
    "no-op": working.no_op,
    "pick-up": working.pick_up,
    "http-submit": routes.submit,
    "http-poll": routes.poll,
    "full-speed": streaming.full_speed,
    "progress": working.progress,
    "many-watchers": streaming.many,
    "history": history.history,
    "step": working.step,
    "idle": idle.idle,
    "import": idle.importing,
    "resume": working.resume,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a little of each: that it runs, not how fast")
    parser.add_argument("--only", action="append", choices=FIGURES, metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    parser.add_argument("--folder", type=Path, default=ROOT / "data", help="on the disk to measure  [default: data]")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="bench-") as folder:
        about = machine.describe(Path(folder))
        rows = [row for name in asked.only or FIGURES for row in measure(name, Path(folder), quick=asked.quick)]
    print("\n".join([*about, "", *table(rows)]))
    if asked.json is not None:
        asked.json.write_text(json.dumps({"about": about, "rows": [asdict(row) for row in rows]}, indent=1))


def measure(name: str, folder: Path, *, quick: bool) -> list[Row]:
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f"{name}-") as own:
        return FIGURES[name](Bench(Path(own), quick))


def table(rows: Sequence[Row]) -> list[str]:
    cells = [("what", "measured", "wanted", "met?")]
    cells += [(row.what, row.measured, row.wanted, {None: "", True: "yes", False: "NO"}[row.met]) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    cells.insert(1, tuple("─" * width for width in widths))  # type: ignore[arg-type]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


if __name__ == "__main__":
    main()
