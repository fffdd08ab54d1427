"""Numbers in words for people: durations, shares, counts. For verdicts, figures and reports; knows no record."""

from __future__ import annotations

import math
from collections.abc import Sequence

_TIMES = (
    ("us", 1e-6, 1e-3),
    ("ms", 1e-3, 1.0),
    ("s", 1.0, 120.0),
    ("min", 60.0, 7200.0),
    ("h", 3600.0, 86400.0),
    ("d", 86400.0, math.inf),
)
_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")


def duration(seconds: float | None) -> str:
    """`seconds` with three digits and a unit that suits: '14.2 s', '41 min'."""
    if seconds is None or not math.isfinite(seconds):
        return "not stated"
    if seconds == 0.0:
        return "0 s"
    unit, scale, _ = next(time for time in _TIMES if abs(seconds) < time[2])
    return f"{digits(seconds / scale)} {unit}"


def left(seconds: float) -> str:
    """How long something still takes, as well as anyone knows: 'about 8 s left', 'about 14 min left'."""
    unit, scale, _ = next(time for time in _TIMES if max(seconds, 1.0) < time[2])
    number = max(seconds, 1.0) / scale
    return f"about {float(f'{number:.1g}' if number < 10.0 else f'{number:.2g}'):.0f} {unit} left"


def span(low: float | None, high: float | None) -> str:
    """An interval of durations in one unit: '14.1–14.4 s'."""
    if low is None or high is None:
        return "no interval"
    unit, scale, _ = next(time for time in _TIMES if abs(high) < time[2])
    return f"{between(low / scale, high / scale)} {unit}"


def share(value: float | None) -> str:
    """A fraction in per cent: '0.31 %'."""
    if value is None:
        return "not stated"
    if value == 0.0:
        return "0 %"
    return "< 0.001 %" if value < 1e-5 else f"{digits(100.0 * value)} %"


def shares(low: float | None, high: float | None) -> str:
    """An interval of fractions: '0.21–0.34 %'."""
    if low is None or high is None:
        return "no interval"
    return f"{between(100.0 * low, 100.0 * high)} %"


def points(difference: float) -> str:
    """By how much two fractions are apart, in percentage points and without a sign: '0.31 %-points'."""
    return f"{share(abs(difference))}-points"


def amount(number: float, unit: str) -> str:
    """A number with its unit: 's' a duration, '' a share in per cent, else what is counted."""
    if unit == "s":
        return f"-{duration(-number)}" if number < 0.0 else duration(number)
    if unit == "":
        return f"-{share(-number)}" if number < 0.0 else share(number)
    told = digits(float(f"{number:.12g}"))  # a sum of whole servers is a whole number
    return f"{told}{unit}" if unit.startswith("/") else f"{told} {unit}"


def apart(difference: float, unit: str) -> str:
    """By how much two such amounts are apart, without a sign: of shares in percentage points."""
    return points(difference) if unit == "" else amount(abs(difference), unit)


def between(low: float, high: float) -> str:
    """Two numbers with as many decimals as tell them apart."""
    spread = abs(high - low) or abs(high) or 1.0
    places = min(6, max(0, 1 - math.floor(math.log10(spread))))
    apart = " to " if low < 0.0 else "–"  # a dash beside a minus is one too many
    return f"{low:,.{places}f}{apart}{high:,.{places}f}" if low else f"0–{high:,.{places}f}"


def digits(number: float) -> str:
    """Three significant digits, thousands with commas; a round number without zeros behind the point."""
    if number == 0.0:
        return "0"
    rounded = float(f"{number:.2e}")
    places = min(max(2 - math.floor(math.log10(abs(rounded))), 0), 9)
    return f"{rounded:,.0f}" if rounded == number and rounded.is_integer() else f"{rounded:,.{places}f}"


def size(number: float) -> str:
    """Bytes, in powers of 1000: '44.2 GB'."""
    power = 0
    while number >= 1000.0 and power < len(_BYTES) - 1:
        number, power = number / 1000.0, power + 1
    return f"{number:.3g} {_BYTES[power]}"


def count(number: int, noun: str, plural: str = "") -> str:
    """'1 alert', '1,204 alerts'."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def sequence(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
