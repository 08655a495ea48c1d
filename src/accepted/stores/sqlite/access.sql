-- name: find_key
SELECT id, name, owner, digest, admin, created_at, last_used_at FROM keys WHERE digest = ?

-- name: keys
SELECT id, name, owner, digest, admin, created_at, last_used_at FROM keys ORDER BY created_at, id

-- name: add_key
INSERT INTO keys (id, name, owner, digest, admin, created_at)
VALUES (:id, :name, :owner, :digest, :admin, :created_at)

-- name: key_used
UPDATE keys SET last_used_at = :now WHERE id = :id

-- name: revoke_key
DELETE FROM keys WHERE id = :id

-- name: redeem
INSERT OR IGNORE INTO tickets (ticket, expires_at) VALUES (:ticket, :expires_at)

-- name: make_secret
-- The first one stays, whoever comes later and from wherever.
INSERT OR IGNORE INTO secrets (name, value) VALUES (:name, :value)

-- name: secret
SELECT value FROM secrets WHERE name = :name
