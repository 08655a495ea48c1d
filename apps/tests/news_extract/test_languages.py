"""News in twelve scripts and languages, in the encodings, dates and signatures that are usual there."""

from __future__ import annotations

from datetime import date

import pytest
from accepted_apps.news.article import extract_article
from accepted_apps.news.extract.dates import parsed
from accepted_apps.news.extract.people import names_in, signed_by

from .languages import TONGUES, Tongue
from .pages import URL, linked, page


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.code)
def test_an_article_is_read_in_its_language(tongue: Tongue) -> None:
    article = extract_article(tongue.page(), "https://www.daily.example/4711")
    assert (article.title, article.text.split("\n")) == (tongue.title, list(tongue.text))
    assert (article.language, article.word_count) == (tongue.code, tongue.words)
    assert article.published_at is not None
    assert (article.published_at.date(), article.authors) == (date(2024, 5, 6), [tongue.author])


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("٦ مايو ٢٠٢٤ ٠٧:٠٨", "2024-05-06T07:08"),
        ("الإثنين، 6 مايو/أيار 2024", "2024-05-06"),
        ("5 تشرين الأول 2024", "2024-10-05"),
        ("६ मई २०२४", "2024-05-06"),
        ("6 พฤษภาคม 2567 เวลา 07:08 น.", "2024-05-06"),
        ("6 พ.ค. 67", "2024-05-06"),
        ("Ngày 6 tháng 5 năm 2024", "2024-05-06"),
        ("令和6年5月6日 午後7時8分", "2024-05-06T19:08"),
        ("2024年5月6日 下午7:08", "2024-05-06T19:08"),
        ("2024. 5. 6. 오전 7:08", "2024-05-06T07:08"),
        ("2024년 5월 6일 오후 7시 8분", "2024-05-06T19:08"),
        ("2024. május 6., 07:08", "2024-05-06T07:08"),
        ("2024 m. gegužės 6 d.", "2024-05-06"),
        ("6. Mai 2024 Uhr 7", "2024-05-06"),
    ],
)
def test_dates_of_other_scripts_and_calendars(written: str, iso: str) -> None:
    moment = parsed(written, "text")
    assert moment is not None
    assert moment.at.isoformat().startswith(iso)
    assert moment.day_only is ("T" not in iso)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("كتب أحمد علي", ["أحمد علي"]),
        ("（记者 王伟 李明）", ["王伟", "李明"]),
        ("本报记者 王伟", ["王伟"]),
        ("文＝山田太郎", ["山田太郎"]),
        ("山田太郎記者", ["山田太郎"]),
        ("[서울=뉴스] 홍길동 기자", ["홍길동"]),
        ("홍길동 기자 외 1명", ["홍길동"]),
        ("Текст: Иван Петров", ["Иван Петров"]),
        ("Ahmet Yılmaz ve Ayşe Kaya", ["Ahmet Yılmaz", "Ayşe Kaya"]),
    ],
)
def test_names_without_what_their_language_puts_around_them(text: str, names: list[str]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    "signature", ["By Ann Lee", "Von Ann Lee", "Par Ann Lee", "Por Ann Lee", "Di Ann Lee", "Door Ann Lee"]
)
def test_a_signature_in_a_plain_paragraph_gives_the_author_and_is_not_text(signature: str) -> None:
    article = extract_article(page(inside=f"<p>{signature}</p>"), URL)
    assert article.authors == ["Ann Lee"]
    assert "Ann Lee" not in article.text


@pytest.mark.parametrize(
    "line",
    ["By Monday evening", "Von der Küste bis in die Berge", "Di nuovo in piazza", "By Ann Lee, who was there.", "Por"],
)
def test_a_line_that_only_begins_like_a_signature_is_none(line: str) -> None:
    assert signed_by(line) == []


def test_a_declared_author_goes_before_a_signature() -> None:
    assert extract_article(page(head=linked(author="Bo Li"), inside="<p>By Ann Lee</p>"), URL).authors == ["Bo Li"]
