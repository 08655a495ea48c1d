-- name: line
SELECT kind, waiting_for FROM lines WHERE line = :line

-- name: join_lines
INSERT INTO lines (line, kind, waiting_for, priority, turn, n)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET priority = excluded.priority, turn = excluded.turn, n = excluded.n
WHERE (-excluded.priority, excluded.turn, excluded.n) < (-priority, turn, n)

-- name: move_line
UPDATE lines SET kind = :kind, waiting_for = :key WHERE line = :line

-- name: drop_empty_lines
DELETE FROM lines
WHERE line IN (SELECT value FROM json_each(:lines))
    AND NOT EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_held WHERE jobs.waits = 'limit' AND jobs.line = lines.line)

-- name: set_first
UPDATE lines SET (priority, turn, n) = (
    SELECT priority, turn, n FROM jobs INDEXED BY jobs_held
    WHERE jobs.waits = 'limit' AND jobs.line = lines.line
    ORDER BY jobs.priority DESC, jobs.turn, jobs.n
    LIMIT 1
)
WHERE line IN (SELECT value FROM json_each(:lines))

-- name: first_line
SELECT line FROM lines
WHERE kind = :kind AND waiting_for = :key
ORDER BY priority DESC, turn, n
LIMIT 1

-- name: held
-- The next jobs that wait for a limit, in the order in which they would be claimed: they stand in the lines whose first
-- jobs are the next, so each of those is read from its head and no further.
SELECT json_group_array(json_array(n, line)) FROM (
    SELECT jobs.n, jobs.line
    FROM (
        SELECT line FROM lines
        WHERE kind = :kind AND waiting_for = :key
        ORDER BY priority DESC, turn, n
        LIMIT :limit
    ) AS next
    CROSS JOIN jobs ON jobs.n IN (
        SELECT n FROM jobs INDEXED BY jobs_held
        WHERE waits = 'limit' AND line = next.line
        ORDER BY priority DESC, turn, n
        LIMIT :limit
    )
    ORDER BY jobs.priority DESC, jobs.turn, jobs.n
    LIMIT :limit
)

-- name: leave_line
UPDATE jobs SET waits = 'turn', line = NULL
WHERE n IN (SELECT value FROM json_each(:jobs)) AND waits = 'limit'
