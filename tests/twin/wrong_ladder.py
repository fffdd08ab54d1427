"""Scenarios whose fallbacks, or withdrawals of models, are wrong; and exactly what is said about each."""

from __future__ import annotations

from tests.twin.wrong import Bad
from tests.twin.wrong_timeline import instead

GIVEN = "fallback: matched-filter"


def ladder(name, fallback, *said):
    """small.yaml with another `fallback` of its stage 'detect'."""
    return Bad(name, GIVEN, fallback, *said)


LADDER = (
    ladder(
        "fallback is a number",
        "fallback: 3",
        "28:15: error: stages.detect.fallback: text is needed, not 3",
    ),
    ladder(
        "no fallback in the list",
        "fallback: []",
        "28:15: error: stages.detect.fallback: needs at least one entry",
    ),
    ladder(
        "more fallbacks than there may be",
        "fallback: [hybrid, matched-filter, detector-large, domain-guard]",
        "28:15: error: stages.detect.fallback: has more than 3 entries",
    ),
    ladder(
        "a fallback twice",
        "fallback: [matched-filter, hybrid, matched-filter]",
        (
            "28:40: error: stages.detect.fallback.2: 'matched-filter' on onnxruntime is a fallback before it: "
            "name another one, or another runtime"
        ),
    ),
    ladder(
        "the stage's own workload among its fallbacks",
        "fallback: [hybrid, {work: detector}]",
        (
            "28:24: error: stages.detect.fallback.1: 'detector' on onnxruntime is the stage's own workload: name "
            "another one, or another runtime"
        ),
    ),
    ladder(
        "misspelt key of a single fallback",
        "fallback: {work: hybrid, runtme: torch}",
        (
            "28:30: error: stages.detect.fallback.runtme: unknown key 'runtme'; did you mean 'runtime'? Known: "
            "work, runtime, memory, load_time"
        ),
    ),
    ladder(
        "misspelt key of one of several fallbacks",
        "fallback: [matched-filter, {work: hybrid, runtme: torch}]",
        (
            "28:47: error: stages.detect.fallback.1.runtme: unknown key 'runtme'; did you mean 'runtime'? Known: "
            "work, runtime, memory, load_time"
        ),
    ),
    ladder(
        "one of several fallbacks without a name",
        "fallback: [hybrid, {runtime: torch}]",
        "28:24: error: stages.detect.fallback.1.work: is missing; add 'work: …'",
    ),
    ladder(
        "runtime beside several fallbacks",
        "fallback: [hybrid, matched-filter]\n    fallback_runtime: torch",
        (
            "29:23: error: stages.detect.fallback_runtime: is for one fallback that is a plain name: write {work: "
            "hybrid, runtime: …} there"
        ),
    ),
    ladder(
        "memory beside a fallback that says how it is run",
        "fallback: {work: matched-filter, runtime: torch}\n    fallback_memory: 1 GB",
        (
            "29:22: error: stages.detect.fallback_memory: is for one fallback that is a plain name: write {work: "
            "matched-filter, memory: …} there"
        ),
    ),
    ladder(
        "memory of a fallback that is no size",
        "fallback: [hybrid, {work: matched-filter, memory: much}]",
        (
            "28:55: error: stages.detect.fallback.1.memory: 'much' is not a data size: write a number and a "
            "unit, such as '12 MB'"
        ),
    ),
    instead(
        "withdrawal at an unknown stage",
        "{kind: withdrawal, of: detct, model: detector, at: 12 h, lasts: 20 min}",
        (
            "43:34: error: timeline.outage.of: unknown stage 'detct'; did you mean 'detect'? Known: dq, detect, "
            "localise, alert"
        ),
    ),
    instead(
        "withdrawal of an unknown model",
        "{kind: withdrawal, of: detect, model: matched-filtre, at: 12 h, lasts: 20 min}",
        (
            "43:49: error: timeline.outage.model: unknown model 'matched-filtre'; did you mean 'matched-filter'? "
            "Known: detector, matched-filter (of detect)"
        ),
    ),
    instead(
        "withdrawal from a runtime that does not execute it",
        "{kind: withdrawal, of: detect, model: detector, runtime: torch, at: 12 h, lasts: 20 min}",
        (
            "43:68: error: timeline.outage.runtime: unknown runtime 'torch'; known: onnxruntime (of detector at "
            "detect)"
        ),
    ),
    instead(
        "withdrawal where there is no model",
        "{kind: withdrawal, of: localise, model: detector, at: 12 h, lasts: 20 min}",
        "43:34: error: timeline.outage.of: stage 'localise' has no 'work', so no model that could be withdrawn",
    ),
    instead(
        "withdrawal without a model",
        "{kind: withdrawal, of: detect, at: 12 h, lasts: 20 min}",
        "43:3: error: timeline.outage.model: is missing; add 'model: …'",
    ),
    instead(
        "withdrawn twice at once",
        (
            "{kind: withdrawal, of: detect, model: detector, at: 12 h, lasts: 20 min}\n  again: "
            "{kind: withdrawal, of: detect, model: detector, at: 12 h 10 min, lasts: 20 min}"
        ),
        "44:62: error: timeline.again.at: overlaps 'outage': the same thing twice at one time",
    ),
    instead(
        "withdrawn again without a gap",
        (
            "{kind: withdrawal, of: detect, model: detector, at: 12 h, lasts: 20 min}\n  again: "
            "{kind: withdrawal, of: detect, model: detector, at: 12 h 20 min, lasts: 20 min}"
        ),
        (
            "44:62: error: timeline.again.at: touches 'outage': one ends when the other starts; leave a gap or "
            "make them one entry"
        ),
    ),
)
