"""Times of logs as GPS seconds: numbers are GPS, texts are ISO 8601 with a zone. Knows no file.

Leap seconds are those of the IERS's Bulletin C, the last one of 2017: a log may mix both forms in one row.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

_GPS_ZERO = datetime(1980, 1, 6, tzinfo=UTC)
_YEARS_OF_JULY = (1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015)
_YEARS_OF_JANUARY = (1988, 1990, 1991, 1996, 1999, 2006, 2009, 2017)
LEAPS = tuple(
    sorted(
        [datetime(year, 7, 1, tzinfo=UTC) for year in _YEARS_OF_JULY]
        + [datetime(year, 1, 1, tzinfo=UTC) for year in _YEARS_OF_JANUARY]
    )
)
"""UTC from which on GPS is one second more ahead."""
_LEAPING = re.compile(r"(\d\d:\d\d):60")
"""A leap second, which datetime does not know: one second after the 59th."""
LATEST_S = 4e9
"""GPS seconds from which on a number is no time of an alert (the year 2106)."""
_FORM = "write GPS seconds, or ISO 8601 with a zone such as 2023-05-29T18:15:00Z"


def gps_s(given: object) -> float:
    """GPS seconds of a number, of a text that is one, or of an ISO 8601 time; ValueError in words otherwise."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError(f"is no time: {_FORM}")
    try:
        seconds = float(given)
    except (ValueError, OverflowError):
        return _of_utc(str(given))
    if not (math.isfinite(seconds) and 0.0 < seconds < LATEST_S):
        raise ValueError(f"{str(given)[:30]} is no GPS time: it lies outside 1980 to 2106")
    return seconds


def _of_utc(text: str) -> float:
    written = text.strip()
    if written.endswith(" UTC"):  # as GraceDB writes
        written = f"{written[:-4]}+00:00"
    before, leaping = _LEAPING.subn(r"\1:59", written, count=1)
    try:
        moment = datetime.fromisoformat(before)
    except ValueError:
        raise ValueError(f"'{text[:40]}' is no time: {_FORM}") from None
    if moment.tzinfo is None:
        raise ValueError(f"'{text[:40]}' has no time zone: {_FORM}")
    if leaping and moment.replace(microsecond=0) + timedelta(seconds=1) not in LEAPS:
        raise ValueError(f"'{text[:40]}' is a leap second where there was none: the last was at the end of 2016")
    passed = sum(moment >= leap for leap in LEAPS)
    seconds = (moment - _GPS_ZERO).total_seconds() + passed + leaping
    if not 0.0 < seconds < LATEST_S:
        raise ValueError(f"'{text[:40]}' lies outside 1980 to 2106")
    return seconds
