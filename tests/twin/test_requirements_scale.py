"""Training in money: by hand for a plan of one's own, and the published example in its order of magnitude."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sites.spec import Quantity
from twin.requirements import scale
from twin.requirements.pools import RequirementsError
from twin.requirements.scale import DINGO, Plan, pays
from twin.requirements.uncertain import Chance

BEST = Chance(draws=0)


def sure(value):
    return Quantity(value, value, value, "assumed", "a test")


MINE = Plan("mine", {"a100": sure(10.0)}, {"a100": sure(1.0)}, {"epyc-core": sure(7200.0)}, sure(1000.0))


def test_a_plan_costs_what_its_hours_cost():
    found = pays(MINE, BEST)
    assert found.training_eur.value == pytest.approx(15.0)
    assert found.learned_eur.value == pytest.approx(1.5 / 3600)
    assert found.classical_eur.value == pytest.approx(0.04)
    assert found.units.value == pytest.approx(15.0 / (0.04 - 1.5 / 3600))
    assert found.after_years.value == pytest.approx(found.units.value / 1000)
    assert found.never == 0.0


def test_a_plan_may_use_several_kinds():
    both = replace(MINE, training_h={"a100": sure(10.0), "epyc-core": sure(100.0)})
    assert pays(both, BEST).training_eur.value == pytest.approx(17.0)


def test_a_dear_gpu_for_a_cheap_unit_never_pays():
    found = pays(replace(MINE, classical_s={"epyc-core": sure(1.0)}), Chance(1, 100))
    assert math.isinf(found.units.value)
    assert found.never == 1.0


def test_the_published_flow_pays_within_the_first_months_of_et():
    (row,) = scale.table((DINGO,), Chance(1, 1000)).to_dict("records")
    assert row["training_eur"] == pytest.approx(240 * 1.5)
    assert row["classical_eur"] == pytest.approx(64 * 2.4 / 60 * 0.02)
    assert row["units"] == pytest.approx(360 / (0.0512 - 20 * 1.5 / 3600))
    assert row["units_low"] < row["units"] < row["units_high"]
    assert row["after_years"] == pytest.approx(row["units"] / 1e5)
    assert (row["standing"], row["never"]) == ("assumed", 0.0)


def test_hardware_that_nobody_knows_is_refused():
    with pytest.raises(RequirementsError, match="mine: training: no hardware 'abacus'; known: a100"):
        pays(replace(MINE, training_h={"abacus": sure(1.0)}), BEST)
