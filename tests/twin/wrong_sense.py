"""Scenarios whose parts contradict each other, and exactly what is said about each."""

from __future__ import annotations

from tests.twin.wrong import Bad

_VETO = "no stage before it has 'role: flag' or 'awaits' one: there is nothing to veto"
GATE = f"38:11: error: stages.alert.gate: {_VETO}"

SENSE = (
    Bad(
        "site unknown",
        "  cnaf:",
        "  cnav:",
        (
            "19:3: error: sites.cnav: unknown site 'cnav'; did you mean 'cnaf'? For a site of your own"
            ", give latitude and longitude"
        ),
        (
            "23:3: error: links.sos-enattos--cnaf: unknown site 'cnaf'; did you mean 'cnav'? Known: sos"
            "-enattos, cnav"
        ),
        ("31:27: error: stages.detect.on.1: unknown site 'cnaf'; did you mean 'cnav'? Known: sos-enattos, cnav"),
        ("33:45: error: stages.localise.on.0: unknown site 'cnaf'; did you mean 'cnav'? Known: sos-enattos, cnav"),
        ("37:10: error: stages.alert.on.0: unknown site 'cnaf'; did you mean 'cnav'? Known: sos-enattos, cnav"),
        (
            "41:81: error: timeline.weights.takes.pool: unknown site 'cnaf'; did you mean 'cnav'? Known"
            ": sos-enattos, cnav"
        ),
        ("43:32: error: timeline.outage.pool: unknown site 'cnaf'; did you mean 'cnav'? Known: sos-enattos, cnav"),
        (
            "48:10: error: overrides.tiny.sites.cnaf.pools.cpu.servers: unknown site 'cnaf'; did you me"
            "an 'cnav'? Known: sos-enattos, cnav"
        ),
    ),
    Bad(
        "instrument elsewhere",
        "site: sos-enattos",
        "site: sos-enatos",
        (
            "6:9: error: instrument.site: unknown site 'sos-enatos'; did you mean 'sos-enattos'? Known:"
            " sos-enattos, cnaf"
        ),
    ),
    Bad(
        "half a place",
        "  cnaf:",
        "  cnaf:\n    latitude: 44 deg",
        "19:3: error: sites.cnaf: needs both latitude and longitude, or neither",
    ),
    Bad(
        "pool unknown",
        "after: detect, on: [cnaf.cpu]",
        "after: detect, on: [cnaf.gpu]",
        ("33:45: error: stages.localise.on.0: unknown pool 'gpu'; did you mean 'cpu'? Known: cpu (at cnaf)"),
    ),
    Bad(
        "pool without site",
        "after: detect, on: [cnaf.cpu]",
        "after: detect, on: [cpu]",
        "33:45: error: stages.localise.on.0: 'cpu': a pool is written 'site.pool'",
    ),
    Bad(
        "pool twice",
        "after: detect, on: [cnaf.cpu]",
        "after: detect, on: [cnaf.cpu, cnaf.cpu]",
        "33:44: error: stages.localise.on: names a pool twice",
    ),
    Bad(
        "link to nowhere",
        "sos-enattos--cnaf",
        "sos-enattos--cnav",
        (
            "23:3: error: links.sos-enattos--cnav: unknown site 'cnav'; did you mean 'cnaf'? Known: sos"
            "-enattos, cnaf"
        ),
    ),
    Bad(
        "link badly written",
        "sos-enattos--cnaf",
        "cnaf",
        "23:3: error: links.cnaf: 'cnaf': a link is written 'site--site', with two different sites",
    ),
    Bad(
        "link twice",
        "  sos-enattos--cnaf: {latency: 4 ms}",
        "  sos-enattos--cnaf: {latency: 4 ms}\n  cnaf--sos-enattos: {latency: 4 ms}",
        (
            "24:3: error: links.cnaf--sos-enattos: 'cnaf--sos-enattos': this link is given twice; it ho"
            "lds in both directions"
        ),
    ),
    Bad(
        "stage unknown",
        "after: dq",
        "after: dk",
        "30:12: error: stages.detect.after: unknown stage 'dk'; known: dq, detect, localise, alert",
        GATE,
    ),
    Bad(
        "circle",
        "{work: glitch-classifier, ",
        "{work: glitch-classifier, after: detect, ",
        "25:40: error: stages.dq.after: the stages go round in a circle: dq after detect after dq",
    ),
    Bad(
        "own circle",
        "{work: glitch-classifier, ",
        "{work: glitch-classifier, after: dq, ",
        "25:40: error: stages.dq.after: the stages go round in a circle: dq after dq",
    ),
    Bad(
        "work and time",
        "{time: 6 s, after",
        "{time: 6 s, work: detector, after",
        (
            "33:3: error: stages.localise: needs either 'work' (a measured workload) or 'time' (an assu"
            "med duration)"
        ),
    ),
    Bad(
        "neither work nor time",
        "{time: 6 s, after",
        "{after",
        (
            "33:3: error: stages.localise: needs either 'work' (a measured workload) or 'time' (an assu"
            "med duration)"
        ),
    ),
    Bad(
        "runtime without work",
        "{time: 6 s, after",
        "{time: 6 s, runtime: torch, after",
        "33:34: error: stages.localise.runtime: there is no workload to run: give 'work' too",
    ),
    Bad(
        "fallback is the work",
        "fallback: matched-filter",
        "fallback: detector",
        (
            "28:15: error: stages.detect.fallback: 'detector' on onnxruntime is the stage's own workload: name "
            "another one, or another runtime"
        ),
    ),
    Bad(
        "fallback without work",
        "{time: 6 s, after",
        "{time: 6 s, fallback: detector, after",
        "33:35: error: stages.localise.fallback: a fallback replaces a workload: give 'work' too",
    ),
    Bad(
        "no trigger",
        "    role: trigger\n",
        "",
        "24:1: error: stages: no stage has 'role: trigger': no candidate would ever be reported",
        (
            "38:16: error: stages.alert.publishes: 'publishes' is about candidates, but no trigger come"
            "s before 'alert'"
        ),
    ),
    Bad(
        "trigger after trigger",
        "role: flag",
        "role: trigger",
        "29:11: error: stages.detect.role: 'trigger' decides on segments, but 'detect' comes after a trigger",
        GATE,
    ),
    Bad(
        "flag after trigger",
        "{time: 6 s, after",
        "{work: detector, role: flag, after",
        "33:36: error: stages.localise.role: 'flag' decides on segments, but 'localise' comes after a trigger",
    ),
    Bad(
        "trigger without work",
        "    work: detector\n    fallback: matched-filter\n",
        "    time: 1 s\n",
        "28:11: error: stages.detect.role: 'trigger' needs 'work', which decides as measured, or 'finds' with an "
        "efficiency",
        ("40:35: error: timeline.weights.of: stage 'detect' has no 'fallback' to run meanwhile: give it one"),
    ),
    Bad(
        "gate without flag",
        ", role: flag",
        "",
        GATE,
    ),
    Bad(
        "nothing published",
        "    publishes: preliminary\n",
        "",
        (
            "24:1: error: stages: no stage has 'publishes', and there are no 'products': no alert would ever be "
            "sent"
        ),
    ),
    Bad(
        "retraining without fallback",
        "    fallback: matched-filter\n",
        "",
        ("40:35: error: timeline.weights.of: stage 'detect' has no 'fallback' to run meanwhile: give it one"),
    ),
    Bad(
        "retraining of nothing",
        "of: detect",
        "of: detct",
        (
            "41:35: error: timeline.weights.of: unknown stage 'detct'; did you mean 'detect'? Known: dq"
            ", detect, localise, alert"
        ),
    ),
    Bad(
        "training takes too much",
        "{pool: cnaf.cpu, servers: 4}",
        "{pool: cnaf.cpu, servers: 40}",
        "41:100: error: timeline.weights.takes.servers: 40 servers are more than cnaf.cpu has (8)",
    ),
    Bad(
        "trainings take too much together",
        "timeline:",
        (
            "timeline:\n  next: {kind: retraining, of: detect, at: 1 h, lasts: 2 h, takes: {pool: cnaf.cpu, "
            "servers: 5}}"
        ),
        "42:47: error: timeline.weights.at: overlaps 'next': the same thing twice at one time",
        (
            "42:100: error: timeline.weights.takes.servers: together with 'next' takes 9 servers, more "
            "than cnaf.cpu has (8)"
        ),
    ),
    Bad(
        "outage of nothing",
        "{kind: outage, pool: cnaf.cpu",
        "{kind: outage, pool: cnaf.cpus",
        ("43:32: error: timeline.outage.pool: unknown pool 'cpus'; did you mean 'cpu'? Known: cpu (at cnaf)"),
    ),
    Bad(
        "outages overlap",
        "timeline:",
        "timeline:\n  first: {kind: outage, pool: cnaf.cpu, at: 12 h 10 min, lasts: 1 h}",
        "44:46: error: timeline.outage.at: overlaps 'first': the same thing twice at one time",
    ),
    Bad(
        "outages touch",
        "timeline:",
        "timeline:\n  first: {kind: outage, pool: cnaf.cpu, at: 11 h, lasts: 1 h}",
        (
            "44:46: error: timeline.outage.at: touches 'first': one ends when the other starts; leave a "
            "gap or make them one entry"
        ),
    ),
    Bad(
        "retrainings touch",
        "timeline:",
        "timeline:\n  next: {kind: retraining, of: detect, at: 150 min, lasts: 1 h}",
        (
            "42:47: error: timeline.weights.at: touches 'next': one ends when the other starts; leave a "
            "gap or make them one entry"
        ),
    ),
    Bad(
        "storm of another class",
        "factor: 20",
        "factor: 20, classes: [blib]",
        (
            "42:46: error: timeline.storm.classes.0: unknown class of the mix 'blib'; did you mean 'bli"
            "p'? Known: blip, tomte"
        ),
    ),
    Bad(
        "storm without glitches",
        (
            "  glitches:\n    rate: 0.5 /min\n    mix: {blip: 0.6, tomte: 0.4}\n    snr: {min: 6.5, max: 1"
            "00, index: -3}\n"
        ),
        "",
        ("38:10: error: timeline.storm: a storm multiplies glitches, and 'sky' has none: give 'sky.glitches'"),
    ),
    Bad(
        "signal unknown",
        "    bbh:",
        "    bhb:",
        (
            "10:5: error: sky.signals.bhb: unknown class of signal 'bhb'; did you mean 'bbh'? Known: bbh, bns, "
            "nsbh, burst"
        ),
    ),
    Bad(
        "glitch unknown",
        "tomte: 0.4",
        "tomato: 0.4",
        (
            "13:22: error: sky.glitches.mix.tomato: unknown class of glitch 'tomato'; did you mean 'tom"
            "te'? Known: blip, tomte, scattered-light, whistle, low-frequency-burst"
        ),
    ),
    Bad(
        "mix does not sum",
        "tomte: 0.4",
        "tomte: 0.5",
        "13:10: error: sky.glitches.mix: the shares sum to 1.1; they must sum to 1",
    ),
    Bad(
        "negative share",
        "blip: 0.6, tomte: 0.4",
        "blip: 1.4, tomte: -0.4",
        "13:17: error: sky.glitches.mix.blip: 1.4 must be at most 1",
        "13:29: error: sky.glitches.mix.tomte: -0.4 must be at least 0",
    ),
    Bad(
        "snr upside down",
        "min: 8, max: 100",
        "min: 8, max: 4",
        "10:31: error: sky.signals.bbh.snr: min (8) must be less than max (4)",
    ),
    Bad(
        "quantiles upside down",
        "p50: 30 s",
        "p50: 90 s",
        "45:35: error: targets.alert_latency.p99: is less than the target of p50",
    ),
    Bad(
        "too many events",
        "1e5 /yr",
        "1e5 /s",
        ("3:10: error: horizon: makes about 8.6e+09 events, more than 50,000,000: shorten it or lower the rates"),
    ),
    Bad(
        "too many segments",
        "horizon: 1 d",
        "horizon: 20 yr",
        "3:10: error: horizon: makes more than 400,000,000 segments: shorten it or lengthen the stride",
    ),
    Bad(
        "endless drain",
        "horizon: 1 d",
        "horizon: 1 d\ndrain: 1e9 yr",
        "4:8: error: drain: is longer than 400,000,000 segments: shorten it",
    ),
    Bad(
        "reports without end",
        "stages:\n  dq: {work: glitch-classifier,",
        "load_reports: 1 us\nstages:\n  dq: {work: glitch-classifier, route: stale-least-loaded,",
        "24:15: error: load_reports: pools would report more than 400,000,000 times: make it longer",
    ),
    Bad(
        "detector twice",
        "[E1, E2]",
        "[E1, E1]",
        "5:14: error: instrument.detectors: names a detector twice",
    ),
    Bad(
        "detector name",
        "[E1, E2]",
        "[E1, e2]",
        ("5:19: error: instrument.detectors.1: 'e2': a detector is upper-case letters and digits, such as 'E1'"),
    ),
    Bad(
        "live stage unknown",
        "profiles:",
        "live: [detekt]\nprofiles:",
        ("49:8: error: live.0: unknown stage 'detekt'; did you mean 'detect'? Known: dq, detect, localise, alert"),
    ),
    Bad(
        "live without work",
        "profiles:",
        "live: [alert]\nprofiles:",
        "49:8: error: live.0: 'alert' has no 'work' that could be executed",
    ),
    Bad(
        "path outside",
        "profiles: [profiles]",
        "profiles: [../../etc]",
        ("49:12: error: profiles.0: '../../etc' leads out of the scenario's folder: give a folder inside it"),
    ),
    Bad(
        "stray override",
        "tiny: {sites.cnaf.pools.cpu.servers: 4}",
        "tiny: {sites.cnaf.pools.gpu.servers: 4}",
        (
            "48:10: error: overrides.tiny.sites.cnaf.pools.gpu.servers: unknown pool 'gpu'; did you mea"
            "n 'cpu'? Known: cpu"
        ),
    ),
    Bad(
        "base unknown",
        "name: small",
        "name: small\nbased_on: frist-light",
        "3:11: error: based_on: unknown scenario 'frist-light'; did you mean 'first-light'?",
    ),
    Bad(
        "base outside",
        "name: small",
        "name: small\nbased_on: ../x.yaml",
        "3:11: error: based_on: '../x.yaml' leads out of the scenario's folder: give a file inside it",
    ),
    Bad(
        "two at once",
        "servers: 4}\n  cnaf:\n    pools:\n      cpu: {hardware: host, servers: 8}",
        "servers: -4}\n  cnaf:\n    pools:\n      cpu: {hardware: host, servers: 8, cores: 3}",
        "18:38: error: sites.sos-enattos.pools.cpu.servers: -4 must be at least 1",
        (
            "21:41: error: sites.cnaf.pools.cpu.cores: unknown key 'cores'; known: hardware, servers, threads, "
            "memory, keep_warm"
        ),
    ),
)
