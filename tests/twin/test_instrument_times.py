"""Times that vary, timers and strides: laws become tables, and the kernel does with them what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.twin.small import completions, endings, run, says, stage, system
from tests.twin.wrong import SMALL
from twin.assembly import assemble
from twin.kernel.state import OUTCOMES
from twin.loader import loads
from twin.plan import Awaits, Geography, PoolSpec, Program, StageSpec, Stream
from twin.schema_times import Time
from twin.times import CUT, law_of, quantiles_s
from twin.tree import ScenarioError
from workloads.sky import CLASSES, EVENT

LAWS = {
    "lognormal": (
        {"median": "9.3 s", "p90": "14 s"},
        stats.lognorm(np.log(14 / 9.3) / stats.norm.ppf(0.9), scale=9.3),
    ),
    "weibull": ({"mean": "5 s", "shape": 2.0}, stats.weibull_min(2.0, scale=5 / 0.8862269254527580)),
    "gamma": ({"mean": "5 s", "shape": 3.0}, stats.gamma(3.0, scale=5 / 3)),
    "exponential": ({"mean": "5 s"}, stats.expon(scale=5)),
}


def time(law, **given):
    return Time.model_validate({"law": law, **given, "standing": "assumed", "source": "a test"})


@pytest.mark.parametrize("law", LAWS)
def test_a_law_becomes_its_quantiles(law):
    given, exact = LAWS[law]
    table = quantiles_s(time(law, **given))
    p = np.linspace(0, 1, table.size)
    np.testing.assert_allclose(table[1:-1], exact.ppf(p[1:-1]), rtol=1e-9)
    np.testing.assert_allclose(table[[0, -1]], exact.ppf([CUT, 1 - CUT]), rtol=1e-9)
    drawn = ((table[1:] + table[:-1]) / 2).mean()
    assert drawn == pytest.approx(exact.mean(), rel=0.01)


def test_median_and_p90_are_kept():
    for law in ("lognormal", "weibull"):
        known = law_of(time(law, median="9.3 s", p90="14 s"))
        assert (known.quantile(0.5), known.quantile(0.9)) == pytest.approx((9.3, 14.0), rel=1e-9)


def test_a_fixed_time_is_what_it_was():
    assert quantiles_s(Time.model_validate("6 s")).tolist() == [6.0, 6.0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{law: lognormal, median: 9 s}", "lognormal needs just median and p90 or mean and shape"),
        ("{law: exponential, mean: 9 s, shape: 2}", "exponential needs just mean"),
        ("{law: lognormal, median: 9 s, p90: 8 s}", "p90 must be more than the median"),
        ("{value: 9 s, law: gamma, mean: 9 s, shape: 2}", "gamma needs just mean and shape"),
        ("{median: 9 s, p90: 10 s}", "needs either 'value', or 'law' and its numbers"),
        (
            "{law: normal, mean: 9 s}",
            "'normal' is not allowed; did you mean 'lognormal'? Allowed: exponential, weibull, lognormal, gamma",
        ),
    ],
)
def test_a_law_that_is_none_is_refused(given, said):
    text = given.replace("}", ", standing: assumed, source: a test}")
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL.replace("time: 6 s", f"time: {text}"))
    (problem,) = caught.value.problems
    assert problem.path.startswith("stages.localise.time")
    assert problem.message == said


def test_a_law_in_a_scenario_loads_back_the_same():
    text = "{law: lognormal, median: 9.3 s, p90: 14 s, standing: published, source: 'a paper'}"
    scenario = loads(SMALL.replace("time: 6 s", f"time: {text}"))
    assert loads(scenario.resolved()) == scenario
    rows = {row.key: (row.value, row.standing, row.source) for row in scenario.inputs()}
    assert rows["stages.localise.time.p90"] == ("14 s", "published", "a paper")


# --- timers ----------------------------------------------------------------------------------------------


def test_a_timer_takes_its_time_and_no_server():
    stages = [
        stage("a", "p", 1.0),
        StageSpec("settle", after=("a",), timer_s=np.array([5.0, 5.0]), publishes="alert"),
        stage("b", "p", 1.0, after=("settle",)),
    ]
    environment = run(system({"p": 1}, stages, {"a": [0.0, 0.0, 0.0]}))
    assert endings(environment) == [("published", "settle", k, 6.0 + k) for k in range(3)]
    assert [row["timer_s"] for row in environment.ended()] == [5.0] * 3
    assert [c[0] for c in completions(environment)] == ["a", "a", "a", "b", "b", "b"]


def test_jobs_in_a_timer_are_counted_until_it_is_over():
    stages = [stage("a", "p", 1.0), StageSpec("settle", after=("a",), timer_s=np.array([500.0, 500.0]))]
    environment = run(system({"p": 1}, stages, {"a": [0.0, 0.0]}))
    settle = environment.world.stages[1]
    assert (settle["offered"], settle["waiting"], settle["done"]) == (2, 2, 0)


def test_a_timer_that_varies_draws_its_law():
    table = quantiles_s(time("exponential", mean="2 s"))
    stages = [StageSpec("point"), StageSpec("settle", after=("point",), timer_s=table, key=7, publishes="alert")]
    environment = run(system({"p": 1}, stages, {"point": [0.0] * 4000}))
    waits_s = environment.ended()["timer_s"]
    assert waits_s.size == 4000
    assert stats.kstest(waits_s, stats.expon(scale=2.0).cdf).pvalue > 0.01


def test_timers_of_a_scenario_run_and_are_told(scenario_with_timer):
    rows = scenario_with_timer.resolved()
    assert "wait: {value: 5 s, standing: assumed, source: given without a source}" in rows
    assert loads(rows) == scenario_with_timer


@pytest.fixture
def scenario_with_timer():
    return loads(SMALL).with_(
        {"stages.settle": {"after": "detect", "wait": "5 s"}, "stages.localise.after": "settle"}
    )


def test_a_timer_on_a_pool_is_refused():
    with pytest.raises(ScenarioError, match=r"stages\.localise\.wait: a timer takes no server: leave 'on' away"):
        loads(SMALL).with_({"stages.localise.wait": "5 s"})


# --- strides ---------------------------------------------------------------------------------------------


def strided(stages, span, count, events):
    """A plan whose first stage takes `span` segments of 1 s at a time."""
    return assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("p", 0, 1), PoolSpec("q", 0, 1)],
        stages=stages,
        streams=[Stream("detect", count, phase_s=float(span), stride_s=float(span), span=span)],
        horizon_s=100.0,
        events=events,
        event_segment=np.floor(events["time_s"]).astype(np.int64),
    )


def sky(*times_s):
    events = np.zeros(len(times_s), EVENT)
    events["time_s"], events["snr"] = times_s, 20.0
    return events


def searching(decides=True, **rules):
    program = Program(np.full((1, 2), 0.5), says(decides))
    found = StageSpec("found", after=("detect",), publishes="alert", span=rules["span"])
    return [StageSpec("detect", {"p": (program, None)}, role="trigger", **rules), found]


def test_a_stride_reports_the_events_of_all_its_segments():
    plan = strided(searching(span=4), 4, 5, events=sky(0.5, 3.9, 4.0, 11.2, 19.9, 20.1))
    environment = run(plan)
    assert [row[2:] for row in endings(environment)] == [
        (0, 4.5), (1, 4.5), (2, 8.5), (3, 12.5), (-13, 16.5), (4, 20.5),
    ]  # fmt: skip
    assert environment.ended()["segment"].tolist() == [0, 0, 4, 8, 12, 16]


def test_a_stride_without_events_triggers_as_noise_does_once():
    environment = run(strided(searching(span=4), 4, 3, events=sky()))
    assert [row[2] for row in endings(environment)] == [-1, -5, -9]


def test_what_a_program_does_not_look_for_leaves_its_noise_alone():
    answer = says(True)
    answer.responses[CLASSES.index("blip")] = -1.0
    program = Program(np.full((1, 2), 0.5), answer)
    stages = [
        StageSpec("detect", {"p": (program, None)}, role="trigger", span=4),
        StageSpec("found", after=("detect",), publishes="alert", span=4),
    ]
    events = sky(0.5, 5.5, 6.5)
    events["cls"] = [CLASSES.index("blip"), CLASSES.index("blip"), CLASSES.index("bbh")]
    environment = run(strided(stages, 4, 2, events=events))
    assert [row[2] for row in endings(environment)] == [-1, 2]


def test_a_flag_over_a_stride_is_known_of_each_segment():
    flag = Program(np.full((1, 2), 2.0), says(True))
    stages = [
        StageSpec("dq", {"q": (flag, None)}, role="flag", span=4),
        StageSpec("detect", {"p": (Program(np.full((1, 2), 0.5), says(True)), None)}, role="trigger"),
        StageSpec("alert", after=("detect",), awaits=Awaits("dq"), gate=True, publishes="alert"),
    ]
    plan = assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("p", 0, 1), PoolSpec("q", 0, 1)],
        stages=stages,
        streams=[
            Stream("detect", 8, phase_s=1.0, stride_s=1.0),
            Stream("dq", 2, phase_s=4.0, stride_s=4.0, span=4),
        ],
        horizon_s=100.0,
    )
    environment = run(plan)
    gone = [(OUTCOMES[row["outcome"]], int(row["segment"]), float(row["end_s"])) for row in environment.ended()]
    assert gone == [("vetoed", k, 6.0 if k < 4 else 10.0) for k in range(8)]
    assert environment.world.record["waiter_free_n"] == environment.world.waiters.size


def test_a_stage_has_the_stride_of_what_it_comes_after():
    scenario = loads(SMALL).with_({"stages.dq.stride": "4 s"})
    assert scenario.stages["dq"].payload.value == 4 * 2 * 2048 * 8
    assert scenario.stages["detect"].payload.value == 4 * 2 * 2048 * 8
    assert loads(scenario.resolved()) == scenario


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages.dq.stride": "1.5 s"}, "stages.dq.stride: must be a multiple of the instrument's stride, 1 s"),
        ({"stages.dq.stride": "2 d"}, "stages.dq.stride: is longer than the horizon, 1 d: it would never come"),
        ({"stages.detect.stride": "4 s"}, "stages.detect.stride: segments come in at dq: give it there"),
        (
            {
                "stages.detect.after": None,
                "stages.dq.stride": "4 s",
                "stages.point": {"after": ["dq", "detect"]},
            },
            "stages.point.after: what meets must come in one stride: 4 s from 'dq', 1 s from 'detect'",
        ),
        ({"stages.dq.stride": "4 s", "live": ["dq"]}, "live.0: 'dq' takes strides of 4 s; a real program takes"),
    ],
)
def test_a_stride_that_cannot_be_is_refused(changes, said):
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL).with_(changes)
    assert any(said in str(problem) for problem in caught.value.problems)


def test_any_number_may_wait_for_any_number_of_verdicts():
    """Waiters, and what they may let go on at once, are more than the arrays hold at first."""
    stages = [
        stage("dq", "q", 1000.0, False, role="flag"),
        stage("detect", "p", 0.001, True, role="trigger"),
        StageSpec("alert", after=("detect",), awaits=Awaits("dq", 50.0, 1000), publishes="alert"),
    ]
    n = 250
    environment = run(system({"p": n, "q": 1}, stages, {"dq": [0.0] * n, "detect": [0.5] * n}))
    assert n * (n + 1) // 2 > 1 << 14
    assert [row[3] for row in endings(environment)] == [50.501] * n
