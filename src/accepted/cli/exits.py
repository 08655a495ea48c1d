"""Exit codes, the same for every command."""

from __future__ import annotations

from typing import Final

from accepted.job import Status

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CANCELLED: Final = 3
TROUBLE: Final = 4
NOT_OVER: Final = 5
INTERRUPTED: Final = 130

MEANINGS: Final = {
    OK: "done; the job completed, the server stopped in order",
    FAILED: "the job failed",
    USAGE: "the command line is wrong",
    CANCELLED: "the job was cancelled",
    TROUBLE: "no server, no such job, not allowed, a wrong setting …: stderr says what",
    NOT_OVER: "the time to wait is over, the job is not",
    INTERRUPTED: "Ctrl-C; a job that was followed goes on",
}

OF_STATUS: Final = {Status.COMPLETED: OK, Status.FAILED: FAILED, Status.CANCELLED: CANCELLED}
