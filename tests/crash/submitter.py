"""A process that submits over HTTP: `python submitter.py URL NOTES COUNT`.

Job number k has the Idempotency-Key `k`; a line `k job` is noted once it is acknowledged. Started again after a
kill -9 it goes on behind the last line, with the same keys: so it may send the last one twice.
"""

from __future__ import annotations

import sys
from pathlib import Path

import crash_app

from accepted.client import Client, Policy


def main(url: str, notes: str, count: int) -> None:
    path = Path(notes)
    done = len(path.read_text().splitlines()) if path.exists() else 0
    with Client(url, policy=Policy(retries=100)) as client:
        work = client.tasks["work"]
        for number in range(done, count):
            job = work.with_options(idempotency_key=str(number)).submit()
            crash_app.note(notes, f"{number} {job.id}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
