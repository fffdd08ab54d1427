"""The table of the workloads: counted operations, shares of the core's peak, and ratios that follow from rows."""

import json

import numpy as np
import pytest

from benchmarks.workloads import __main__ as command
from benchmarks.workloads import operations, rows
from workloads import spec


def test_operations_of_a_convolution_are_two_per_product():
    import torch

    conv = torch.nn.Conv1d(3, 5, 7, bias=False)
    x = np.zeros((2, 3, 100), np.float32)
    assert operations.of_module(conv, x) == 2 * 2 * 5 * 3 * 7 * (100 - 6)


def test_a_workload_that_is_no_network_has_its_own_formula():
    found = operations.count(spec.get("matched-filter"))
    assert found.how == "the workload's formula"
    assert found.per_unit == spec.get("matched-filter").operations() > 1e8


def test_the_peak_is_one_that_a_core_can_have():
    assert 1e9 < operations.peak_per_s(0.05) < 1e13


def row(name, runtime, batch, p50_ms, default):
    return {"workload": name, "runtime": runtime, "batch": batch, "p50_ms": p50_ms, "default": default}


def test_the_default_is_compared_with_the_best_at_the_same_batch():
    table = [
        row("a", "onnxruntime", 1, 3.0, True), row("a", "openvino", 1, 2.0, False),
        row("a", "openvino-bf16", 1, 1.0, False), row("a", "onnxruntime", 8, 9.0, True),
        row("a", "openvino", 8, 18.0, False),
    ]  # fmt: skip
    one, eight = rows.ratios(table)
    assert (one["default_over_best"], one["best"]) == (3.0, "openvino-bf16")
    assert (one["default_over_best_in_full_precision"], one["best_in_full_precision"]) == (1.5, "openvino")
    assert (eight["default_over_best"], eight["best"]) == (1.0, "onnxruntime")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "workloads.json"
    command.main(["detector", "--quick", "--out", str(path)])
    return path


def test_a_row_holds_what_it_was_made_from(written):
    content = json.loads(written.read_text())
    for line in content["rows"]:
        assert line["units_per_s"] == pytest.approx(1e3 * line["batch"] / line["p50_ms"])
        assert line["of_peak"] == pytest.approx(
            line["flop_per_unit"] * line["units_per_s"] / line["core_flop_per_s"]
        )
        assert line["of_peak"] > 0
        assert line["p50_ms"] <= line["p99_ms"]
        assert "of signals" in line["quality"]
        assert line["machine"]["cores"] >= 1
    told = {line["runtime"]: line["quality"] for line in content["rows"]}
    assert told["torch"] == told["onnxruntime"]
    runtimes = {line["runtime"] for line in content["rows"]}
    assert {"onnxruntime", "torch"} <= runtimes
    assert {line["batch"] for line in content["ratios"]} == {1, 4}


def test_another_workload_joins_the_file_and_the_same_is_replaced(written, capsys):
    command.write(written, [row("other", "numpy", 1, 1.0, True)], [])
    command.write(written, [row("other", "numpy", 1, 2.0, True)], [])
    content = json.loads(written.read_text())
    assert [line["p50_ms"] for line in content["rows"] if line["workload"] == "other"] == [2.0]
    assert any(line["workload"] == "detector" for line in content["rows"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nothing"], "no workload nothing; known: "), (["--quick"], "--quick measures nothing worth keeping")],
)
def test_what_cannot_be_measured_is_said(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err
