-- name: busy_workers
-- Workers on this very kernel.
SELECT json_group_array(id) FROM workers WHERE kernel = :kernel

-- name: lost
SELECT '[' || coalesce(group_concat(record), '') || ']' FROM packed WHERE n IN (
    SELECT n FROM jobs INDEXED BY jobs_running
    WHERE status = 'running' AND lease_expires_at <= :now
    LIMIT :limit
)

-- name: past_deadline
SELECT '[' || coalesce(group_concat('[' || live.packed || ',' || jobs.deadline_cancels || ']'), '') || ']'
FROM jobs JOIN live ON live.n = jobs.n
WHERE jobs.n IN (
    SELECT n FROM jobs INDEXED BY jobs_deadline
    WHERE waits IS NOT NULL AND deadline_at IS NOT NULL AND deadline_at <= :now
    ORDER BY deadline_at
    LIMIT :limit
)

-- name: expired
SELECT json_group_array(json_array(n, id)) FROM (
    SELECT n, id FROM jobs INDEXED BY jobs_expiry
    WHERE expires_at IS NOT NULL AND expires_at <= :now
    ORDER BY expires_at
    LIMIT :limit
)

-- name: forget_keys
DELETE FROM idempotency WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency WHERE expires_at <= :now LIMIT :limit
)

-- name: forget_tickets
DELETE FROM tickets WHERE ticket IN (SELECT ticket FROM tickets WHERE expires_at <= :now LIMIT :limit)

-- name: forget_workers
-- Silent for a day: it is not on any machine that we could ask.
DELETE FROM workers WHERE id IN (SELECT id FROM workers WHERE seen_at <= :now - 86400000000 LIMIT :limit)

-- name: forget_tombstones
DELETE FROM tombstones WHERE id IN (SELECT id FROM tombstones WHERE at <= :before LIMIT :limit)

-- name: forget_turns
-- An owner's last turn that all lanes have passed says no more than no row.
DELETE FROM turns WHERE turn < (
    SELECT min(lanes.turn) FROM lanes WHERE lanes.queue = turns.queue AND lanes.priority = turns.priority
)

-- name: forget_windows
-- Keys come and go (an owner, a domain); a window in which nothing counts any more says no more than no row.
DELETE FROM windows WHERE (kind, key) IN (
    SELECT kind, key FROM windows INDEXED BY windows_end
    WHERE ready = 0 AND wake_at IS NULL AND ends_at <= :now
    LIMIT :limit
)
