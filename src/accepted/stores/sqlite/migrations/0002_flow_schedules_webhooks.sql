-- Held jobs stand in lines now: one line for all that need the very same limits. What holds a line up is said once, by
-- the line, so a hundred thousand jobs go from one limit to the next by one UPDATE.

DROP VIEW live;
DROP VIEW packed;
DROP VIEW records;

ALTER TABLE jobs ADD COLUMN paces TEXT;
ALTER TABLE jobs RENAME COLUMN waiting_for TO line;

-- `line` is the JSON of its limits, [slots, paces]; priority, turn and n are those of its first job.
CREATE TABLE lines (
    line TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('slot', 'pace')),
    waiting_for TEXT NOT NULL,
    priority INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lines_waiting ON lines (kind, waiting_for, priority DESC, turn, n);

INSERT INTO lines (line, kind, waiting_for, priority, turn, n)
SELECT '[' || slots || ',null]', 'slot', line, priority, turn, n FROM jobs WHERE waits = 'limit'
ORDER BY priority DESC, turn, n
ON CONFLICT DO NOTHING;
UPDATE jobs SET line = '[' || slots || ',null]' WHERE waits = 'limit';

-- What was counted under each key of late, oldest first. `ready`: places of jobs that are ready and have not started.
-- `wake_at`: while lines wait for it, when it has room (about 2096: not known, since ready jobs fill it).
-- `written_at` later than now tells of a clock that was set back. From `ends_at` on nothing here counts any more.
CREATE TABLE windows (
    kind TEXT NOT NULL CHECK (kind IN ('pace', 'admission')),
    key TEXT NOT NULL,
    times TEXT NOT NULL,
    ready INTEGER NOT NULL CHECK (ready >= 0),
    wake_at INTEGER,
    written_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX windows_wake ON windows (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX windows_written ON windows (written_at) WHERE wake_at IS NOT NULL;
CREATE INDEX windows_end ON windows (ends_at) WHERE ready = 0 AND wake_at IS NULL;

CREATE TABLE schedules (
    name TEXT NOT NULL PRIMARY KEY,
    spec TEXT NOT NULL,
    owner TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    last_at INTEGER,
    last_job TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    secrets TEXT NOT NULL,
    kinds TEXT NOT NULL,
    tasks TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    disabled_reason TEXT
) STRICT;
CREATE INDEX webhooks_by_owner ON webhooks (owner, disabled_at);

-- A job as `records.py` reads it: the columns in the order of JobRecord.
CREATE VIEW records AS
SELECT
    n, id, task, queue, owner, status, seq, args, priority, attempt, failures, losses, max_retries,
    submitted_at, scheduled_at, started_at, finished_at, deadline_at, deadline_cancels, retention, expires_at,
    cancel_requested_at, cancel_reason, token, worker, lease_expires_at,
    (SELECT lines.waiting_for FROM lines WHERE lines.line = jobs.line) AS waiting_for,
    progress, result, result_blob, error, cost
FROM jobs
JOIN inputs ON inputs.job = jobs.n
LEFT JOIN results ON results.job = jobs.n;

-- The same as one JSON array, so that many jobs are one row to fetch.
CREATE VIEW packed AS
SELECT
    n,
    json_array(
        id, task, queue, owner, status, seq, args, priority, attempt, failures, losses, max_retries,
        submitted_at, scheduled_at, started_at, finished_at, deadline_at, deadline_cancels, retention, expires_at,
        cancel_requested_at, cancel_reason, token, worker, lease_expires_at, waiting_for, progress, result,
        result_blob, error, cost
    ) AS record
FROM records;

-- What a transition has to know of a job, packed in the order of `records.Live`. The last one: whether anybody wants
-- to be told of it; read with the rest, so that where nobody does this costs no statement.
CREATE VIEW live AS
SELECT
    n, id, owner, status, task, waits, token, worker, lease_expires_at, deadline_at,
    json_array(
        n, id, status, waits, line, seq, first_seq, attempt, token, failures, losses, queue, task, owner, priority,
        slots, paces, quotas, cancel_requested_at, cancel_reason, lease_expires_at, submitted_at, deadline_at,
        EXISTS (SELECT 1 FROM webhooks WHERE webhooks.owner = jobs.owner AND webhooks.disabled_at IS NULL)
    ) AS packed
FROM jobs;

PRAGMA user_version = 2;
