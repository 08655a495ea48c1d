"""What the memory of the news application promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from accepted_apps.news.article import Article, Media
from accepted_apps.news.caching import CacheEntry
from accepted_apps.news.documents.documents import Documents
from accepted_apps.news.documents.postgres import PostgresEngine
from accepted_apps.news.documents.sqlite import SqliteEngine
from accepted_apps.news.documents.statements import statements
from accepted_apps.news.shapes import Metrics
from accepted_apps.news.sources.model import Source

from accepted.errors import StoreError

from .conftest import Clock, engine_at

DAY = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


def article(number: int, **more: Any) -> Article:
    given: dict[str, Any] = {
        "url": f"https://example.org/article-{number}",
        "title": f"Article {number}",
        "text": f"What happened on day {number}.",
        "excerpt": f"Day {number}.",
        "authors": ["Ann Bell"],
        "published_at": DAY + timedelta(days=number),
        "media": [Media("image", f"https://example.org/{number}.jpg", alt="A picture")],
        "tags": ["weather"],
        "word_count": 5,
    }
    return Article(**{**given, **more})


async def save(documents: Documents, owner: str, one: Article, source: str = "daily", told: bool = False) -> Any:
    known = await documents.keep(one.url, one, told_to=owner if told else "")
    assert known.document is not None
    return (await documents.save(owner, [(known.document, source)]))[known.document]


async def titles(documents: Documents, owner: str = "ann", **query: Any) -> list[str]:
    found = await documents.find(owner, **{"limit": 50, **query})
    return [one.article.title for one in found.documents]


def test_the_engines_know_the_same_statements() -> None:
    assert set(statements("sqlite")) == set(statements("postgres"))


async def test_an_article_comes_back_as_it_was(documents: Documents, clock: Clock) -> None:
    one = article(1, text="Zürich\n一二三 \u0000 tail", updated_at=DAY, extracted_by={"text": "json-ld"})
    saved = await save(documents, "ann", one)
    assert uuid.UUID(saved.id).version == 4
    assert saved.new
    found = await documents.get("ann", saved.id)
    assert found is not None
    assert found.article == one
    assert (found.fetched_at, found.source_ids) == (clock.now, ["daily"])


async def test_a_text_that_no_database_takes_is_kept_without_what_it_refuses(documents: Documents) -> None:
    saved = await save(documents, "ann", article(1, title="Half a \ud83d pair", text="\ud800"))
    found = await documents.get("ann", saved.id)
    assert found is not None
    assert found.article.title == "Half a ? pair"


async def test_saving_again_keeps_one_and_renews_it(documents: Documents) -> None:
    first = await save(documents, "ann", article(1))
    again = await save(documents, "ann", article(1))
    changed = await save(documents, "ann", article(1, title="A better title", text="Rewritten words"), source="weekly")
    assert [first.new, again.new, changed.new] == [True, False, False]
    assert first.id == again.id == changed.id
    found = await documents.find("ann", limit=10)
    assert found.total == 1
    assert found.documents[0].article.title == "A better title"
    assert found.documents[0].source_ids == ["daily", "weekly"]
    assert await titles(documents, q="rewritten") == ["A better title"]
    assert await titles(documents, q="happened") == []


async def test_an_owner_sees_what_its_own_jobs_saved(documents: Documents) -> None:
    anns = await save(documents, "ann", article(1))
    bobs = await save(documents, "bob", article(1))
    await save(documents, "bob", article(2))
    assert (anns.new, bobs.new) == (True, True)
    assert anns.id != bobs.id
    assert await titles(documents, "ann") == ["Article 1"]
    assert await titles(documents, "bob") == ["Article 2", "Article 1"]
    assert await titles(documents, "ann", q="day 2") == []
    assert await documents.get("ann", bobs.id) is None
    assert await documents.get("ann", "nothing") is None


async def test_what_a_source_tells_is_its_owners_alone(documents: Documents) -> None:
    """Else anybody's feed could put words into a page that others read."""
    await save(documents, "bob", article(1))
    await save(documents, "eve", article(1, title="A lie"), told=True)
    assert await titles(documents, "bob") == ["Article 1"]
    assert await titles(documents, "eve") == ["A lie"]
    assert await documents.known(article(1).url, owner="bob", since=0) == await documents.known(
        article(1).url, owner="ann", since=0
    )


