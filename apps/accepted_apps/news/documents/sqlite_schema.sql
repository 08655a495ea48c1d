-- One statement each; the last one is the record that all of them are there.

-- An article, once for everybody where its own page told it (teller ''). What only a source told of it belongs to the
-- owner of that source: nobody can put words into an article that others read. `key`: `urls.article_key`.
CREATE TABLE documents (
    n INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    teller TEXT NOT NULL,
    url TEXT NOT NULL,
    title TEXT NOT NULL,
    article TEXT NOT NULL,
    fetched_at REAL NOT NULL,
    UNIQUE (key, teller)
) STRICT;

-- What an address led to, so that it is not fetched again for a while: a document, or the reason why there is none.
CREATE TABLE addresses (
    address TEXT NOT NULL,
    teller TEXT NOT NULL,
    document INTEGER,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    fetched_at REAL NOT NULL,
    PRIMARY KEY (address, teller),
    CHECK ((document IS NULL) = (code <> ''))
) STRICT, WITHOUT ROWID;

CREATE INDEX addresses_by_document ON addresses (document);

-- Who has which article. `newest_at`: when it was published, but not later than it was first saved.
CREATE TABLE holdings (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    document INTEGER NOT NULL,
    saved_at REAL NOT NULL,
    newest_at REAL NOT NULL,
    UNIQUE (owner, key)
) STRICT;

CREATE INDEX holdings_newest ON holdings (owner, newest_at DESC, n DESC);

CREATE INDEX holdings_by_document ON holdings (document);

CREATE TABLE found_by (
    holding INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    PRIMARY KEY (holding, source_id)
) STRICT, WITHOUT ROWID;

-- The words come ready made (words.py), so the tokenizer only has to part them at the spaces.
CREATE VIRTUAL TABLE document_words USING fts5 (
    words, tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);

CREATE TRIGGER documents_removed AFTER DELETE ON documents BEGIN
    DELETE FROM document_words WHERE rowid = old.n;
END;

-- Long words, to find those that hold a shorter one.
CREATE TABLE compounds (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Who is fetching an address just now: a job, for one part of its work; until when at the latest.
CREATE TABLE fetches (
    address TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    part TEXT NOT NULL,
    until REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
    n INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (owner, id)
) STRICT;

-- Answers as they were fetched, the bodies packed, for conditional requests.
CREATE TABLE pages (
    url TEXT PRIMARY KEY,
    final_url TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    fetched_at REAL NOT NULL,
    fresh_until REAL NOT NULL
) STRICT;

PRAGMA user_version = 1;
