"""Damaged scenario files: whatever they hold, they load or are refused as a ScenarioError, quickly."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.twin.wrong import SMALL
from twin.loader import ScenarioError, loads

FRAGMENTS = (
    " ", "\n# note\n", "12", "-1 s", "1e999", ".nan", "null", "~", "[]", "{}", "[[", "}", "&a", "*a", "!!x", "? ",
    "- ", ": ", "#", "'", '"', "\t", "\x00", "%", "---", "...", "|", ">", "<<: ", "on: ", "kind: ", "9" * 50,
    "1e5 /yr", "10 %", "sos-enattos.cpu", "cnaf", "dq", "detect", "{value: 1 s}", "[a, [b]]", "{a: {b: {c: 1}}}",
    "\u2028", "\ufeff", "é", "\U0001f300",
)  # fmt: skip

LINES = SMALL.splitlines()
WORDS = sorted(set(SMALL.split()))


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The small scenario after a few cuts, insertions, swaps and repetitions."""
    text = SMALL
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("insert", "cut", "line", "word")))
        at = draw(st.integers(0, len(text)))
        if kind == "insert":
            text = text[:at] + draw(st.sampled_from(FRAGMENTS)) + text[at:]
        elif kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 40)) :]
        elif kind == "line":
            text = text[:at] + "\n" + draw(st.sampled_from(LINES)) + "\n" + text[at:]
        else:
            text = text.replace(draw(st.sampled_from(WORDS)), draw(st.sampled_from((*FRAGMENTS, *WORDS))), 1)
    return text


def outcome(text: str | bytes) -> str:
    began = time.thread_time()
    try:
        scenario = loads(text, "bad.yaml")
    except ScenarioError as error:
        said = str(error)
    else:
        assert loads(scenario.resolved()) == scenario
        said = "right"
    assert said
    assert time.thread_time() - began < 1.0  # of computing: no input takes the parser ages
    return said


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_damaged_text_loads_or_is_explained(text):
    assert outcome(text)


def test_a_stage_that_stands_among_storms_is_explained():
    line = "  storm: {kind: storm, factor: 20, at: 4 h, lasts: 6 h}\n"
    said = outcome(SMALL.replace("stages:\n", f"stages:\n{line}"))
    assert "stages.storm.factor: unknown key 'factor'; known: work, runtime" in said


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_explained(raw):
    assert outcome(raw) != "right"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PATHS = ("seed", "horizon", "sky", "sky.glitches.rate", "sky.signals.bbh", "stages", "stages.dq", "stages.dq.on",
         "stages.dq.time", "timeline", "timeline.storm", "timeline.storm.kind", "links", "targets.alert_latency",
         "overrides", "profiles", "live", "sites.cnaf.pools", "instrument.calibration", "based_on")  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), value=values)
def test_any_python_value_is_taken_or_explained(path, value):
    try:
        said = loads(SMALL, set_={path: value}).name
    except ScenarioError as error:
        said = str(error)
    assert said
