"""When a schedule is due: intervals, lines of cron, and what the clock does when summer time begins and ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from accepted.errors import ConfigurationError
from accepted.times import Cron, Every, Times, times

BERLIN, KOLKATA, LORD_HOWE = "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"
"""Lord Howe Island changes by half an hour."""


def at(zone: str, text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def from_(times: Times, start: float) -> Iterator[float]:
    while True:
        start = times.after(start)
        yield start


def shown(line: str, zone: str, start: str, count: int) -> list[str]:
    """The next times as the wall clock shows them, with its offset."""
    found = itertools.islice(from_(Cron(line, zone), at(zone, start)), count)
    return [f"{datetime.fromtimestamp(one, ZoneInfo(zone)):%d %H:%M:%S %z}" for one in found]


def test_an_interval_counts_from_the_epoch() -> None:
    quarter = Every("15m")
    assert list(itertools.islice(from_(quarter, 1000.0), 3)) == [1800.0, 2700.0, 3600.0]
    assert quarter.after(899.999999) == 900.0
    assert Every(0.1 + 0.9).after(1_790_000_000.0) == 1_790_000_001.0
    week = Every("7d")
    assert week.after(0.0) == 604_800.0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("30 2 * * *", ["29 03:00:00 +0200", "30 02:30:00 +0200"]),
        ("15,45 2 * * *", ["29 03:00:00 +0200", "30 02:15:00 +0200"]),
        ("30 2,3 * * *", ["29 03:00:00 +0200", "29 03:30:00 +0200", "30 02:30:00 +0200"]),
        ("20 30 2 * * *", ["29 03:00:20 +0200", "30 02:30:20 +0200"]),
        ("0 3 * * *", ["29 03:00:00 +0200", "30 03:00:00 +0200"]),
        ("30 * * * *", ["29 00:30:00 +0100", "29 01:30:00 +0100", "29 03:30:00 +0200"]),
        ("*/30 2 * * *", ["30 02:00:00 +0200", "30 02:30:00 +0200"]),
    ],
)
def test_summer_time_begins_in_berlin(line: str, expected: list[str]) -> None:
    assert shown(line, BERLIN, "2026-03-29T00:00:00", len(expected)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("30 2 * * *", ["25 02:30:00 +0200", "26 02:30:00 +0100"]),
        ("20 30 2 * * *", ["25 02:30:20 +0200", "26 02:30:20 +0100"]),
        ("0 3 * * *", ["25 03:00:00 +0100", "26 03:00:00 +0100"]),
        ("30 * * * *", ["25 01:30:00 +0200", "25 02:30:00 +0200", "25 02:30:00 +0100", "25 03:30:00 +0100"]),
        ("*/30 2 * * *", ["25 02:00:00 +0200", "25 02:30:00 +0200", "25 02:00:00 +0100", "25 02:30:00 +0100"]),
    ],
)
def test_summer_time_ends_in_berlin(line: str, expected: list[str]) -> None:
    assert shown(line, BERLIN, "2026-10-25T01:00:00", len(expected)) == expected


def test_a_time_of_the_first_pass_is_over_in_the_second() -> None:
    second_pass = at(BERLIN, "2026-10-25T03:00:00") - 900
    assert Cron("50 2 * * *", BERLIN).after(second_pass) == at(BERLIN, "2026-10-26T02:50:00")


def test_half_hours() -> None:
    assert shown("0 9 * * *", KOLKATA, "2026-03-28T23:00:00", 1) == ["29 09:00:00 +0530"]
    assert shown("*/20 9 * * *", KOLKATA, "2026-03-28T23:00:00", 2) == ["29 09:00:00 +0530", "29 09:20:00 +0530"]
    assert shown("15 2 * * *", LORD_HOWE, "2026-10-04T00:00:00", 2) == ["04 02:30:00 +1100", "05 02:15:00 +1100"]
    # Found by walking hour by hour, these would be lost on the days of the change.
    for day in ("2026-04-05", "2026-10-04"):
        assert [one[3:8] for one in shown("*/20 3 * * *", LORD_HOWE, f"{day}T00:00:00", 3)] == [
            "03:00",
            "03:20",
            "03:40",
        ]


@pytest.mark.parametrize(
    "zone", [BERLIN, KOLKATA, LORD_HOWE, "America/New_York", "Africa/Casablanca", "Antarctica/Troll"]
)
@pytest.mark.parametrize("line", ["*/20 * * * *", "*/30 2 * * *", "5 */3 * * *", "*/7 1-3 * * *", "30 * * * *"])
def test_what_means_the_time_that_passes_is_each_minute_that_the_wall_shows(zone: str, line: str) -> None:
    minutes, hours = (_field(part, size) for part, size in zip(line.split()[:2], (60, 24), strict=True))
    cron, tz = Cron(line, zone), ZoneInfo(zone)
    for change in _changes(tz):
        first, last = change - 86400, change + 2 * 86400
        found = list(itertools.takewhile(lambda one, end=last: one < end, from_(cron, first)))  # type: ignore[misc]
        walls = ((one, datetime.fromtimestamp(one, tz)) for one in range(first + 60, last, 60))
        assert found == [one for one, wall in walls if wall.minute in minutes and wall.hour in hours]


def _changes(zone: ZoneInfo) -> list[int]:
    """The days of 2026 on which its clock changes; some day where it never does."""
    days = [int(datetime(2026, 1, 1, tzinfo=zone).timestamp()) + day * 86400 for day in range(365)]
    offsets = [datetime.fromtimestamp(day, zone).utcoffset() for day in days]
    return [day for day, (one, other) in zip(days, itertools.pairwise(offsets), strict=False) if one != other] or days[
        :1
    ]


def _field(part: str, size: int) -> range:
    """The kinds of cron's fields that stand above."""
    if part.startswith("*/"):
        return range(0, size, int(part[2:]))
    if "-" in part:
        first, last = part.split("-")
        return range(int(first), int(last) + 1)
    return range(size) if part == "*" else range(int(part), int(part) + 1)


