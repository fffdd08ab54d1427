"""`ettwin need`, as a planner types it: a scenario, a run, every part, and what is refused."""

from __future__ import annotations

import json

import pytest

import twin
from dashboards import need as told
from dashboards.cli import main
from twin.requirements import pools, table
from twin.requirements.uncertain import Chance

PARTS = ("--chain", "--break-even", "--speed-up", "--projection", "--demand")


@pytest.fixture
def ettwin(capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def record():
    scenario = twin.load("first-light").with_({"horizon": "1 h", "timeline": {}})
    return twin.run(scenario, replicas=2)


@pytest.fixture(scope="module")
def run_folder(record, tmp_path_factory):
    return record.save(tmp_path_factory.mktemp("runs") / "first-light")


def test_a_scenario_is_what_is_installed(ettwin):
    code, out, err = ettwin("need", "first-light")
    assert (code, err) == (0, "")
    assert out.startswith("NEED  first-light: the scenario's pools; nothing was run\n\nInstalled\n")
    assert "  logical cores                               4 cores" in out
    assert "\nUsed\n" not in out
    assert "Assumed     " in out
    assert max(map(len, out.splitlines())) <= 80


def test_changes_count(ettwin):
    _, out, _ = ettwin("need", "first-light", "--set", "sites.cnaf.pools.cpu.servers=7")
    assert "  logical cores                               9 cores" in out


def test_a_run_is_also_what_was_used(ettwin, run_folder, record):
    code, out, err = ettwin("need", run_folder, "--json", "--farm-mhs06", "37")
    content = json.loads(out)
    assert (code, err, content["schema_version"], content["seed"]) == (0, "", 1, 1)
    assert content["about"] == "first-light: a run of 60 min in 2 replicas, seed 1"
    rows = {(row["part"], row["quantity"]): row for row in content["rows"]}
    busy = rows["used", "logical cores, busy"]
    per_replica = (record.pools["use"] * record.pools["server_s"]).groupby(record.pools["replica"]).sum() / 3600
    assert busy["value"] == pytest.approx(per_replica.mean())
    assert busy["standing"] == "assumed"
    assert busy["low"] < busy["value"] < busy["high"]
    assert [q for p, q in rows if "MHS06" in q and p == "used"] == ["farms of 37 MHS06 (cms-pu200)"]
    (own,) = (row for row in content["inputs"] if row["key"] == "cnaf.cpu.busy")
    assert own["source"].startswith("mean over 2 replicas of a run that rests on ")
    answer = table.answer(pools.of_record(record), Chance(1), 37.0)
    assert [row["value"] for row in content["rows"]] == pytest.approx(answer.table["value"].tolist())


def test_another_seed_draws_other_ranges_of_the_same_values(ettwin):
    (one, again, other) = (
        json.loads(ettwin("need", "first-light", "--json", "--seed", seed)[1])["rows"] for seed in (1, 1, 2)
    )
    assert one == again
    assert [row["value"] for row in one] == [row["value"] for row in other]
    assert [row["high"] for row in one] != [row["high"] for row in other]


def test_every_part_is_told_and_is_json(ettwin):
    code, out, err = ettwin("need", "first-light", *PARTS)
    assert (code, err) == (0, "")
    for said in (
        "The chain of ET-PP D8.1\n",
        "Warning     Which farm D8.1 means is not known here.",
        "When training pays, against the classical program\n",
        "Speed-up end to end: core-seconds per second of data, matched-filter to full-ml\n",
        "Projection of what is installed",
        "A month of parameter estimation, third generation\n",
    ):
        assert said in out
    assert max(map(len, out.splitlines())) <= 80
    content = json.loads(
        ettwin("need", "first-light", "--json", *PARTS)[1],
        parse_constant=lambda name: pytest.fail(f"{name} is no JSON"),
    )
    assert content["chain"]["farms"] == "1"
    assert {"break_even", "speed_up", "projection", "demand"} <= content.keys()


@pytest.mark.parametrize("size", ["0", "-1", "nan", "inf"])
def test_a_farm_has_a_size(ettwin, size):
    code, out, err = ettwin("need", "first-light", f"--farm-mhs06={size}")
    assert (code, out) == (2, "")
    assert err.endswith(": allowed: above 0, such as 37\n")


def test_what_cannot_be_answered_says_why(ettwin, run_folder, tmp_path):
    kind = "sites.cnaf.pools.cpu.hardware=abacus"
    code, out, err = ettwin("need", "first-light", "--set", kind)
    assert (code, out) == (2, "")
    assert "pool cnaf.cpu: nothing is known of what hardware 'abacus' has, draws and costs; known: " in err
    code, _, err = ettwin("need", run_folder, "--set", kind)
    assert (code, "is a run, which cannot be changed: leave --with and --set out" in err) == (2, True)
    code, _, err = ettwin("need", tmp_path)
    assert (code, "is not a run directory: it holds none of resolved.yaml, " in err) == (2, True)
    code, _, err = ettwin("need", "frist-light")
    assert (code, "did you mean 'first-light'?" in err) == (2, True)


@pytest.mark.parametrize(
    ("unit", "value", "said"),
    [
        ("MW", 2.6e-5, "26 W"),
        ("MW", 3.2, "3.20 MW"),
        ("HS06", 48.0, "48 HS06"),
        ("HS06", 37e6, "37 MHS06"),
        ("tCO2e/yr", 0.0684, "68.4 kgCO2e/yr"),
        ("farms", 1.3e-6, "1.3e-06 farms"),
        ("cores", 0.0, "0 cores"),
        ("EUR/yr", 701.28, "701 EUR/yr"),
    ],
)
def test_numbers_have_units_that_suit_them(unit, value, said):
    assert told.scaled(unit, value, value, value) == (said, "")


def test_what_never_pays_is_said_plainly():
    from twin.requirements import breakeven, scale

    rows = breakeven.table(Chance(1, 50)).head(1)
    never = rows.assign(units=float("inf"), pays_after_s=float("inf"), never=1.0)
    none = scale.table((), Chance(1, 50))
    assert "never pays: it takes longer than matched-filter" in " ".join(told.break_even(never, none).split())
    assert "never" not in told.break_even(rows, none)


def test_a_comparison_is_told_apart_from_a_run(ettwin, tmp_path):
    (tmp_path / "comparison.json").write_text("{}")
    (tmp_path / "mark.yaml").write_text("schema_version: 1\nname: mark\nbased_on: first-light\n")
    code, out, err = ettwin("need", tmp_path)
    assert (code, out) == (2, "")
    said = " ".join(err.split())
    assert "is a comparison of several cases: give one for what it has installed (" in said
    assert f"{tmp_path / 'mark.yaml'})" in said
    assert ettwin("need", tmp_path / "mark.yaml")[0] == 0
