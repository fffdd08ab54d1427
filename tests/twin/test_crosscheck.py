"""How far runtimes differ is measured, and what is allowed is what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from benchmarks import crosscheck
from twin.archive import origin
from twin.archive.tolerance import FILE, Execution, between, difference, pair
from workloads import card, spec
from workloads.runtime import installed

SHIPPED = json.loads(crosscheck.RESULTS.read_text())
HERE = Execution("onnxruntime", 1, origin.hardware(), origin.versions())


def test_every_pair_was_measured_on_the_shipped_weights():
    assert SHIPPED["windows"] >= 200
    assert set(SHIPPED["workloads"]) == set(crosscheck.WORKLOADS)
    for name, found in SHIPPED["workloads"].items():
        assert found["weights_sha256"] == card.read(name)["weights_sha256"]
        assert set(found["pairs"]) == {pair(a, b) for a, b in combinations(crosscheck.RUNTIMES, 2)}
        for row in [*found["pairs"].values(), *(r for both in found["itself"].values() for r in both.values())]:
            assert row["n"] == SHIPPED["windows"]
            quantiles = list(row["quantiles"].values())
            assert quantiles == sorted(quantiles)


def test_the_same_runtime_gave_the_same_bits():
    for found in SHIPPED["workloads"].values():
        for both in found["itself"].values():
            assert both["again"]["equal"] == both["again"]["n"]


def test_what_is_allowed_is_what_was_measured():
    assert json.loads(FILE.read_text()) == crosscheck.tolerances(SHIPPED)
    for name, found in SHIPPED["workloads"].items():
        for what, row in found["pairs"].items():
            a, b = what.split()
            allowed = between(name, replace(HERE, runtime=a), replace(HERE, runtime=b))
            assert allowed.allowed == row["quantiles"]["0.999"]
            assert f"{a} and {b}: quantile 0.999 of {SHIPPED['windows']} windows" == allowed.why


def test_the_documented_table_is_the_measured_one():
    lines = (crosscheck.RESULTS.parents[1] / "docs" / "archive.md").read_text().splitlines()
    told = {cells[1].strip(): cells[2:-1] for line in lines if len(cells := line.split("|")) == 11}
    for what in SHIPPED["workloads"]["detector"]["pairs"]:
        measured = []
        for name in crosscheck.WORKLOADS:
            row = SHIPPED["workloads"][name]["pairs"][what]
            measured += [f"{row['quantiles'][q]:.1e}" for q in ("0.5", "0.999", "1")] + [
                f"{row['decisions_changed']}"
            ]
        shown = [cell.strip() for cell in told[what.replace(" ", ", ")]]
        assert [float(cell) for cell in shown] == [float(cell) for cell in measured]


def test_bits_are_wanted_only_where_all_is_the_same():
    assert between("detector", HERE, HERE).allowed == 0.0
    other = {"processor": "another", "kind": "0"}
    newer = {**origin.versions(), "onnxruntime": "99"}
    for changed in (
        replace(HERE, hardware=other),
        replace(HERE, hardware=None, versions=None),
        replace(HERE, versions=newer),
        replace(HERE, threads=2),
    ):
        pairs = SHIPPED["workloads"]["detector"]["pairs"]
        full = [row["quantiles"]["0.999"] for what, row in pairs.items() if "bf16" not in what]
        assert between("detector", HERE, changed).allowed == max(full)
    assert (
        between("detector", HERE, replace(HERE, versions={**origin.versions(), "openvino": "99"})).allowed == 0.0
    )


def test_rounding_runtimes_have_their_own_tolerance_between_machines():
    here = replace(HERE, runtime="openvino-bf16")
    there = replace(here, hardware={"processor": "another", "kind": "0"})
    assert (
        between("detector", here, there).allowed
        > 100 * between("detector", HERE, replace(HERE, threads=2)).allowed
    )


@pytest.mark.parametrize(
    ("workload", "runtime"), [("witness", "torch"), ("detector", "cuda"), ("detector", "oip")]
)
def test_what_was_not_measured_has_no_tolerance(workload, runtime):
    assert between(workload, HERE, replace(HERE, runtime=runtime)) is None


def test_servers_and_machines_nobody_measured_are_never_held_to_the_bit():
    served = replace(HERE, runtime="oip")
    assert not served.is_like(served)
    assert between("detector", served, served) is None
    gpu = replace(HERE, runtime="cuda")
    assert between("detector", gpu, gpu).allowed == 0.0
    assert between("detector", gpu, replace(gpu, threads=2)) is None


def test_differences_are_relative_to_one_or_to_the_larger_score():
    assert difference(0.5, 0.25) == 0.25
    assert difference(-200.0, -100.0) == 0.5
    assert difference(3.0, 3.0) == 0.0


def test_a_distribution_counts_what_it_sees():
    a, b = np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.0, 1.0, 2.5, 2.0])
    found = crosscheck.distribution(a, b, 2.2)
    assert (found["n"], found["equal"], found["decisions_changed"]) == (4, 2, 2)
    assert found["quantiles"]["1"] == 0.5
    assert found["quantiles"]["0.5"] == pytest.approx(0.2)
    assert found["mean"] == pytest.approx((0.2 + 0.5) / 4)


def test_the_benchmark_repeats_a_part_of_itself(tmp_path, monkeypatch):
    runtimes = tuple(r for r in crosscheck.RUNTIMES if installed(r))
    if len(runtimes) < 2:
        pytest.skip("needs two runtimes")
    monkeypatch.setattr(crosscheck, "RUNTIMES", runtimes)
    found = crosscheck.workload("detector", 48)
    assert found["weights_sha256"] == spec.load("detector", runtimes[0]).weights_sha256
    for what, row in found["pairs"].items():
        shipped = SHIPPED["workloads"]["detector"]["pairs"][what]["quantiles"]
        assert 0.0 < row["quantiles"]["1"] <= 3 * shipped["1"]


def test_too_few_windows_are_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["crosscheck", "--windows", "100"])
    with pytest.raises(SystemExit):
        crosscheck.main()
    assert "give 200 or more" in capsys.readouterr().err
