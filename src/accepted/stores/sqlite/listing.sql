-- name: newest
SELECT coalesce(max(n), 0) FROM jobs

-- There is a statement for each index, because SQLite cannot choose one by whether a parameter is NULL. They differ
-- in their first condition only.

-- name: all
SELECT records.* FROM records
WHERE n < :below AND n > :above
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:text IS NULL OR id LIKE :text ESCAPE '\' OR task LIKE :text ESCAPE '\' OR args LIKE :text ESCAPE '\')
ORDER BY n DESC
LIMIT :limit

-- name: by_owner
SELECT records.* FROM records
WHERE owner = :owner AND n < :below AND n > :above
    AND (:task IS NULL OR task = :task)
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:text IS NULL OR id LIKE :text ESCAPE '\' OR task LIKE :text ESCAPE '\' OR args LIKE :text ESCAPE '\')
ORDER BY n DESC
LIMIT :limit

-- name: by_task
SELECT records.* FROM records
WHERE task = :task AND n < :below AND n > :above
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:text IS NULL OR id LIKE :text ESCAPE '\' OR task LIKE :text ESCAPE '\' OR args LIKE :text ESCAPE '\')
ORDER BY n DESC
LIMIT :limit

-- name: by_end
-- Written out, because a partial index is used only where the statement says the same words.
SELECT records.* FROM records
WHERE status = :status AND status IN ('failed', 'cancelled') AND n < :below AND n > :above
    AND (:task IS NULL OR task = :task)
    AND (:text IS NULL OR id LIKE :text ESCAPE '\' OR task LIKE :text ESCAPE '\' OR args LIKE :text ESCAPE '\')
ORDER BY n DESC
LIMIT :limit

-- name: pending
SELECT records.* FROM records
WHERE n IN (
        SELECT n FROM jobs INDEXED BY jobs_ready WHERE waits = 'turn' AND n < :below AND n > :above
        UNION ALL SELECT n FROM jobs INDEXED BY jobs_due WHERE waits = 'time' AND n < :below AND n > :above
        UNION ALL SELECT n FROM jobs INDEXED BY jobs_held WHERE waits = 'limit' AND n < :below AND n > :above
    )
    AND (:task IS NULL OR task = :task)
    AND (:text IS NULL OR id LIKE :text ESCAPE '\' OR task LIKE :text ESCAPE '\' OR args LIKE :text ESCAPE '\')
ORDER BY n DESC
LIMIT :limit

-- name: running
SELECT records.* FROM records
WHERE n IN (SELECT n FROM jobs INDEXED BY jobs_running WHERE status = 'running' AND n < :below AND n > :above)
    AND (:task IS NULL OR task = :task)
    AND (:text IS NULL OR id LIKE :text ESCAPE '\' OR task LIKE :text ESCAPE '\' OR args LIKE :text ESCAPE '\')
ORDER BY n DESC
LIMIT :limit
