-- name: schedules
SELECT name, spec, owner, next_at, last_at, last_job FROM schedules ORDER BY name

-- name: schedule
SELECT name, spec, owner, next_at, last_at, last_job FROM schedules WHERE name = :name

-- name: put_schedule
-- The same one keeps where it stands.
INSERT INTO schedules (name, spec, owner, next_at, last_at, last_job)
VALUES (:name, :spec, :owner, :next_at, :last_at, :last_job)
ON CONFLICT DO UPDATE SET
    spec = excluded.spec, owner = excluded.owner, next_at = excluded.next_at, last_at = excluded.last_at,
    last_job = excluded.last_job
WHERE spec <> excluded.spec

-- name: move_on
UPDATE schedules SET next_at = :next_at, last_at = :at, last_job = NULL WHERE name = :name AND next_at = :at

-- name: set_last_job
UPDATE schedules SET last_job = :job WHERE name = :name

-- name: drop_schedule
DELETE FROM schedules WHERE name = :name
