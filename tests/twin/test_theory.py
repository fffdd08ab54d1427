"""The kernel's waiting times are those of queueing theory."""

from __future__ import annotations

import pytest

from tests.twin.theory import cases, critical_z, z_scores

SEEDS = 40
CASES = cases()
COMPARISONS = sum(len(exact) for _, _, exact in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_mean_time_in_system_is_the_exact_one(name):
    flows, servers, exact_s = CASES[name]
    scores = z_scores(flows, servers, exact_s, SEEDS, jobs=40_000)
    assert max(map(abs, scores)) < critical_z(COMPARISONS, SEEDS), scores


def test_a_wrong_answer_is_noticed():
    flows, servers, exact_s = CASES["M/M/8 0.8"]
    (score,) = z_scores(flows, servers, [1.03 * exact_s[0]], SEEDS, jobs=40_000)
    assert abs(score) > critical_z(COMPARISONS, SEEDS)
