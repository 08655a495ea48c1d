-- name: begin
-- IMMEDIATE: the write lock now, never in the middle, where SQLite could only refuse.
BEGIN IMMEDIATE

-- name: commit
COMMIT

-- name: rollback
ROLLBACK

-- name: wal
-- Readers and the writer do not wait for each other.
PRAGMA journal_mode = WAL

-- name: full_sync
-- Every commit is on the disk before anybody hears of it; NORMAL would lose the last ones at a power cut.
PRAGMA synchronous = FULL

-- name: checkpoint_every
-- Pages (of 4 KiB) in the WAL before a commit moves them into the file: fewer, longer moves than by default.
PRAGMA wal_autocheckpoint = 4000

-- name: wal_size
-- Bytes that the WAL keeps on disk once it has been moved.
PRAGMA journal_size_limit = 67108864

-- name: cache
-- KiB of pages in memory at most, negative by SQLite's convention.
PRAGMA cache_size = -32768

-- name: only_read
PRAGMA query_only = ON

-- name: version
PRAGMA user_version

-- name: application
PRAGMA application_id

-- name: tables
SELECT count(*) FROM sqlite_schema

-- name: data_version
-- Another number after another connection's commit; its own do not count.
PRAGMA data_version
