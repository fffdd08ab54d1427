"""A model refined on minutes of recorded noise: what it may learn from, and that it helps."""

import numpy as np
import pytest

from workloads import decisions, drift, spec, train
from workloads.drift import Drift
from workloads.models import glitch_classifier
from workloads.recording import Recording
from workloads.spec import RATE_HZ, STREAMS
from workloads.strain import Strain
from workloads.training import TrainingError

TILTED = Drift(colour=0.1)


def said(done, text):
    """Nothing."""


@pytest.fixture(scope="module")
def recorded():
    return Recording(TILTED, 1.0, 5)


def test_windows_come_from_the_recorded_minutes(recorded):
    whole = Strain(5, (), TILTED).window(60.0, 60.0)
    windows = recorded.windows(20, 2.0, np.random.default_rng(1))
    assert windows.shape == (20, STREAMS, 2 * RATE_HZ)
    for window in windows:
        at = np.flatnonzero(whole[0] == window[0, 0])[0]
        assert (whole[:, at : at + 2 * RATE_HZ] == window).all()


def test_single_streams_are_windows_of_one_stream(recorded):
    rows = recorded.white_streams(50, 1000, np.random.default_rng(1))
    assert rows.shape == (50, 1000)
    assert rows.std() == pytest.approx(recorded.white(50, 1000, np.random.default_rng(2)).std(), rel=0.1)


@pytest.mark.parametrize("minutes", [0.1, 1e4, float("nan")])
def test_an_impossible_length_is_refused(minutes):
    with pytest.raises(ValueError, match=r"minutes of data; allowed: 0\.5 to 240"):
        Recording(drift.NONE, minutes, 1)


def test_segments_and_signals_lie_within_the_recording(recorded):
    program = spec.load("glitch-classifier")
    starts = decisions._segments_of(program, recorded)
    assert starts[0] - (program.workload.unit.duration_s - 1 - 0.25) >= 0
    assert starts[-1] + 1 + 0.25 <= 60
    assert len(decisions.recorded_outputs(program, recorded, said).score) == len(starts)
    assert len(decisions.recorded_signals(program, recorded, np.full(5, 20.0), said).score) == 5


def test_a_workload_that_cannot_learn_from_recordings_says_so(tmp_path, recorded):
    with pytest.raises(TrainingError, match=r"matched-filter does not .*; those that do: .*glitch-cl"):
        train.train("matched-filter", tmp_path, 1, said, "2026-01-02", recorded=recorded)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def refined(tmp_path_factory, recorded):
    out, lessons = tmp_path_factory.mktemp("refined"), glitch_classifier._lessons
    with pytest.MonkeyPatch.context() as patch:  # a sixth of the waveforms teaches a minute's noise as well
        patch.setattr(glitch_classifier, "_lessons", lambda n, rng: lessons(n // 6, rng))
        patch.setattr(glitch_classifier, "_HELD_OUT", 1024)
        train.train("glitch-classifier", out, 1, said, "2026-01-02", 60, 200, "shipped", recorded)
    return spec.load("glitch-classifier", folder=out)


def test_refinement_on_a_minute_of_tilted_noise_wins_back_what_the_tilt_took(refined):
    shipped = spec.load("glitch-classifier")
    before, after = (decisions.noise_outputs(p, 300, 99, drift=TILTED).outcome.mean() for p in (shipped, refined))
    assert before > 0.1 > 0.06 > after
    loud = decisions.event_outputs(refined, "blip", np.full(40, 40.0), 9, drift=TILTED)
    assert loud.outcome.mean() > 0.7
