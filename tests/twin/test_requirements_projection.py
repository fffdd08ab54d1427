"""Projections follow their closed form; a tornado ranks what really moves the answer."""

from __future__ import annotations

import pytest

from sites.spec import Quantity
from twin.requirements import projection
from twin.requirements.pools import RequirementsError, given
from twin.requirements.projection import GROWTH, UNITS, band, base, project, tornado
from twin.requirements.uncertain import Chance

POOLS = [given("cnaf.cpu", "epyc-core", 100, use=[0.2, 0.4]), given("cnaf.gpu", "a100", 2, use=[0.5, 0.5])]
FEW, BEST = Chance(1, 500), Chance(draws=0)


def sure(value):
    return Quantity(value, value, value, "assumed", "a test")


STILL = GROWTH.with_(
    demand=sure(0.0),
    per_core=sure(0.0),
    per_watt=sure(0.0),
    per_eur=sure(0.0),
    model_gain=sure(1.0),
    model_years=sure(5),
)


def test_nothing_changes_without_growth():
    now, then = (project(base(POOLS), year, BEST, STILL) for year in (projection.FROM_YEAR, 2050))
    assert {name: n.value for name, n in now.items()} == {name: n.value for name, n in then.items()}
    assert (now["cores"].value, now["gpus"].value) == (100, 2)
    assert now["power"].value == pytest.approx((100 * 5 + 2 * 400 * 1.5) * 1.3 / 1e6)
    assert now["cost"].value == pytest.approx((100 * 0.02 + 2 * 1.5) * 8766)


def test_growth_compounds():
    growth = STILL.with_(demand=sure(0.05), per_core=sure(0.02), per_watt=sure(0.1), per_eur=sure(0.2))
    growth = growth.with_(model_gain=sure(2.0), model_years=sure(5.0))
    now, then = (project(base(POOLS), year, BEST, growth) for year in (2025, 2035))
    work = 1.05**10 / 2.0**2
    ratio = {name: then[name].value / now[name].value for name in UNITS}
    assert ratio["cores"] == ratio["gpus"] == pytest.approx(work / 1.02**10)
    assert ratio["power"] == pytest.approx(work / 1.1**10)
    assert ratio["cost"] == pytest.approx(work / 1.2**10)


def test_what_was_used_can_be_projected_too():
    assert project(base(POOLS, busy=True), 2025, BEST, STILL)["cores"].value == pytest.approx(30)
    with pytest.raises(RequirementsError, match="nothing was run: no use to project; project what is installed"):
        base([given("cnaf.cpu", "epyc-core", 1)], busy=True)


def test_a_band_holds_its_median_and_widens():
    rows = band(base(POOLS), FEW, (2025, 2035, 2050))
    assert len(rows) == 3 * len(UNITS)
    assert ((rows["low"] <= rows["median"]) & (rows["median"] <= rows["high"])).all()
    own = rows[rows["quantity"] == "cost"].set_index("year")
    relative = (own["high"] - own["low"]) / own["median"]
    assert relative[2025] < relative[2035] < relative[2050]


def test_a_tornado_moves_one_input_at_a_time_and_ranks_them():
    rows = tornado(base(POOLS), "power", FEW, 2035)
    assert rows["swing"].is_monotonic_decreasing
    first = rows.iloc[0]
    for end in ("low", "high"):
        moved = project(base(POOLS), 2035, Chance(draws=0, fixed={first["key"]: first[end]}))["power"].value
        assert first[f"answer_{end}"] == moved
    pue = rows.set_index("key").loc["europe.pue"]
    best = project(base(POOLS), 2035, BEST)["power"].value
    assert pue["answer_low"] / best == pytest.approx(1.1 / 1.3)
    assert pue["answer_high"] / best == pytest.approx(1.6 / 1.3)
    assert "epyc-core.hs06" not in set(rows["key"])
    assert set(rows["standing"]) == {"assumed"}


def test_what_has_no_range_moves_nothing():
    assert tornado(base(POOLS), "cores", FEW, 2035, STILL).empty
    one = tornado(base(POOLS), "cores", FEW, 2035, STILL.with_(per_core=GROWTH.per_core))
    assert one["key"].tolist() == ["growth.per_core"]


def test_what_a_run_measured_is_in_the_tornado_of_its_use():
    rows = tornado(base(POOLS, busy=True), "cores", FEW, 2035).set_index("key")
    assert rows.loc["cnaf.cpu.busy", "source"] == "a planner's choice"
    assert rows.loc["cnaf.cpu.busy", "swing"] > 0


def test_every_rate_of_growth_says_that_it_is_assumed():
    for name in vars(GROWTH):
        rate = getattr(GROWTH, name)
        assert (rate.standing, rate.source.startswith("placeholder, no source")) == ("assumed", True)
        assert rate.low < rate.high


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: project(base(POOLS), 2024, BEST), "year 2024; a projection starts from the figures of 2025"),
        (lambda: tornado(base(POOLS), "mw", BEST), "no quantity 'mw'; known: cores, gpus, power, cost"),
        (lambda: GROWTH.with_(luck=sure(1)), "no growth 'luck'; known: demand, per_core"),
    ],
)
def test_what_cannot_be_projected_is_refused(call, said):
    with pytest.raises(RequirementsError, match=said):
        call()
