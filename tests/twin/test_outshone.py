"""Looks with another inspiral in their data: which those are, and how often they are warned of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import twin
from twin import beside, outshone, premerger
from workloads.premerger import examples, sources
from workloads.premerger.bands import LONGEST_S, SHORTEST_S
from workloads.premerger.gathering import heard
from workloads.premerger.overlaps import CELLS, MERGES_S, RATIOS, SOUGHT_S, OverlapAhead
from workloads.profile import SHIPPED, ProfileError, load
from workloads.sky import ARRIVING, DETAILED, EVENT
from workloads.waveform import chirp_mass

EARLY = load(SHIPPED / "epyc-core" / "early-warning-filter-numpy.json")
KINDS = {"bns": 1.3, "nsbh": 3.0, "bbh": 8.0}


def measured(kept, gained=0, only=lambda cell: True):
    """Of 10 tries 8 are warned of alone; so many in ten of these, and of the others, beside another one."""
    five = range(len(examples.AHEAD_S))
    return tuple(
        OverlapAhead(
            *cell, examples.AHEAD_S, *(tuple(n for _ in five) for n in (10, 8, kept if only(cell) else 8, gained))
        )
        for cell in CELLS
    )


def sky(n, seconds, seed=1):
    """Mergers of all kinds at random, one in five far heavier, with their looks; and which event each is about."""
    rng = np.random.default_rng(seed)
    events = np.zeros(n, DETAILED)
    events["time_s"] = np.sort(rng.uniform(0.0, seconds, n))
    events["snr"] = rng.uniform(8.0, 60.0, n)
    cls = rng.choice(list(KINDS), n)
    events["cls"] = [ARRIVING.index(name) for name in cls]
    events["chirp_mass_msun"] = [KINDS[name] * f for name, f in zip(cls, rng.uniform(0.8, 1.6, n), strict=True)]
    events["chirp_mass_msun"][::5] *= 6.0
    return premerger.with_looks(events)


def other_of(signals, end_s, own):
    """The one that counts for signal `own` in data that end so: (when it merges, its ratio), None: alone."""
    loud = {}
    for number, (time_s, snr, mass) in signals.items():
        if MERGES_S[0] <= time_s - end_s < MERGES_S[-1]:
            loud[number] = snr * heard(np.array([time_s - end_s]), np.array([mass]))[0], time_s - end_s
    mine = loud.pop(own)[0]
    to_merge = [one for one in loud.values() if SOUGHT_S[0] <= one[1] < SOUGHT_S[1] and one[0] >= RATIOS[0] * mine]
    others = to_merge or list(loud.values())
    if not others or mine == 0.0 or max(others)[0] / mine < RATIOS[0]:
        return None
    return max(others)[1], max(others)[0] / mine


def test_the_others_are_those_that_a_plain_search_finds(monkeypatch):
    events, of = sky(60, 8000.0)
    kinds = premerger.kinds_of(events)
    signals = {
        i: tuple(events[name][i] for name in ("time_s", "snr", "chirp_mass_msun"))
        for i in np.flatnonzero(kinds >= 0)
    }
    found = outshone.marked(events, of)
    alone, beside_other = 0, 0
    for i in np.flatnonzero(of != np.arange(of.size)):
        end_s = 16.0 * (np.floor(events["time_s"][i] / 16.0) + 1.0)
        wanted = other_of(signals, end_s, of[i])
        if wanted is None:
            assert found["cls"][i] == events["cls"][i]
            alone += 1
            continue
        cell = CELLS[(found["cls"][i] - beside.AHEAD) // len(premerger.LOOKS)]
        assert cell.merges_s[0] <= wanted[0] < cell.merges_s[1]
        assert cell.ratio[0] <= wanted[1] or cell.ratio[0] == RATIOS[0]
        assert wanted[1] < cell.ratio[1] or cell.ratio[1] == RATIOS[-1]
        beside_other += 1
    assert alone > 20
    assert beside_other > 100
    assert np.array_equal(beside.plain(found["cls"]), events["cls"])
    assert (beside.cells(found["cls"]) == "").all()
    signal = of == np.arange(of.size)
    assert np.array_equal(found["cls"][signal], events["cls"][signal])
    monkeypatch.setattr(outshone, "_AT_ONCE", 50)
    assert np.array_equal(outshone.marked(events, of), found)


def test_a_signal_by_itself_is_alone_and_so_is_a_sky_without_looks():
    lone = sky(2, 8000.0)
    assert np.array_equal(outshone.marked(*lone)["cls"], lone[0]["cls"])
    assert outshone.marked(np.zeros(0, EVENT), np.zeros(0, np.int64)).size == 0


def test_signals_of_which_only_the_class_is_known_are_typical_ones():
    events = np.zeros(2, EVENT)
    events["time_s"], events["snr"], events["cls"] = (1000.0, 1100.0), (20.0, 30.0), ARRIVING.index("bns")
    signals = outshone._signals(events)
    typical = sources.typical("bns")
    assert signals.chirp_msun == pytest.approx(chirp_mass(typical.mass_1_msun, typical.mass_2_msun))


def test_the_times_that_are_searched_are_those_of_the_bands():
    assert SOUGHT_S == (SHORTEST_S, LONGEST_S)


# --- how they are warned of ------------------------------------------------------------------------------


def test_what_is_kept_is_a_factor_and_what_is_gained_one_on_the_rest():
    decision = beside.widened(premerger.decision(EARLY.quality))
    profile = replace(EARLY, overlaps_ahead=measured(2, 1))
    wider = outshone.widened(decision, profile).responses
    assert wider.shape[0] == beside.AHEAD + len(CELLS) * len(premerger.LOOKS)
    assert (wider[: beside.AHEAD] == decision.responses).all()
    alone = decision.responses[len(ARRIVING) : len(ARRIVING) + len(premerger.LOOKS)]
    wanted = np.where(alone < 0.0, alone, 0.25 * alone + 0.5 * (1.0 - alone))
    assert wider[beside.AHEAD :] == pytest.approx(np.tile(wanted, (len(CELLS), 1)))
    for without in (None, EARLY_ALONE):
        plain = outshone.widened(decision, without).responses[beside.AHEAD :]
        assert (plain == np.tile(alone, (len(CELLS), 1))).all()


EARLY_ALONE = replace(EARLY, overlaps_ahead=())


def test_between_measured_times_shares_are_linear_in_their_logarithm():
    one = replace(measured(8)[0], kept=(8, 8, 0, 8, 8))
    kept, gained = outshone._shares(one)
    at = dict(zip(premerger.AHEAD_S, kept, strict=True))
    assert (at[10.0], at[60.0], at[300.0]) == (1.0, 0.0, 1.0)
    assert at[45.0] == pytest.approx(np.log(60 / 45) / np.log(2))
    assert (gained == 0.0).all()


def test_where_none_was_warned_of_alone_at_a_time_that_of_all_times_holds():
    one = replace(measured(4)[0], alone=(8, 8, 0, 8, 8), kept=(4, 4, 0, 4, 4))
    assert outshone._shares(one)[0] == pytest.approx(0.5)


def test_overlaps_of_other_cells_are_refused():
    decision = beside.widened(premerger.decision(EARLY.quality))
    told = "were measured in other cells: run 'ettwin measure early-warning-filter --overlaps"
    with pytest.raises(ProfileError, match=told):
        outshone.widened(decision, replace(EARLY, overlaps_ahead=measured(8)[:-1]))


# --- in a run --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def given():
    """Neutron stars so often that about two are to merge within the next minutes."""
    early = {"work": "early-warning-filter", "runtime": "numpy", "role": "trigger", "stride": "16 s"}
    warn = {"time": "1 s", "after": "early", "on": ["cnaf.alerts"], "publishes": "early-warning"}
    bns = {"rate": "1.5e5 /yr", "snr": {"min": 20, "max": 100}, "found_as": "bbh"}
    changes = {"stages.early": early | {"on": ["cnaf.cpu"]}, "stages.warn": warn, "sky.signals": {"bns": bns}}
    short = {"horizon": "12 h", "drain": "10 min", "replicas": 1, "timeline": {}}
    servers = {"sites.cnaf.pools.cpu.servers": 64, "sites.cnaf.pools.alerts.servers": 64}
    return twin.load("first-light").with_(short | changes | servers)


def run(given, folder, profile, overlaps="measured"):
    profile.save(folder)
    return twin.run(given.with_({"sky.overlaps": overlaps}), profiles=(folder,))


def warned(record):
    early = record.alerts[(record.alerts["search"] == "early") & record.alerts["is_signal"]]
    return early[early["outcome"] == "published"]


def pairs(rows):
    return set(zip(rows["event_id"], rows["frame_s"].round(6), strict=True))


def test_the_louder_one_hides_the_fainter_and_luck_is_the_same(given, tmp_path):
    hidden = measured(0, only=lambda cell: cell.ratio[0] >= 1.0 and SOUGHT_S[0] <= cell.merges_s[0] < SOUGHT_S[1])
    with_others = run(given, tmp_path, replace(EARLY, overlaps_ahead=hidden))
    as_if_alone = run(given, tmp_path, replace(EARLY, overlaps_ahead=hidden), None)
    some, every = warned(with_others), warned(as_if_alone)
    assert pairs(some) < pairs(every)
    assert 0.2 < len(some) / len(every) < 0.95
    to_merge = some[some["frame_s"] < -8.25]  # one of a stride is the loudest that is still to merge
    strides = (to_merge["event_time_s"] + to_merge["frame_s"]).round(3)
    assert to_merge.groupby(strides)["event_id"].nunique().max() == 1
    rows = with_others.inputs[with_others.inputs["key"].str.startswith("overlaps at stages.early")]
    assert "0 % of those warned of alone beside a louder one to merge" in rows["value"].iloc[0]
    assert rows["standing"].tolist() == ["measured"]


def test_without_a_measurement_each_is_warned_of_as_if_alone_and_that_is_said(given, tmp_path):
    record = run(given, tmp_path, EARLY_ALONE)
    assert pairs(warned(record)) == pairs(warned(run(given, tmp_path, EARLY_ALONE, None)))
    rows = record.inputs[record.inputs["key"].str.startswith("overlaps at stages.early")]
    assert rows["standing"].tolist() == ["assumed"]
    assert "'ettwin measure early-warning-filter --overlaps' measures it" in rows["source"].iloc[0]
