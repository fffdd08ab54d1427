"""Factors over time: their values, their exact integrals, and what lies above a level."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from workloads.modulation import STEADY, Cycle, Modulation

STEPS = Modulation(((10.0, 0.0), (20.0, 3.0), (30.0, 0.5)))
WAVY = Modulation(((40.0, 2.5),), (Cycle(24.0, 0.4, 6.0), Cycle(168.0, 1.0, 100.0), Cycle(24.0, 0.3)))


def test_a_step_holds_from_its_time_on():
    assert STEPS.at([0.0, 9.99, 10.0, 19.99, 20.0, 30.0, 1e9]).tolist() == [1, 1, 0, 0, 3, 0.5, 0.5]
    assert STEADY.constant
    assert STEADY.at(5.0) == 1.0
    assert not STEPS.constant


def test_a_cycle_is_largest_at_its_phase():
    day = Modulation(cycles=(Cycle(24.0, 0.4, 6.0),))
    assert day.at([6.0, 18.0, 30.0, 0.0]) == pytest.approx([1.4, 0.6, 1.4, 1.0])
    assert day.integral(0.0, 240.0) == pytest.approx(240.0, rel=1e-12)


@pytest.mark.parametrize("modulation", [STEPS, WAVY])
@pytest.mark.parametrize(("start", "end"), [(0.0, 100.0), (-5.0, 12.5), (25.0, 26.0), (37.0, 411.0)])
def test_the_integral_is_exact(modulation, start, end):
    breaks = [at for at, _ in modulation.steps if start < at < end]
    edges = [start, *breaks, end]
    numeric = sum(quad(modulation.at, a, b - 1e-12, limit=200)[0] for a, b in pairwise(edges))
    assert modulation.integral(start, end) == pytest.approx(numeric, rel=1e-8)


def test_an_empty_integral_is_nothing():
    assert WAVY.integral(5.0, 5.0) == WAVY.integral(5.0, 3.0) == STEADY.integral(5.0, 3.0) == 0.0


def test_nothing_passes_a_level_outside_the_spans():
    time = np.arange(-10.0, 400.0, 0.01)
    for level in (0.2, 1.0, 2.0, 4.0):
        spans = WAVY.above(level, -10.0, 400.0)
        inside = np.zeros(time.size, bool)
        for start, end in spans:
            inside |= (time >= start) & (time < end)
        assert (WAVY.at(time)[~inside] <= level).all()
    assert STEPS.above(1.0, 0.0, 100.0) == [(20.0, 30.0)]
    assert STEPS.above(1.0, 22.0, 25.0) == [(22.0, 25.0)]
    assert STEPS.above(3.0, 0.0, 100.0) == STEPS.above(0.0, 5.0, 5.0) == []


def test_quiet_windows_multiply():
    quiet = STEPS.quieted([(5.0, 25.0, 0.5), (22.0, 40.0, 0.1)])
    assert quiet.at([4.0, 6.0, 15.0, 21.0, 23.0, 26.0, 35.0, 40.0]) == pytest.approx(
        [1.0, 0.5, 0.0, 1.5, 0.15, 0.3, 0.05, 0.5]
    )
    assert WAVY.quieted([(0.0, 10.0, 0.5)]).cycles == WAVY.cycles
    assert STEADY.quieted([]) is STEADY
