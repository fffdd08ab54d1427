"""What pools are and were used of, against arithmetic by hand; ranges against the laws of their distributions."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as over
from hypothesis import strategies as st
from scipy import stats

import twin
from sites import catalogue
from sites.spec import Quantity
from twin.requirements import pools, table, uncertain
from twin.requirements.pools import RequirementsError, given
from twin.requirements.uncertain import Chance, Uncertain, total, united

WATT = Quantity(5.0, 3.0, 7.0, "assumed", "a guess")
RATE = Quantity(10.0, 10.0, 16.0, "published", "a paper")
SURE = Quantity(2.0, 2.0, 2.0, "measured", "a test")
FEW = Chance(1, 200)


def value(answer, quantity, part="installed"):
    rows = answer.table
    return rows[(rows["quantity"] == quantity) & (rows["part"] == part)].iloc[0]


def test_a_range_is_that_of_the_triangle():
    drawn = Chance(3).of("a", "W", WATT)
    law = stats.triang((5 - 3) / (7 - 3), loc=3, scale=4)
    assert drawn.value == 5.0
    assert (drawn.low, drawn.median, drawn.high) == pytest.approx(law.ppf([0.05, 0.5, 0.95]), abs=0.06)
    assert stats.kstest(drawn.samples[1:], law.cdf).pvalue > 0.01


def test_a_range_holds_the_best_value_also_where_that_is_at_its_end():
    drawn = Chance(3).of("a", "Hz", RATE)
    assert drawn.low == drawn.value == 10.0
    assert np.quantile(drawn.samples[1:], 0.05) > 10.0


def test_a_measured_mean_has_students_range():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    drawn = Chance(3).mean("a", "servers", values, "measured", "a run")
    law = stats.t(3, loc=2.5, scale=values.std(ddof=1) / sqrt(4))
    assert drawn.value == 2.5
    assert (drawn.low, drawn.high) == pytest.approx(law.ppf([0.05, 0.95]), abs=0.12)
    alone = Chance(3).mean("a", "servers", np.array([2.0]), "measured", "a run")
    assert (alone.low, alone.value, alone.high) == (2.0, 2.0, 2.0)


def test_means_over_the_same_replicas_are_drawn_together():
    up, down = np.array([901.0, 902.0, 906.0]), np.array([808.0, 807.0, 803.0])
    a, b = (
        Chance(3, 500).mean(name, "servers", own, "measured", "a run") for name, own in (("a", up), ("b", down))
    )
    assert a.high - a.low > 1.0
    assert (a + b).samples == pytest.approx(1709.0)
    assert np.array_equal(a.samples, Chance(3, 500).mean("a", "servers", up, "measured", "a run").samples)


def test_a_mean_over_many_replicas_is_drawn_in_blocks(monkeypatch):
    values = np.random.default_rng(1).random(40)
    whole = Chance(3, 100).mean("a", "servers", values, "measured", "a run")
    monkeypatch.setattr(uncertain, "_BLOCK", 500)
    assert np.array_equal(whole.samples, Chance(3, 100).mean("a", "servers", values, "measured", "a run").samples)


def test_a_measured_mean_is_never_negative():
    assert Chance(3).mean("a", "s", np.array([0.0, 0.1]), "measured", "a run").samples.min() == 0.0


def test_draws_hang_on_seed_and_name_alone():
    first, again = Chance(1).of("a", "W", WATT), Chance(1).of("a", "W", WATT)
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, Chance(2).of("a", "W", WATT).samples)
    assert not np.array_equal(first.samples, Chance(1).of("b", "W", WATT).samples)


def test_an_input_that_comes_twice_is_the_same_one():
    ratio = FEW.of("a", "W", WATT) / FEW.of("a", "W", WATT)
    assert np.array_equal(ratio.samples, np.ones(201))
    assert [known.key for known in ratio.inputs] == ["a"]


@over(st.floats(0.1, 10), st.floats(0.1, 10))
def test_arithmetic_is_that_of_the_best_values(x, y):
    a, b = Chance(draws=0).exactly(x), Chance(draws=0).exactly(y)
    assert (a + b).value == x + y
    assert (a - b).value == x - y
    assert (a * b).value == x * y
    assert (a / b).value == x / y
    assert (a**2.0).value == pytest.approx(x * x, rel=1e-14)
    assert (3.0 * a + 1.0).value == 3.0 * x + 1.0


def test_a_result_stands_as_its_weakest_input_does():
    chance = Chance(draws=0)
    a, b, c = (chance.of(k, "", q) for k, q in zip("abc", (SURE, RATE, WATT), strict=True))
    assert [n.standing for n in (a, a * b, a * b + c)] == ["measured", "published", "assumed"]
    assert chance.exactly(3.0).standing == "scenario"
    assert [known.key for known in united((a * b).inputs, (b + c).inputs)] == ["a", "b", "c"]
    assert total([], chance).value == 0.0


def test_a_fixed_input_is_so_in_every_draw():
    fixed = Chance(1, 5, {"a": 6.5})
    assert fixed.of("a", "W", WATT).samples.tolist() == [6.5] * 6
    assert fixed.mean("a", "W", np.array([1.0, 2.0]), "measured", "").samples.tolist() == [6.5] * 6
    assert fixed.of("b", "W", WATT).value == 5.0


def test_an_endless_quantile_stays_endless():
    number = Uncertain(np.array([3.0, 2.0, np.inf, np.inf]))
    assert (number.low, number.high) == (2.0, np.inf)


def test_installed_servers_in_planners_units():
    answer = table.answer([given("cnaf.cpu", "epyc-core", 4)], FEW)
    kw = 4 * 5.0 * 1.3 / 1e3
    assert value(answer, "logical cores")["value"] == 4
    assert value(answer, "logical cores")["standing"] == "scenario"
    assert value(answer, "GPUs")["value"] == 0
    assert value(answer, "benchmark of the cores")["value"] == 48
    assert value(answer, "farms of 37 MHS06 (cms-pu200)")["value"] == pytest.approx(48 / 37e6)
    assert value(answer, "power, all busy")["value"] == pytest.approx(kw / 1e3)
    assert value(answer, "cost")["value"] == pytest.approx(4 * 0.02 * 8766)
    assert value(answer, "carbon, all busy")["value"] == pytest.approx(kw * 0.3 * 8.766)
    assert value(answer, "carbon of making it")["value"] == pytest.approx(4 * 2 / 1e3)
    assert value(answer, "carbon of making it")["standing"] == "assumed"
    assert set(answer.table["part"]) == {"installed"}


def test_used_servers_draw_their_power_and_idle_ones_a_share_of_it():
    answer = table.answer([given("cnaf.cpu", "epyc-core", 4, use=[0.4, 0.6])], FEW)
    kw = (2 * 5.0 + 2 * 5.0 * 0.5) * 1.3 / 1e3
    assert value(answer, "logical cores, busy", "used")["value"] == pytest.approx(2)
    assert value(answer, "logical cores, busy", "used")["standing"] == "assumed"
    assert value(answer, "core-hours", "used")["value"] == pytest.approx(2 * 8766)
    assert value(answer, "power, mean", "used")["value"] == pytest.approx(kw / 1e3)
    assert value(answer, "electricity", "used")["value"] == pytest.approx(kw * 8.766)
    assert value(answer, "cost of electricity", "used")["value"] == pytest.approx(kw * 8766 * 0.15)
    assert value(answer, "carbon", "used")["value"] == pytest.approx(kw * 0.3 * 8.766)


def test_a_gpu_counts_with_its_host_but_has_no_benchmark():
    answer = table.answer([given("lyon.gpu", "a100", 2)], FEW)
    assert value(answer, "GPUs")["value"] == 2
    assert value(answer, "logical cores")["value"] == 0
    assert value(answer, "power, all busy")["value"] == pytest.approx(2 * 400 * 1.5 * 1.3 / 1e6)
    assert value(answer, "benchmark of the cores")["value"] == 0
    assert any("HS06 and farms leave out lyon.gpu: no HS06 of such hardware is known" in n for n in answer.notes)


def test_pools_add_up_and_a_place_has_its_own_electricity():
    one, other = given("lyon.cpu", "epyc-core", 3), given("karlsruhe.cpu", "epyc-core", 3)
    both = table.answer([one, other], FEW)
    alone = [table.answer([held], FEW) for held in (one, other)]
    for quantity in ("cost", "power, all busy", "carbon, all busy"):
        assert value(both, quantity)["value"] == pytest.approx(sum(value(a, quantity)["value"] for a in alone))
    lyon, karlsruhe = (value(a, "carbon, all busy")["value"] for a in alone)
    assert karlsruhe / lyon == pytest.approx(360 / 44)


def test_threads_of_a_server_are_cores():
    one = table.answer([given("cnaf.cpu", "epyc-core", 2, threads=8)], FEW)
    many = table.answer([given("cnaf.cpu", "epyc-core", 16)], FEW)
    assert one.table["value"].tolist() == pytest.approx(many.table["value"].tolist())
    assert given("cnaf.gpu", "a100", 2, threads=8).multiple == 1


def test_the_range_widens_with_what_is_not_known():
    row = value(table.answer([given("cnaf.cpu", "epyc-core", 4)], Chance(1)), "power, all busy")
    assert row["low"] < row["value"] < row["high"]
    assert row["standing"] == "assumed"
    sizes = value(table.answer([given("cnaf.cpu", "epyc-core", 4)], Chance(1)), "benchmark of the cores")
    law = stats.triang((12 - 10) / 6, loc=10, scale=6)
    assert (sizes["low"] / 4, sizes["high"] / 4) == pytest.approx(law.ppf([0.05, 0.95]), abs=0.06)


def test_every_number_that_went_in_is_named_with_its_origin():
    answer = table.answer([given("cnaf.cpu", "epyc-core", 4, use=0.5)], FEW)
    inputs = answer.inputs.set_index("key")
    assert {"epyc-core.power_w", "europe.pue", "IT.carbon_g_per_kwh", "cms-pu200.mhs06"} <= set(inputs.index)
    assert inputs.loc["cnaf.cpu.busy", ["standing", "source"]].tolist() == ["assumed", "a planner's choice"]
    assert inputs["source"].str.len().min() > 5
    assert "one replica: the use of the pools has no range" in answer.notes
    assert any("carbon of making it is that of servers" in note for note in answer.notes)


def test_hardware_of_which_nobody_knows_the_making_is_named(monkeypatch):
    own = {name: replace(kind, embodied_kg_per_yr=None) for name, kind in catalogue.hardware().items()}
    monkeypatch.setattr(catalogue, "hardware", lambda: own)
    answer = table.answer([given("cnaf.cpu", "epyc-core", 4)], FEW)
    assert value(answer, "carbon of making it")["value"] == 0
    assert "carbon of making cnaf.cpu is left out: nothing is known of such hardware" in answer.notes


def test_a_place_that_nobody_knows_takes_europes_electricity_and_says_so():
    answer = table.answer([given("atlantis.cpu", "epyc-core", 1)], FEW)
    assert "europe.carbon_g_per_kwh" in set(answer.inputs["key"])
    assert "electricity of atlantis is taken to be Europe's: not in sites/known" in answer.notes


def test_farms_of_one_size_or_of_all():
    assert list(table.sizes()) == ["atlas-2017", "cms-pu140", "cms-pu200"]
    assert table.sizes(17.0) == {"cms-pu140": catalogue.farms()["cms-pu140"].mhs06}
    (own,) = table.sizes(20.0).items()
    assert (own[0], own[1].value, own[1].standing) == ("given", 20.0, "assumed")


def test_hardware_that_nobody_knows_is_refused():
    with pytest.raises(RequirementsError, match=r"pool cnaf.x: nothing is known of what hardware 'abacus' has"):
        given("cnaf.x", "abacus", 1)
    with pytest.raises(RequirementsError, match=r"use 1.2; allowed: shares from 0 to 1, one per replica"):
        given("cnaf.x", "epyc-core", 1, use=1.2)


def test_a_scenarios_pools_and_those_that_may_grow():
    scenario = twin.load("first-light")
    grown = {"kind": "scaling", "pool": "cnaf.cpu", "every": "1 min", "track": 1.0, "min_servers": 1}
    more = scenario.with_({"timeline": {"grow": {**grown, "max_servers": 9}}})
    sizes = {held.pool: held.servers for held in pools.of_scenario(scenario)}
    assert sizes == {"sos-enattos.cpu": 1, "cnaf.cpu": 2, "cnaf.alerts": 1}
    assert {held.pool: held.servers for held in pools.of_scenario(more)} == {**sizes, "cnaf.cpu": 9}


def recorded(standings=("measured", "scenario"), **columns):
    scenario = twin.load("first-light")
    rows = {"replica": [0, 1], "pool": ["cnaf.cpu"] * 2, "site": ["cnaf"] * 2, "hardware": ["epyc-core"] * 2}
    table = pd.DataFrame({**rows, "servers": [2, 2], **columns})
    return SimpleNamespace(scenario=scenario, pools=table, inputs=pd.DataFrame({"standing": standings}))


def test_a_runs_pools_with_what_was_used_of_them():
    week = twin.load("first-light").horizon
    (held,) = pools.of_record(recorded(use=[0.25, 0.5], server_s=[2 * week, week]))
    assert held.busy.tolist() == pytest.approx([0.5, 0.5])
    assert held.powered.tolist() == pytest.approx([2.0, 1.0])
    assert (held.servers, held.kind.name, held.site) == (2, "epyc-core", "cnaf")


@pytest.mark.parametrize(
    ("standings", "weakest", "said"),
    [
        (("measured", "scenario"), "measured", "rests on 1 input measured"),
        (("measured", "assumed", "assumed", "published"), "assumed", "rests on 2 inputs assumed"),
        (("scaled", "published"), "scaled", "rests on 1 input scaled"),
    ],
)
def test_a_simulated_use_is_worth_no_more_than_what_it_rests_on(standings, weakest, said):
    (held,) = pools.of_record(recorded(standings, use=[0.25, 0.5], server_s=[1e5, 1e5]))
    assert held.standing == weakest
    assert held.source == f"mean over 2 replicas of a run that {said}"
    answer = table.answer([held], FEW)
    assert value(answer, "core-hours", "used")["standing"] == weakest


def test_a_run_of_an_earlier_version_is_refused():
    with pytest.raises(RequirementsError, match=r"has no server_s: it is of an earlier version. Run it again"):
        pools.of_record(recorded(use=[0.25, 0.5]))


def test_what_was_not_run_was_not_used():
    with pytest.raises(ValueError, match=r"nothing is known of the use of pool cnaf.cpu"):
        table.used([given("cnaf.cpu", "epyc-core", 1)], FEW)


@pytest.mark.parametrize("name", twin.bundled())
def test_every_shipped_scenario_can_be_asked(name):
    answer = table.answer(pools.of_scenario(twin.load(name)), FEW)
    assert value(answer, "cost")["value"] > 0
