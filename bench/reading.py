"""Reading of keyword exports: a file of the shape of Cerebro's, in a process of its own.

    python bench/reading.py [--rows 200000] [--asins 10] [--xlsx]

The time is that of one reading, the memory the most that the process had, the file's bytes and Python included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from accepted_apps.playground.sales.exports import cerebro, workbook
from accepted_apps.sales.reading.export import read_export


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--asins", type=int, default=10)
    options.add_argument("--xlsx", action="store_true", help="as a workbook")
    options.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.read:
        read(given.read)
        return
    with tempfile.TemporaryDirectory(prefix="accepted-reading-") as folder:
        file = Path(folder) / "export"
        rows = cerebro(given.rows, given.asins)
        file.write_bytes(workbook(rows.cells()) if given.xlsx else rows.csv())
        print(f"{given.rows:,} rows, {file.stat().st_size / 1e6:.1f} MB")
        subprocess.run([sys.executable, __file__, "--read", str(file)], check=True)


def read(file: Path) -> None:
    data = file.read_bytes()
    cpu, wall = time.process_time(), time.perf_counter()
    export = read_export(data, "revenue")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    status = Path("/proc/self/status").read_text()
    most = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    print(f"{len(export.keywords):,} keywords in {wall:.2f} s ({cpu:.2f} s of CPU), {most:.0f} MB at most")


if __name__ == "__main__":
    main()
