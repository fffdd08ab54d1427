"""The cases of a validation, and the twin's own runs of them: exact where a load is exact."""

from dataclasses import replace

import numpy as np
import pytest

from twin.farm.occupied import warmth_at
from twin.validation.cases import BEGINS, CASES, RETRAINING, SURGE, TIMES, Case
from twin.validation.foretold import Known, foretell
from twin.validation.request import Request
from workloads.occupancy import TERMS, Occupancy, taken
from workloads.profile import Service

EXACT = Occupancy({1: taken(np.full(9, 0.01)), 8: taken(np.full(9, 0.04))}, {}, (), (1.0, 1.25), (), 1.0, 2.0, {})
OWN = (Service(1, 9, True, 0.008, 0.008, 0.008, (0.008,) * 257),)
KNOWN = Known(OWN, EXACT), Known(OWN, replace(EXACT, busy={1: taken(np.full(9, 0.03))}))


def rng(seed=1):
    return np.random.default_rng(seed)


def evenly(case, n=200, per_s=50.0):
    """Arrivals that are not left to chance."""
    return replace(case.arrivals(n, per_s, rng()), times_s={"routine": (1 + np.arange(n)) / per_s})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_has_sorted_arrivals_at_its_rate(case):
    n, per_s = 20_000, 100.0
    arrivals = case.arrivals(n, per_s, rng())
    assert tuple(arrivals.times_s) == case.kinds
    times_s = np.sort(np.concatenate(list(arrivals.times_s.values())))
    assert times_s.size == n
    assert all((np.diff(t) >= 0).all() for t in arrivals.times_s.values())
    usual = times_s if arrivals.disturbed_s is None else times_s[times_s < arrivals.disturbed_s[0]]
    assert usual.size / usual[-1] == pytest.approx(per_s, rel=0.03)
    assert (
        case.arrivals(n, per_s, rng()).times_s[case.kinds[0]].tobytes()
        == arrivals.times_s[case.kinds[0]].tobytes()
    )


def test_a_surge_brings_as_many_times_the_usual_rate():
    case = next(case for case in CASES if case.happens == "surge")
    arrivals = case.arrivals(50_000, 100.0, rng())
    from_s, until_s = arrivals.disturbed_s
    times_s = arrivals.times_s["routine"]
    inside = ((times_s >= from_s) & (times_s < until_s)).sum()
    assert inside / (until_s - from_s) == pytest.approx(100.0 * TIMES, rel=0.03)
    after = (times_s >= until_s).sum()
    assert after / (times_s[-1] - until_s) == pytest.approx(100.0, rel=0.03)
    assert (until_s - from_s) / (from_s / BEGINS) == pytest.approx(SURGE)


def test_urgent_jobs_are_the_share_that_is_asked_for():
    case = next(case for case in CASES if case.urgent)
    arrivals = case.arrivals(50_000, 100.0, rng())
    assert arrivals.times_s["urgent"].size / 50_000 == pytest.approx(case.urgent, abs=0.01)


def test_capacity_is_what_full_servers_do():
    assert Case("one", 1.0).capacity_per_s(EXACT) == pytest.approx(100.0)
    assert Case("two", 1.0, servers=2).capacity_per_s(EXACT) == pytest.approx(160.0)
    assert Case("batches", 1.0, max_batch=8).capacity_per_s(EXACT) == pytest.approx(200.0)


def test_a_light_exact_load_is_foretold_exactly_and_scales_with_the_machine():
    case = Case("light", 0.5)
    for slowness in (1.0, 1.5):
        (run,) = foretell(case, evenly(case), KNOWN, slowness, 1, 1)
        np.testing.assert_allclose(run.latency_s, 0.01 * slowness, rtol=1e-12)


@pytest.mark.parametrize(("term", "latency_s"), [("occupancy", 0.008), ("idling", 0.01), ("crowding", 0.01)])
def test_a_term_is_left_out(term, latency_s):
    case = Case("light", 0.5)
    idling = replace(EXACT, idle={5: taken(np.full(9, 0.012))})
    known = Known(OWN, idling), KNOWN[1]
    (full,) = foretell(case, evenly(case), known, 1.0, 1, 1)
    np.testing.assert_allclose(full.latency_s, 0.012)
    (run,) = foretell(case, evenly(case), known, 1.0, 1, 1, set(TERMS) - {term})
    np.testing.assert_allclose(run.latency_s, 0.012 if term == "crowding" else latency_s)


