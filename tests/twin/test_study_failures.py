"""Single failures, keys without influence, warm-up and pairing: each against what is known beforehand."""

import math

import numpy as np
import pandas as pd
import pytest

import twin
from tests import records
from tests.twin.study_fakes import Told, asked, quantity, queue
from tests.twin.test_study_search import Runs
from twin import unused, warmup
from twin.loader import load, loads
from twin.studies import influence, pairing, resilience
from twin.studies.evaluation import Outcome
from twin.studies.influence import ABSENT, DECIDES, JUDGES, SILENT, Influence
from twin.studies.resilience import Resilience
from twin.tree import ScenarioError

UNITS = {"lost": "", "late": ""}


def section(**more):
    return Resilience.model_validate({"at": "6 h", "lasts": "3 h"} | more)


def broken(changes):
    """Without the pool cnaf.cpu a tenth of a day's signals is lost; without anything else none."""
    entry = str(changes.get("timeline.n-minus-1", ""))
    return {"lost": 0.1 if '"cnaf.cpu"' in entry else 0.0, "late": 0.2}


def test_the_worst_failure_is_named_and_the_score_is_as_defined():
    scenario = queue(horizon="1 d")
    found = resilience.drive(asked(section(), scenario), Told(broken, units=UNITS, own=1e-4))
    table = found.tables["failures"].set_index("part")
    assert set(table.index) == {
        "site cnaf", "site lyon", "pool cnaf.cpu", "pool cnaf.front", "pool lyon.cpu", "link cnaf--lyon"
    }  # fmt: skip
    worst = 0.1 * 0.8 * 24.0 / 3.0  # of a day's signals, per signal of three hours
    assert table.iloc[0].name == "pool cnaf.cpu"
    assert table.loc["pool cnaf.cpu", "damage"] == pytest.approx(worst, abs=0.01)
    score = found.tables["score"].iloc[0]
    assert score["score"] == pytest.approx(1.0 - worst / 6.0, abs=0.01)
    assert score["score_low"] < score["score"] < score["score_high"]
    assert found.answer[0].startswith("Worst is pool cnaf.cpu")


def test_a_real_run_loses_by_what_it_needs_and_by_nothing_else():
    scenario = queue(horizon="1 d")
    found = resilience.drive(asked(section(parts=("sites", "links")), scenario, replicas=3), Runs())
    table = found.tables["failures"].set_index("part")
    assert table.loc["site cnaf", "certain"]
    assert table.loc["site cnaf", "damage"] > 0.5
    assert table.loc["site lyon", "damage"] == table.loc["link cnaf--lyon", "damage"] == 0.0


def test_a_model_is_taken_out_where_a_fallback_serves():
    points, left = resilience.failures(load("first-light"), section(parts=("models",)))
    assert list(points) == ["model detect"]
    assert points["model detect"].scenario.timeline["n-minus-1"].kind == "retraining"
    assert set(left) == {"model dq", "model candidate"}
    assert "no fallback" in left["model dq"]


def test_what_cannot_be_taken_out_in_time_is_refused():
    with pytest.raises(ScenarioError, match="make the horizon longer"):
        resilience.check(asked(section(), queue(horizon="8 h")))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, ABSENT),
        ({"plan_digest": "other"}, SILENT),
        ({"targets": [{"verdict": "missed"}]}, JUDGES),
        ({"quantities": [quantity("q", [1.0, 2.0 + 1e-15])], "plan_digest": "other"}, DECIDES),
        ({"failure": "no profile"}, influence.FAILED),
    ],
)
def test_what_a_key_does_is_told_from_plans_verdicts_and_numbers(changed, kind):
    plain = {"name": "a", "quantities": [quantity("q", [1.0, 2.0])], "targets": [{"verdict": "met"}]}
    plain |= {"saturated": [], "plan_digest": "one"}
    assert influence.influence(Outcome(**plain), Outcome(**plain | changed)) == kind


def test_keys_without_influence_are_found_in_a_real_run():
    scenario = queue(horizon="4 h")
    found = influence.drive(asked(Influence(), scenario, replicas=1), Runs())
    table = found.tables["influence"].set_index("key")["influence"]
    assert table["stages.estimate.time.mean"] == DECIDES
    assert table["targets.alert_latency.p50"] == JUDGES
    assert table["links.cnaf--lyon.latency"] == SILENT
    assert table["stages.estimate.publishes"] == influence.KEPT
    assert {"seed", "replicas"}.isdisjoint(table.index)
    assert set(table.index) == {i.key for i in scenario.inputs()} - {"seed", "replicas"}
    assert "links.cnaf--lyon.latency" in " ".join(found.answer)


