-- name: known_keys
SELECT json_group_array(json_array(found.scope, found.key, found.fingerprint, found.job_id))
FROM json_each(:keys) AS wanted CROSS JOIN idempotency AS found
ON found.scope = wanted.value->>0 AND found.key = wanted.value->>1
WHERE found.expires_at > :now

-- name: remember_keys
-- Over an expired one.
INSERT INTO idempotency (scope, key, fingerprint, job_id, expires_at)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET
    fingerprint = excluded.fingerprint, job_id = excluded.job_id, expires_at = excluded.expires_at

-- name: next_n
SELECT coalesce(max(n), 0) + 1 FROM jobs

-- name: insert_jobs
-- The place of a row in the array gives its number, here and below.
INSERT INTO jobs (
    n, id, task, queue, owner, priority, turn, waits, line, slots, paces, quotas, max_retries, scheduled_at,
    deadline_at, deadline_cancels, retention, status, seq, submitted_at
)
SELECT
    :first + key, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
    value->>9, value->>10, value->>11, value->>12, value->>13, value->>14, value->>15, 'pending', 1, :now
FROM json_each(:rows)

-- name: insert_inputs
INSERT INTO inputs (job, args) SELECT :first + key, value FROM json_each(:args)

-- name: insert_events
INSERT INTO events (job, seq, at, attempt, kind, data)
SELECT :first + key, 1, :now, 0, 'pending', value FROM json_each(:rows)
