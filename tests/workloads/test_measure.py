"""Measuring: profiles that say what was done, and decisions that follow from strain."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.twin import profiles
from workloads import card, decisions, host, measure, profile, runtime, spec
from workloads.measure import Request
from workloads.profile import Aged, Response
from workloads.strain import EVENTS

AGED = (
    Aged({"lines": 2.0}, {"n": 10, "count": 1}, (6.0, 8.0), {"bbh": Response((5,), (4,))}, (0.1, 0.01), (2, 1)),
)


def measured(name, out, **asked):
    return measure.measure(Request(name, **asked), out, "2026-01-02")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(spec.get("glitch-classifier"), "tries", (40, 4), raising=False)
    out = tmp_path_factory.mktemp("profiles")
    runtimes = ("onnxruntime", "torch")
    yield measured("glitch-classifier", out, runtimes=runtimes, batches=(1, 2), budget_s=0.3), out
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
    found = profile.load(written[0][0]).decisions
    assert tuple(found.classes) == EVENTS
    assert all(r.n == (4,) * 7 for r in found.classes.values())
    assert found.noise["n"] == 40
    assert found.confusion["classes"] == ["none", *EVENTS]
    assert [sum(row) for row in found.confusion["counts"]] == [40] + [28] * len(EVENTS)


def test_loud_events_are_seen_more_often_than_quiet_ones():
    program = spec.load("detector")
    loud, quiet = (
        decisions.event_outputs(program, "bbh", np.full(32, snr), 3).outcome.mean() for snr in (25.0, 4.0)
    )
    assert loud > 0.8 > 0.3 > quiet


def test_decisions_are_the_same_when_measured_again():
    program = spec.load("detector")
    first, second = (decisions.event_outputs(program, "bbh", np.full(4, 9.0), 3).score for _ in range(2))
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
        match=r"detector: scores of the same input differ, torch from onnxruntime by 0\.\d+; allowed: 0\.001\. "
        r".* make the exported model again with 'ettwin train detector'",
    ):
        measured("detector", tmp_path, runtimes=("onnxruntime", "torch"))
    assert loaded == ["onnxruntime", "torch"]
    assert not list(tmp_path.iterdir())


def test_a_runtime_of_reduced_precision_is_judged_by_itself(tmp_path, monkeypatch):
    """Its scores differ by more than rounding: its profile has its own counts and says so, the others share."""
    load = spec.load
    workload = spec.get("detector")
    monkeypatch.setattr(workload, "tries", (16, 2), raising=False)
    monkeypatch.setattr(runtime, "REDUCED", ("torch",))

    def rounded(name, r, threads):
        program = load(name, r, threads)
        return program if r == "onnxruntime" else replace(program, network=lambda x: program.network(x) + 50.0)

    monkeypatch.setattr(spec, "load", rounded)
    paths = measured("detector", tmp_path, runtimes=("onnxruntime", "torch"), batches=(1,), budget_s=0.1)
    whole, reduced = (profile.load(p) for p in paths)
    assert whole.decisions.noise["count"] < reduced.decisions.noise["count"] == 16
    assert whole.passport["note"].endswith(
        "measured here on onnxruntime; scores differ from it by at most 0.0e+00"
    )
    assert reduced.passport["note"] == "decisions measured here"


def test_a_workload_that_decides_nothing_has_another_quality(tmp_path, monkeypatch):
    """A conditioning stage, say: its profile holds what its judge says, and the twin finds no decisions in it."""
    workload = spec.get("detector")
    said = []

    def judge(program, effort, seed, progress):
        said.append((program.runtime, effort))
        return spec.Quality("residual 0.3 of the noise (n=10)", {"residual": 0.3})

    monkeypatch.setattr(workload, "outcome", None, raising=False)
    monkeypatch.setattr(workload, "judge", judge, raising=False)
    runtimes = ("onnxruntime", "torch")
    paths = measured("detector", tmp_path, runtimes=runtimes, batches=(1,), budget_s=0.1, quick=True)
    assert said == [("onnxruntime", 0.1)]
    for path in paths:
        found = profile.load(path)
        assert found.decisions is None
        assert found.quality == {"headline": "residual 0.3 of the noise (n=10)", "residual": 0.3}


@pytest.mark.parametrize(("count", "n"), [(0, 3000), (3, 3000), (200, 200)])
def test_an_interval_is_that_of_clopper_and_pearson(count, n):
    from scipy.stats import binom

    low, high = decisions.interval(count, n)
    assert low == 0.0 if count == 0 else binom.sf(count - 1, n, low) == pytest.approx(0.025)
    assert high == 1.0 if count == n else binom.cdf(count, n, high) == pytest.approx(0.025)


def test_decisions_are_told_in_a_sentence():
    shipped = profile.load(profile.SHIPPED / "epyc-core" / "detector-torch.json").decisions
    told = decisions.headline(shipped)
    assert told.startswith("found ")
    assert "% of signals of SNR 8-10 (" not in told
    assert "of signals of SNR 12-16" in told
    assert f"n={shipped.noise['n']}) of noise" in told


def test_a_passport_names_no_build_of_the_system(monkeypatch):
    monkeypatch.setattr(host.platform, "system", lambda: "Linux")
    monkeypatch.setattr(host.platform, "release", lambda: "6.12.3-cluster07+")
    assert host.operating_system() == "Linux 6.12"


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
    if shipped.passport["standing"] == "published":
        assert "weights_sha256" not in shipped.passport  # it is of somebody else's program
        return
    assert shipped.passport["weights_sha256"] == about["weights_sha256"]
    assert (shipped.decisions is None) == (spec.get(shipped.workload).outcome is None)
    if shipped.decisions is not None and shipped.streams == spec.STREAMS:
        assert shipped.decisions.threshold == about["settings"]["threshold"]


@pytest.mark.parametrize("name", spec.names())
def test_every_runtime_that_needs_no_further_extra_and_no_gpu_has_a_shipped_profile(name):
    anywhere = (r for r in spec.get(name).runtimes if r not in runtime.PRECISION)
    own = [r for r in anywhere if runtime.EXTRA.get(runtime.PACKAGE.get(r)) in (None, "live")]
    assert {p.stem for p in SHIPPED} >= {f"{name}-{r}" for r in own}


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
    program = SimpleNamespace(workload=spec.get("detector"), runtime="onnxruntime", weights_sha256=weights)
    both, how = measure._with_shipped(program, here)
    assert both.noise["n"] == n
    assert how.startswith("measured here (n=100)")


def timed_again(folder, batches):
    request = Request("glitch-classifier", runtimes=("onnxruntime",), batches=batches, budget_s=0.2)
    return profile.load(measure.time_again(request, folder, "2026-02-03")[0])


def test_times_are_measured_again_and_quality_stays(written, tmp_path):
    before = profile.load(written[0][0])
    replace(before, ageing=AGED).save(tmp_path)
    again = timed_again(tmp_path, (1, 4))
    assert (again.decisions, again.ageing) == (before.decisions, AGED)
    assert [s.batch for s in again.service] == [1, 4]
    assert (again.passport["date"], again.passport["note"]) == ("2026-02-03", before.passport["note"])


def test_times_of_other_weights_are_not_put_beside_the_quality(written, tmp_path):
    given = profile.load(written[0][0])
    replace(given, passport={**given.passport, "weights_sha256": "0" * 64}).save(tmp_path)
    with pytest.raises(profile.ProfileError, match="of other weights than the shipped ones"):
        timed_again(tmp_path, (1,))


def test_quality_is_measured_again_and_times_stay(written, tmp_path, monkeypatch):
    monkeypatch.setattr(spec.get("glitch-classifier"), "tries", (20, 2), raising=False)
    before = [replace(profile.load(path), ageing=AGED) for path in written[0]]
    for given in before:
        given.save(tmp_path)
    request = Request("glitch-classifier", runtimes=("onnxruntime", "torch"))
    after = [profile.load(p) for p in measure.judge_again(request, tmp_path, "2026-02-03")]
    for old, new in zip(before, after, strict=True):
        assert (new.service, new.ageing) == (old.service, AGED)
        assert (old.decisions.noise["n"], new.decisions.noise["n"]) == (40, 20)
        assert new.passport == {**old.passport, "note": new.passport["note"]}
        assert new.passport["note"].endswith("; 2026-02-03")
    replace(before[0], passport={**before[0].passport, "weights_sha256": "0" * 64}).save(tmp_path)
    with pytest.raises(profile.ProfileError, match=r"of other weights .* measure its times as well"):
        measure.judge_again(request, tmp_path, "2026-02-03")


def test_a_slow_workload_is_compared_and_timed_on_few_units(tmp_path, monkeypatch):
    workload, asked = spec.get("detector"), []
    units = workload.units
    monkeypatch.setattr(workload, "tries", (4, 1), raising=False)
    monkeypatch.setattr(workload, "few", 3, raising=False)
    monkeypatch.setattr(workload, "units", lambda n, seed: asked.append(n) or units(n, seed), raising=False)
    path, _ = measured("detector", tmp_path, runtimes=("onnxruntime", "torch"), batches=(8, 1, 2), budget_s=0.1)
    assert [s.batch for s in profile.load(path).service] == [1, 2]
    assert asked == [3, 16, 16]
    assert spec.within_reach(workload, (8, 32)) == [1]
