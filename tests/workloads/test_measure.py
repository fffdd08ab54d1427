"""Measuring: profiles that say what was done, and decisions that follow from strain."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.twin import profiles
from workloads import card, measure, profile, spec
from workloads.profile import Response
from workloads.sky import CLASSES


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setitem(measure.TRIES, "glitch-classifier", (40, 4))
    out = tmp_path_factory.mktemp("profiles")
    yield measure.measure("glitch-classifier", out, "2026-01-02", batches=(1, 2), budget_s=0.3), out
    patch.undo()


def test_one_profile_per_runtime_is_written_where_the_twin_looks(written):
    paths, out = written
    found = [profile.find("glitch-classifier", r, "host", (out,)) for r in ("onnxruntime", "torch")]
    assert [p.path for p in found] == paths
    assert [s.batch for s in found[0].service] == [1, 2]
    assert found[0].passport["date"] == "2026-01-02"
    assert found[0].passport["weights_sha256"] == spec.load("glitch-classifier").weights_sha256


def test_a_spent_budget_is_said_to_be_unsettled(written):
    assert not any(s.settled for s in profile.load(written[0][0]).service)


def test_decisions_cover_every_class_and_bin(written):
    decisions = profile.load(written[0][0]).decisions
    assert set(decisions.classes) == set(CLASSES)
    assert all(r.n == (4,) * 7 for r in decisions.classes.values())
    assert decisions.noise["n"] == 40
    assert decisions.confusion["classes"] == ["none", *CLASSES]
    assert [sum(row) for row in decisions.confusion["counts"]] == [40] + [28] * len(CLASSES)


def test_loud_events_are_seen_more_often_than_quiet_ones():
    program = spec.load("detector")
    loud, quiet = (
        measure.event_outputs(program, "bbh", np.full(32, snr), 3).outcome.mean() for snr in (25.0, 4.0)
    )
    assert loud > 0.8 > 0.3 > quiet


def test_decisions_are_the_same_when_measured_again():
    program = spec.load("detector")
    first, second = (measure.event_outputs(program, "bbh", np.full(4, 9.0), 3).score for _ in range(2))
    assert (first == second).all()


def test_runtimes_that_score_differently_are_not_measured_as_one(tmp_path, monkeypatch):
    """Noise scores agree; only the loud events of the second runtime are off, as after a wrong export."""
    load, loaded = spec.load, []
    threshold = load("detector").threshold

    def spoiled(name, runtime, threads):
        loaded.append(runtime)
        program = load(name, runtime, threads)
        return program if runtime == "onnxruntime" else replace(program, network=lambda x: off(program.network(x)))

    def off(raw):
        return np.where(raw > threshold, 1.01 * raw, raw)

    monkeypatch.setattr(spec, "load", spoiled)
    with pytest.raises(
        profile.ProfileError,
        match=r"detector: scores of the same strain differ, torch from onnxruntime by 0\.\d+; allowed: 0\.001\. "
        r".* make the exported model again with 'ettwin train detector'",
    ):
        measure.measure("detector", tmp_path, "2026-01-02")
    assert loaded == ["onnxruntime", "torch"]
    assert not list(tmp_path.iterdir())


def test_a_passport_names_no_build_of_the_system(monkeypatch):
    monkeypatch.setattr(measure.platform, "system", lambda: "Linux")
    monkeypatch.setattr(measure.platform, "release", lambda: "6.12.3-cluster07+")
    assert measure.operating_system() == "Linux 6.12"


def test_profiles_of_one_and_four_threads_lie_side_by_side(tmp_path):
    one = replace(profile.load(SHIPPED[0]), threads=1)
    four = replace(one, threads=4)
    work, runtime, kind = one.workload, one.runtime, one.hardware
    assert one.save(tmp_path).name == f"{work}-{runtime}.json"
    assert four.save(tmp_path).name == f"{work}-{runtime}-4threads.json"
    assert profile.find(work, runtime, kind, (tmp_path,)) == one
    assert profile.find(work, runtime, kind, (tmp_path,), threads=4) == four


@pytest.mark.parametrize(
    ("hardware", "threads", "options", "where"),
    [
        ("host", 1, "", "this machine"),
        ("host", 4, " --threads 4", "this machine"),
        ("arm", 2, " --hardware arm --threads 2", "such a machine"),
    ],
)
def test_the_advice_measures_what_is_missing(hardware, threads, options, where, tmp_path):
    command = f"Run 'ettwin measure detector --runtime torch{options}' on {where}"
    with pytest.raises(profile.ProfileError, match=command):
        profile.find("detector", "torch", hardware, (tmp_path,), threads)
    found = replace(profile.load(SHIPPED[0]), workload="detector", hardware=hardware, threads=threads)
    with pytest.raises(profile.ProfileError, match=f"run 'ettwin measure detector --batch 64{options}'"):
        found.service_table(64)


SHIPPED = sorted(profile.SHIPPED.glob("*/*.json"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_profile_is_of_the_shipped_weights(path):
    shipped = profile.load(path)
    about = card.read(shipped.workload)
    assert shipped.passport["weights_sha256"] == about["weights_sha256"]
    assert shipped.decisions.threshold == about["threshold"]


@pytest.mark.parametrize("name", spec.NAMES)
def test_every_runtime_of_a_workload_has_a_shipped_profile(name):
    assert {p.stem for p in SHIPPED} >= {f"{name}-{r}" for r in spec.get(name).runtimes}


def test_both_searches_keep_their_stated_false_alarm_probability():
    """Their thresholds were set on other noise; the counts are Poisson around 1e-3 of the segments."""
    for name in ("detector", "matched-filter"):
        noise = profile.load(profile.SHIPPED / "epyc-core" / f"{name}-torch.json").decisions.noise
        expected = 1e-3 * noise["n"]
        assert abs(noise["count"] - expected) <= 3 * np.sqrt(expected)


@pytest.mark.parametrize(
    ("weights", "threshold", "n"), [("0" * 64, 8.0, 1100), ("1" * 64, 8.0, 100), ("0" * 64, 9.0, 100)]
)
def test_quick_decisions_join_the_shipped_ones_of_the_same_program_only(
    tmp_path, monkeypatch, weights, threshold, n
):
    shipped = profiles.make("detector", 0.01, "trigger", 0.9, 0.1, 0.01, hardware="epyc-core")
    shipped.save(tmp_path)
    monkeypatch.setattr(measure, "SHIPPED", tmp_path)
    here = replace(
        shipped.decisions,
        threshold=threshold,
        noise={"n": 100, "count": 1},
        classes={c: Response((10,) * 3, (9,) * 3 if c == "bbh" else (1,) * 3) for c in shipped.decisions.classes},
    )
    program = SimpleNamespace(
        workload=SimpleNamespace(name="detector"), runtime="onnxruntime", weights_sha256=weights
    )
    decisions, how = measure._with_shipped(program, here)
    assert decisions.noise["n"] == n
    assert how.startswith("measured here (n=100)")
