"""The pace of an account by Instaloader's limits, on a clock of its own; and connections that are cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from accepted_apps.profiles.providers.instagram_pace import NETWORK, OWN_PACE, AccountPace
from accepted_apps.profiles.providers.instagram_wire import Wire, context_class
from helpers import wait_until

from accepted import Cancelled


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(pace: AccountPace, kind: str, times: int) -> int:
    """How many of so many requests may start at once."""
    return sum(pace.take(kind) == (0.0, "") for _ in range(times))


@pytest.mark.parametrize(
    ("kind", "limit", "window"), [("iphone", 199, 1818), ("27128499623469141", 200, 666), ("other", 75, 666)]
)
def test_the_limits_are_the_librarys(clock: Clock, kind: str, limit: int, window: float) -> None:
    pace = AccountPace(1.0, 0.0, clock=clock)
    assert taken(pace, kind, limit + 5) == limit
    seconds, who = pace.take(kind)
    assert seconds == pytest.approx(window)
    assert who == OWN_PACE
    clock.now += window + 1
    assert taken(pace, kind, limit + 5) == limit


def test_a_faster_pace_has_shorter_windows(clock: Clock) -> None:
    pace = AccountPace(10.0, 0.0, clock=clock)
    assert taken(pace, "iphone", 300) == 199
    assert pace.take("iphone")[0] == pytest.approx(181.8)


def test_what_instagram_asks_holds_for_everything(clock: Clock) -> None:
    pace = AccountPace(1.0, 0.0, clock=clock)
    assert taken(pace, "iphone", 1) == 1
    pace.refused("iphone", 40.0)
    assert pace.take("other") == (40.0, NETWORK)
    clock.now += 41
    assert taken(pace, "other", 1) == 1
    pace.refused("other", None)
    assert pace.pause == pytest.approx(666), "the library's own estimate"


def test_requests_start_with_a_gap(clock: Clock) -> None:
    pace = AccountPace(1.0, 2.0, clock=clock)
    assert taken(pace, "iphone", 5) == 1
    seconds, who = pace.take("other")
    assert seconds == pytest.approx(2.0)
    assert not who, "nothing to show"
    clock.now += 2
    assert taken(pace, "other", 5) == 1


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def session_to(wire: Wire) -> requests.Session:
    """As the library makes them."""
    session: requests.Session = context_class(wire)(quiet=True).get_anonymous_session()
    return session


async def test_a_cut_ends_what_is_under_way_and_forbids_the_rest(silent: socket.socket) -> None:
    wire = Wire(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=30.0)
    session, raised = session_to(wire), []

    def ask() -> None:
        try:
            session.get("https://www.instagram.com/ann/")
        except BaseException as error:
            raised.append(type(error))

    asking = threading.Thread(target=ask)
    asking.start()
    connection, _ = silent.accept()
    wire.cut()
    await wait_until(lambda: not asking.is_alive(), timeout=5, what="the end of the request")
    assert raised == [Cancelled]
    with pytest.raises(Cancelled):
        session.get("https://i.instagram.com/")
    connection.close()


def test_a_request_has_its_time_however_slowly_bytes_come(silent: socket.socket) -> None:
    wire = Wire(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.4)
    done = threading.Event()

    def drip() -> None:
        connection, _ = silent.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not done.wait(0.05):
                try:
                    connection.sendall(b".")
                except OSError:
                    return

    dripping = threading.Thread(target=drip)
    dripping.start()
    started = time.monotonic()
    with pytest.raises(requests.exceptions.RequestException):
        session_to(wire).get("https://www.instagram.com/ann/")
    assert time.monotonic() - started < 20
    assert wire.late
    done.set()
    dripping.join()


@pytest.mark.parametrize(
    "url", ["https://example.org/", "http://169.254.169.254/", "https://www.instagram.com.evil.example/"]
)
def test_sessions_reach_instagram_and_nothing_else(url: str) -> None:
    with pytest.raises(requests.exceptions.InvalidSchema):
        session_to(Wire("", timeout=1.0)).get(url)
