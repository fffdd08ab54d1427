"""`ettwin measure` passes on what was asked, and says which options exclude each other."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboards.cli import main
from twin.farm import occupied
from workloads import measure
from workloads.measure import Request
from workloads.profile import SHIPPED, load

PROFILE = SHIPPED / "epyc-core" / "detector-torch.json"


@pytest.fixture
def ettwin(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["measure", *arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.mark.parametrize(
    ("option", "function"), [(None, "measure"), ("--times", "time_again"), ("--quality", "judge_again")]
)
def test_what_was_asked_reaches_the_measurement(ettwin, monkeypatch, tmp_path, option, function):
    asked = []

    def measured(request, out, now, progress):
        asked.append((request, out, now))
        return [PROFILE]

    monkeypatch.setattr(measure, function, measured)
    options = ("--runtime", "torch", "--hardware", "box", "--batch", "4", "--threads", "2", "--budget", "3")
    code, out, _ = ettwin("detector", "--out", str(tmp_path), *options, *([option] if option else []))
    request = Request("detector", "box", ["torch"], [1, 4], 2, 3.0, False, False)
    assert (code, asked) == (0, [(request, tmp_path, datetime.now(UTC).date().isoformat())])
    assert f"{'detector':<22}torch" in out
    assert str(PROFILE) in out


def test_a_quick_quality_on_drifted_data_may_be_asked_for(ettwin, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(measure, "judge_again", lambda request, *rest: asked.append(request) or [PROFILE])
    assert ettwin("detector", "--quality", "--quick", "--drift")[0] == 0
    assert (asked[0].quick, asked[0].drift, asked[0].batches) == (True, True, [1, 2, 4, 8])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--times", "--quality"),
            "--times, --quality, --occupancy and --overlaps each leave all else as it is: give one of them",
        ),
        (
            ("--times", "--occupancy"),
            "--times, --quality, --occupancy and --overlaps each leave all else as it is: give one of them",
        ),
        (
            ("--times", "--quick"),
            "--times and --occupancy leave the quality as it is: leave --quick and --drift out",
        ),
        (("--runtime", "abacus"), "workload 'detector' has no runtime 'abacus'; it has: onnxruntime, torch"),
        (("--overlaps", "--quality"), "each leave all else as it is"),
        (("--overlaps", "--drift"), "--overlaps is measured on data as they were: leave --drift out"),
        (("--streams", "2"), "'detector' is made for the 3 streams of a triangle, not for 2"),
        (("--streams", "2", "--drift"), "--occupancy and --drift are measured on the triangle's 3 streams"),
    ],
)
def test_what_excludes_each_other_is_refused(ettwin, options, message):
    code, _, err = ettwin("detector", *options)
    assert code == 2
    assert message in " ".join(err.split())


def test_what_a_batch_takes_a_server_is_added_to_the_profile(ettwin, tmp_path, monkeypatch):
    monkeypatch.setattr(occupied, "ROUNDS", 2)
    monkeypatch.setattr(occupied, "RESTARTS", 1)
    kept = replace(load(SHIPPED / "epyc-core" / "calibration-check-numpy.json"), hardware="host", occupancy=None)
    path = kept.save(tmp_path)
    options = ("--occupancy", "--runtime", "numpy", "--budget", "4", "--batch", "2", "--out", str(tmp_path))
    code, out, _ = ettwin("calibration-check", *options)
    assert code == 0
    assert f"{'numpy':<13}busy, batch 2" in out
    assert str(path) in out
    known = load(path)
    assert known.occupancy.passport["machine"]
    assert list(known.occupancy.busy) == [1, 2]
    assert replace(known, occupancy=None) == kept


def test_a_farm_needs_a_profile_to_add_to(ettwin, tmp_path):
    code, _, said = ettwin(
        "calibration-check", "--occupancy", "--runtime", "numpy", "--out", str(tmp_path), "--hardware", "x"
    )
    assert code == 4
    assert "no profile of workload 'calibration-check' with runtime 'numpy' on hardware 'x'" in said


def test_overlaps_are_asked_of_every_search_and_of_nothing_else(ettwin, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(measure, "overlaps_again", lambda request, *rest: asked.append(request.name) or [PROFILE])
    with pytest.raises(SystemExit):
        main(["measure", "--overlaps", "--out", str(tmp_path)])
    searches = ["detector", "detector-large", "early-warning", "early-warning-filter", "hybrid", "matched-filter"]
    assert asked == searches
    code, _, err = ettwin("witness", "--overlaps")
    assert (code, "'witness' looks for no signals" in err) == (2, True)
    code, _, err = ettwin("witness", "--streams", "2")
    assert (code, "'witness' sees no detectors' streams" in " ".join(err.split())) == (2, True)