async def test_the_page_itself_takes_the_place_of_what_was_told(documents: Documents) -> None:
    told = await save(documents, "ann", article(1, title="From the feed"), told=True)
    read = await save(documents, "ann", article(1))
    assert (told.id, read.new) == (read.id, False)
    assert await titles(documents) == ["Article 1"]
    await save(documents, "ann", article(1, title="From the feed"), told=True)
    assert await titles(documents) == ["Article 1"]


async def test_newest_first_in_pages(documents: Documents, clock: Clock) -> None:
    for number in (3, 1, 5, 2, 4):
        await save(documents, "ann", article(number))
    assert await titles(documents) == [f"Article {number}" for number in (5, 4, 3, 2, 1)]
    page = await documents.find("ann", limit=2, offset=2)
    assert ([one.article.title for one in page.documents], page.total) == (["Article 3", "Article 2"], 5)
    beyond = await documents.find("ann", limit=2, offset=9)
    assert (beyond.documents, beyond.total) == ([], 5)


async def test_the_day_of_the_readers_is_kept_and_times_are_told_in_utc(documents: Documents) -> None:
    late = datetime.fromisoformat("2026-05-02T00:30:00+02:00")
    await save(documents, "ann", article(1, published_at=late))
    [kept] = (await documents.find("ann", limit=1)).documents
    metrics = Metrics.of(kept.article).model_dump(mode="json", by_alias=True)
    assert (metrics["publishedAt"], metrics["publishedDay"]) == ("2026-05-01T22:30:00.000+00:00", "2026-05-02")


async def test_an_article_without_a_date_or_from_the_future_counts_from_when_it_was_saved(
    documents: Documents, clock: Clock
) -> None:
    now = datetime.fromtimestamp(clock.now, UTC)
    await save(documents, "ann", article(1, title="no date", published_at=None))
    await save(documents, "ann", article(2, title="in a year", published_at=now + timedelta(days=365)))
    clock.now += 60
    await save(documents, "ann", article(3, title="a minute later", published_at=now + timedelta(seconds=30)))
    await save(documents, "ann", article(4, title="yesterday", published_at=now - timedelta(days=1)))
    assert await titles(documents) == ["a minute later", "in a year", "no date", "yesterday"]


async def test_documents_of_one_source(documents: Documents) -> None:
    await save(documents, "ann", article(1), source="daily")
    await save(documents, "ann", article(2), source="weekly")
    await save(documents, "ann", article(3), source="weekly")
    found = await documents.find("ann", limit=1, source_id="weekly")
    assert ([one.article.title for one in found.documents], found.total) == (["Article 3"], 2)
    assert await titles(documents, source_id="other") == []
    assert await titles(documents, source_id="weekly", q="day -3") == ["Article 2"]


