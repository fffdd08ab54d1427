"""Scenarios whose drifts or retraining policies are wrong, and exactly what is said about each."""

from __future__ import annotations

from tests.twin.wrong import Bad

WEIGHTS = "{kind: retraining, of: detect, at: 2 h, lasts: 30 min, takes: {pool: cnaf.cpu, servers: 4}}"
DRIFT = "{of: level, amount: 0.1, per: 1 d}"


def policy(name, entry, *said, drifts=""):
    """small.yaml with `entry` in place of its retraining."""
    return Bad(name, WEIGHTS, entry + drifts, *said)


def drift(name, entry, *said):
    """small.yaml whose data drift as `entry` says."""
    return Bad(name, "targets:\n", f"drifts:\n  a: {entry}\ntargets:\n", *said)


AGEING = (
    policy(
        "retraining that never starts",
        "{kind: retraining, of: detect, lasts: 30 min}",
        (
            "41:3: error: timeline.weights: never starts: give 'at', or one of every, drift, efficiency, "
            "false_alarms, guard, glitch_class"
        ),
    ),
    policy(
        "two triggers in one entry",
        "{kind: retraining, of: detect, lasts: 30 min, every: 7 d, false_alarms: 3}",
        "41:84: error: timeline.weights.false_alarms: another trigger beside 'every': make them two entries",
        "41:84: error: timeline.weights.false_alarms: no model ages where no data drift: give 'drifts'",
    ),
    policy(
        "counting what a search does not know",
        "{kind: retraining, of: detect, lasts: 2 h, glitch_class: {stage: detect, window: 1 h, every: 2 h}}",
        (
            "41:77: error: timeline.weights.glitch_class.stage: stage 'detect' names no glitches: name one with "
            "'role: flag'"
        ),
        (
            "41:93: error: timeline.weights.glitch_class.window: is shorter than 'every': counts are not taken "
            "as finely"
        ),
    ),
    policy(
        "counting after the end",
        "{kind: retraining, of: detect, lasts: 2 h, glitch_class: {stage: dk, window: 3 d, every: 2 d}}",
        (
            "41:77: error: timeline.weights.glitch_class.stage: unknown stage 'dk'; known: dq, detect, localise, "
            "alert"
        ),
        (
            "41:101: error: timeline.weights.glitch_class.every: the run is over before anything is counted: make "
            "it shorter than the horizon"
        ),
    ),
    policy(
        "retraining more often than it takes",
        "{kind: retraining, of: detect, lasts: 2 h, every: 2 h}",
        (
            "41:62: error: timeline.weights.every: begins again before the last training has been validated: "
            "make it longer"
        ),
    ),
    policy(
        "refinement as long as a training from scratch",
        "{kind: retraining, of: detect, at: 2 h, regains: 80 %}",
        (
            "41:61: error: timeline.weights.regains: a refinement takes less than the training from scratch that "
            "a model card tells of: give 'lasts'"
        ),
    ),
    policy(
        "guard that flags nothing",
        "{kind: retraining, of: detect, lasts: 2 h, guard: {stage: detect, above: 10 %}}",
        "41:62: error: timeline.weights.guard: no model ages where no data drift: give 'drifts'",
        (
            "41:70: error: timeline.weights.guard.stage: stage 'detect' flags nothing: name one with "
            "'role: guard' or 'role: flag'"
        ),
    ),
    policy(
        "trigger on what does not drift",
        "{kind: retraining, of: detect, lasts: 2 h, drift: {level: 0.1}}",
        (
            "41:63: error: timeline.weights.drift.level: nothing drifts in level: say so in 'drifts', or leave "
            "it away"
        ),
    ),
    policy(
        "trigger on a kind of drift that there is not",
        "{kind: retraining, of: detect, lasts: 2 h, drift: {levle: 0.1}}",
        (
            "41:63: error: timeline.weights.drift.levle: 'levle' is not allowed; did you mean 'level'? Allowed: "
            "level, colour, lines, amplitude, phase_rad, glitches_per_s"
        ),
    ),
    policy(
        "blue-green of a fixed time",
        "{kind: retraining, of: alert, at: 1 h, lasts: 2 h, swap: blue-green}",
        "41:35: error: timeline.weights.of: stage 'alert' has a fixed time and no model: give it 'work'",
    ),
    drift(
        "drift to nowhere",
        "{of: level}",
        "45:3: error: drifts.a: drifts nowhere: give 'amount' or 'steps', or leave it away",
    ),
    drift(
        "walk with a negative spread",
        "{of: level, law: random-walk, amount: -0.1}",
        "45:44: error: drifts.a.amount: -0.1: a standard deviation is more than 0",
    ),
    drift(
        "drift further than there is",
        "{of: phase_rad, amount: 4}",
        "45:30: error: drifts.a.amount: at 1 d: drift phase_rad=4; allowed: -3.14159 to 3.14159",
    ),
    drift(
        "drift that is followed too finely",
        "{of: level, amount: 0.1, every: 1 ms}",
        "45:38: error: drifts.a.every: makes the data change more than 100,000 times: make it longer",
    ),
    drift(
        "drift that moves after the end",
        "{of: level, amount: 0.1, every: 1 d}",
        "45:38: error: drifts.a.every: the run is over before the data move: make it shorter than the horizon",
    ),
    drift(
        "steps out of order",
        "{of: level, steps: [{at: 2 h, by: 0.1}, {at: 1 h, by: 0.1}]}",
        "45:51: error: drifts.a.steps.1.at: is not later than the step before: write steps in order of time",
    ),
    drift(
        "executed stages do not drift",
        f"{DRIFT}\nlive: [detect]",
        "44:1: error: drifts: detect would be executed on data that do not drift: leave 'live' out",
    ),
)
