"""A quick measurement is added to a long one only where they decide alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workloads.agreement import pooled
from workloads.profile import Decisions, Response


def measured(seed, n, efficiency=(0.3, 0.8, 1.0), noise=1e-2):
    rng = np.random.default_rng(seed)
    count = tuple(int(rng.binomial(n, p)) for p in efficiency)
    quiet = {"n": 10 * n, "count": int(rng.binomial(10 * n, noise))}
    return Decisions("trigger", 7.0, quiet, (6.0, 8.0, 12.0, 100.0), {"bbh": Response((n,) * 3, count)}, "a test")


def test_agreeing_measurements_add_up():
    here, elsewhere = measured(1, 100), measured(2, 2000)
    both, probability = pooled(here, elsewhere)
    assert probability > 0.001
    assert both.noise == {"n": 21_000, "count": here.noise["count"] + elsewhere.noise["count"]}
    assert both.classes["bbh"].n == (2100, 2100, 2100)


@pytest.mark.parametrize("efficiency", [(0.3, 0.5, 1.0), (0.6, 0.8, 1.0)])
def test_another_efficiency_is_noticed(efficiency):
    both, probability = pooled(measured(1, 100, efficiency), measured(2, 2000))
    assert both is None
    assert probability < 0.001


def test_chance_alone_rarely_makes_them_disagree():
    disagreed = sum(pooled(measured(2 * k, 50), measured(2 * k + 1, 500))[0] is None for k in range(200))
    assert disagreed <= 2


def test_another_threshold_is_another_program():
    here = measured(1, 100)
    assert pooled(here, replace(here, threshold=8.0)) == (None, 0.0)