SEARCHES = [
    ("The government resigned.", "GOVERNMENT", True),
    ("The government resigned.", "govern", True),
    ("The government resigned.", "resigned government", True),
    ("The government resigned.", "government tax", False),
    ("The government resigned.", '"the government"', True),
    ("The government resigned.", '"government the"', False),
    ("The government resigned.", '"govern"', False),
    ("The government resigned.", "-tax", True),
    ("The government resigned.", "-government", False),
    ("The government resigned.", 'resigned -"the government"', False),
    ("Élections à Besançon", "elections besancon", True),
    ("Elections a Besancon", "ÉLECTIONS", True),
    ("Die Bundesregierung tagt", "regierung", True),
    ("Die Bundesregierungssprecherin tagt", "Regierung", True),
    ("Die Bundesregierung tagt", "-regierung", False),
    ("Die Regierungskoalition tagt", "regierung", True),
    ("Die Straße ist gesperrt", "strasse", True),
    ("An express train", "press", False),
    ("The party is over", "art", False),
    ("Tømmer fra Ålesund, Łódź", "tommer alesund lodz", True),
    ("中国经济增长放缓", "经济", True),
    ("中国经济增长放缓", "经济增长", True),
    ("中国经济增长放缓", "增经", False),
    ("中国经济增长放缓", "缓", True),
    ("中国经济增长放缓", "国", True),
    ("中国经济增长放缓", '"中国经济"', True),
    ("中国经济增长放缓", "-经济", False),
    ("2024年经济报告", "2024年", True),
    ("中国。经济", "国经", False),
    ("東京オリンピックが開幕", "オリンピック", True),
    ("ガラス", "カラス", False),
    ("대통령이 발표했다", "대통령", True),
    ("นายกรัฐมนตรีแถลง", "รัฐมนตรี", True),
    ("भारत की सरकार", "सरकार", True),
    ("भारत की सरकार", "सर", False),
    ("الحُكومة", "الحكومة", True),
    ("Covid-19 in 2021", "covid-19", True),
    ("Covid-19 in 2021", '"covid 19"', True),
    ("l'été à Paris", "l’été", True),
    ("AT&T and C++", "at&t", True),
    ("AND OR NOT NEAR", "near", True),
]


async def test_searching(documents: Documents) -> None:
    for text in {text for text, _, _ in SEARCHES}:
        await save(documents, text, article(1, url=f"https://example.org/{text}", text=text, title="", excerpt=""))
    wrong = [
        (text, query)
        for text, query, is_found in SEARCHES
        if (await titles(documents, text, q=query) == [""]) != is_found
    ]
    assert wrong == []


NO_SYNTAX = [
        '"', '""', "-", "--", '-"', "*", "^a", "a*", "(", "a:b", "title:x", "NEAR(a b)", "AND", "a AND", "OR OR",
        "' & ! | <->", "a:*", "!a", "\\", "%", "'; DROP TABLE documents; --", "\u0000", "\ud800", "+", "{a b}:c",
        "😀", "x" * 5000, "a " * 5000, "-a " * 200, "\u200b", "\n\t",
]  # fmt: skip


async def test_nothing_that_a_person_types_is_an_error(documents: Documents) -> None:
    await save(documents, "ann", article(1))
    for query in NO_SYNTAX:
        found = await documents.find("ann", limit=10, q=query)
        assert found.total in (0, 1), query


async def test_title_author_tag_and_site_are_looked_through_as_well(documents: Documents) -> None:
    one = article(
        1, title="Floods", authors=["Zoë Quinn"], tags=["climate"], site="The Daily Planet", domain="example.org"
    )
    await save(documents, "ann", one)
    for query in ("floods", "quinn", "climate", '"daily planet"', "example.org"):
        assert await titles(documents, q=query) == ["Floods"], query


async def test_a_book_can_be_saved_and_found(documents: Documents) -> None:
    text = " ".join(f"word{number}" for number in range(80_000))
    await save(documents, "ann", article(1, text=text))
    assert await titles(documents, q='word0 "word7000 word7001"') == ["Article 1"]
    await save(documents, "ann", article(2, text="経済" * 60_000))
    assert await titles(documents, q="経済") == ["Article 2"]


# ── fetching ─────────────────────────────────────────────────────────────────────────────────────────


