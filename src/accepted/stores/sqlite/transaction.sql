-- name: count_endings
INSERT INTO endings (queue, task, status, jobs)
SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs
