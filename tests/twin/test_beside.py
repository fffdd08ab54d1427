"""Signals beside others: which they are, how they are found, and that a sky without them is as it was."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.twin.profiles import EDGES, make
from twin import beside, premerger
from twin.plan import Decision
from twin.studies.quantities import quantities
from workloads.overlaps import CELLS
from workloads.profile import Overlap, ProfileError, Response
from workloads.sky import ARRIVING, EVENT, EVERY_SIGNAL

SNRS = (6.0, 10.0, 48.0)


def events(*rows):
    """Events of (time in s, class, SNR), by time."""
    made = np.zeros(len(rows), EVENT)
    for k, (time_s, cls, snr) in enumerate(rows):
        made["time_s"][k], made["cls"][k], made["snr"][k] = time_s, ARRIVING.index(cls), snr
    return made


def marked(*rows):
    made = events(*rows)
    return beside.marked(made, np.floor(made["time_s"]).astype(np.int64))


def measured(kept, gained=0.0, only=None):
    """Overlaps of 100 tries with these shares, in the cells that `only` lets through; in others all is kept."""
    return tuple(
        Overlap(
            *cell,
            SNRS,
            Response((100, 100), (round(100 * (kept if only is None or only(cell) else 1.0)),) * 2),
            Response((100, 100), (round(100 * gained),) * 2),
        )
        for cell in CELLS
    )


def profile(overlaps, **more):
    from dataclasses import replace

    return replace(make("detector", 0.02, "trigger", **{"signal": 0.8, "noise": 0.001, **more}), overlaps=overlaps)


# --- which signals are beside others ---------------------------------------------------------------------


def test_the_loudest_of_the_same_second_counts_else_the_nearest():
    found = marked(
        (10.2, "bbh", 10.0), (10.4, "bns", 14.0), (10.9, "bbh", 30.0), (13.5, "nsbh", 20.0), (15.0, "bbh", 8.0),
        (30.0, "bbh", 9.0),
    )  # fmt: skip
    told = beside.cells(found["cls"]).tolist()
    assert told == [
        "0.3 to 1 s apart in the same second, 2 to 8 times as loud",
        "0.3 to 1 s apart in the same second, 2 to 8 times as loud",
        "0.3 to 1 s apart in the same second, 0.125 to 0.5 times as loud",
        "1 to 2 s later, 0.125 to 0.5 times as loud",
        "1 to 2 s earlier, 2 to 8 times as loud",
        "",
    ]
    classes = ("bbh", "bns", "bbh", "nsbh", "bbh", "bbh")
    assert beside.plain(found["cls"]).tolist() == [ARRIVING.index(cls) for cls in classes]


def test_glitches_and_looks_are_no_company_and_stay_what_they_are():
    given = events((10.2, "bbh", 10.0), (10.4, "blip", 50.0))
    given["cls"] = [0, ARRIVING.index("blip")]
    look = events((10.3, "bbh", 10.0))
    look["cls"] = len(ARRIVING) + 3
    both = np.concatenate([given[:1], look, given[1:]])
    found = beside.marked(both, np.full(3, 10))
    assert found["cls"].tolist() == both["cls"].tolist()
    assert beside.plain(found["cls"]).tolist() == both["cls"].tolist()


@pytest.mark.parametrize("n", [0, 1])
def test_a_signal_by_itself_is_alone(n):
    made = events((10.2, "bbh", 10.0))[:n]
    assert (beside.marked(made, np.full(n, 10)) == made).all()


def test_a_company_is_found_as_a_plain_search_through_all_pairs_finds_it():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0.0, 400.0, 300))
    rows = [(t, "bbh", s) for t, s in zip(times, rng.uniform(8.0, 40.0, 300), strict=True)]
    told = beside.cells(marked(*rows)["cls"])
    for i, (t, _, snr) in enumerate(rows):
        others = [(u, s) for j, (u, _, s) in enumerate(rows) if j != i]
        inside = [(u, s) for u, s in others if int(u) == int(t)]
        near = min(others, key=lambda o: abs(o[0] - t))
        if not inside and abs(near[0] - t) >= 8.0:
            assert told[i] == ""
            continue
        u, s = max(inside, key=lambda o: o[1]) if inside else near
        at = abs(u - t) if inside else u - t
        (cell,) = (
            c for c in CELLS
            if c.same == bool(inside) and c.after_s[0] <= at < c.after_s[1] and c.ratio[0] <= s / snr < c.ratio[1]
        )  # fmt: skip
        assert told[i] == str(cell)


# --- how they are found ----------------------------------------------------------------------------------


def rows_of(cls):
    return beside.FIRST + np.arange(len(CELLS)) * len(EVERY_SIGNAL) + EVERY_SIGNAL.index(cls)


def test_what_is_kept_is_a_factor_and_what_is_gained_one_on_the_rest():
    alone = np.zeros((len(ARRIVING), 3))
    alone[ARRIVING.index("bbh")] = 0.2, 0.5, 1.0
    alone[ARRIVING.index("bns")] = -1.0
    decision = beside.widened(Decision(np.asarray(EDGES), alone, 0.001), profile(measured(0.6, 0.1)))
    assert decision.responses.shape == (beside.FIRST + len(CELLS) * len(EVERY_SIGNAL), 3)
    assert decision.responses[: len(ARRIVING)].tolist() == alone.tolist()
    assert (decision.responses[len(ARRIVING) : beside.FIRST] == -1.0).all()
    assert decision.responses[rows_of("bbh")] == pytest.approx(np.tile([0.2, 0.35, 0.6], (len(CELLS), 1)))
    assert (decision.responses[rows_of("bns")] == -1.0).all()
    assert decision.responses[rows_of("burst")] == pytest.approx(np.full((len(CELLS), 3), 0.1))


def test_without_a_measurement_signals_are_found_as_if_alone():
    alone = np.tile([0.2, 0.5, 1.0], (len(ARRIVING), 1))
    decision = beside.widened(Decision(np.asarray(EDGES), alone, 0.001))
    for cls in EVERY_SIGNAL:
        assert (decision.responses[rows_of(cls)] == alone[0]).all()


def test_overlaps_of_other_cells_are_refused():
    decision = Decision(np.asarray(EDGES), np.zeros((len(ARRIVING), 3)), 0.0)
    with pytest.raises(ProfileError, match="in other cells: run 'ettwin measure detector --overlaps' again"):
        beside.widened(decision, profile(measured(1.0)[:-1]))


# --- in a run --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("profiles")
    hidden = measured(0.25, only=lambda cell: cell[0])
    profile(hidden, hardware="epyc-core").save(made)
    make("glitch-classifier", 0.01, "flag", 0.0, 0.9, 0.0, "epyc-core").save(made)
    make("matched-filter", 0.3, "trigger", hardware="epyc-core", runtime="torch").save(made)
    return made


def crowded(**changes):
    sky = {"horizon": "6 h", "drain": "10 min", "replicas": 2, "timeline": {}, "sky.multiplicity": 30.0}
    return twin.load("first-light").with_(sky | changes)


@pytest.fixture(scope="module")
def record(folder):
    return twin.run(crowded(**{"sky.overlaps": "measured"}), profiles=(folder,))


def test_signals_that_hide_each_other_are_missed_as_often_as_was_measured(record):
    alerts = record.alerts[record.alerts["is_signal"]].drop_duplicates(["replica", "event_id"])
    missed = alerts["outcome"] == "missed"
    same = alerts["beside"].str.contains("same second")
    assert same.sum() > 250
    assert missed[same].mean() == pytest.approx(1.0 - 0.8 * 0.25, abs=0.07)
    assert missed[~same].mean() == pytest.approx(0.2, abs=0.04)
    assert set(alerts["cls"]) == {"bbh"}


def test_who_is_missed_beside_another_is_told_and_compared(record):
    told = record.summary["beside"]
    assert told["missed"]["value"] > told["missed_alone"]["value"]
    assert "of detectable signals merge within 8 s of another" in told["text"]
    by = {q.name: q for q in quantities(record)}
    assert by["missed.beside"].values.mean() == pytest.approx(told["missed"]["value"], abs=0.05)
    able = record.alerts[record.alerts["detectable"]].drop_duplicates(["replica", "event_id"])
    assert by["beside"].n == len(able)
    rows = record.inputs[record.inputs["key"].str.startswith("overlaps at stages.detect on")]
    assert "25 % of those found alone beside a louder one in the same second" in rows["value"].iloc[0]
    assert set(rows["standing"]) == {"measured", "assumed"}  # the fallback's were not measured


def test_without_the_key_nothing_is_counted_and_luck_is_the_same(folder, record):
    plain = twin.run(crowded(), profiles=(folder,))
    assert "beside" not in plain.alerts
    assert "beside" not in plain.summary
    assert "beside" not in {q.name for q in quantities(plain)}
    missed = []
    for r in (plain, record):
        own = r.alerts[r.alerts["is_signal"] & (r.alerts["outcome"] == "missed")]
        missed.append(set(map(tuple, own[["replica", "event_id"]].to_numpy().tolist())))
    assert missed[0] < missed[1]


def test_the_resolved_scenario_says_so_and_loads_back(record):
    assert "overlaps: measured" in record.scenario.resolved()
    from twin.loader import loads

    assert loads(record.scenario.resolved()) == record.scenario
    with pytest.raises(twin.ScenarioError, match=r"sky\.overlaps"):
        crowded(**{"sky.overlaps": "guessed"})


def test_signals_beside_others_are_told_of_while_a_run_goes_on(folder):
    from twin import fates
    from twin.engine import TwinEnvironment
    from twin.planner import plan
    from twin.programs import programs

    given = crowded(**{"sky.overlaps": "measured", "horizon": "1 h", "replicas": 1})
    made = plan(given, programs(given, (folder,)), 1, 0)
    environment = TwinEnvironment(made)
    environment.run(until=made.horizon_s)
    crowd_s = made.events["time_s"][made.events["cls"] >= beside.FIRST]
    assert crowd_s.size > 10
    assert np.isin(crowd_s, fates.signal_times_s(environment)).all()
    assert np.isin(crowd_s, fates.published_signals(environment)[0]).any()


def test_models_age_beside_others_as_they_do_alone(folder):
    from twin.ageing.measured import models
    from twin.programs import programs

    louder = {"of": "level", "amount": 0.5, "per": "1 h", "every": "10 min", "source": "a test"}
    drift = {"drifts.louder": louder, "sky.overlaps": "measured"}
    given = crowded(**drift)
    (model, *_) = models(given, programs(given), "detect")
    assert [curve.kind for curve in model.curves] == ["level"]
    responses, _ = model.after(("level",), (0.5,))
    fresh = np.asarray(model.responses)
    row = ARRIVING.index("bbh")
    grown = responses[row] > fresh[row]
    assert grown.any()
    far = beside.FIRST + (len(CELLS) - 1) * len(EVERY_SIGNAL)  # 4 to 8 s later
    assert (responses[far][grown] > fresh[far][grown]).any()


def test_rows_begin_after_what_else_there_is():
    assert len(ARRIVING) + len(premerger.LOOKS) == beside.FIRST


def test_a_crowded_sky_wants_no_memory_for_what_no_event_adds(monkeypatch):
    """Six hundred shards before a search, a hundred signals in its stride: the search hands on no shards."""
    from twin import assembly
    from twin.planner import plan
    from twin.programs import programs

    changes = {"horizon": "10 min", "drain": "1 min", "replicas": 1, "sky.multiplicity": 1000.0}
    given = twin.load("q08-surge", ["matched-filter"]).with_(changes)
    known = programs(given)
    tight = plan(given, known, 1, 0)
    assert tight.spawn_margin < 1 << 18
    monkeypatch.setattr(assembly, "_GENEROUS", 1 << 40)
    assert plan(given, known, 1, 0).spawn_margin > 1 << 20


def test_a_tighter_margin_gives_the_same_run(folder, record, monkeypatch):
    from twin import assembly

    monkeypatch.setattr(assembly, "_GENEROUS", 0)
    again = twin.run(crowded(**{"sky.overlaps": "measured"}), profiles=(folder,))
    assert again.plan_digest != record.plan_digest
    assert again.alerts.equals(record.alerts)
    assert again.counts.equals(record.counts)
