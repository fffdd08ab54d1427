"""No assumed number is unmarked: all values of bundled scenarios have a standing and a source, or are choices.

Of catalogues the same is held by tests/sites/test_catalogue.py.
"""

import re

import pytest

from twin.loader import bundled, checked, load
from twin.sections import UNSOURCED

CHOICES = {
    "how long, how often and by what chance is run": r"horizon|drain|warm_up|replicas|seed|profile_terms",
    "what instrument there is": r"instrument\.(detectors|site|stride|sample_rate|low_frequency|auxiliary\.groups)",
    "what a stage runs": (
        r"stages\.[^.]+\.(work|role|runtime|fallback(\.\d+)?(\.(work|runtime))?|fallback_runtime)"
    ),
    "which surge is asked about": r"sky\.(multiplicity|overlaps)|sky\.replay\.file|sky\..*\.(classes|found_as)",
    "where, and how many servers": r"sites\.[^.]+\.(latitude|longitude|pools\.[^.]+\..+)",
    "what is done, where and how": (
        r"stages\.[^.]+\.(after|join|shards(\.(count|per|template_blocks|channel_groups))?|stride|awaits\..+|on|guard|gate"
        r"|publishes|priority|preempt|max_batch|max_wait|shelf_life|stale|deadline|queue\..+|admit_wait|route|spill|data"
        r"|attempts\.(timeout|retries|backoff))|load_reports|live|products\..+"
    ),
    "what is wanted": r"targets\..+",
    "what happens, and what is done then": r"timeline\..+",
    "how the law of drift goes": r"drifts\.[^.]+\.(of|law|every)",
    "what alerts carry, and who is asked": r"alerts\..+|shifts\.(of|sure)",
}
"""Keys of what a planner decides or asks: the only ones that may come without a standing."""
LAWS = r"timeline\.[^.]+\.(time_to_failure|time_to_repair)\..+"
"""Of what happens by chance, which is no choice."""


def variants(name):
    """The scenario, with each of its overrides, and in each of its cases."""
    scenario, others = checked(name)
    return {"as it is": scenario, **others}


def unmarked(scenario):
    """Keys of values that have no standing and are no choices."""
    allowed = re.compile("|".join(f"(?:{pattern})" for pattern in CHOICES.values()))
    return {
        entry.key
        for entry in scenario.inputs()
        if entry.source == UNSOURCED
        or (entry.standing == "scenario" and (not allowed.fullmatch(entry.key) or re.fullmatch(LAWS, entry.key)))
    }


@pytest.mark.parametrize("name", bundled())
def test_every_number_of_every_variant_has_a_standing_and_a_source(name):
    for what, scenario in variants(name).items():
        assert not unmarked(scenario), what


@pytest.mark.parametrize("name", bundled())
def test_a_standing_says_where_it_is_from(name):
    for what, scenario in variants(name).items():
        bare = [entry.key for entry in scenario.inputs() if entry.standing != "scenario" and len(entry.source) < 3]
        assert not bare, what


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("instrument.calibration", "4 s"),
        ("sky.signals.bbh.rate", "1e5 /yr"),
        ("stages.alert.time", "1 s"),
        ("drifts.louder", {"of": "level", "amount": 0.05, "per": "30 d"}),
        ("sky.glitches.storms", {"rate": "1 /d", "mean": "1 h", "factor": 3}),
        ("instrument.duty", {"up": "5 h", "down": "1 h"}),
        ("sites.cnaf.pools.cpu.servers", None),
    ],
)
def test_what_is_unmarked_is_seen(key, value):
    scenario = load("first-light")
    changed = scenario if value is None else scenario.with_({key: value})
    assert any(found.startswith(key) for found in unmarked(changed)) == (value is not None)


def test_the_law_of_a_failure_is_no_choice():
    text = {"law": "weibull", "mean": {"value": "4 d", "standing": "assumed", "source": "test"}, "shape": 0.7}
    changed = load("faulty-farm").with_({"timeline.crashes.time_to_failure": text})
    assert "timeline.crashes.time_to_failure.shape" in unmarked(changed)
