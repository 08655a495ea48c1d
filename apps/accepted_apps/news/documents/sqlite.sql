-- name: document_of
SELECT n, article FROM documents WHERE key = :key AND teller = :teller

-- name: add_document
INSERT INTO documents (key, teller, url, title, article, fetched_at)
VALUES (:key, :teller, :url, :title, :article, :fetched_at)
ON CONFLICT (key, teller) DO NOTHING RETURNING n

-- name: replace_document
UPDATE documents SET url = :url, title = :title, article = :article, fetched_at = :fetched_at WHERE n = :n

-- name: touch_document
UPDATE documents SET fetched_at = :fetched_at WHERE n = :n

-- name: index_document
INSERT OR REPLACE INTO document_words (rowid, words) VALUES (:n, :words)

-- name: add_compounds
INSERT OR IGNORE INTO compounds (word) SELECT value FROM json_each(:words)

-- name: compounds_with
-- The letters before the part are counted from 1.
SELECT word FROM compounds WHERE instr(word, :part) > :before LIMIT :most

-- name: set_address
INSERT INTO addresses (address, teller, document, code, reason, fetched_at)
VALUES (:address, :teller, :document, :code, :reason, :fetched_at)
ON CONFLICT (address, teller) DO UPDATE
SET document = excluded.document, code = excluded.code, reason = excluded.reason, fetched_at = excluded.fetched_at

-- name: known
-- What the page itself told goes before what this owner's source told.
SELECT a.document, d.url, d.title, a.teller, a.code, a.reason
FROM addresses AS a LEFT JOIN documents AS d ON d.n = a.document
WHERE a.address = :address AND a.teller IN ('', :owner) AND a.fetched_at >= :since
    AND (d.n IS NOT NULL OR a.document IS NULL)
ORDER BY a.document IS NULL, a.teller LIMIT 1

-- name: take_turn
INSERT INTO fetches (address, holder, part, until) VALUES (:address, :holder, :part, :until)
ON CONFLICT (address) DO UPDATE SET holder = excluded.holder, part = excluded.part, until = excluded.until
WHERE fetches.until <= :now OR (fetches.holder = excluded.holder AND fetches.part = excluded.part)

-- name: renew_turns
UPDATE fetches SET until = :until WHERE holder = :holder

-- name: release_turn
DELETE FROM fetches WHERE address = :address AND holder = :holder

-- name: release_turns
DELETE FROM fetches WHERE holder = :holder

-- name: holding_of
SELECT h.n, h.id, h.document, d.teller FROM holdings AS h LEFT JOIN documents AS d ON d.n = h.document
WHERE h.owner = :owner AND h.key = :key

-- name: document_head
SELECT key, teller, article FROM documents WHERE n = :n

-- name: add_holding
INSERT INTO holdings (id, owner, key, document, saved_at, newest_at)
VALUES (:id, :owner, :key, :document, :saved_at, :newest_at)
ON CONFLICT (owner, key) DO NOTHING RETURNING n

-- name: move_holding
-- The date may have been corrected since.
UPDATE holdings SET document = :document, newest_at = min(:published_at, saved_at) WHERE n = :n

-- name: add_finder
INSERT INTO found_by (holding, source_id) VALUES (:holding, :source_id) ON CONFLICT DO NOTHING

-- name: articles
SELECT n, article FROM documents WHERE n IN (SELECT value FROM json_each(:numbers))

-- name: find
SELECT h.n, h.id, d.article, d.fetched_at
FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = :owner
    AND (:source_id IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = :source_id))
    AND (:unwanted IS NULL
        OR h.document NOT IN (SELECT rowid FROM document_words WHERE document_words MATCH :unwanted))
ORDER BY h.newest_at DESC, h.n DESC LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM holdings AS h
WHERE h.owner = :owner
    AND (:source_id IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = :source_id))
    AND (:unwanted IS NULL
        OR h.document NOT IN (SELECT rowid FROM document_words WHERE document_words MATCH :unwanted))

-- name: search
SELECT h.n, h.id, d.article, d.fetched_at
FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = :owner
    AND h.document IN (SELECT rowid FROM document_words WHERE document_words MATCH :wanted)
    AND (:source_id IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = :source_id))
    AND (:unwanted IS NULL
        OR h.document NOT IN (SELECT rowid FROM document_words WHERE document_words MATCH :unwanted))
ORDER BY h.newest_at DESC, h.n DESC LIMIT :limit OFFSET :offset

-- name: count_search
SELECT count(*) FROM holdings AS h
WHERE h.owner = :owner
    AND h.document IN (SELECT rowid FROM document_words WHERE document_words MATCH :wanted)
    AND (:source_id IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = :source_id))
    AND (:unwanted IS NULL
        OR h.document NOT IN (SELECT rowid FROM document_words WHERE document_words MATCH :unwanted))

-- name: one
SELECT h.n, h.id, d.article, d.fetched_at
FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = :owner AND h.id = :id

-- name: finders
SELECT holding, source_id FROM found_by WHERE holding IN (SELECT value FROM json_each(:numbers))
ORDER BY holding, source_id

-- name: sources
SELECT source FROM sources WHERE owner = :owner ORDER BY n

-- name: add_source
INSERT INTO sources (owner, id, source) VALUES (:owner, :id, :source) ON CONFLICT (owner, id) DO NOTHING

-- name: replace_source
UPDATE sources SET source = :source WHERE owner = :owner AND id = :id

-- name: delete_source
DELETE FROM sources WHERE owner = :owner AND id = :id

-- name: count_sources
SELECT count(*) FROM sources WHERE owner = :owner

-- name: load_page
SELECT url, final_url, content_type, body, etag, last_modified, fetched_at, fresh_until FROM pages
WHERE url = :url

-- name: store_page
INSERT INTO pages (url, final_url, content_type, body, etag, last_modified, fetched_at, fresh_until)
VALUES (:url, :final_url, :content_type, :body, :etag, :last_modified, :fetched_at, :fresh_until)
ON CONFLICT (url) DO UPDATE
SET final_url = excluded.final_url, content_type = excluded.content_type, body = excluded.body,
    etag = excluded.etag, last_modified = excluded.last_modified,
    fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until

-- name: purge_addresses
DELETE FROM addresses WHERE fetched_at < :before

-- name: purge_documents
-- Nobody has them, and no address leads to them.
DELETE FROM documents WHERE fetched_at < :before
    AND NOT EXISTS (SELECT 1 FROM holdings AS h WHERE h.document = documents.n)
    AND NOT EXISTS (SELECT 1 FROM addresses AS a WHERE a.document = documents.n)

-- name: purge_fetches
DELETE FROM fetches WHERE until < :now

-- name: purge_pages
DELETE FROM pages WHERE fetched_at < :before