def test_a_time_of_the_day_on_which_the_clock_changes_half_a_year_away() -> None:
    assert shown("*/30 2 25 10 *", BERLIN, "2026-03-01T00:00:00", 3) == [
        "25 02:00:00 +0200",
        "25 02:30:00 +0200",
        "25 02:00:00 +0100",
    ]


def test_seconds_and_rare_days() -> None:
    assert shown("*/20 * * * * *", "UTC", "2026-01-01T00:00:05", 2) == ["01 00:00:20 +0000", "01 00:00:40 +0000"]
    leap = Cron("0 3 29 2 *", BERLIN).after(at(BERLIN, "2026-03-01T00:00:00"))
    assert leap == at(BERLIN, "2028-02-29T03:00:00")


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({}, "give either cron"),
        ({"cron": "0 3 * * *", "every": "15m"}, "give either cron"),
        ({"cron": "0 3 * *"}, "cron: expected five fields .six: with seconds.*Wrong number"),
        ({"cron": "61 * * * *"}, "cron: expected five fields .*Bad minute"),
        ({"cron": "0 0 30 2 *"}, "cron: .*Bad day-of-month"),
        ({"cron": "* * * * 5#1/2"}, "cron: expected five fields"),
        ({"cron": "0 3 * * *", "timezone": "Europe/Berlln"}, "timezone: expected a name .*got 'Europe/Berlln'"),
        ({"cron": "0 3 * * *", "timezone": "../etc"}, "timezone: expected a name"),
        ({"every": "15m", "timezone": BERLIN}, "timezone: it is of cron="),
        ({"every": 0.5}, "every: expected at least 1 second"),
        ({"every": "soon"}, "expected a duration"),
    ],
)
def test_what_is_refused(keywords: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        times(keywords.get("cron"), keywords.get("every"), keywords.get("timezone", "UTC"))


def test_without_the_library_that_reads_cron(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cronsim", None)
    with pytest.raises(ConfigurationError, match=r"pip install accepted\[cron\]"):
        Cron("0 3 * * *")
    assert Every("15m").after(0) == 900.0
