-- name: get
SELECT * FROM records WHERE id = ?

-- name: glance
SELECT owner, status, seq, submitted_at, scheduled_at FROM jobs WHERE id = ?

-- name: tombstone
SELECT owner, at, reason FROM tombstones WHERE id = ?

-- name: steps
SELECT key, name, status, attempt, started_at, finished_at, result FROM steps
WHERE job = (SELECT n FROM jobs WHERE id = ?)
ORDER BY place

-- name: artifacts
SELECT data FROM artifacts WHERE job = (SELECT n FROM jobs WHERE id = ?) ORDER BY name

-- name: artifact
SELECT data FROM artifacts WHERE job = (SELECT n FROM jobs WHERE id = ?) AND name = ?

-- name: events
-- Numbers have no gap from first_seq on, so a range of them is also a count. A job without newer events has one
-- row with its first_seq, a job that is gone none. Text would be decoded for Python and encoded again.
SELECT jobs.first_seq, events.seq, events.at, events.attempt, events.kind, CAST(events.data AS BLOB)
FROM jobs
LEFT JOIN events ON events.job = jobs.n
    AND events.seq > :after
    AND events.seq <= max(:after, jobs.first_seq - 1) + :limit
WHERE jobs.id = :job
ORDER BY events.seq

-- name: events_after
-- The same for many jobs; one that is gone has one row of NULLs.
SELECT cursors.key, jobs.first_seq, events.seq, events.at, events.attempt, events.kind, CAST(events.data AS BLOB)
FROM json_each(:cursors) AS cursors
LEFT JOIN jobs ON jobs.id = cursors.key
LEFT JOIN events ON events.job = jobs.n
    AND events.seq > cursors.value
    AND events.seq <= max(cursors.value, jobs.first_seq - 1) + :limit
ORDER BY cursors.key, events.seq
