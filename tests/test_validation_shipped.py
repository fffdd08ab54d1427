"""The committed validation, and the pages that tell of it."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from benchmarks import unsteady
from dashboards.validation_tables import worths
from dashboards.validation_text import table, worths_table
from twin.validation.cases import CASES
from twin.validation.goals import MET, MISSED
from workloads.occupancy import TERMS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "validation"
RESULT = json.loads((FOLDER / "validation.json").read_text())


@pytest.mark.parametrize("told", [table, worths_table])
def test_the_page_tells_what_was_found(told):
    assert told(RESULT) in (ROOT / "docs" / "validation.md").read_text()


def test_the_page_tells_what_was_found_on_a_machine_that_wanders():
    kept = json.loads(unsteady.PATH.read_text())
    assert unsteady.told(kept) in unsteady.PAGE.read_text()
    known = [abs(case["known_speed"]["capacity_error"]) for case in kept["cases"]]
    foretold = [abs(e) for case in kept["cases"] if (e := case["capacity_error"]) is not None]
    assert np.median(known) < 0.25 * np.median(foretold)
    assert all(case["replayed"] and case["lost"] == 0 for case in kept["cases"])


def test_every_case_is_there_with_as_many_jobs_as_were_wanted():
    names = [case["name"] for case in RESULT["cases"]]
    assert [case.name for case in CASES] == list(dict.fromkeys(name.partition(":")[0] for name in names))
    assert all(sum(c["n"] for c in RESULT["cases"] if c["name"].startswith(case.name)) >= 20_000 for case in CASES)


def test_every_run_was_replayed_and_no_job_was_lost():
    assert all(case["replayed"] and case["lost"] == 0 for case in RESULT["cases"])


def test_every_prediction_was_written_before_its_farm_began_and_is_the_one_that_is_kept():
    kept = {sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("prediction-*.json")}
    for case in RESULT["cases"]:
        assert case["prediction"]["sha256"] in kept
        assert case["prediction"]["written"] <= case["prediction"]["farm_began"]
    assert len(kept) == len(CASES)


def test_the_profile_is_the_one_that_is_kept_and_each_of_its_terms_was_left_out():
    assert RESULT["profile"]["sha256"] == sha256((FOLDER / "profile.json").read_bytes()).hexdigest()
    assert [row["without"] for row in RESULT["ablation"]] == ["nothing", *TERMS]


def test_the_readme_tells_what_was_found():
    told = " ".join((ROOT / "README.md").read_text().split())
    known = {case["name"]: case for case in RESULT["cases"]}
    verdicts = [f["prediction_error"]["verdict"] for c in RESULT["cases"] for f in c["figures"].values()]
    met, missed = verdicts.count(MET), verdicts.count(MISSED)
    assert f"{met} of {met + missed} predicted figures that have a goal met it, {missed} missed" in told
    most = max(abs(known[name]["capacity_error"]) for name in ("load 0.9", "two servers, load 0.9"))
    assert f"Capacity at 0.9 of it was foretold to {100 * most:.1f} % on one server and on two" in told
    usual = worths(RESULT).set_index("term").loc["occupancy"]
    assert f"the median latency to {100 * usual['p50_with_all']:.1f} % in the usual case" in told
    assert f"{100 * usual['p50_without']:.1f} % with the program's own time alone" in told
    assert len(known) == 14
