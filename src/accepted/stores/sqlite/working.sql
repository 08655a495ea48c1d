-- name: leased
-- The jobs whose lease is the one named, each with the lease's place in the list.
SELECT '[' || coalesce(group_concat('[' || leases.key || ',' || live.packed || ']'), '') || ']'
FROM json_each(:leases) AS leases CROSS JOIN live ON live.id = leases.value->>0
WHERE live.status = 'running' AND live.token = leases.value->>1

-- name: live
SELECT '[' || coalesce(group_concat(packed), '') || ']' FROM live WHERE id = :id

-- name: insert_events
INSERT INTO events (job, seq, at, attempt, kind, data)
SELECT value->>0, value->>1, :now, value->>2, value->>3, value->>4 FROM json_each(:rows)

-- name: trim_events
DELETE FROM events WHERE job = :job AND seq < :first_seq

-- name: set_first_seq
UPDATE jobs SET first_seq = :first_seq WHERE n = :job

-- name: append
UPDATE jobs SET
    seq = appended.value->>1,
    progress = coalesce(appended.value->>2, progress),
    cost = cost + (appended.value->>3),
    losses = iif(appended.value->>4, 0, losses)
FROM json_each(:rows) AS appended
WHERE jobs.n = appended.value->>0

-- name: write_steps
-- A step keeps the place of its first start, and the time of its latest.
INSERT INTO steps (job, key, place, name, status, attempt, started_at, finished_at, result)
SELECT
    value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, :now,
    iif(value->>4 = 'running', NULL, :now), value->>6
FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET
    name = excluded.name,
    status = excluded.status,
    attempt = excluded.attempt,
    started_at = iif(excluded.status = 'running', excluded.started_at, started_at),
    finished_at = excluded.finished_at,
    result = excluded.result

-- name: write_artifacts
INSERT INTO artifacts (job, name, data)
SELECT value->>0, value->>1, value->>2 FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET data = excluded.data

-- name: end
-- For all jobs that end alike: most of a batch do.
UPDATE jobs SET
    status = :status,
    seq = seq + 1,
    waits = NULL,
    line = NULL,
    resumes = 0,
    worker = NULL,
    lease_expires_at = NULL,
    finished_at = :now,
    expires_at = :now + retention,
    error = :error,
    cancel_reason = coalesce(:cancel_reason, cancel_reason),
    cancel_requested_at = iif(:cancel_reason IS NULL, cancel_requested_at, coalesce(cancel_requested_at, :now)),
    result_blob = :result_blob,
    losses = :losses
WHERE n IN (SELECT value FROM json_each(:jobs)) AND status IN ('pending', 'running')

-- name: write_results
INSERT INTO results (job, result) SELECT value->>0, value->>1 FROM json_each(:rows)

-- name: give_back
UPDATE jobs SET
    status = 'pending',
    seq = seq + 1,
    waits = given.value->>1,
    scheduled_at = coalesce(given.value->>2, scheduled_at),
    attempt = given.value->>3,
    failures = given.value->>4,
    losses = given.value->>5,
    resumes = given.value->>6,
    error = given.value->>7,
    worker = NULL,
    lease_expires_at = NULL
FROM json_each(:rows) AS given
WHERE jobs.n = given.value->>0

-- name: renew
UPDATE jobs SET lease_expires_at = :until
WHERE n IN (
    SELECT jobs.n FROM json_each(:held) AS held CROSS JOIN jobs ON jobs.id = held.key
    WHERE jobs.status = 'running' AND jobs.token = held.value
)

-- name: held
SELECT json_group_array(json_array(jobs.id, jobs.cancel_requested_at IS NOT NULL))
FROM json_each(:held) AS held CROSS JOIN jobs ON jobs.id = held.key
WHERE jobs.status = 'running' AND jobs.token = held.value

-- name: seen
UPDATE workers SET seen_at = :now, expires_at = :until WHERE id = :id

-- name: register
INSERT INTO workers (id, host, kernel, pid, concurrency, tasks, queues, started_at, seen_at, expires_at)
VALUES (:id, :host, :kernel, :pid, :concurrency, :tasks, :queues, :started_at, :now, :until)
ON CONFLICT DO UPDATE SET
    host = excluded.host, kernel = excluded.kernel, pid = excluded.pid, concurrency = excluded.concurrency,
    tasks = excluded.tasks, queues = excluded.queues, started_at = excluded.started_at,
    seen_at = excluded.seen_at, expires_at = excluded.expires_at

-- name: deregister
DELETE FROM workers WHERE id = :id

-- name: expire_leases
UPDATE jobs SET lease_expires_at = :now WHERE status = 'running' AND worker = :id AND lease_expires_at > :now
