"""LoadGen's modes and the twin's capacity: the search finds a border, a queue with a known tail is where it is."""

from __future__ import annotations

import json
import math
from importlib import import_module

import numpy as np
import pytest

from benchmarks.loadgen.capacity import SPELL_S, p99_s, predicted_per_s, search, tempo
from benchmarks.loadgen.verdict import of_capacity, of_ratio, verdicts


@pytest.fixture
def command():
    """The benchmark, where LoadGen is installed."""
    pytest.importorskip("mlperf_loadgen")
    return import_module("benchmarks.loadgen.__main__")


@pytest.mark.parametrize("border", [3.0, 7.3, 14.0, 41.0])
def test_a_border_is_enclosed_wherever_it_lies(border):
    low, high = search(lambda rate: rate <= border, 8.0, 16.0, steps=6)
    assert low <= border < high
    assert high - low < 0.01 * border + 0.13


def test_a_border_that_is_nowhere_is_not_made_up():
    with pytest.raises(ValueError, match="is valid: lower the bound on the latency"):
        search(lambda rate: True, 8.0, 16.0)
    with pytest.raises(ValueError, match=r"no rate down to .* is valid: raise the bound on the latency"):
        search(lambda rate: False, 8.0, 16.0)


def test_the_capacity_is_that_of_a_queue_with_a_known_tail():
    """M/M/1: the time in the system is exponential with rate mu - lambda, so p99 = ln 100 / (mu - lambda)."""
    u = np.linspace(0.0, 1.0, 4097)
    u[-1] = 1.0 - 0.3 / 4097
    service_s = -np.log1p(-u)[None] * 1e-3
    found = predicted_per_s(service_s, 0.02, 200.0, range(3))
    assert float(np.mean(found)) == pytest.approx(1000.0 - math.log(100) / 0.02, rel=0.02)


def test_a_server_that_idling_slows_down_takes_longer():
    warm = np.full((1, 2), 1e-3)
    cold = np.stack([warm, *[2 * warm] * 7])
    assert p99_s(cold, 300.0, 20.0, 1) > p99_s(warm, 300.0, 20.0, 1)


def test_slow_calls_that_come_together_cost_capacity_and_alone_cost_none():
    """Half of all calls take four times as long as the others: one in two, or 50 ms of them."""
    begin_s = np.arange(4000) * (SPELL_S / 50 + 1e-10)
    slow = (np.arange(4000) // 50) % 2 == 0
    spans_s = np.stack([begin_s, begin_s + np.where(slow, 8e-4, 2e-4)], axis=1)
    factors, even = tempo([spans_s, spans_s + 7.0])
    assert factors == pytest.approx(np.tile([1.6, 0.4], 80))
    assert np.concatenate(even) == pytest.approx(np.full(8000, 5e-4))
    together = predicted_per_s(np.full((1, 2), 5e-4), 0.02, 30.0, range(2), factors)
    alone = predicted_per_s(np.repeat([[2e-4, 8e-4]], 2, axis=1), 0.02, 30.0, range(2))
    assert together.mean() < 0.95 * alone.mean()


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.96, 1.04, "agrees within 5%"),
        (0.94, 1.04, "undecided"),
        (0.96, 1.06, "undecided"),
        (0.5, 2.0, "undecided"),
        (0.8, 0.94, "differs by more than 5%"),
        (1.06, 1.2, "differs by more than 5%"),
    ],
)
def test_only_an_interval_close_to_one_is_agreement(low, high, verdict):
    assert of_ratio({"low": low, "high": high}).startswith(f"{verdict}: ratio {low:.3f} to {high:.3f}")


@pytest.mark.parametrize(("per_s", "verdict"), [(443.0, "differs"), (475.0, "agrees"), (512.0, "differs")])
def test_a_capacity_agrees_if_the_twin_has_such_runs(per_s, verdict):
    twin = {"per_s_of_95_percent_of_runs": [444.0, 511.0], "loadgen_over_twin": 0.967}
    assert of_capacity(per_s, twin).startswith(f"{verdict}: {per_s:.0f}/s, the twin's runs 444 to 511/s")


def test_on_a_machine_that_others_use_there_is_no_verdict():
    assert verdicts({"contention": {"unfit": "not measurable here"}}) == {"all": "none: not measurable here"}


def test_the_command_writes_what_it_found(tmp_path, capsys, monkeypatch, command):
    """With a bound so wide that no stall of a busy machine exceeds it: overload does."""
    monkeypatch.setattr(import_module("benchmarks.loadgen.session"), "BOUND_S", 0.3)
    out = tmp_path / "loadgen.json"
    command.main(["--quick", "--out", str(out)])
    told = json.loads(out.read_text())
    stream, server = told["single_stream"], told["server"]
    assert stream["p50_over_profile"]["low"] <= stream["p50_over_profile"]["ratio"]
    assert stream["p50_ms"] <= stream["p90_ms"]
    assert all(run["in_time"] == (run["p99_ms"] <= server["bound_ms"]) for run in server["runs"])
    (found,) = server["searches"]
    assert found["valid_per_s"] in [run["per_s"] for run in server["runs"] if run["in_time"]]
    assert found["invalid_per_s"] in [run["per_s"] for run in server["runs"] if not run["in_time"]]
    assert [*server["twin"]] == [
        "fed the profile",
        "fed calls among arrivals",
        "fed calls among arrivals and their tempo",
        "fed the runs' own calls and their tempo",
    ]
    assert told["verdicts"]
    said = capsys.readouterr().out
    assert "SingleStream  p50" in said
    assert all(f"{what}: {verdict}" in said for what, verdict in told["verdicts"].items())


def test_a_quick_run_is_not_kept(capsys, command):
    with pytest.raises(SystemExit):
        command.main(["--quick"])
    assert "--quick measures nothing worth keeping: give --out FILE" in capsys.readouterr().err


def test_the_page_tells_what_was_measured_last(command):
    """Where it does not, what `python -m benchmarks.loadgen` prints goes into its table."""
    page = (command.PATH.parents[1] / "docs" / "serving.md").read_text()
    found = json.loads(command.PATH.read_text())
    stream, offline, server = found["single_stream"], found["offline"], found["server"]
    ratios = stream["p50_over_profile"], stream["p90_over_profile"], offline["over_profile"]
    wanted = [command.told(ratio) for ratio in ratios]
    wanted += [f"{stream['p50_ms']:.2f} ms", f"{offline['per_s']:.0f}/s", f"{server['per_s']:.0f}/s"]
    wanted += [
        f"{server['twin'][fed]['loadgen_over_twin']:.3f} of the twin's"
        for fed in ("fed the profile", "fed calls among arrivals", "fed calls among arrivals and their tempo")
    ]
    assert [one for one in wanted if one not in page] == []
    assert ("no verdict stands" in page) == (found["contention"]["unfit"] is not None)
    assert found["verdicts"] == verdicts(found)