async def test_an_address_is_fetched_by_one_at_a_time(documents: Documents, clock: Clock) -> None:
    async def claim(holder: str) -> Any:
        return await documents.claim_fetch("https://example.org/a", holder, 60, owner="ann", since=0)

    turns = await asyncio.gather(*(claim(f"job {number}") for number in range(8)))
    assert sum(one.granted for one in turns) == 1
    assert all(one.known is None for one in turns)
    winner = next(f"job {number}" for number, one in enumerate(turns) if one.granted)
    assert not (
        await documents.claim_fetch("https://example.org/a", winner, 60, owner="ann", since=0, part="x")
    ).granted
    assert (await claim(winner)).granted, "a job that goes on after a crash has its own turn"
    await documents.release_fetch("https://example.org/a", "somebody")
    assert not (await claim("late")).granted
    await documents.release_fetch("https://example.org/a", winner)
    assert (await claim("late")).granted
    clock.now += 59
    await documents.renew_fetches("late", 60)
    clock.now += 59
    assert not (await claim("later")).granted
    clock.now += 2
    assert (await claim("later")).granted, "the turn of one that died is over at last"
    await documents.release_fetches("later")
    assert (await claim("last")).granted


async def test_what_was_fetched_lately_is_known(documents: Documents, clock: Clock) -> None:
    address = "https://example.org/a?from=feed"
    assert await documents.known(address, owner="ann", since=0) is None
    kept = await documents.keep(address, article(1))
    for asked in (address, article(1).url):
        assert await documents.known(asked, owner="bob", since=clock.now) == kept
        turn = await documents.claim_fetch(asked, "job", 60, owner="bob", since=clock.now)
        assert (turn.granted, turn.known) == (False, kept)
    assert await documents.known(address, owner="ann", since=clock.now + 1) is None


async def test_why_an_address_leads_nowhere_is_known(documents: Documents, clock: Clock) -> None:
    await documents.reject("https://example.org/login", "not_an_article", "It asks for a login.")
    known = await documents.known("https://example.org/login", owner="ann", since=clock.now)
    assert known is not None
    assert (known.document, known.code, known.reason) == (None, "not_an_article", "It asks for a login.")
    await documents.keep("https://example.org/login", article(1))
    known = await documents.known("https://example.org/login", owner="ann", since=clock.now)
    assert known is not None
    assert known.document is not None


async def test_what_was_fetched_and_nobody_saved_is_forgotten(documents: Documents, clock: Clock) -> None:
    await save(documents, "ann", article(1))
    left = await documents.keep("https://example.org/left", article(2))
    assert left.document is not None
    clock.now += 3600
    await documents.keep("https://example.org/lately", article(3))
    await documents.purge(clock.now - 60)
    assert await documents.articles([left.document]) == {}
    assert await documents.save("ann", [(left.document, "daily")]) == {}
    assert await documents.known("https://example.org/left", owner="ann", since=0) is None
    assert await documents.known("https://example.org/lately", owner="ann", since=0) is not None
    assert await titles(documents) == ["Article 1"]
    assert await titles(documents, q="day 1") == ["Article 1"]


async def test_pages_are_kept_for_conditional_requests(documents: Documents, clock: Clock) -> None:
    url = "https://example.org/feed?a=1"
    assert await documents.load(url) is None
    entry = CacheEntry(
        url=url,
        final_url="https://example.org/feed.xml",
        content_type="application/rss+xml",
        body=b"<rss/>\x00\xff" * 1000,
        etag='"abc"',
        last_modified="Fri, 01 May 2026 08:00:00 GMT",
        fetched_at=clock.now,
        fresh_until=clock.now + 60,
    )
    await documents.store(entry)
    assert await documents.load(url) == entry
    await documents.store(replace(entry, body=b"other"))
    assert await documents.load(url) == replace(entry, body=b"other")
    await documents.purge(clock.now + 1)
    assert await documents.load(url) is None


async def test_spellings_of_an_address_are_one(documents: Documents) -> None:
    await save(documents, "ann", article(1, url="https://www.example.org/a/"))
    await save(documents, "ann", article(1, url="http://example.org/a", title="Again"))
    assert await titles(documents) == ["Again"]


# ── the registry ─────────────────────────────────────────────────────────────────────────────────────


