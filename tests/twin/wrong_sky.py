"""Scenarios whose sky is wrong: profiles, bursts, storms, replays; and exactly what is said about each."""

from __future__ import annotations

from tests.twin.wrong import Bad

SIGNAL = "    bbh: {rate: 1e5 /yr, "
GLITCH = "    rate: 0.5 /min\n"

SKY = (
    Bad(
        "storm below nothing",
        "factor: 20",
        "factor: -0.5",
        "42:32: error: timeline.storm.factor: -0.5 must be at least 0",
    ),
    Bad(
        "profile of nothing",
        SIGNAL,
        SIGNAL + "profile: {}, ",
        "10:35: error: sky.signals.bbh.profile: changes nothing: give 'steps' or 'cycles', or leave it away",
    ),
    Bad(
        "steps out of order",
        GLITCH,
        GLITCH + "    profile: {steps: [{at: 2 d, factor: 0.3}, {at: 2 d, factor: 1}]}\n",
        (
            "13:52: error: sky.glitches.profile.steps.1.at: is not later than the step before: write steps in "
            "order of time"
        ),
    ),
    Bad(
        "step without unit",
        GLITCH,
        GLITCH + "    profile: {steps: [{at: 2, factor: 0.3}]}\n",
        "13:28: error: sky.glitches.profile.steps.0.at: a duration needs a unit: write '2 s' or '2 ms'",
    ),
    Bad(
        "step below nothing",
        GLITCH,
        GLITCH + "    profile: {steps: [{at: 2 d, factor: -1}]}\n",
        "13:41: error: sky.glitches.profile.steps.0.factor: -1 must be at least 0",
    ),
    Bad(
        "step without factor",
        GLITCH,
        GLITCH + "    profile: {steps: [{at: 2 d, facter: 1}]}\n",
        (
            "13:33: error: sky.glitches.profile.steps.0.facter: unknown key 'facter'; did you mean 'factor'? "
            "Known: at, factor"
        ),
    ),
    Bad(
        "wave higher than its mean",
        GLITCH,
        GLITCH + "    profile: {cycles: [{period: 1 d, amplitude: 1.4}]}\n",
        "13:49: error: sky.glitches.profile.cycles.0.amplitude: 1.4 must be at most 1",
    ),
    Bad(
        "wave without period",
        GLITCH,
        GLITCH + "    profile: {cycles: [{period: 0 s, amplitude: 0.4}]}\n",
        "13:33: error: sky.glitches.profile.cycles.0.period: must be more than 0",
    ),
    Bad(
        "too many waves",
        GLITCH,
        GLITCH + f"    profile: {{cycles: [{', '.join(['{period: 1 d, amplitude: 0.1}'] * 5)}]}}\n",
        "13:23: error: sky.glitches.profile.cycles: has more than 4 entries",
    ),
    Bad(
        "profile of another class",
        GLITCH,
        GLITCH + "    profile: {classes: [blib], steps: [{at: 1 h, factor: 2}]}\n",
        (
            "13:25: error: sky.glitches.profile.classes.0: unknown class of the mix 'blib'; did you mean 'blip'? "
            "Known: blip, tomte"
        ),
    ),
    Bad(
        "signals have no classes to choose",
        SIGNAL,
        SIGNAL + "bursts: {children: 1, within: 1 h, classes: [bbh]}, ",
        (
            "10:61: error: sky.signals.bbh.bursts.classes: unknown key 'classes'; known: children, within, "
            "number, standing, source"
        ),
    ),
    Bad(
        "bursts of nothing",
        GLITCH,
        GLITCH + "    bursts: {children: 0, within: 0 s, number: binomial, classes: [whistle]}\n",
        "13:24: error: sky.glitches.bursts.children: 0 must be more than 0",
        "13:35: error: sky.glitches.bursts.within: must be more than 0",
        ("13:48: error: sky.glitches.bursts.number: 'binomial' is not allowed; allowed: poisson, geometric"),
    ),
    Bad(
        "bursts of another class",
        GLITCH,
        GLITCH + "    bursts: {children: 2, within: 1 min, classes: [whistle]}\n",
        "13:52: error: sky.glitches.bursts.classes.0: unknown class of the mix 'whistle'; known: blip, tomte",
    ),
    Bad(
        "storms without length",
        GLITCH,
        GLITCH + "    storms: {rate: 1 /wk, factor: 20}\n",
        "13:5: error: sky.glitches.storms.mean: is missing; add 'mean: …'",
    ),
    Bad(
        "storms badly written",
        GLITCH,
        GLITCH + "    storms: {rate: 1, mean: 0 h, factor: 20, joins: 0.5, classes: []}\n",
        "13:20: error: sky.glitches.storms.rate: a rate needs a unit: write '1 /s' or '1 /yr'",
        "13:29: error: sky.glitches.storms.mean: must be more than 0",
        "13:53: error: sky.glitches.storms.joins: a fraction needs a unit: write '50 %'",
        "13:67: error: sky.glitches.storms.classes: needs at least one entry",
    ),
    Bad(
        "too many storms",
        GLITCH,
        GLITCH + "    storms: {rate: 1 /s, mean: 1 s, factor: 2}\n",
        (
            "13:20: error: sky.glitches.storms.rate: makes about 8.6e+04 storms, more than 10,000: lower it or "
            "shorten the horizon"
        ),
    ),
    Bad(
        "too many children",
        SIGNAL,
        "    bbh: {rate: 1 /s, bursts: {children: 999, within: 1 s}, ",
        "3:10: error: horizon: makes about 8.6e+07 events, more than 50,000,000: shorten it or lower the rates",
    ),
    Bad(
        "replay elsewhere",
        "sky:\n",
        "sky:\n  replay: {file: ../events.csv}\n",
        (
            "9:18: error: sky.replay.file: '../events.csv' leads out of the scenario's folder: give a file "
            "inside it"
        ),
    ),
    Bad(
        "replay from the root",
        "sky:\n",
        "sky:\n  replay: {file: /data/events.csv}\n",
        (
            "9:18: error: sky.replay.file: '/data/events.csv' leads out of the scenario's folder: give a file "
            "inside it"
        ),
    ),
    Bad(
        "replay of another kind",
        "sky:\n",
        "sky:\n  replay: {file: events.txt, origin: 1238166018}\n",
        ("9:38: error: sky.replay.origin: a duration needs a unit: write '1.23817e+09 s' or '1.23817e+09 ms'"),
    ),
    Bad(
        "replay of no table",
        "sky:\n",
        "sky:\n  replay: {file: events.txt}\n",
        (
            "9:18: error: sky.replay.file: 'events.txt' is no file of events: give one that ends in .csv or "
            ".parquet"
        ),
    ),
)