def test_a_server_that_was_idle_of_late_is_slower_by_what_its_warmth_says():
    case, factors = Case("light", 0.7), (2.0, 1.5, 1.2, 1.1, 1.0)
    known = Known(OWN, replace(EXACT, warmth=factors)), KNOWN[1]
    (run,) = foretell(case, case.arrivals(300, 70.0, rng()), known, 1.0, 1, 1)
    warm = warmth_at(run.start_s, run.end_s)
    assert warm.min() < 0.1 < 0.5 < warm.max()
    np.testing.assert_allclose(run.end_s - run.start_s, 0.01 * np.interp(warm, np.linspace(0, 1, 5), factors))
    (run,) = foretell(case, evenly(case), known, 1.0, 1, 1, set(TERMS) - {"warmth"})
    np.testing.assert_allclose(run.end_s - run.start_s, 0.01)


def test_busy_servers_slow_each_other_down_and_the_term_can_be_left_out():
    case = Case("two", 1.0, servers=2)
    arrivals = replace(evenly(case), times_s={"routine": np.repeat(1 + np.arange(20.0), 2)})
    (run,) = foretell(case, arrivals, KNOWN, 1.0, 1, 1)
    np.testing.assert_allclose(run.latency_s, np.tile([0.01, 0.0125], 20), rtol=1e-9)
    (run,) = foretell(case, arrivals, KNOWN, 1.0, 1, 1, set(TERMS) - {"crowding"})
    np.testing.assert_allclose(run.latency_s, 0.01, rtol=1e-9)


def test_the_tempo_stands_elsewhere_in_every_draw_or_is_left_out():
    case = Case("light", 0.5)
    known = Known(OWN, replace(EXACT, tempo=(0.5, 1.5), tempo_s=1.0)), KNOWN[1]
    one, other = foretell(case, evenly(case), known, 1.0, 2, 1)
    early = one.arrival_s < 1.0
    np.testing.assert_allclose(one.latency_s[early], 0.005)
    np.testing.assert_allclose(other.latency_s[early], 0.015)
    (even,) = foretell(case, evenly(case), known, 1.7, 1, 1, set(TERMS) - {"tempo"})
    assert even.latency_s.mean() == pytest.approx(0.01, abs=1e-3)
    assert [even.latency_s.min(), even.latency_s.max()] == pytest.approx([0.005, 0.015])


def test_a_death_stops_service_for_as_long_as_a_worker_takes_to_come_up():
    case = Case("death", 0.5, happens="death")
    arrivals = evenly(case, 500)
    (run,) = foretell(case, arrivals, KNOWN, 1.0, 1, 1)
    at_s = arrivals.disturbed_s[0]
    away = (run.start_s > at_s + 1e-9) & (run.start_s < at_s + EXACT.restart_s - 1e-9)
    assert not away.any()
    assert np.isfinite(run.end_s).all()
    first_after = run.start_s[run.start_s >= at_s + EXACT.restart_s - 1e-9].min()
    assert first_after == pytest.approx(at_s + EXACT.restart_s)


def test_a_retraining_has_the_fallback_serve_meanwhile():
    case = Case("retraining", 0.5, happens="retraining")
    arrivals = evenly(case, 500, 20.0)
    (run,) = foretell(case, arrivals, KNOWN, 1.0, 1, 1)
    from_s, until_s = arrivals.disturbed_s
    inside = (run.start_s >= from_s) & (run.start_s < until_s)
    np.testing.assert_allclose((run.end_s - run.start_s)[inside], 0.03)
    np.testing.assert_allclose((run.end_s - run.start_s)[~inside], 0.01)
    assert (until_s - from_s) / (from_s / BEGINS) == pytest.approx(RETRAINING)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"runtime": "abacus"}, "no runtime 'abacus'; it has: onnxruntime"),
        ({"fallback": "onnxruntime"}, "choose another runtime"),
        ({"cases": ("load 7",)}, r"no case 'load 7'; known: 'load 0\.3', 'load 0\.6'"),
        ({"n": 5}, "needed: 100 jobs"),
        ({"repeats": 0}, "1 repeat"),
        ({"workload": "oracle"}, "oracle"),
    ],
)
def test_what_cannot_be_validated_is_refused_before_anything_runs(given, message):
    with pytest.raises(ValueError, match=message):
        Request(**given)


def test_cases_that_are_chosen_keep_their_order():
    chosen = Request(cases=("two priorities", "load 0.3")).chosen
    assert [case.name for case in chosen] == ["load 0.3", "two priorities"]
