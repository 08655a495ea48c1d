-- Times are microseconds since the epoch (exact in JSON, unlike a float), durations microseconds, costs
-- billionths. A list is JSON text. An UPDATE rewrites its whole row, so what may be large and never changes
-- (arguments, result) stands in a table of its own.

CREATE TABLE jobs (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    queue TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    waits TEXT CHECK (waits IN ('turn', 'time', 'limit')),
    waiting_for TEXT,
    priority INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 1),
    first_seq INTEGER NOT NULL DEFAULT 1 CHECK (first_seq >= 1 AND first_seq <= seq),
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    resumes INTEGER NOT NULL DEFAULT 0 CHECK (resumes IN (0, 1)),
    failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    losses INTEGER NOT NULL DEFAULT 0 CHECK (losses >= 0),
    max_retries INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    scheduled_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    deadline_at INTEGER,
    deadline_cancels INTEGER NOT NULL CHECK (deadline_cancels IN (0, 1)),
    retention INTEGER NOT NULL,
    expires_at INTEGER,
    cancel_requested_at INTEGER,
    cancel_reason TEXT,
    token INTEGER NOT NULL DEFAULT 0 CHECK (token >= 0),
    worker TEXT,
    lease_expires_at INTEGER,
    slots TEXT,
    quotas TEXT,
    progress TEXT,
    result_blob TEXT,
    error TEXT,
    cost INTEGER NOT NULL DEFAULT 0,
    CHECK ((status = 'pending') = (waits IS NOT NULL)),
    CHECK ((waits IS 'limit') = (waiting_for IS NOT NULL)),
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((worker IS NULL) = (lease_expires_at IS NULL)),
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((finished_at IS NULL) = (expires_at IS NULL))
) STRICT;

-- What claiming reads: ready jobs only, so history and held jobs cost it nothing. By task, because a worker
-- that does not know a task must not wade through a hundred thousand of its jobs. `waits` is in it so that the index
-- is enough: SQLite looks at the row even for a condition that the index implies.
CREATE INDEX jobs_ready ON jobs (queue, task, priority DESC, turn, n, waits) WHERE waits = 'turn';
CREATE INDEX jobs_due ON jobs (scheduled_at, n) WHERE waits = 'time';
CREATE INDEX jobs_held ON jobs (waiting_for, priority DESC, turn, n) WHERE waits = 'limit';
CREATE INDEX jobs_deadline ON jobs (deadline_at) WHERE waits IS NOT NULL AND deadline_at IS NOT NULL;
CREATE INDEX jobs_running ON jobs (worker) WHERE status = 'running';
CREATE INDEX jobs_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;
-- What listing reads. The common end needs no index by status: the newest jobs are full of it.
CREATE INDEX jobs_by_owner ON jobs (owner, n);
CREATE INDEX jobs_by_task ON jobs (task, n);
CREATE INDEX jobs_by_end ON jobs (status, n) WHERE status IN ('failed', 'cancelled');

CREATE TABLE inputs (job INTEGER PRIMARY KEY, args TEXT NOT NULL) STRICT;

CREATE TABLE results (job INTEGER PRIMARY KEY, result TEXT NOT NULL) STRICT;

CREATE TABLE events (
    job INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 1),
    at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    job INTEGER NOT NULL,
    key TEXT NOT NULL,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed')),
    attempt INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    result TEXT,
    PRIMARY KEY (job, key),
    CHECK ((status = 'running') = (finished_at IS NULL)),
    CHECK ((status = 'completed') = (result IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- The newest artifact event of each name: it must outlive the trimming of the log.
CREATE TABLE artifacts (
    job INTEGER NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (job, name)
) STRICT, WITHOUT ROWID;

-- Fair turns: how far each (queue, task, priority) has come, and the last turn that each owner was given.
CREATE TABLE lanes (
    queue TEXT NOT NULL,
    task TEXT NOT NULL,
    priority INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (queue, task, priority)
) STRICT, WITHOUT ROWID;

CREATE TABLE turns (
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    owner TEXT NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (queue, priority, owner)
) STRICT, WITHOUT ROWID;

-- How many jobs hold each key: a slot (running, or ready to), a quota (not over). No row means none.
CREATE TABLE gauges (
    kind TEXT NOT NULL CHECK (kind IN ('slot', 'quota')),
    key TEXT NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- How many jobs ever ended in each way.
CREATE TABLE endings (
    queue TEXT NOT NULL,
    task TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('completed', 'failed', 'cancelled')),
    jobs INTEGER NOT NULL,
    PRIMARY KEY (queue, task, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstones (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_at ON tombstones (at);

CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    job_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- `kernel` names the running kernel: where it is ours, a lock on a file tells whether the worker lives.
CREATE TABLE workers (
    id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    kernel TEXT NOT NULL,
    pid INTEGER NOT NULL,
    concurrency INTEGER NOT NULL,
    tasks TEXT NOT NULL,
    queues TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    admin INTEGER NOT NULL CHECK (admin IN (0, 1)),
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE tickets (
    ticket TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_expiry ON tickets (expires_at);

CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL CHECK (length(value) = 32)
) STRICT, WITHOUT ROWID;

-- A job as `records.py` reads it: the columns in the order of JobRecord.
CREATE VIEW records AS
SELECT
    n, id, task, queue, owner, status, seq, args, priority, attempt, failures, losses, max_retries,
    submitted_at, scheduled_at, started_at, finished_at, deadline_at, deadline_cancels, retention, expires_at,
    cancel_requested_at, cancel_reason, token, worker, lease_expires_at, waiting_for, progress, result,
    result_blob, error, cost
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

-- What a transition has to know of a job, packed in the order of `records.Live`.
CREATE VIEW live AS
SELECT
    n, id, status, waits, token, worker, lease_expires_at, deadline_at,
    json_array(
        n, id, status, waits, seq, first_seq, attempt, token, failures, losses, queue, task, owner, priority, slots,
        quotas, cancel_requested_at, cancel_reason, lease_expires_at, submitted_at, deadline_at
    ) AS packed
FROM jobs;

PRAGMA application_id = 0x61636370;
PRAGMA user_version = 1;
