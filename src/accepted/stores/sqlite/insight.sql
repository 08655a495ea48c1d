-- name: tallies
-- Live jobs are counted in the small indexes that hold only them.
SELECT queue, task, 'pending', count(*) FROM (
    SELECT queue, task FROM jobs INDEXED BY jobs_ready WHERE waits = 'turn'
    UNION ALL SELECT queue, task FROM jobs INDEXED BY jobs_due WHERE waits = 'time'
    UNION ALL SELECT queue, task FROM jobs INDEXED BY jobs_held WHERE waits = 'limit'
) GROUP BY queue, task
UNION ALL
SELECT queue, task, status, count(*) FROM jobs INDEXED BY jobs_running WHERE status = 'running' GROUP BY queue, task
UNION ALL
SELECT queue, task, status, jobs FROM endings

-- name: oldest_pending
-- By number, which rises with the time of submission: the index has it, the time is in the row.
SELECT submitted_at FROM jobs WHERE n = (SELECT min(n) FROM jobs INDEXED BY jobs_ready WHERE waits = 'turn')

-- name: workers
SELECT id, host, pid, concurrency, tasks, queues, started_at, seen_at FROM workers
WHERE expires_at > ?
ORDER BY started_at, id

-- name: standing
SELECT
    lines.kind,
    lines.waiting_for,
    lines.line,
    coalesce((SELECT used FROM gauges WHERE gauges.kind = 'slot' AND key = lines.waiting_for), 0),
    (
        SELECT json_array(json(times), ready, wake_at) FROM windows
        WHERE windows.kind = 'pace' AND lines.kind = 'pace' AND key = lines.waiting_for
    ),
    iif(job.waits = 'turn', (
        SELECT count(*) FROM jobs AS ahead INDEXED BY jobs_ready
        WHERE ahead.waits = 'turn' AND ahead.queue = job.queue
            AND (-ahead.priority, ahead.turn, ahead.n) <= (-job.priority, job.turn, job.n)
    ), NULL)
FROM jobs AS job LEFT JOIN lines ON lines.line = job.line
WHERE job.id = ?

-- name: capacity
SELECT
    count(*),
    coalesce(sum(max(0, workers.concurrency - (
        SELECT count(*) FROM jobs INDEXED BY jobs_running
        WHERE status = 'running' AND worker = workers.id AND queue <> :deliveries
    ))), 0)
FROM workers
WHERE expires_at > :now
    AND :task IN (SELECT value FROM json_each(tasks))
    AND :queue IN (SELECT value FROM json_each(queues))
