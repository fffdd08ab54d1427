"""A study's YAML as sections, strict like a scenario's: what is asked, of which scenario, how often it is run.

The kinds of studies add their own sections (twin.studies.registry). Knows no file and no value's meaning.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, create_model

from twin.sections import Name, Names, Section, Texts
from twin.studies.registry import KINDS
from twin.studies.sequential import Precision
from twin.studies.sweep import Sample


class Head(Section):
    """A study of the Einstein Telescope's low-latency computing: one question to many runs of a scenario."""

    schema_version: Literal[1]
    """Version of this format."""
    name: Name
    """Lower-case letters, digits and '-'."""
    question: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    """What it answers, in a planner's words."""
    scenario: Annotated[str, StringConstraints(min_length=1)]
    """What is run: a shipped scenario, or a file beside this one."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Chance; by default the scenario's. Every point has the same sky and luck."""
    replicas: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Independent repetitions of every point; by default as many as the scenario has. Not with precision."""
    precision: Precision | None = None
    """Instead of replicas: add them until the results are so precise."""
    report: Texts | None = None
    """Quantities that are told and drawn, such as latency.p99 or lost; by default those of the targets. The tables
    have all of them."""
    sample: Sample | None = None
    """Which points of 'vary' are run; by default all."""


@cache
def model() -> Any:
    """The whole section: the head, what is changed in the scenario, and a section for each kind."""
    changed: dict[str, Any] = {
        "with": (
            Names | None,
            Field(default=None, description="Named sets of changes from the scenario's 'overrides'."),
        ),
        "set": (
            dict[str, Any],
            Field(default_factory=dict, description="Changes to the scenario, by dotted path, for all points."),
        ),
    }
    kinds: dict[str, Any] = {
        name: (kind.section | None, Field(default=None, description=f"{kind.text[0].upper()}{kind.text[1:]}."))
        for name, kind in KINDS.items()
    }
    return create_model("Study", __base__=Head, **changed | kinds)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of study files, for editors: exactly one kind."""
    whole: dict[str, Any] = model().model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "ettwin study",
        "oneOf": [{"required": [name]} for name in KINDS],
    }
