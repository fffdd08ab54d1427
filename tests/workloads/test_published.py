"""What is told of hardware that is not at hand is never called measured, and says where it is from."""

import numpy as np
import pytest

import twin
from workloads import profile
from workloads.profile import SHIPPED
from workloads.published import FIGURES, Scaled


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f"{f.workload} on {f.hardware}")
def test_a_shipped_figure_is_the_one_that_is_told(figure, tmp_path):
    path = figure.profile().save(tmp_path)
    assert (SHIPPED / path.relative_to(tmp_path)).read_text() == path.read_text()
    assert profile.load(path).passport["standing"] == ("scaled" if isinstance(figure, Scaled) else "published")


def test_every_shipped_profile_that_was_not_measured_is_a_told_figure():
    told = {f"{f.hardware}/{f.workload}-{f.runtime}.json" for f in FIGURES}
    for path in SHIPPED.glob("*/*.json"):
        name = str(path.relative_to(SHIPPED))
        assert (profile.load(path).passport["standing"] == "measured") == (name not in told)


def test_scaled_times_are_the_measured_ones_divided():
    figure = next(f for f in FIGURES if isinstance(f, Scaled))
    measured = profile.find(figure.workload, figure.runtime, figure.measured_on, ())
    scaled = figure.profile()
    assert np.allclose(scaled.service_table(4) * figure.speed_up, measured.service_table(4), rtol=1e-12)
    assert scaled.decisions == measured.decisions
    assert scaled.passport["weights_sha256"] == measured.passport["weights_sha256"]


def test_a_run_on_such_hardware_says_so():
    changes = {
        "sites.cnaf.pools.gpu": {"hardware": "a100", "servers": 1},
        "stages.candidate.on": ["cnaf.gpu"],
        "horizon": "10 min",
        "timeline": {},
        "replicas": 1,
    }
    inputs = twin.run(twin.load("first-light").with_(changes)).inputs
    row = inputs[inputs["key"].str.startswith("stages.candidate on cnaf.gpu")].iloc[0]
    assert row["standing"] == "scaled"
    assert "arXiv:2410.16416" in row["source"]
