"""Quantities: what is read, what is refused in which words, and that writing and reading undo each other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin import units
from twin.units import BANDWIDTH, BYTES, DURATION, FRACTION, FREQUENCY, LATITUDE, LONGITUDE, RATE

ALL = (DURATION, RATE, BYTES, BANDWIDTH, FREQUENCY, FRACTION, LATITUDE, LONGITUDE)


@pytest.mark.parametrize(
    ("quantity", "text", "stored"),
    [
        (DURATION, "12 s", 12.0),
        (DURATION, "12s", 12.0),
        (DURATION, "  1.5 min ", 90.0),
        (DURATION, "4 ms", 0.004),
        (DURATION, "7 d", 604_800.0),
        (DURATION, "2 d 4 h", 187_200.0),
        (DURATION, "1 h 1 min 1 s", 3661.0),
        (DURATION, "1 yr", 365.25 * 86_400),
        (DURATION, "0 s", 0.0),
        (DURATION, ".5 s", 0.5),
        (RATE, "1e5 /yr", 1e5 / (365.25 * 86_400)),
        (RATE, "0.5 /min", 0.5 / 60),
        (RATE, "3/s", 3.0),
        (BYTES, "100 kB", 1e5),
        (BYTES, "1 KiB", 1024.0),
        (BANDWIDTH, "10 Gbit/s", 1.25e9),
        (BANDWIDTH, "100 MB/s", 1e8),
        (FREQUENCY, "2048 Hz", 2048.0),
        (FREQUENCY, "16 kHz", 16_000.0),
        (FRACTION, "10 %", 0.1),
        (FRACTION, "100%", 1.0),
        (LATITUDE, "-40.5 deg", -40.5),
    ],
)
def test_text_is_read_as_si(quantity, text, stored):
    assert quantity.parse(text) == stored


@pytest.mark.parametrize(
    ("quantity", "given_", "said"),
    [
        (DURATION, 12, "a duration needs a unit: write '12 s' or '12 ms'"),
        (DURATION, "12", "a duration needs a unit: write '12 s' or '12 ms'"),
        (DURATION, 0.5, "a duration needs a unit: write '0.5 s' or '0.5 ms'"),
        (DURATION, "12 m", "unknown unit 'm' of a duration; known: us, ms, s, min, h, d, wk, yr"),
        (DURATION, "-3 s", "'-3 s' must not be negative"),
        (DURATION, "4 s -3 s", "'4 s -3 s' must not be negative"),
        (DURATION, "1e999 s", "'1e999 s' is not a finite number"),
        (DURATION, "nan s", "'nan s' is not a duration: write a number and a unit, such as '12 s'"),
        (DURATION, "inf s", "'inf s' is not a duration: write a number and a unit, such as '12 s'"),
        (DURATION, "", "a duration is a number with a unit, such as '12 s'"),
        (DURATION, True, "a duration is a number with a unit, such as '12 s'"),
        (DURATION, None, "a duration is a number with a unit, such as '12 s'"),
        (DURATION, "1" * 100, "a duration is at most 80 characters long"),
        (RATE, "3 s", "unknown unit 's' of a rate; known: /s, /min, /h, /d, /wk, /yr"),
        (RATE, 3, "a rate needs a unit: write '3 /s' or '3 /yr'"),
        (BYTES, "1 MB 3 kB", "'1 MB 3 kB' is not a data size: write a number and a unit, such as '12 MB'"),
        (FRACTION, 0.1, "a fraction needs a unit: write '10 %'"),
        (FRACTION, 10, "a fraction needs a unit: write '10 %'"),
        (FRACTION, "120 %", "'120 %' must lie between 0 and 100 %"),
        (LATITUDE, "91 deg", "'91 deg' must lie between -90 and 90 deg"),
        (LONGITUDE, "181 deg", "'181 deg' must lie between -180 and 180 deg"),
    ],
)
def test_what_is_refused_is_explained(quantity, given_, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        quantity.parse(given_)


@pytest.mark.parametrize("quantity", ALL, ids=lambda q: q.noun)
@given(data=st.data())
def test_writing_then_reading_gives_the_same_number(quantity, data):
    stored = data.draw(st.floats(quantity.minimum, min(quantity.maximum, 1e15)))
    assert quantity.parse(quantity.format(stored)) == stored


@pytest.mark.parametrize("quantity", ALL, ids=lambda q: q.noun)
@given(data=st.data())
def test_what_is_written_matches_the_editors_pattern(quantity, data):
    stored = data.draw(st.floats(quantity.minimum, min(quantity.maximum, 1e15)))
    assert re.search(quantity.pattern(), quantity.format(stored))


@pytest.mark.parametrize(
    ("quantity", "text"),
    [(DURATION, "7 d"), (DURATION, "30 min"), (DURATION, "90 s"), (DURATION, "4 ms"), (RATE, "100000 /yr"),
     (BANDWIDTH, "10 Gbit/s"), (BYTES, "1 MB"), (FRACTION, "10 %"), (FREQUENCY, "2048 Hz")],
)  # fmt: skip
def test_numbers_are_written_as_a_planner_would(quantity, text):
    assert quantity.format(quantity.parse(text)) == text


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_an_explained_error(text):
    for quantity in ALL:
        try:
            stored, said = quantity.parse(text), ""
        except ValueError as error:
            stored, said = quantity.minimum, str(error)
        assert said == "" or quantity.noun in said or "must" in said or "finite" in said
        assert quantity.minimum <= stored <= quantity.maximum


def test_a_year_is_julian():
    assert units.YEAR_S == 31_557_600.0
