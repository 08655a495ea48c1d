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
