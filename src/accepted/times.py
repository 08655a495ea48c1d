"""When a schedule is due: every 15 minutes, or as a line of cron says (docs/schedules.md). Seconds since the epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from accepted.errors import ConfigurationError
from accepted.job import JSON
from accepted.settings import seconds

_DAY: Final = 86400.0
_MICROS: Final = 1_000_000


class Times(Protocol):
    """The times of a schedule."""

    @property
    def spec(self) -> Mapping[str, JSON]:
        """What they were made of, as JSON."""

    def after(self, at: float) -> float:
        """The first of them that is later than `at`."""


def times(cron: str | None, every: float | str | None, timezone: str) -> Times:
    """Either of the two. Raises ConfigurationError naming the keyword that is wrong."""
    if (cron is None) == (every is None):
        raise ConfigurationError('give either cron="0 3 * * *" or every="15m"')
    if cron is not None:
        return Cron(cron, timezone)
    if timezone != "UTC":
        raise ConfigurationError("timezone: it is of cron=; an interval is counted from the epoch, whatever the zone")
    return Every(every or 0.0)


class Every:
    """At each multiple of an interval since the epoch: every process counts the same, whenever it started."""

    def __init__(self, interval: float | str) -> None:
        """Raises ConfigurationError for less than a second."""
        self._interval = round(seconds(interval) * _MICROS)
        if self._interval < _MICROS:
            raise ConfigurationError(f"every: expected at least 1 second, got {interval!r}")

    @property
    def spec(self) -> Mapping[str, JSON]:
        return {"every": self._interval / _MICROS}

    def after(self, at: float) -> float:
        return (round(at * _MICROS) // self._interval + 1) * self._interval / _MICROS


class Cron:
    """A line of cron in a time zone. The library `cronsim` reads it and walks the calendar; what the clock does when
    summer time begins and ends is decided here, in Debian's way:

    * A line whose minute and hour are both fixed ("30 2 * * *") means the clock on the wall. If that skips the time,
      the job runs right after; if it shows it twice, the job runs the first time.
    * Any other ("*/20 * * * *", "30 * * * *") means the time that passes: an hour that is left out has no runs, one
      that comes twice has them twice.
    """

    def __init__(self, line: str, timezone: str = "UTC") -> None:
        """Raises ConfigurationError."""
        try:
            from cronsim import CronSim, CronSimError
        except ImportError:
            raise ConfigurationError("cron: reading it needs `pip install accepted[cron]`") from None
        self._calendar: type[CronSim] = CronSim
        self._line, self._timezone, self._zone = line, timezone, _zone(timezone)
        try:
            self._wall(datetime.now(UTC))
        except (CronSimError, AssertionError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f'cron: expected five fields (six: with seconds) such as "0 3 * * *", got {line!r}: {error}'
            ) from None
        self._fixed = not any(part.startswith("*") for part in line.split()[-5:-3])
        self.after(datetime.now(UTC).timestamp())

    @property
    def spec(self) -> Mapping[str, JSON]:
        return {"cron": self._line, "timezone": self._timezone}

    def after(self, at: float) -> float:
        try:
            return self._on_the_wall(at) if self._fixed else self._as_it_passes(at)
        except StopIteration:
            raise ConfigurationError(f"cron: there is no day in the next 50 years at which {self._line!r} is") from None

    def _wall(self, local: datetime) -> Iterator[datetime]:
        """What a wall clock without time zone shows at the line's times, after it has shown `local`."""
        return self._calendar(self._line, local.replace(tzinfo=None))

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self._zone)

    def _on_the_wall(self, at: float) -> float:
        calendar = self._wall(self._local(at))
        while True:
            shown = next(calendar).replace(tzinfo=self._zone)
            while self._local(shown.timestamp()).replace(tzinfo=None) != shown.replace(tzinfo=None):
                shown += timedelta(minutes=1)  # the clock never shows this
            if shown.timestamp() > at:
                return shown.timestamp()

    def _as_it_passes(self, at: float) -> float:
        local = self._local(at)
        while True:
            # While the zone's offset stays what it is, the wall clock is a plain one.
            offset = self._offset(at)
            found = next(self._wall(local)).replace(tzinfo=UTC).timestamp() - offset
            near = min(found, at + _DAY)
            if self._offset(near) != offset:
                at = self._change(at, near)
                local = self._local(at) - timedelta(seconds=1)
            elif found == near:
                return found
            else:
                # Far away: come near first, and look at the offset there.
                at = found - _DAY / 2
                local = self._local(at)

    def _offset(self, at: float) -> float:
        return (self._local(at).utcoffset() or timedelta()).total_seconds()

    def _change(self, early: float, late: float) -> float:
        """The second at which the zone's offset is not that of `early` any more; it is not at `late`."""
        before, first, last = self._offset(early), int(early), int(late)
        while last - first > 1:
            middle = (first + last) // 2
            if self._offset(middle) == before:
                first = middle
            else:
                last = middle
        return float(last)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"timezone: expected a name of the IANA database such as 'Europe/Berlin', got {name!r}; where the system "
            "has no such database, `pip install accepted[cron]` brings it"
        ) from None
