"""Break-even and sums of parts: exact on made-up profiles, and complete for the workloads that are shipped."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.twin.profiles import make
from twin.requirements import breakeven, demand, measured, parts
from twin.requirements.measured import COUNTERPART, WITHOUT
from twin.requirements.pools import RequirementsError
from twin.requirements.uncertain import Chance
from workloads import card, spec

FEW = Chance(1, 500)
BEST = Chance(draws=0)


def box(folder, **seconds):
    """Profiles of hardware 'box': mean seconds per unit by workload."""
    for name, mean_s in seconds.items():
        workload = name.replace("_", "-")
        made = make(workload, mean_s, "trigger", hardware="box")
        first = replace(made.service[0], mean_s=mean_s)
        replace(made, service=(first, *made.service[1:])).save(folder)
    return (folder,)


def test_every_workload_has_a_counterpart_or_a_reason_why_not():
    classical = set(COUNTERPART.values())
    assert set(COUNTERPART) | classical | set(WITHOUT) == set(spec.names())
    assert not set(COUNTERPART) & (set(WITHOUT) | classical)


def test_the_units_that_training_takes_are_those_that_save_it(tmp_path):
    folders = box(tmp_path, detector=0.01, matched_filter=0.51)
    found = breakeven.break_even("detector", BEST, hardware="box", folders=folders)
    training_s = card.read("detector")["cost"]["cpu_s"]
    assert found.units.value == pytest.approx(training_s / 0.5)
    assert found.pays_after_s.value == pytest.approx(training_s / 0.5)
    assert found.speed_up.value == pytest.approx(51.0)
    spent_ml, spent_classical = found.units.value * 0.01 + training_s, found.units.value * 0.51
    assert spent_ml == pytest.approx(spent_classical)
    assert found.verdict == f"after {training_s / 0.5:,.0f} units"


def test_a_faster_stream_pays_sooner_and_more_trainings_later(tmp_path):
    folders = box(tmp_path, detector=0.01, matched_filter=0.51)
    given = {"hardware": "box", "folders": folders}
    once = breakeven.break_even("detector", BEST, **given)
    ten = breakeven.break_even("detector", BEST, rate_per_s=10.0, trainings=3, **given)
    assert ten.units.value == pytest.approx(3 * once.units.value)
    assert ten.pays_after_s.value == pytest.approx(0.3 * once.pays_after_s.value)


def test_what_takes_longer_never_pays_and_says_so(tmp_path):
    folders = box(tmp_path, detector=0.5, matched_filter=0.01)
    found = breakeven.break_even("detector", FEW, hardware="box", folders=folders)
    assert math.isinf(found.units.value)
    assert math.isinf(found.pays_after_s.value)
    assert found.never == 1.0
    assert found.verdict == "never: detector takes longer than matched-filter"


def test_between_equals_it_is_a_toss_up_and_says_how_often_it_never_pays(tmp_path):
    folders = box(tmp_path, detector=0.1, matched_filter=0.1001)
    found = breakeven.break_even("detector", FEW, hardware="box", folders=folders)
    assert 0.2 < found.never < 0.8
    assert found.units.low < found.units.high == math.inf
    assert "never in" in found.verdict


def test_the_range_of_a_mean_is_that_of_its_calls(tmp_path):
    folders = box(tmp_path, detector=0.01)
    found = measured.cost("detector", Chance(1), "box", folders)
    error = np.std(np.linspace(0.9, 1.3, 257)) * 0.01 / math.sqrt(1000)
    assert (found.runtime, found.n) == ("onnxruntime", 1000)
    assert found.per_unit_s.value == pytest.approx(0.01)
    assert found.per_unit_s.high - found.per_unit_s.low == pytest.approx(2 * 1.646 * error, rel=0.05)
    assert found.per_unit_s.standing == "measured"


def test_the_fastest_runtime_counts_unless_one_is_named_or_it_is_less_exact(tmp_path):
    slow = make("detector", 0.03, "trigger", hardware="box", runtime="torch")
    for profile in (slow, make("detector", 0.001, "trigger", hardware="box", runtime="openvino-bf16")):
        profile.save(tmp_path)
    folders = box(tmp_path, detector=0.01)
    assert measured.cost("detector", BEST, "box", folders).runtime == "onnxruntime"
    named = measured.cost("detector", BEST, "box", folders, "openvino-bf16")
    assert named.per_unit_s.value == pytest.approx(0.0011)
    with pytest.raises(RequirementsError, match="with runtime 'oip'; measured there: onnxruntime, openvino"):
        measured.cost("detector", BEST, "box", folders, "oip")


def test_what_holds_another_program_took_its_making_too():
    own, flow = (card.read(name)["cost"] for name in ("npe-importance", "npe"))
    found = measured.training("npe-importance")
    assert found.cpu_s == pytest.approx(own["cpu_s"] + flow["cpu_s"])
    assert found.energy_j == pytest.approx(own["energy_j"] + flow["energy_j"])
    assert (found.energy_standing, found.source) == ("assumed", "cards of npe, npe-importance")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: breakeven.break_even("witness", BEST), "'witness' has no classical counterpart; those that have"),
        (lambda: breakeven.break_even("detector", BEST, trainings=0), "trainings 0; needs at least 1"),
        (lambda: breakeven.break_even("detector", BEST, rate_per_s=0.0), r"rate 0 /s; allowed: above 0"),
        (lambda: measured.cost("detector", BEST, "abacus"), "not measured on one thread of 'abacus'; measured"),
        (lambda: measured.cost("detecter", BEST), "unknown workload 'detecter'; did you mean 'detector'"),
        (lambda: measured.cost("detector", BEST, runtime="tourch"), "'tourch'; did you mean 'torch'"),
        (lambda: measured.training("detecter"), "unknown workload 'detecter'"),
        (lambda: parts.parts("full-ml", "magic", BEST), "no computing model 'magic'; known: matched-filter"),
        (lambda: parts.limit([], "search", BEST), "no stage 'search'; known: "),
    ],
)
def test_what_cannot_be_answered_is_refused(call, said):
    with pytest.raises(RequirementsError, match=said):
        call()


def test_every_learned_workload_has_its_row():
    rows = breakeven.table(FEW).set_index("workload")
    assert list(rows.index) == list(COUNTERPART)
    assert (rows["unit_low_s"] <= rows["unit_s"]).all()
    assert (rows["unit_s"] <= rows["unit_high_s"]).all()
    assert (rows["training_core_h"] > 0).all()
    assert rows.loc["detector", "units_per_s"] == 1.0
    assert rows.loc["early-warning", "units_per_s"] == 1 / 16
    assert rows.loc["npe", "units_per_s"] == pytest.approx(1e5 / (8766 * 3600))


def test_the_whole_is_the_sum_of_its_parts():
    *stages, whole = parts.parts("matched-filter", "full-ml", FEW)
    assert whole.before_per_s.value == pytest.approx(sum(p.before_per_s.value for p in stages))
    assert whole.after_per_s.value == pytest.approx(sum(p.after_per_s.value for p in stages))
    ups = [p.speed_up.value for p in stages]
    assert min(ups) <= whole.speed_up.value <= max(ups)


def test_a_stage_that_stays_the_same_is_no_faster_in_any_draw():
    found = {p.stage: p for p in parts.parts("matched-filter", "full-ml", FEW)}
    assert np.array_equal(found["data quality"].speed_up.samples, np.ones(501))


def test_amdahls_limit_is_one_over_the_rest():
    several = parts.parts("matched-filter", "full-ml", BEST)
    rows = parts.table(several, BEST).set_index("stage")
    for stage in ("search", "estimation", "sky map"):
        assert rows.loc[stage, "limit"] == pytest.approx(1 / (1 - rows.loc[stage, "share_before"]))
    assert rows.loc[parts.ALL, "share_before"] == 1.0
    assert rows["quoted"].dropna().tolist() == [1e5, 100.0]


def test_the_speed_up_is_that_of_the_measured_profiles():
    rows = {p.stage: p for p in parts.parts("matched-filter", "full-ml", BEST)}
    folder = measured.profile.SHIPPED / "epyc-core"

    def mean_s(path):
        return json.loads(path.read_text())["service"][0]["mean_s"]

    means = [
        min(mean_s(path) for path in folder.glob(pattern) if "bf16" not in path.name)
        for pattern in ("matched-filter-*.json", "detector-[!l]*.json")
    ]
    assert rows["search"].speed_up.value == pytest.approx(means[0] / means[1])


def test_a_month_of_events_and_what_is_published():
    rows = demand.table(FEW).set_index("method")
    events = demand.events_per_month(BEST).value
    assert events == pytest.approx(2e5 / 12)
    standard = rows.loc["published, standard methods: at least"]
    assert standard["core_h"] == 1e9
    assert standard["busy_cores"] == pytest.approx(1.37e6, rel=0.01)
    assert standard["per_event_core_s"] == pytest.approx(1e9 * 3600 / events)
    meshfree = rows.loc["meshfree likelihood, published per event"]
    assert meshfree["core_h"] == pytest.approx(events * 64 * 2.4 / 60)
    assert meshfree["below_accelerated"]
    assert not standard["below_accelerated"]
    ours = rows.loc[[f"ours: {name}" for name in demand.OURS]]
    assert ours["below_accelerated"].all()
    assert (ours["core_h"] < meshfree["core_h"]).all()


def test_costs_of_ones_own_are_compared_too():
    before = {"search": ("bank", FEW.exactly(0.6)), "sky": ("map", FEW.exactly(0.2))}
    after = {"search": ("net", FEW.exactly(0.1)), "gate": ("net", FEW.exactly(0.1))}
    found = {p.stage: p for p in parts.compare(before, after, FEW)}
    assert list(found) == ["search", "sky", "gate", parts.ALL]
    assert found["search"].speed_up.value == pytest.approx(6.0)
    assert found[parts.ALL].speed_up.value == pytest.approx(4.0)
    assert (found["sky"].speed_up.value, found["gate"].speed_up.value) == (math.inf, 0.0)