def source(number: int, **more: Any) -> Source:
    return Source(**{"id": f"s{number}", "name": f"Source {number}", "url": f"https://example.org/{number}", **more})


async def test_sources_are_an_owners_own(documents: Documents) -> None:
    added = await documents.add_sources("ann", [source(1), source(2), source(1, name="Again")], most=10)
    assert added == [source(1), source(2)]
    assert await documents.sources("ann") == [source(1), source(2)]
    assert await documents.sources("bob") == []
    assert await documents.replace_source("ann", source(1, name="Renamed"))
    assert not await documents.replace_source("bob", source(1))
    assert not await documents.delete_source("bob", "s2")
    assert await documents.delete_source("ann", "s2")
    assert await documents.sources("ann") == [source(1, name="Renamed")]


async def test_an_owner_has_so_many_sources_at_most(documents: Documents) -> None:
    assert len(await documents.add_sources("ann", [source(number) for number in range(5)], most=3)) == 3
    assert await documents.add_sources("ann", [source(9)], most=3) == []


# ── many at once ─────────────────────────────────────────────────────────────────────────────────────

_SAVER = """
import asyncio, sys
sys.path.insert(0, {path!r})
from dataclasses import replace
from news_documents.conftest import engine_at
from news_documents.test_documents import article
from accepted_apps.news.caching import CacheEntry
from accepted_apps.news.documents.documents import Documents

async def main(place, owner):
    documents = Documents(engine_at(place))
    async def one(number):
        known = await documents.keep(article(number).url, article(number, text=f"by {{owner}}"))
        await documents.save(owner, [(known.document, owner)])
    await asyncio.gather(*(one(number) for number in range(25)))
    await documents.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_several_processes_save_the_same_articles_at_once(place: str, documents: Documents) -> None:
    from pathlib import Path

    code = _SAVER.format(path=str(Path(__file__).parents[1]))
    owners = ["ann", "ann", "bob", "eve"]
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, place, owner, stderr=subprocess.PIPE)
        for owner in owners
    ]
    for process in processes:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    for owner in set(owners):
        found = await documents.find(owner, limit=50)
        assert found.total == 25
        assert len({one.article.url for one in found.documents}) == 25


async def test_it_opens_again_after_it_was_closed(documents: Documents) -> None:
    await save(documents, "ann", article(1))
    await documents.close()
    await documents.close()
    assert await titles(documents) == ["Article 1"]


async def test_a_database_of_a_newer_program_is_left_alone(place: str) -> None:
    from accepted.errors import ConfigurationError

    first = Documents(engine_at(place))
    await first.find("ann", limit=1)
    await first.close()
    if place.startswith("postgresql:"):
        import psycopg

        with psycopg.connect(place) as connection:
            connection.execute("UPDATE accepted_news.schema_version SET version = 99")
    else:
        import sqlite3

        with sqlite3.connect(place) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    second = Documents(engine_at(place))
    with pytest.raises(ConfigurationError, match="schema 99"):
        await second.find("ann", limit=1)
    await second.close()


async def test_a_database_that_cannot_be_used_says_so(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("no database " * 1000)
    broken = [
        Documents(SqliteEngine(tmp_path / "file")),
        Documents(SqliteEngine(tmp_path / "file" / "news.db")),
        Documents(PostgresEngine("postgresql://user:s3cret@127.0.0.1:1/news?connect_timeout=1")),
    ]
    for one in broken:
        with pytest.raises(StoreError, match="cannot be used") as caught:
            await one.find("ann", limit=1)
        assert "s3cret" not in str(caught.value)
        await one.close()


async def test_a_server_that_was_restarted_is_used_again(postgres: Any) -> None:
    import psycopg

    place = postgres()
    documents = Documents(engine_at(place))
    await save(documents, "ann", article(1))
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await titles(documents) == ["Article 1"]
    await save(documents, "ann", replace(article(1), title="After"))
    assert await titles(documents) == ["After"]
    await documents.close()
