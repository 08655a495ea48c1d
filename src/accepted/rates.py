"""Rates as text: "5/s", "30/m", "1/15m" are a count in any period (docs/limits.md)."""

from __future__ import annotations

from typing import Final

from accepted.errors import ConfigurationError
from accepted.job import Rate
from accepted.settings import seconds

_AT_MOST: Final = 1000
_SHORTEST: Final = 0.001
_LONGEST: Final = 366 * 86400.0
_UNIT: Final = "0123456789"


def rate(text: str, *, key: str = "") -> Rate:
    """The rate that `count/period` means, under `key`. Raises ConfigurationError saying what is expected."""
    count, slash, period = text.replace(" ", "").partition("/")
    if not (slash and period and count.isascii() and count.isdigit()):
        raise ConfigurationError(f'expected a rate such as "5/s", "30/m" or "1/15m", got {text!r}')
    if not 1 <= int(count) <= _AT_MOST:
        raise ConfigurationError(f"a rate counts 1 … {_AT_MOST:,}, got {text!r}; take a shorter period")
    per = seconds(period if period[0] in _UNIT else f"1{period}")
    if not _SHORTEST <= per <= _LONGEST:
        raise ConfigurationError(f"the period of a rate is 1 ms … 366 d, got {text!r}")
    return Rate(key, int(count), per)
