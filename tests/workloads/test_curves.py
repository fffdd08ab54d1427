"""Curves of quality: right ranks stay inside their band, wrong ones leave it; what is shipped is whole."""

import json

import numpy as np
import pytest

from workloads import ageing, curves, decisions, profile, spec
from workloads.drift import Drift
from workloads.inference import posteriors
from workloads.profile import Figure

JUDGED = [n for n in spec.names() if spec.get(n).outcome is None]


def outside(rank):
    """How many of the levels' points lie outside the band of what is expected."""
    found = curves.ranks({"rank": rank})
    points, band = curves.points(found["series"]["rank"]), curves.points(found["expected"])
    assert [x for x, _ in points] == [x for x, _ in band] == list(curves.LEVELS)
    return sum(not b.low <= f.value <= b.high for (_, f), (_, b) in zip(points, band, strict=True))


def test_uniform_ranks_stay_in_their_band_and_those_of_narrow_posteriors_leave_it():
    rng = np.random.default_rng(1)
    uniform = rng.random((200, 500))
    assert np.mean([outside(r) for r in uniform]) / len(curves.LEVELS) == pytest.approx(0.05, abs=0.02)
    narrow = rng.beta(0.6, 0.6, 500)  # truths lie too often near the ends
    assert outside(narrow) > len(curves.LEVELS) / 3


def test_a_rank_curve_is_the_share_below_less_the_level():
    rank = np.array([0.02, 0.3, 0.31, 0.96])
    points = dict(curves.points(curves.ranks({"rank": rank})["series"]["rank"]))
    assert points[0.05].value == pytest.approx(25 - 5)
    assert points[0.3].value == pytest.approx(50 - 30)
    assert points[0.95].value == pytest.approx(75 - 95)
    assert points[0.5].n == 4


def test_the_interval_of_a_median_holds_it_in_95_of_100_cases():
    rng = np.random.default_rng(2)
    found = [curves.median(rng.exponential(size=300)) for _ in range(600)]
    assert np.mean([f.low <= np.log(2) <= f.high for f in found]) == pytest.approx(0.95, abs=0.025)
    assert found[0].n == 300


def test_medians_are_those_of_the_bands_that_hold_any():
    x, values = np.array([1.0, 2.0, 3.0, 9.0]), np.array([5.0, 7.0, 9.0, 1.0])
    found = curves.medians(x, values, ((1, 4), (4, 9), (9, 16)))
    assert [(at, f.value, f.n) for at, f in found] == [(2.0, 7.0, 3), (12.0, 1.0, 1)]


def test_a_curve_is_plain_json_and_read_back_as_it_was():
    points = curves.shares({0.5: (3, 10), 2.0: (10, 10)})
    made = curves.curve("n=10", "SNR", "share", {"found": points}, (True, False), curves.DIAGONAL)
    again = json.loads(json.dumps(made))
    assert again == made
    [(x, first), (_, last)] = curves.points(again["series"]["found"])
    assert (x, last) == (0.5, Figure(1.0, pytest.approx(ageing.share(10, 10).low, rel=1e-3), 1.0, 10))
    assert first == Figure(0.3, *(pytest.approx(v, rel=1e-3) for v in decisions.interval(3, 10)), 10)


@pytest.mark.parametrize("name", JUDGED)
def test_a_shipped_quality_holds_curves_with_their_intervals(name):
    quality = profile.load(
        next(profile.SHIPPED.glob(f"epyc-core/{name}-{spec.get(name).runtimes[0]}.json"))
    ).quality
    if "curves" not in quality:
        assert {"reliability", "warned"} & set(quality)
        return
    for curve in quality["curves"]:
        assert "n=" in curve["title"]
        assert min(map(len, curve["series"].values())) > 0
        for rows in (*curve["series"].values(), curve["expected"]):
            for _, figure in curves.points(rows):
                assert figure.low <= figure.value <= figure.high


def test_a_posterior_of_drifted_data_is_of_the_same_source():
    (still, source), (moved, same) = (posteriors.simulated(1, 5, drift=d) for d in (Drift(), Drift(level=0.5)))
    assert (source.theta == same.theta).all()
    assert (source.snr == same.snr).all()
    assert not np.allclose(still, moved)
