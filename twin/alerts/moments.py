"""Times and names of simulated superevents: GPS seconds as UTC text, letters of a day. Knows no alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_GPS_ZERO = datetime(1980, 1, 6, tzinfo=UTC)
LEAP_S = 18
"""GPS less UTC since 2017; later leap seconds are not known, so the twin has none."""
END_S = (datetime(2080, 1, 1, tzinfo=UTC) - _GPS_ZERO).total_seconds() + LEAP_S
"""GPS time from which on the six digits of a day would name one of a century before."""
PREFIX = "MS"
"""Of mock superevents, which have such ids in the LVK's user guide (recalled; MS181101ab is its example)."""


def utc(gps_s: float) -> datetime:
    """The UTC of a GPS time in s, to the millisecond."""
    return _GPS_ZERO + timedelta(milliseconds=round(1000.0 * (gps_s - LEAP_S)))


def text(gps_s: float) -> str:
    """ISO 8601, such as 2035-01-01T00:00:12.345Z."""
    return f"{utc(gps_s):%Y-%m-%dT%H:%M:%S}.{utc(gps_s).microsecond // 1000:03d}Z"


def day(gps_s: float) -> str:
    """The UTC day as six digits, such as 350101."""
    return f"{utc(gps_s):%y%m%d}"


def letters(number: int) -> str:
    """a, b, … z, aa, ab, …: the name of the day's superevent `number`, from 0 on."""
    found = ""
    number += 1
    while number:
        number, last = divmod(number - 1, 26)
        found = chr(ord("a") + last) + found
    return found


def superevent(gps_s: float, number: int) -> str:
    """Id of the superevent of this GPS time that is number `number` of its day."""
    return f"{PREFIX}{day(gps_s)}{letters(number)}"
