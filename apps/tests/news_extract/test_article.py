"""What is read from a page: each rule with a page on which it decides."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from accepted_apps.news.article import Article, Hints, NotAnArticle, article_of_hints, extract_article
from accepted_apps.news.extract.page import Page
from accepted_apps.news.extract.text import LARGE
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from trafilatura import bare_extraction

from .pages import PARAGRAPHS, TITLE, URL, linked, page, script


def read(body: bytes, **options: Any) -> Article:
    return extract_article(body, URL, **options)


# ── text ──


def test_the_text_is_the_paragraphs_and_nothing_around_them() -> None:
    related = "<div class='related-articles'><h3>Read more</h3><ul><li><a href='/a'>Another storm, another year</a></li></ul></div>"  # noqa: E501
    assert read(page(after=related)).text.split("\n") == list(PARAGRAPHS)


def test_a_copy_of_the_whole_article_in_one_hidden_piece_is_not_read_twice() -> None:
    copy = f"<div hidden itemprop='articleBody'>{' '.join(PARAGRAPHS)}</div>"
    assert read(page(after=copy)).text.count(PARAGRAPHS[0]) == 1


def test_an_article_that_only_the_search_engine_data_holds_is_taken_from_there() -> None:
    body = linked(articleBody="\n".join(PARAGRAPHS))
    shell = f"<html><head>{body}</head><body><h1>{TITLE}</h1><div id='app'></div></body></html>".encode()
    article = read(shell)
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert article.extracted_by["text"] == "json-ld"


def test_what_stands_between_angle_brackets_is_text() -> None:
    play = "Hundreds came to see <The Palace: A Tale> on Monday, although the roads had been closed since noon."
    text = [*PARAGRAPHS[:4], play.replace("<", "&lt;").replace(">", "&gt;")]
    assert read(page(text=text)).text.split("\n") == [*PARAGRAPHS[:4], play]


@pytest.mark.parametrize(
    "line", ["May 6, 2024, 7:08 PM", "Updated: 06.05.2024", "2024年5月6日 01時28分 (5月6日 01時40分更新)"]
)
def test_a_line_with_the_date_above_the_text_is_not_of_it(line: str) -> None:
    assert read(page(text=[line, *PARAGRAPHS])).text.split("\n") == list(PARAGRAPHS)


def test_dates_between_the_paragraphs_are_text() -> None:
    diary = [PARAGRAPHS[0], "May 6, 2024", *PARAGRAPHS[1:]]
    assert read(page(text=diary)).text.split("\n") == diary


def counted(monkeypatch: pytest.MonkeyPatch, body: bytes) -> list[bool]:
    """How trafilatura is asked while a page is read: for each time, whether in its fast mode."""
    asked: list[bool] = []

    def extraction(*arguments: Any, **options: Any) -> Any:
        asked.append(options["fast"])
        return bare_extraction(*arguments, **options)

    monkeypatch.setattr("accepted_apps.news.extract.text.bare_extraction", extraction)
    assert read(body).text.split("\n") == list(PARAGRAPHS)
    return asked


def test_a_page_of_megabytes_is_asked_about_once_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(monkeypatch, page()) == [False, False]
    assert counted(monkeypatch, page(after=f"<script>{'x' * LARGE}</script>")) == [True]


def test_a_page_of_countless_paragraphs_is_read_to_a_bound() -> None:
    assert len(Page(page(text=["A line of a list."] * 20_000), URL, "").blocks) == 6000


# ── title ──


@pytest.mark.parametrize(
    ("document", "title"),
    [
        (f"{TITLE} | News and more", TITLE),
        (f"{TITLE} » A blog about weather", TITLE),
        (f"{TITLE} - but only just", f"{TITLE} - but only just"),
        ("武汉的声音：有英勇的你才有英雄的城！-新华网", "武汉的声音：有英勇的你才有英雄的城！"),
        ("マインドマップ風のツリーを描画できる:phpspot開発日誌", "マインドマップ風のツリーを描画できる"),
    ],
)
def test_the_title_of_the_document_is_read_without_the_site(document: str, title: str) -> None:
    body = page(title=document).decode().replace(f"<h1>{document}</h1>", "").replace(" - The Daily", "")
    assert read(body.encode()).title == title


def test_a_heading_that_is_only_the_name_of_the_site_is_not_the_title() -> None:
    blog = page().decode().replace(f"<h1>{TITLE}</h1>", f"<h1>The Daily Blog</h1><h2>{TITLE}</h2>")
    named = blog.replace(" - The Daily</title>", " - The Daily Blog</title>")
    assert read(named.encode()).title == TITLE


def test_the_title_is_the_heading_without_its_kicker() -> None:
    marked = page(head=f"<meta property='og:title' content='{TITLE}'>")
    kicked = marked.replace(b"<h1>", b"<h1><span>Weather</span> <span>").replace(b"</h1>", b"</span></h1>")
    assert read(kicked).title == TITLE


def test_a_heading_that_leads_home_is_the_site_and_not_the_title() -> None:
    blog = page().replace(f"<h1>{TITLE}</h1>".encode(), f"<h1><a href='/'>The Daily</a></h1><h2>{TITLE}</h2>".encode())
    assert read(blog).title == TITLE


# ── people ──


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ({"@type": "Person", "name": "Ann Lee"}, ["Ann Lee"]),
        ([{"name": "Ann Lee"}, {"name": "Bo Li"}], ["Ann Lee", "Bo Li"]),
        ("By Ann Lee and Bo Li", ["Ann Lee", "Bo Li"]),
        ({"name": ["Ann Lee", "Bo Li"]}, ["Ann Lee", "Bo Li"]),
        ("Von Ann Lee, Politische Redakteurin", ["Ann Lee"]),
        ([{"name": "Redaktion"}, {"name": "Ann Lee"}], ["Ann Lee"]),
        ({"@type": "Organization", "name": "Redaktion"}, ["Redaktion"]),
        ("https://www.daily.example/ann-lee", []),
        ("ann.lee@daily.example", []),
    ],
)
def test_authors_in_all_their_shapes(author: Any, names: list[str]) -> None:
    assert read(page(head=linked(author=author))).authors == names


def test_an_author_is_found_through_a_reference_in_the_graph() -> None:
    graph = {"@graph": [
        {"@type": "NewsArticle", "headline": TITLE, "author": {"@id": "#ann"}},
        {"@type": "Person", "@id": "#ann", "name": "Ann Lee"},
    ]}  # fmt: skip
    assert read(page(head=script(graph))).authors == ["Ann Lee"]


# ── dates ──


@pytest.mark.parametrize(
    ("written", "expected", "day_only"),
    [
        ("2024-05-06T07:08:09+02:00", datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2))), False),
        ("2024-05-06T07:08:09.123Z", datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC), False),
        ("2024-05-06 07:08:09 +0530", datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=5.5))), False),
        ("2024-05-06", datetime(2024, 5, 6, tzinfo=UTC), True),
        ("Mon, 06 May 2024 07:08:09 GMT", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), False),
        ("6. Mai 2024, 07:08", datetime(2024, 5, 6, 7, 8, tzinfo=UTC), False),
        ("May 6, 2024 7:08 PM EDT", datetime(2024, 5, 6, 19, 8, tzinfo=timezone(timedelta(hours=-4))), False),
        ("2024年5月6日 7時08分", datetime(2024, 5, 6, 7, 8, tzinfo=UTC), False),
        ("06.05.2024", datetime(2024, 5, 6, tzinfo=UTC), True),
        ("1714979289", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), False),
    ],
)
def test_dates_in_all_their_notations(written: str, expected: datetime, day_only: bool) -> None:
    article = read(page(head=linked(datePublished=written)))
    assert article.published_at is not None
    assert (article.published_at, article.published_at.utcoffset()) == (expected, expected.utcoffset())
    assert article.published_day_only is day_only


def test_a_day_is_made_exact_by_another_who_knows_the_time() -> None:
    head = (
        linked(datePublished="2024-05-06") + "<meta property='article:published_time' content='2024-05-06T07:08:00Z'>"
    )
    assert read(page(head=head)).published_at == datetime(2024, 5, 6, 7, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "beside", "lang", "url", "expected"),
    [
        ("2024-01-06T23:30:00Z", "", "de", URL, "2024-01-07T00:30:00+01:00"),
        ("2024-07-06T23:30:00Z", "", "en", "https://www.daily.example.ar/storm", "2024-07-06T20:30:00-03:00"),
        ("2024-01-06T07:08:00", "", "de-AT", URL, "2024-01-06T07:08:00+01:00"),
        ("2024-01-07T05:30:59Z", "2024-01-06T23:30:59", "en", URL, "2024-01-06T23:30:59-06:00"),
        ("2024-01-07T05:30:59Z", "2024-01-06T22:00:59", "en", URL, "2024-01-06T22:00:59-07:30"),
        ("2024-01-07T05:30:59Z", "2024-01-06T22:01:59", "en", URL, "2024-01-07T05:30:59+00:00"),
        ("2024-01-06T20:00:00Z", "2024-01-06T20:00:00+09:00", "en", URL, "2024-01-06T20:00:00+09:00"),
        ("2024-01-07T02:30:00Z", "", "en", "https://daily.example/2024/01/06/storm", "2024-01-06T23:30:00-03:00"),
        ("2024-01-07T02:30:00Z", "", "en", "https://daily.example/2024/01/02/storm", "2024-01-07T02:30:00+00:00"),
        ("2024-01-07T02:30:00+03:00", "", "de", URL, "2024-01-07T02:30:00+03:00"),
        ("2024-01-07T02:30:00Z", "", "es", "https://daily.example.co/storm", "2024-01-07T02:30:00+00:00"),
    ],
    ids=[
        "language", "country", "no offset", "its own clock", "a quarter", "another time", "Z of a place", "address",
        "old address", "an offset", "sold domain",
    ],
)  # fmt: skip
def test_a_time_is_told_by_the_clock_of_its_readers(
    written: str, beside: str, lang: str, url: str, expected: str
) -> None:
    shown = f"<time datetime='{beside}'></time>" if beside else ""
    article = extract_article(page(head=linked(datePublished=written), inside=shown, lang=lang), url)
    assert article.published_at is not None
    assert article.published_at.isoformat() == expected


def test_a_time_in_the_hour_that_comes_twice_is_still_itself() -> None:
    article = read(page(head=linked(datePublished="2024-10-27T01:30:00Z"), lang="de"))
    assert article.published_at == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "declared", "day"),
    [
        ("2017/7/12/storm", "2019-06-17T18:28:00Z", "2017-07-12"),
        ("2017/07/12/storm", "2017-07-18T18:28:00Z", "2017-07-18"),
        ("2017/jul/12/storm", "2017-02-18T18:28:00Z", "2017-02-18"),
    ],
    ids=["moved", "later", "earlier"],
)
def test_the_day_in_the_address_counts_where_the_site_has_moved_since(path: str, declared: str, day: str) -> None:
    article = extract_article(page(head=linked(datePublished=declared)), f"https://www.daily.example/{path}")
    assert article.published_at is not None
    assert article.published_at.date().isoformat() == day


def test_a_time_on_the_page_is_of_the_article_only_where_the_address_does_not_tell_its_day() -> None:
    first = "<time datetime='2009-04-11T18:06:36Z'>member since</time>"
    article = extract_article(page(inside=first), "https://www.daily.example/2019/10/22/storm")
    assert article.published_at == datetime(2019, 10, 22, tzinfo=UTC)


def test_a_change_is_told_only_where_it_came_later() -> None:
    same = linked(datePublished="2024-05-06T07:08:00Z", dateModified="2024-05-06T07:08:00Z")
    later = linked(datePublished="2024-05-06T07:08:00Z", dateModified="2024-05-07T09:00:00Z")
    assert read(page(head=same)).updated_at is None
    assert read(page(head=later)).updated_at == datetime(2024, 5, 7, 9, tzinfo=UTC)


# ── the rest ──


def test_section_category_tags_image_and_address() -> None:
    trail = {"@type": "BreadcrumbList", "itemListElement": [
        {"position": 2, "name": "Weather"}, {"position": 1, "name": "Politics"}, {"position": 3, "name": TITLE},
    ]}  # fmt: skip
    head = (
        linked(articleSection="Weather", keywords="storm, harbour", image=[{"url": "/logo.png", "width": 60}, {"url": "/big.jpg", "width": 1200}])  # noqa: E501
        + script(trail) + f"<link rel='canonical' href='{URL}'>"
    )  # fmt: skip
    article = extract_article(page(head=head), URL + "?utm_source=mail#top")
    assert (article.category, article.section, article.tags) == ("Politics", "Weather", ["storm", "harbour"])
    assert (article.image, article.url) == ("https://www.daily.example/big.jpg", URL)
    assert (article.site, article.domain) == ("The Daily", "daily.example")


def test_pictures_of_the_article_with_caption_and_alternative_text_and_no_decoration() -> None:
    figure = "<figure><img src='/wave.jpg' alt='A wave'><figcaption>The pier on Monday</figcaption></figure><img src='/logo.svg'>"  # noqa: E501
    media = read(page(inside=figure)).media
    assert [(one.type, one.url, one.alt, one.caption) for one in media] == [
        ("image", "https://www.daily.example/wave.jpg", "A wave", "The pier on Monday")
    ]


@pytest.mark.parametrize(
    ("encoding", "declared", "header"),
    [
        ("utf-8", "", ""),
        ("utf-8", "gb2312", ""),
        ("cp1251", "windows-1251", ""),
        ("cp1251", "", "text/html; charset=windows-1251"),
        ("utf-16", "", ""),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_is_in(encoding: str, declared: str, header: str) -> None:
    text = ["Шторм достиг побережья в понедельник вечером, и сотни людей покинули свои дома до прихода воды."] * 1
    text += ["Многие дороги закрыты, и поезда не пойдут до среды, сообщила железнодорожная компания в заявлении."]
    meta = f"<meta charset='{declared}'>" if declared else ""
    body = page(head=meta, title="Шторм достиг побережья", lang="ru", text=text).decode().encode(encoding)
    article = read(body, content_type=header or None)
    assert (article.title, article.text.split("\n"), article.language) == ("Шторм достиг побережья", text, "ru")


def test_words_are_characters_where_there_are_no_spaces() -> None:
    text = [
        "台风于周一晚间抵达海岸，数百人在洪水到来之前离开了家园，政府说道路已经关闭，火车要到周三才能运行，市长呼吁大家留在家中。"
    ] * 1
    article = read(page(title="台风抵达海岸", lang="zh-CN", text=[*text, text[0][::-1]]))
    assert article.language == "zh"
    assert article.word_count == sum(char not in "，。" for line in article.text.split("\n") for char in line) > 100


def test_a_wrongly_declared_language_is_corrected() -> None:
    text = [
        (
            "Der Sturm hat am Montagabend die Küste erreicht, und Hunderte von Menschen haben ihre Häuser "
            "verlassen, bevor das Wasser kam."
        )
    ]
    text += [
        (
            "Viele Straßen sind gesperrt, und vor Mittwoch wird kein Zug fahren, teilte die Bahngesellschaft in "
            "einer Erklärung mit."
        )
    ]
    assert read(page(lang="en", title="Sturm erreicht die Küste", text=text)).language == "de"


def test_hints_fill_what_the_page_does_not_say_and_nothing_else() -> None:
    hints = Hints(
        title="Other",
        authors=["Ann Lee"],
        published_at=datetime(2024, 5, 6, tzinfo=UTC),
        tags=["storm"],
        section="Weather",
    )
    article = extract_article(page(head=linked(author="Bo Li")), "https://www.daily.example/1", hints=hints)
    assert (article.title, article.authors, article.tags, article.section) == (TITLE, ["Bo Li"], ["storm"], "Weather")
    assert article.published_at == hints.published_at


def test_an_article_can_be_made_of_what_its_feed_carries() -> None:
    hints = Hints(title=TITLE, content="".join(f"<p>{one}</p>" for one in PARAGRAPHS))
    article = article_of_hints(URL, hints)
    assert (article.title, article.text.split("\n"), article.extracted_by["text"]) == (
        TITLE,
        list(PARAGRAPHS),
        "source",
    )


def test_an_article_survives_json() -> None:
    adapter = TypeAdapter(Article)
    article = read(page(head=linked(datePublished="2024-05-06T07:08:09+02:00")))
    assert adapter.validate_json(adapter.dump_json(article)) == article


# ── what is no article ──


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (
            b"<html><body><div id=app></div><script></script><script></script><script></script></body></html>",
            "empty shell",
        ),
        (b"<html><body><h1>Welcome back</h1><form>Log in<input type=password></form></body></html>", "signed-in"),
        (
            b"<html><head><meta property=og:type content=video.other></head><body><h1>Storm</h1><p>Watch it here</p></body></html>",  # noqa: E501
            "video",
        ),
    ],
)
def test_what_is_no_article_is_called_by_its_name(body: bytes, said: str) -> None:
    with pytest.raises(NotAnArticle, match=said):
        read(body)


def test_a_front_page_is_no_article() -> None:
    teasers = "".join(f"<h2><a href='/{n}'>Number {n}: {TITLE}</a></h2><p>{PARAGRAPHS[n % 5]}</p>" for n in range(20))
    with pytest.raises(NotAnArticle, match="list of articles"):
        extract_article(f"<html><body>{teasers}</body></html>".encode(), "https://www.daily.example/")


@pytest.mark.parametrize(
    "body",
    [
        b"<div>" * 50_000,
        b"<p>" * 50_000,
        b"<a href=" * 20_000,
        b"&amp" * 50_000,
        b"<script type='application/ld+json'>" + b"[" * 50_000,
    ],
    ids=["nested", "open", "cut", "references", "json"],
)
def test_hostile_pages_end_as_no_article(body: bytes) -> None:
    with pytest.raises(NotAnArticle):
        read(body)


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text("<>/!- abpdivscript='\"&;{}[]@:,", max_size=400).map(str.encode)))
def test_whatever_the_bytes_are_nothing_but_not_an_article_is_raised(body: bytes) -> None:
    for one in (body, page(head=linked(articleBody=1)) + body):
        with suppress(NotAnArticle):
            assert read(one).text


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(("@type", "@id", "name", "url", "@list", "width")), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_json_ld_may_hold_anything_anywhere(value: Any) -> None:
    members = (
        "headline",
        "author",
        "datePublished",
        "dateModified",
        "image",
        "keywords",
        "articleSection",
        "publisher",
        "mainEntityOfPage",
        "inLanguage",
    )
    node = {"@type": "NewsArticle", **dict.fromkeys(members, value)}
    article = read(page(head=f"<script type='application/ld+json'>{json.dumps(node).replace('<', ' ')}</script>"))
    assert article.text.split("\n") == list(PARAGRAPHS)


def test_many_threads_read_at_once() -> None:
    pages = [page(title=f"{TITLE} {n}", head=linked(headline=f"{TITLE} {n}")) for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert [article.title for article in pool.map(read, pages)] == [f"{TITLE} {n}" for n in range(8)]
