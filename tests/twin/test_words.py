"""Numbers as planners read them."""

from __future__ import annotations

import pytest

from twin import words


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0 s"),
        (0.00412, "4.12 ms"),
        (2.5e-5, "25.0 us"),
        (30.0, "30 s"),
        (12.968, "13.0 s"),
        (0.99996, "1,000 ms"),
        (404.37, "6.74 min"),
        (7200.0, "2 h"),
        (86400.0, "1 d"),
        (604800.0, "7 d"),
        (-20.04, "-20.0 s"),
        (None, "not stated"),
        (float("nan"), "not stated"),
    ],
)
def test_duration(seconds, told):
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0 %"),
        (0.5, "50 %"),
        (0.1453, "14.5 %"),
        (0.999956, "100 %"),
        (1e-6, "< 0.001 %"),
        (None, "not stated"),
    ],
)
def test_share(value, told):
    assert words.share(value) == told


def test_intervals_have_one_unit_and_enough_decimals():
    assert words.span(297.66, 511.07) == "5.0–8.5 min"
    assert words.span(12.9489, 12.98897) == "12.949–12.989 s"
    assert words.shares(0.1356, 0.155) == "13.6–15.5 %"
    assert words.span(-17.2, -3.9) == "-17 to -4 s"
    assert words.span(None, None) == "no interval"


def test_lists_and_counts():
    assert words.sequence(["a", "b", "c"]) == "a, b and c"
    assert words.count(1, "alert") == "1 alert"
    assert words.count(1204, "alert") == "1,204 alerts"


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (44_245_000_000, "44.2 GB"), (2e18, "2e+03 PB")],
)
def test_bytes(number, told):
    assert words.size(number) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "about 1 s left"), (7.82, "about 8 s left"), (93.4, "about 93 s left"), (320.0, "about 5 min left")],
)
def test_what_is_left_is_told_no_better_than_it_is_known(seconds, told):
    assert words.left(seconds) == told
