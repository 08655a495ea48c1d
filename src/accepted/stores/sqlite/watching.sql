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

-- name: events_after
-- Numbers have no gap from first_seq on, so a range of them is also a count. A job that is gone has one row
-- of NULLs, a job without newer events one with its first_seq.
SELECT cursors.key, jobs.first_seq, events.seq, events.at, events.attempt, events.kind, events.data
FROM json_each(:cursors) AS cursors
LEFT JOIN jobs ON jobs.id = cursors.key
LEFT JOIN events ON events.job = jobs.n
    AND events.seq > cursors.value
    AND events.seq <= max(cursors.value, jobs.first_seq - 1) + :limit
ORDER BY cursors.key, events.seq
