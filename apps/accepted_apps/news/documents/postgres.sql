-- name: document_of
SELECT n, article FROM documents WHERE key = %(key)s AND teller = %(teller)s

-- name: add_document
INSERT INTO documents (key, teller, url, title, article, fetched_at)
VALUES (%(key)s, %(teller)s, %(url)s, %(title)s, %(article)s, %(fetched_at)s)
ON CONFLICT (key, teller) DO NOTHING RETURNING n

-- name: replace_document
UPDATE documents SET url = %(url)s, title = %(title)s, article = %(article)s, fetched_at = %(fetched_at)s WHERE n = %(n)s

-- name: touch_document
UPDATE documents SET fetched_at = %(fetched_at)s WHERE n = %(n)s

-- name: index_document
UPDATE documents SET words = %(words)s::tsvector WHERE n = %(n)s

-- name: add_compounds
INSERT INTO compounds (word) SELECT value FROM jsonb_array_elements_text(%(words)s::jsonb) AS value
ON CONFLICT DO NOTHING

-- name: compounds_with
-- The letters before the part are counted from 1.
SELECT word FROM compounds WHERE strpos(word, %(part)s) > %(before)s LIMIT %(most)s

-- name: set_address
INSERT INTO addresses (address, teller, document, code, reason, fetched_at)
VALUES (%(address)s, %(teller)s, %(document)s, %(code)s, %(reason)s, %(fetched_at)s)
ON CONFLICT (address, teller) DO UPDATE
SET document = excluded.document, code = excluded.code, reason = excluded.reason, fetched_at = excluded.fetched_at

-- name: known
-- What the page itself told goes before what this owner's source told.
SELECT a.document, d.url, d.title, a.teller, a.code, a.reason
FROM addresses AS a LEFT JOIN documents AS d ON d.n = a.document
WHERE a.address = %(address)s AND a.teller IN ('', %(owner)s) AND a.fetched_at >= %(since)s
    AND (d.n IS NOT NULL OR a.document IS NULL)
ORDER BY a.document IS NULL, a.teller LIMIT 1

-- name: take_turn
INSERT INTO fetches (address, holder, part, until) VALUES (%(address)s, %(holder)s, %(part)s, %(until)s)
ON CONFLICT (address) DO UPDATE SET holder = excluded.holder, part = excluded.part, until = excluded.until
WHERE fetches.until <= %(now)s OR (fetches.holder = excluded.holder AND fetches.part = excluded.part)

-- name: renew_turns
UPDATE fetches SET until = %(until)s WHERE holder = %(holder)s

-- name: release_turn
DELETE FROM fetches WHERE address = %(address)s AND holder = %(holder)s

-- name: release_turns
DELETE FROM fetches WHERE holder = %(holder)s

-- name: holding_of
SELECT h.n, h.id, h.document, d.teller FROM holdings AS h LEFT JOIN documents AS d ON d.n = h.document
WHERE h.owner = %(owner)s AND h.key = %(key)s

-- name: document_head
SELECT key, teller, article FROM documents WHERE n = %(n)s

-- name: add_holding
INSERT INTO holdings (id, owner, key, document, saved_at, newest_at)
VALUES (%(id)s, %(owner)s, %(key)s, %(document)s, %(saved_at)s, %(newest_at)s)
ON CONFLICT (owner, key) DO NOTHING RETURNING n

-- name: move_holding
-- The date may have been corrected since.
UPDATE holdings SET document = %(document)s, newest_at = least(%(published_at)s, saved_at) WHERE n = %(n)s

-- name: add_finder
INSERT INTO found_by (holding, source_id) VALUES (%(holding)s, %(source_id)s) ON CONFLICT DO NOTHING

-- name: articles
SELECT n, article FROM documents WHERE n IN (SELECT value::bigint FROM jsonb_array_elements_text(%(numbers)s::jsonb) AS value)

-- name: find
SELECT h.n, h.id, d.article, d.fetched_at
FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = %(owner)s
    AND (%(source_id)s::text IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = %(source_id)s))
    AND (%(unwanted)s::tsquery IS NULL OR NOT d.words @@ %(unwanted)s::tsquery)
ORDER BY h.newest_at DESC, h.n DESC LIMIT %(limit)s OFFSET %(offset)s

-- name: count
SELECT count(*) FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = %(owner)s
    AND (%(source_id)s::text IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = %(source_id)s))
    AND (%(unwanted)s::tsquery IS NULL OR NOT d.words @@ %(unwanted)s::tsquery)

-- name: search
SELECT h.n, h.id, d.article, d.fetched_at
FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = %(owner)s
    AND d.words @@ %(wanted)s::tsquery
    AND (%(source_id)s::text IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = %(source_id)s))
    AND (%(unwanted)s::tsquery IS NULL OR NOT d.words @@ %(unwanted)s::tsquery)
ORDER BY h.newest_at DESC, h.n DESC LIMIT %(limit)s OFFSET %(offset)s

-- name: count_search
SELECT count(*) FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = %(owner)s
    AND d.words @@ %(wanted)s::tsquery
    AND (%(source_id)s::text IS NULL
        OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.holding = h.n AND f.source_id = %(source_id)s))
    AND (%(unwanted)s::tsquery IS NULL OR NOT d.words @@ %(unwanted)s::tsquery)

-- name: one
SELECT h.n, h.id, d.article, d.fetched_at
FROM holdings AS h JOIN documents AS d ON d.n = h.document
WHERE h.owner = %(owner)s AND h.id = %(id)s

-- name: finders
SELECT holding, source_id FROM found_by WHERE holding IN (SELECT value::bigint FROM jsonb_array_elements_text(%(numbers)s::jsonb) AS value)
ORDER BY holding, source_id

-- name: sources
SELECT source FROM sources WHERE owner = %(owner)s ORDER BY n

-- name: add_source
INSERT INTO sources (owner, id, source) VALUES (%(owner)s, %(id)s, %(source)s) ON CONFLICT (owner, id) DO NOTHING

-- name: replace_source
UPDATE sources SET source = %(source)s WHERE owner = %(owner)s AND id = %(id)s

-- name: delete_source
DELETE FROM sources WHERE owner = %(owner)s AND id = %(id)s

-- name: count_sources
SELECT count(*) FROM sources WHERE owner = %(owner)s

-- name: load_page
SELECT url, final_url, content_type, body, etag, last_modified, fetched_at, fresh_until FROM pages
WHERE url = %(url)s

-- name: store_page
INSERT INTO pages (url, final_url, content_type, body, etag, last_modified, fetched_at, fresh_until)
VALUES (%(url)s, %(final_url)s, %(content_type)s, %(body)s, %(etag)s, %(last_modified)s, %(fetched_at)s, %(fresh_until)s)
ON CONFLICT (url) DO UPDATE
SET final_url = excluded.final_url, content_type = excluded.content_type, body = excluded.body,
    etag = excluded.etag, last_modified = excluded.last_modified,
    fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until

-- name: purge_addresses
DELETE FROM addresses WHERE fetched_at < %(before)s

-- name: purge_documents
-- Nobody has them, and no address leads to them.
DELETE FROM documents WHERE fetched_at < %(before)s
    AND NOT EXISTS (SELECT 1 FROM holdings AS h WHERE h.document = documents.n)
    AND NOT EXISTS (SELECT 1 FROM addresses AS a WHERE a.document = documents.n)

-- name: purge_fetches
DELETE FROM fetches WHERE until < %(now)s

-- name: purge_pages
DELETE FROM pages WHERE fetched_at < %(before)s
