"""Reports of load tests, as the tools write them: what is read of each, and which endpoints are the worst."""

# ruff: noqa: E501  reports as tools write them

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.audit.errors import ReportUnreadable
from accepted_apps.audit.loads import read_report, sniff, worst_of
from accepted_apps.audit.loads.base import Samples, percentile, score
from accepted_apps.audit.model import WorstApi
from pydantic import ValidationError

JTL = """timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect
1700000000000,100,GET /users,200,OK,t 1-1,text,true,,10,1,1,1,http://x.test/users?page=1,1,0,0
1700000001000,300,GET /users,500,"Internal, error",t 1-1,text,false,"a
line, broken",10,1,1,1,http://x.test/users?page=2,1,0,0
1700000002000,5000,Login,200,OK,t 1-1,text,true,,10,1,1,1,http://x.test/login?u=1,1,0,0
1700000002000,5100,Transaction,200,"Number of samples in transaction : 2, number of failing samples : 0",t,,true,,1,1,1,1,null,0,0,0
nonsense
"""
LOCUST = """Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%
GET,/users/[id],200,20,110,1500.5,90,4000,100,12.5,1.2,110,120,130,140,150,2500,3000,3100,4000,4000,4000
POST,/login,0,0,0,0,0,0,0,0,0,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A
,Aggregated,200,20,110,1500.5,90,4000,100,12.5,1.2,110,120,130,140,150,2500,3000,3100,4000,4000,4000
"""


def write(folder: Path, text: str | bytes, name: str = "report") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def by_name(path: Path) -> dict[str, WorstApi]:
    return {one.endpoint: one for one in read_report(path).apis}


def test_jmeter_csv(tmp_path: Path) -> None:
    found = by_name(write(tmp_path, JTL))
    assert set(found) == {"GET /users", "http://x.test/login"}
    users = found["GET /users"]
    assert (users.avg_response_time_ms, users.error_rate_percent, users.percentile_95_latency_ms) == (200, 50, 300)
    assert users.throughput_rps == pytest.approx(2 / 1.3, abs=0.001)
    assert found["http://x.test/login"].throughput_rps is None, "of one request there is no rate"


def test_long_messages_of_jmeter_are_read_and_the_bound_of_others_stays(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    text = f"label,elapsed,success,failureMessage\n/a,1200,false,{'x' * 2 * before}\n"
    assert by_name(write(tmp_path, text))["/a"].error_rate_percent == 100
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_jmeter_csv_with_other_delimiters_and_encodings(delimiter: str, tmp_path: Path) -> None:
    text = f"label{delimiter}elapsed{delimiter}success\n/Grüße{delimiter}1200{delimiter}TRUE\n"
    for raw in (text.encode("utf-8-sig"), text.encode("utf-16")):
        found = by_name(write(tmp_path, raw))
        assert found["/Grüße"].avg_response_time_ms == 1200
        assert found["/Grüße"].error_rate_percent == 0


def test_jmeter_csv_without_a_header(tmp_path: Path) -> None:
    lines = "".join(f"17000000{n:05},{100 + n},/a,200,OK,t 1-1,text,true,,1,1,1,1,null,1,0,0\n" for n in range(20))
    found = by_name(write(tmp_path, lines))
    assert found["/a"].avg_response_time_ms == pytest.approx(109.5)
    assert found["/a"].percentile_95_latency_ms == 118


def test_jmeter_xml(tmp_path: Path) -> None:
    text = """<?xml version="1.0"?><testResults version="1.2">
    <sample t="900" lb="Transaction" s="true"><httpSample t="300" ts="1700000000000" lb="/in" s="true"/></sample>
    <httpSample t="100" ts="1700000001000" lb="/in" s="false"/></testResults>"""
    found = by_name(write(tmp_path, text))
    assert list(found) == ["/in"]
    assert (found["/in"].avg_response_time_ms, found["/in"].error_rate_percent) == (200, 50)


def test_an_xml_bomb_is_refused(tmp_path: Path) -> None:
    text = '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaa">]><testResults>&a;</testResults>'
    with pytest.raises(ReportUnreadable, match="entities"):
        read_report(write(tmp_path, text))


def test_locust(tmp_path: Path) -> None:
    found = by_name(write(tmp_path, LOCUST))
    assert list(found) == ["/users/[id]"]
    one = found["/users/[id]"]
    assert (one.method, one.avg_response_time_ms, one.error_rate_percent) == ("GET", 1500.5, 10)
    assert (one.throughput_rps, one.percentile_95_latency_ms) == (12.5, 2500)


def k6(*, wrapped: bool) -> dict[str, Any]:
    """As `handleSummary` has it (wrapped), and as `--summary-export` writes it."""
    times = {"avg": 1234.5, "min": 1, "med": 2, "max": 3, "p(90)": 4, "p(95)": 2345.6}
    parts: dict[str, dict[str, Any]] = {
        "http_req_duration": times,
        "http_req_duration{expected_response:true}": times,
        "http_req_duration{name:http://x.test/users/${id},method:GET}": times,
        "http_req_duration{group:::checkout}": times,
    }
    failed = {"rate": 0.25, "passes": 1, "fails": 3} if wrapped else {"value": 0.25, "passes": 1, "fails": 3}
    parts["http_req_failed{name:http://x.test/users/${id},method:GET}"] = failed
    parts["http_reqs{name:http://x.test/users/${id},method:GET}"] = {"count": 4, "rate": 7.5}
    return {"metrics": {name: {"type": "x", "values": one} if wrapped else one for name, one in parts.items()}}


@pytest.mark.parametrize("wrapped", [True, False])
def test_k6(wrapped: bool, tmp_path: Path) -> None:
    found = by_name(write(tmp_path, json.dumps(k6(wrapped=wrapped))))
    one = found["http://x.test/users/${id}"]
    assert (one.method, one.avg_response_time_ms, one.percentile_95_latency_ms) == ("GET", 1234.5, 2345.6)
    assert (one.error_rate_percent, one.throughput_rps) == (25, 7.5)
    assert found["checkout"].error_rate_percent is None
    assert set(found) == {"http://x.test/users/${id}", "checkout"}


def test_k6_without_numbers_by_url_says_what_to_do(tmp_path: Path) -> None:
    text = json.dumps({"metrics": {"http_req_duration": {"avg": 1}}})
    with pytest.raises(ReportUnreadable, match="http_req_duration"):
        read_report(write(tmp_path, text))


def test_har(tmp_path: Path) -> None:
    def entry(url: str, time: float, status: int = 200, **more: Any) -> dict[str, Any]:
        return {
            "startedDateTime": "2026-01-01T00:00:00.000Z",
            "time": time,
            "request": {"method": "GET", "url": url},
            "response": {"status": status},
            **more,
        }

    entries = [
        entry("https://x.test/api/users?page=1", 100),
        entry("https://x.test/api/users?page=2", 300, 503),
        entry("https://x.test/app.js", 10),
        entry("https://x.test/font", 10, _resourceType="font"),
        entry("data:text/plain,x", 1),
    ]
    found = by_name(write(tmp_path, json.dumps({"log": {"version": "1.2", "entries": entries}})))
    assert list(found) == ["https://x.test/api/users"]
    one = found["https://x.test/api/users"]
    assert (one.avg_response_time_ms, one.error_rate_percent, one.throughput_rps) == (200, 50, None)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "a,b\n1,2\n", "{", '{"x": 1}', "<html/>", '{"log": {"entries": 5}}', '{"metrics": []}', "\0\1\2"],
)
def test_what_is_no_report_is_refused_in_words(text: str, tmp_path: Path) -> None:
    with pytest.raises(ReportUnreadable, match=r"report|summary"):
        read_report(write(tmp_path, text))


