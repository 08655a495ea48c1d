"""Long files, in a process of their own: what one costs is measured where nothing else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from accepted_apps.playground.sales.exports import cerebro
from pydantic import BaseModel

_READ = """
import json, pathlib, sys, time
from accepted_apps.sales.reading.export import read_export
data = pathlib.Path(sys.argv[1]).read_bytes()
cpu = time.process_time()
export = read_export(data, "revenue")
cpu = time.process_time() - cpu
status = pathlib.Path("/proc/self/status").read_text()
most = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
print(json.dumps({"keywords": len(export.keywords), "megabytes": most, "cpu": cpu}))
"""


class Costs(BaseModel):
    keywords: int
    megabytes: float
    cpu: float


def costs(rows: int, folder: Path) -> Costs:
    """megabytes: the most that the process had. cpu: seconds."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell how much memory a process had")
    file = folder / "export.csv"
    file.write_bytes(cerebro(rows, 10).csv())
    ran = subprocess.run([sys.executable, "-c", _READ, str(file)], check=True, capture_output=True)
    return Costs.model_validate_json(ran.stdout)


def test_ten_thousand_rows_take_little_memory(tmp_path: Path) -> None:
    found = costs(10_000, tmp_path)
    assert found.keywords == 10_000
    assert found.megabytes < 100


@pytest.mark.soak
def test_two_hundred_thousand_rows_take_less_than_half_a_gigabyte(tmp_path: Path) -> None:
    found = costs(200_000, tmp_path)
    assert found.keywords == 200_000
    assert found.megabytes < 500
    assert found.cpu < 10, "a busy machine counts for some of it"
