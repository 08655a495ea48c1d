-- name: webhook
SELECT id, owner, url, secrets, kinds, tasks, description, created_at, disabled_at, disabled_reason
FROM webhooks WHERE id = ?

-- name: webhooks
SELECT id, owner, url, secrets, kinds, tasks, description, created_at, disabled_at, disabled_reason
FROM webhooks WHERE owner = ? ORDER BY created_at, n

-- name: count_webhooks
SELECT count(*) FROM webhooks WHERE owner = :owner

-- name: add_webhook
INSERT INTO webhooks (id, owner, url, secrets, kinds, tasks, description, created_at, disabled_at, disabled_reason)
VALUES (:id, :owner, :url, :secrets, :kinds, :tasks, :description, :created_at, :disabled_at, :disabled_reason)

-- name: replace_webhook
UPDATE webhooks SET
    url = :url, secrets = :secrets, kinds = :kinds, tasks = :tasks, description = :description,
    disabled_at = :disabled_at, disabled_reason = :disabled_reason
WHERE id = :id

-- name: remove_webhook
DELETE FROM webhooks WHERE id = :id

-- name: wanting
SELECT json_group_array(json_array(id, owner, json(kinds), json(tasks))) FROM webhooks
WHERE owner IN (SELECT value FROM json_each(:owners)) AND disabled_at IS NULL

-- name: waiting_deliveries
SELECT '[' || coalesce(group_concat(packed), '') || ']' FROM live WHERE n IN (
    SELECT n FROM jobs INDEXED BY jobs_by_owner WHERE owner = :owner AND waits IS NOT NULL LIMIT :limit
)