def test_the_formats_are_told_by_content(tmp_path: Path) -> None:
    assert sniff(write(tmp_path, JTL), "x.json") == "jmeter"
    assert sniff(write(tmp_path, LOCUST), "x.jtl") == "locust"


def test_the_worst_are_those_with_issues_by_score() -> None:
    fine = WorstApi(endpoint="/fine", avg_response_time_ms=999)
    slow = WorstApi(endpoint="/slow", avg_response_time_ms=1500)
    bad = WorstApi(endpoint="/bad", avg_response_time_ms=1500, error_rate_percent=50)
    assert [one.endpoint for one in worst_of([fine, slow, bad], 10)] == ["/bad", "/slow"]
    assert [one.endpoint for one in worst_of([fine, slow, bad], 1)] == ["/bad"]
    assert [one.endpoint for one in worst_of([fine], 10)] == ["/fine"], "where none has an issue, the slowest"
    assert score(WorstApi(endpoint="/x")) == 0, "what is unknown counts nothing"
    assert score(WorstApi(endpoint="/x", avg_response_time_ms=10**9)) == 10


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentile([float(number) for number in range(1, 101)], 95) == 95
    assert percentile([7.0], 95) == 7


def test_many_samples_take_bounded_memory() -> None:
    samples = Samples()
    for number in range(60_000):
        samples.add("", "/a", float(number % 1000), failed=number % 10 == 0, at=float(number))
    [one] = samples.apis()
    assert one.error_rate_percent == 10
    assert one.avg_response_time_ms == pytest.approx(499.5)
    assert one.percentile_95_latency_ms == pytest.approx(950, abs=15)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("2500", 2500),
        ("2,500 ms", 2500),
        ("2,500.5ms", 2500.5),
        ("1,234,567", 1234567),
        ("2.5", 2.5),
        ("0,5 %", 0.5),
        ("12,25", 12.25),
        ("1.234,5", 1234.5),
        ("1 500", 1500),
        ("1\u202f500,5", 1500.5),
        (".5", 0.5),
        ("1'500", 1500),
        ("2.5e3", 2500),
        ("15%", 15),
        ("50 req/s", 50),
        ("9 rps", 9),
        ("N/A", None),
        ("-", None),
        (" ", None),
    ],
)
def test_numbers_as_people_and_tools_write_them(written: str, number: float | None) -> None:
    assert WorstApi(endpoint="/", avg_response_time_ms=written).avg_response_time_ms == number  # type: ignore[arg-type]


@pytest.mark.parametrize("written", ["slow", "2.5 s", "3 seconds", "1.2.3", "-5", "1e999", "NaN x"])
def test_what_is_no_number_of_the_unit_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        WorstApi(endpoint="/", percentile_95_latency_ms=written)  # type: ignore[arg-type]
