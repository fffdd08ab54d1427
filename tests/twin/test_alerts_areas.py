"""Areas of sky maps before the merger: as large as what has come of the signal lets them be, and never growing."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from tests.twin.alerted import made, record
from twin.alerts import drawn
from twin.alerts.gathered import Gathered, gathered
from twin.alerts.models import models
from twin.alerts.notices import notices
from workloads.premerger import examples, gathering, sources
from workloads.profile import SHIPPED, load

PROFILE = load(SHIPPED / "epyc-core" / "sky-map-numpy.json")


def area(snr, share=None, seed=1, profile=PROFILE):
    by_then = None if share is None else Gathered(share, 60.0, 5.0)
    return drawn.area_deg2(profile, snr, share is not None, np.random.default_rng(seed), by_then)


def series():
    """Of each signal that was warned of in the short run: rows and areas in the order in which their data end."""
    run, found = record("q13-premerger"), {}
    for notice, one in zip(notices(run, run.scenario.alerts, 0), made("q13-premerger"), strict=True):
        if notice.row["is_signal"]:
            told = one.extension["event"]["area_90_deg2"]
            found.setdefault(notice.superevent, []).append((notice.row["frame_s"], notice, told))
    ordered = [sorted(own, key=lambda o: (o[0], o[1].number)) for own in found.values()]
    return [own for own in ordered if own[0][1].type == "EARLYWARNING"]


def test_the_areas_of_a_series_never_grow_and_go_on_from_the_warnings_luck():
    shrunk = 0
    for own in series():
        areas = [told["value"] for _, _, told in own]
        assert areas == sorted(areas, reverse=True)
        event = own[0][1].row
        rng = drawn.stream(record("q13-premerger").seed, 0, int(event["event_id"]), "area")
        known = models(record("q13-premerger")).sky_map
        last = drawn.area_deg2(known, float(event["snr"]), False, rng)
        assert own[-1][1].type in ("EARLYWARNING", "INITIAL")
        assert areas[-1] >= last.value
        if own[-1][1].type == "INITIAL":
            assert areas[-1] == last.value
        shrunk += areas[0] > 1.05 * areas[-1]
    assert shrunk > 5


def test_a_warning_says_how_much_had_come_and_that_it_is_assumed():
    for own in series():
        for frame_s, notice, told in own:
            if notice.type != "EARLYWARNING":
                continue
            assert told["standing"] == "assumed"
            had_come = r": (\d+) % of the final one came up to (\d+) s before the merger"
            share, ahead_s = re.search(had_come, told["source"]).groups()
            assert int(ahead_s) == pytest.approx(-frame_s, abs=0.5)
            wanted = gathered(record("q13-premerger").scenario, notice.row).share
            assert int(share) == pytest.approx(100 * wanted, abs=0.5)
            assert told["source"].endswith("(computed, in ET from 5 Hz on)")


@pytest.mark.parametrize("seed", range(20))
def test_the_less_has_come_the_larger_the_area_up_to_all_of_the_sky(seed):
    for snr in (9.0, 17.0, 40.0, 200.0):
        shares = (1.0, 0.8, 0.5, 0.2, 0.05, 0.0)
        areas = [area(snr, share, seed).value for share in shares]
        assert areas == sorted(areas)
        assert areas[0] == area(snr, None, seed).value
        assert areas[-1] == 37_127.0


def test_after_the_merger_and_for_noise_areas_are_what_they_were():
    told = area(20.0)
    assert (told.standing, "; times " in told.source) == (drawn.DRAWN, False)
    low, _, high = PROFILE.quality["area_90_deg2"]["16-32"]
    assert low <= told.value <= high
    noise = drawn.area_deg2(PROFILE, float("nan"), True, np.random.default_rng(1))
    assert noise.value == area(float("nan")).value
    assert gathered(record("q13-premerger").scenario, {"cls": "noise", "frame_s": -1.0}) is None


def test_a_course_that_was_measured_to_rise_is_taken_to_be_level():
    areas = {"8-64": [1, 2, 3], "8-16": [900.0, 1000.0, 1100.0], "16-32": [950.0, 1200.0, 1300.0]}
    rising = SimpleNamespace(workload="made", quality={"area_90_deg2": areas, "n": 9})
    assert area(30.0, 0.3, profile=rising).value == area(30.0, None, profile=rising).value


@pytest.mark.parametrize(("cls", "kind"), [("bns", "bns"), ("nsbh", "nsbh"), ("bbh", "light-bbh")])
def test_what_had_come_is_what_lalsimulation_says(cls, kind):
    pytest.importorskip("lalsimulation")
    typical = sources.typical(kind)
    scenario = record("q13-premerger").scenario
    for ahead_s in examples.AHEAD_S:
        found, wanted = gathered(scenario, {"cls": cls, "frame_s": -ahead_s}), sources.gathered(typical, ahead_s)
        if wanted > 0.1:  # below, its steps of a quarter of a Hz are too coarse
            assert found.share == pytest.approx(wanted, abs=0.02)
        else:
            assert found.share < 0.1
    chirp = float(sources.chirp_mass(typical.mass_1_msun, typical.mass_2_msun))
    heavier = gathered(scenario, {"cls": cls, "frame_s": -60.0, "chirp_mass_msun": 1.5 * chirp})
    assert heavier.share < gathered(scenario, {"cls": cls, "frame_s": -60.0}).share
    assert gathered(scenario, {"cls": cls, "frame_s": 0.5}).share == 1.0


def test_a_window_holds_what_lalsimulation_says_and_less_of_what_is_above_its_band():
    pytest.importorskip("lalsimulation")
    binary = sources.Binary(1.4, 1.4)
    chirp = float(sources.chirp_mass(1.4, 1.4))
    ahead_s = np.array([30.0, 120.0, 300.0])
    wanted = [sources.gathered(binary, s + gathering.EDGE_S, gathering.SEARCHED_S) for s in ahead_s]
    np.testing.assert_allclose(gathering.heard(ahead_s, np.full(3, chirp)), wanted, atol=0.02)
    merged, gone = gathering.heard(np.array([-100.0, -3000.0]), np.full(2, chirp))
    assert 0.5 < merged < 0.9
    assert gone == pytest.approx(0.0, abs=1e-6)
