-- name: live
SELECT '[' || coalesce(group_concat(packed), '') || ']' FROM live WHERE id = :id

-- name: owned
SELECT '[' || coalesce(group_concat(packed), '') || ']' FROM live WHERE n IN (
    SELECT n FROM jobs INDEXED BY jobs_by_owner
    WHERE owner = :owner
        AND (:task IS NULL OR task = :task)
        AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    ORDER BY n
    LIMIT :limit
)

-- name: forget_keys_of
-- Looks at all keys: an index by job would cost each submission with a key, and this is rare.
DELETE FROM idempotency WHERE job_id IN (SELECT value FROM json_each(:ids))

-- name: request_cancel
UPDATE jobs SET seq = seq + 1, cancel_requested_at = :now, cancel_reason = :reason
WHERE n = :job AND status = 'running'

-- name: retried_at
-- When the job was last retried by hand; of its own log, and asked for a job with a deadline only.
SELECT max(at) FROM events WHERE job = :job AND kind = 'pending' AND data->>'reason' = 'retried'

-- name: retry
UPDATE jobs SET
    status = 'pending',
    seq = seq + 1,
    waits = :waits,
    line = :line,
    turn = :turn,
    resumes = 0,
    failures = 0,
    losses = 0,
    scheduled_at = :now,
    finished_at = NULL,
    expires_at = NULL,
    deadline_at = :deadline_at,
    cancel_requested_at = NULL,
    cancel_reason = NULL,
    result_blob = NULL,
    error = NULL
WHERE n = :job AND status IN ('completed', 'failed', 'cancelled')

-- name: forget_steps
DELETE FROM steps WHERE job = :job

-- name: forget_result
DELETE FROM results WHERE job = :job

-- name: bury
INSERT OR REPLACE INTO tombstones (id, owner, at, reason)
SELECT id, owner, :now, :reason FROM jobs WHERE n IN (SELECT value FROM json_each(:jobs))

-- name: remove_events
DELETE FROM events WHERE job IN (SELECT value FROM json_each(:jobs))

-- name: remove_steps
DELETE FROM steps WHERE job IN (SELECT value FROM json_each(:jobs))

-- name: remove_artifacts
DELETE FROM artifacts WHERE job IN (SELECT value FROM json_each(:jobs))

-- name: remove_results
DELETE FROM results WHERE job IN (SELECT value FROM json_each(:jobs))

-- name: remove_inputs
DELETE FROM inputs WHERE job IN (SELECT value FROM json_each(:jobs))

-- name: remove_jobs
DELETE FROM jobs WHERE n IN (SELECT value FROM json_each(:jobs))
