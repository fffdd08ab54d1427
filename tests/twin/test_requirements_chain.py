"""The chain of ET-PP D8.1 is exact, and says which of its numbers are only quoted."""

from __future__ import annotations

from fractions import Fraction

import pytest

from twin.requirements import chain
from twin.requirements.chain import Chain
from twin.requirements.pools import RequirementsError, given
from twin.requirements.uncertain import Chance

FEW = Chance(1, 200)


def test_the_chain_gives_one_farm_exactly():
    found = Chain()
    assert found.after_merger == found.before_merger == Fraction(1, 2)
    assert found.farms == 1
    assert isinstance(found.farms, Fraction)
    assert found.farms == Fraction(1, 20) * 1000 / 100 * 2


@pytest.mark.parametrize(
    ("values", "farms"),
    [
        ({"o4": "1/10"}, Fraction(2)),
        ({"speed_up": 1}, Fraction(100)),
        ({"signals": 100}, Fraction(1, 10)),
        ({"before": "1/3"}, Fraction(2, 3)),
        ({"o4": Fraction(1, 3), "speed_up": 10}, Fraction(200, 3)),
    ],
)
def test_another_factor_gives_another_answer_just_as_exactly(values, farms):
    assert Chain().with_(**values).farms == farms


def test_a_changed_factor_is_a_planners_choice():
    steps = Chain().with_(signals=100).table.set_index("step")
    assert steps.loc["more signals", ["standing", "source"]].tolist() == ["assumed", "a planner's choice"]


def test_every_factor_has_a_standing_and_what_is_only_quoted_is_assumed():
    steps = Chain().table
    assert steps["exact"].tolist() == ["1/20", "1000", "100", "1", "1/2", "1/2", "1"]
    assert steps["operation"].tolist() == ["", "x", "/", "x", "=", "=", "="]
    quoted = steps["source"].str.contains("digest")
    assert quoted.sum() == 3
    assert set(steps.loc[quoted, "standing"]) == {"assumed"}
    assert steps["standing"].iloc[-1] == "assumed"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"o5": 1}, "the chain has no factor 'o5'; it has: o4, signals, speed_up, before"),
        ({"o4": "half"}, "chain: o4: 'half'; allowed: a fraction above 0, such as 1/20 or 1000"),
        ({"o4": 0.05}, "chain: o4: 0.05; allowed: a fraction above 0"),
        ({"speed_up": 0}, "chain: speed_up: 0; allowed: a fraction above 0"),
        ({"signals": "1/0"}, "chain: signals: '1/0'; allowed: a fraction above 0"),
    ],
)
def test_a_factor_that_is_none_is_refused(values, said):
    with pytest.raises(RequirementsError, match=said):
        Chain().with_(**values)


def test_which_farm_is_meant_decides_by_eight():
    rows = chain.meant(Chain(), FEW).set_index(["farm", "quantity"])
    o4 = rows.xs("O4 low latency", level="quantity")["value"]
    assert o4["cms-pu200"] == pytest.approx(154_167, abs=1)
    assert o4["atlas-2017"] == pytest.approx(18_750)
    assert o4["cms-pu200"] / o4["atlas-2017"] == pytest.approx(37 / 4.5)
    assert rows.loc[("cms-pu200", "together"), "value"] == pytest.approx(37e6 / 12)
    assert rows.loc[("cms-pu200", "O4 low latency"), "against_o4"] == pytest.approx(15.4, abs=0.1)
    assert (rows["low"] < rows["value"]).all()
    assert (rows["value"] < rows["high"]).all()


def test_the_warning_has_its_numbers():
    said = chain.warning(FEW)
    assert said.startswith("Which farm D8.1 means is not known here.")
    assert "1/20 of 4.5 MHS06 is 0.225 MHS06, some 19,000 logical cores" in said
    assert "1/20 of 37 MHS06 is 1.85 MHS06, some 150,000 logical cores" in said
    assert "The largest farm is 8.2 times the smallest" in said


def test_the_twins_pools_stand_beside_it_in_its_unit():
    held = [given("cnaf.cpu", "epyc-core", 100, use=0.25), given("cnaf.gpu", "a100", 1, use=0.5)]
    rows = chain.beside(held, FEW, 17)
    found = {(row.part, row.quantity): row.number.value for row in rows}
    assert found["installed", "logical cores"] == 100
    assert found["used", "logical cores"] == 25
    assert found["used", "GPUs"] == 0.5
    assert found["installed", "farms of 17 MHS06 (cms-pu140)"] == pytest.approx(1200 / 17e6)
    assert {row.part for row in chain.beside([given("a.b", "a100", 1)], FEW)} == {"installed"}
