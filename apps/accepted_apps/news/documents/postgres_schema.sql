-- One statement each, all in one transaction. What the tables are for: sqlite_schema.sql.

CREATE TABLE documents (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    teller text NOT NULL,
    url text NOT NULL,
    title text NOT NULL,
    article text NOT NULL,
    fetched_at double precision NOT NULL,
    words tsvector,
    UNIQUE (key, teller)
);

-- The words come ready made (words.py) as a tsvector: no configuration of text search has a part in it.
CREATE INDEX documents_words ON documents USING gin (words);

CREATE TABLE addresses (
    address text NOT NULL,
    teller text NOT NULL,
    document bigint,
    code text NOT NULL,
    reason text NOT NULL,
    fetched_at double precision NOT NULL,
    PRIMARY KEY (address, teller),
    CHECK ((document IS NULL) = (code <> ''))
);

CREATE INDEX addresses_by_document ON addresses (document);

CREATE TABLE holdings (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    owner text NOT NULL,
    key text NOT NULL,
    document bigint NOT NULL,
    saved_at double precision NOT NULL,
    newest_at double precision NOT NULL,
    UNIQUE (owner, key)
);

CREATE INDEX holdings_newest ON holdings (owner, newest_at DESC, n DESC);

CREATE INDEX holdings_by_document ON holdings (document);

CREATE TABLE found_by (
    holding bigint NOT NULL,
    source_id text NOT NULL,
    PRIMARY KEY (holding, source_id)
);

CREATE TABLE compounds (word text PRIMARY KEY);

CREATE TABLE fetches (
    address text PRIMARY KEY,
    holder text NOT NULL,
    part text NOT NULL,
    until double precision NOT NULL
);

CREATE TABLE sources (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL,
    id text NOT NULL,
    source text NOT NULL,
    UNIQUE (owner, id)
);

CREATE TABLE pages (
    url text PRIMARY KEY,
    final_url text NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL,
    etag text NOT NULL,
    last_modified text NOT NULL,
    fetched_at double precision NOT NULL,
    fresh_until double precision NOT NULL
);

CREATE TABLE schema_version (version integer NOT NULL);

INSERT INTO schema_version VALUES (1);
