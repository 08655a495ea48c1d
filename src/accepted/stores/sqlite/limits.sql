-- name: gauges
SELECT json_group_array(json_array(key, used)) FROM gauges
WHERE kind = :kind AND key IN (SELECT value FROM json_each(:keys))

-- name: set_gauges
INSERT INTO gauges (kind, key, used)
SELECT :kind, value->>0, value->>1 FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET used = excluded.used

-- name: drop_empty_gauges
-- Keys come and go (an owner, a domain); one that nobody holds leaves no row behind.
DELETE FROM gauges WHERE kind = :kind AND used = 0 AND key IN (SELECT value FROM json_each(:keys))

-- name: held
-- The next jobs that wait for a limit, in the order in which they would be claimed.
SELECT json_group_array(json_array(n, slots)) FROM (
    SELECT n, slots FROM jobs INDEXED BY jobs_held
    WHERE waits = 'limit' AND waiting_for = :key
    ORDER BY priority DESC, turn, n
    LIMIT :limit
)

-- name: move_held
-- Ready when there is nothing left to wait for.
UPDATE jobs SET
    waiting_for = moved.value->>1,
    waits = iif(moved.value->>1 IS NULL, 'turn', 'limit')
FROM json_each(:rows) AS moved
WHERE jobs.n = moved.value->>0