def test_what_never_came_into_play_is_in_the_summary():
    text = {"timeline": {"late": {"kind": "outage", "target": "lyon", "at": "9 d", "lasts": "1 h"}}}
    record = twin.run(queue(horizon="4 h").with_(text), replicas=1)
    assert record.summary["unused"]["keys"] == ["timeline.late", "sites.lyon.pools.cpu", "links.cnaf--lyon"]
    week = records.week(replicas=2)
    assert unused.summary(week) == {}


def test_mser_cuts_a_ramp_and_nothing_else():
    rng = np.random.default_rng(1)
    steady = 5.0 + rng.normal(0.0, 0.5, 1000)
    ramp = np.concatenate([np.linspace(0.0, 5.0, 100) + rng.normal(0.0, 0.5, 100), steady[100:]])
    assert 50 <= warmup.mser(ramp) <= 150
    assert warmup.mser(steady) <= 100
    assert warmup.mser(np.arange(1000.0)) is None  # it never settles
    assert warmup.mser(steady[:40]) is None


def test_what_merged_in_the_warm_up_is_left_out_of_alerts_losses_and_rates():
    whole = queue(horizon="1 d")
    cut = whole.with_({"warm_up": "6 h"})
    assert cut.told_s == 18 * 3600.0
    assert loads(cut.resolved()) == cut
    assert "warm_up" not in whole.resolved()
    a, b = twin.run(whole, replicas=2), twin.run(cut, replicas=2)
    late = a.alerts[a.alerts["event_time_s"] >= 6 * 3600.0].reset_index(drop=True)
    pd.testing.assert_frame_equal(b.alerts, late)
    assert b.latencies["n"].sum() == (late["outcome"] == "published").sum()
    assert a.plan_digest == b.plan_digest
    from twin.studies.quantities import quantities

    told = {q.name: q for q in quantities(b)}
    per_day = (late["outcome"] == "published").groupby(late["replica"]).sum().to_numpy() / 0.75
    assert told["published"].values == pytest.approx(per_day)
    assert b.summary["warm_up"]["left_out_s"] == 6 * 3600.0
    assert "is left out of alerts, losses and rates" in b.summary["warm_up"]["text"]
    assert "warm_up" not in a.summary


def test_a_warm_up_of_everything_is_refused():
    with pytest.raises(ScenarioError, match="leaves out the whole run"):
        queue(horizon="1 d").with_({"warm_up": "1 d"})


def outcomes(shift=1.0, unit="s"):
    rng = np.random.default_rng(5)
    common = rng.normal(10.0, 2.0, 30)
    target = {"name": "alert_latency.p50", "text": "", "verdict": "met"}
    target["estimate"] = {"value": 1.0, "low": 0.9, "high": 1.1}
    a, b = (common, common - shift + rng.normal(0.0, 0.1, 30))
    return [
        Outcome(name, [quantity("latency.p50", values, unit)], [target], [], "")
        for name, values in (("a", a), ("b", b))
    ]


def test_pairing_takes_the_common_chance_away():
    table = pairing.table(outcomes())
    assert table["variance_ratio"].iloc[0] == pytest.approx(2 * 4.0 / 0.01, rel=0.5)
    assert table["removed"].iloc[0] > 0.99
    same = quantity("q", [1.0, 2.0, 3.0])
    assert pairing.variance_ratio(same, same) == math.inf
    assert math.isnan(pairing.variance_ratio(same, quantity("q", [1.0])))


def test_which_is_better_is_said_in_a_sentence():
    assert pairing.sentences(outcomes())[0].startswith("b is better than a by 1.")
    assert " ± " in pairing.sentences(outcomes())[0]
    assert pairing.sentences(outcomes(shift=-1.0))[0].startswith("b is worse than a by")
    assert pairing.sentences(outcomes(shift=0.0))[0].startswith("No difference between b and a is shown")
    verdicts = pairing.verdicts(outcomes())
    assert [(row["case"], row["verdict"], row["first"]) for row in verdicts] == [
        ("a", "met", "met"),
        ("b", "met", "met"),
    ]
    assert pairing.more_is_better("published")
    assert pairing.more_is_better("early-warning.daily")
    assert not pairing.more_is_better("lost")
