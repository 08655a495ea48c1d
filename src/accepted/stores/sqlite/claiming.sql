-- name: next_due
-- When the next job is due, when the next pace that jobs wait for has room, and when the newest of those was written.
SELECT json_array(
    (SELECT min(scheduled_at) FROM jobs INDEXED BY jobs_due WHERE waits = 'time'),
    (SELECT min(wake_at) FROM windows INDEXED BY windows_wake WHERE wake_at IS NOT NULL),
    (SELECT max(written_at) FROM windows INDEXED BY windows_written WHERE wake_at IS NOT NULL)
)

-- name: due
SELECT json_group_array(json_array(n, queue, task, priority, owner, slots, paces)) FROM (
    SELECT n, queue, task, priority, owner, slots, paces FROM jobs INDEXED BY jobs_due
    WHERE waits = 'time' AND scheduled_at <= :now
    ORDER BY scheduled_at, n
    LIMIT :limit
)

-- name: make_ready
UPDATE jobs SET turn = due.value->>1, waits = due.value->>2, line = due.value->>3
FROM json_each(:rows) AS due
WHERE jobs.n = due.value->>0

-- name: pick
-- The first few of each lane, and of those the first: every lane is read from its head and no further.
SELECT json_group_array(n) FROM (
    SELECT jobs.n FROM json_each(:lanes) AS lanes CROSS JOIN jobs ON jobs.n IN (
        SELECT n FROM jobs INDEXED BY jobs_ready
        WHERE waits = 'turn' AND queue = lanes.value->>0 AND task = lanes.value->>1
        ORDER BY priority DESC, turn, n
        LIMIT :limit
    )
    ORDER BY jobs.priority DESC, jobs.turn, jobs.n
    LIMIT :limit
)

-- name: take
-- An attempt that follows an interruption goes on where it stood; any other begins at nothing.
UPDATE jobs SET
    status = 'running',
    waits = NULL,
    seq = seq + 1,
    attempt = attempt + 1,
    token = token + 1,
    worker = :worker,
    started_at = :now,
    lease_expires_at = :until,
    progress = iif(resumes, progress, NULL),
    resumes = 0,
    error = NULL
WHERE n IN (SELECT value FROM json_each(:picked)) AND status = 'pending'

-- name: tell
INSERT INTO events (job, seq, at, attempt, kind, data)
SELECT n, seq, :now, attempt, 'running', :data FROM jobs WHERE n IN (SELECT value FROM json_each(:picked))

-- name: taken
SELECT
    '[' || group_concat(
        '[' || jobs.n || ',' || jobs.turn || ',' || coalesce(jobs.paces, 'null') || ','
        || EXISTS (SELECT 1 FROM webhooks WHERE webhooks.owner = jobs.owner AND webhooks.disabled_at IS NULL)
        || ',' || packed.record || ']'
    ) || ']'
FROM jobs JOIN packed ON packed.n = jobs.n
WHERE jobs.n IN (SELECT value FROM json_each(:picked))

-- name: finished_steps
SELECT json_group_array(json_array(job, key, name, status, attempt, started_at, finished_at, result)) FROM steps
WHERE job IN (SELECT value FROM json_each(:picked)) AND status = 'completed'
