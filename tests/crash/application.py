"""The tasks of `crash_app`, for `accepted serve crash.application:jobs`; the ledger is named by `CRASH_LEDGER`."""

from __future__ import annotations

import os

import crash_app

from accepted import Jobs

jobs = Jobs(max_losses=1000)
work, forever = crash_app.register(jobs, os.environ["CRASH_LEDGER"])
