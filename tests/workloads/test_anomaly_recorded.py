"""The anomaly detector refined on a minute of recorded noise: what it learns from, and that it helps."""

from dataclasses import replace

import numpy as np
import pytest

from workloads import decisions, export, runtime, spec
from workloads.dataquality import anomaly, examples
from workloads.drift import Drift
from workloads.models import anomaly_detector
from workloads.recording import Recording
from workloads.training import Course

LOUDER = Drift(level=0.5)
NOISE, TRIES = 200, 40


def said(done, text):
    """Nothing."""


@pytest.fixture(scope="module")
def recorded():
    return Recording(LOUDER, 1.0, 5)


@pytest.fixture(scope="module")
def shipped():
    return spec.load("anomaly-detector")


@pytest.fixture(scope="module")
def refined(recorded):
    """After a few steps with a few binaries, on the minute of louder noise: the program and what it was taught."""
    known = examples.waveforms(40, np.random.default_rng(3))
    workload = spec.get("anomaly-detector")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examples, "waveforms", lambda n, rng: known)
        patch.setattr(anomaly_detector, "_HELD_OUT", 64)
        patch.setattr(anomaly_detector, "_REFINED", 640)
        taught = workload.teach(Course(1, said, 20, runtime.stored(workload), recorded=recorded))
    program = export.trained_program(workload, taught.weights, {"threshold": np.inf})
    settings, chosen = workload.settle(program, 10 * TRIES, said, recorded)
    return replace(program, settings=settings), taught, chosen


def test_windows_to_learn_from_are_of_the_recorded_noise(recorded):
    known = examples.waveforms(5, np.random.default_rng(3))
    usual, louder = (
        examples.windows(known, 40, anomaly.SAMPLES, (0.7, 2.6), (5.0, 5.0), np.random.default_rng(4), r)
        for r in (None, recorded)
    )
    assert louder.shape == usual.shape
    assert louder.std() / usual.std() == pytest.approx(1.5, rel=0.05)


def test_it_is_set_to_the_segments_that_were_recorded(refined, recorded):
    program, taught, chosen = refined
    assert taught.steps == 20
    assert "640 of their kind" in taught.held_out["data"]
    assert chosen["noise_segments"] == len(decisions.recorded_outputs(program, recorded, said).score)
    assert chosen["noise_flagged"] * chosen["noise_segments"] <= 2


def test_a_minute_of_louder_noise_wins_back_what_the_noise_took(refined, shipped):
    before, after = (
        decisions.noise_outputs(p, NOISE, 99, drift=LOUDER).outcome.mean() for p in (shipped, refined[0])
    )
    assert before > 0.9
    assert after < 0.1
    heard = decisions.event_outputs(refined[0], "bbh", np.geomspace(8.0, 100.0, TRIES), 9, drift=LOUDER)
    assert heard.outcome.mean() < 0.15
    loud = decisions.event_outputs(refined[0], "blip", np.full(TRIES, 60.0), 9, drift=LOUDER)
    assert loud.outcome.mean() > 0.8
