-- name: windows
SELECT json_group_array(json_array(key, json(times), ready, wake_at, ends_at, written_at)) FROM windows
WHERE kind = :kind AND key IN (SELECT value FROM json_each(:keys))

-- name: set_windows
INSERT INTO windows (kind, key, times, ready, wake_at, ends_at, written_at)
SELECT :kind, value->>0, value->>1, value->>2, value->>3, value->>4, :now FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET
    times = excluded.times, ready = excluded.ready, wake_at = excluded.wake_at, ends_at = excluded.ends_at,
    written_at = excluded.written_at

-- name: drop_windows
DELETE FROM windows WHERE kind = :kind AND key IN (SELECT value FROM json_each(:keys))

-- name: due_windows
-- Those that have room now; and those that were written later than now: somebody has set the clock back.
SELECT json_group_array(key) FROM (
    SELECT key FROM (
        SELECT key FROM windows INDEXED BY windows_wake
        WHERE wake_at IS NOT NULL AND wake_at <= :now ORDER BY wake_at LIMIT :limit
    )
    UNION
    SELECT key FROM (
        SELECT key FROM windows INDEXED BY windows_written
        WHERE wake_at IS NOT NULL AND written_at > :now LIMIT :limit
    )
)
