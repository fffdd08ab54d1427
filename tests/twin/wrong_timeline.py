"""Scenarios whose timeline is wrong: targets, laws, windows, policies; and exactly what is said about each."""

from __future__ import annotations

from tests.twin.wrong import Bad

OUTAGE = "{kind: outage, pool: cnaf.cpu, at: 12 h, lasts: 20 min}"
LAWS = "time_to_failure: {mean: 30 d}, time_to_repair: {mean: 4 h}"


def instead(name, entry, *said):
    """small.yaml with `entry` in place of its outage."""
    return Bad(name, OUTAGE, entry, *said)


TIMELINE = (
    instead(
        "outage of nothing in particular",
        "{kind: outage, at: 12 h, lasts: 20 min}",
        "43:3: error: timeline.outage: needs either 'target' (a site, pool, server or link) or 'pool'",
    ),
    instead(
        "outage of two things",
        "{kind: outage, pool: cnaf.cpu, target: cnaf, at: 12 h, lasts: 20 min}",
        "43:3: error: timeline.outage: needs either 'target' (a site, pool, server or link) or 'pool'",
    ),
    instead(
        "outage of an unknown site",
        "{kind: outage, target: cnav, at: 12 h, lasts: 20 min}",
        "43:34: error: timeline.outage.target: unknown site 'cnav'; did you mean 'cnaf'? Known: sos-enattos, cnaf",
    ),
    instead(
        "outage of an unknown pool",
        "{kind: outage, target: cnaf.cpus, at: 12 h, lasts: 20 min}",
        "43:34: error: timeline.outage.target: unknown pool 'cpus'; did you mean 'cpu'? Known: cpu (at cnaf)",
    ),
    instead(
        "outage of a server that is not there",
        "{kind: outage, target: cnaf.cpu.8, at: 12 h, lasts: 20 min}",
        (
            "43:34: error: timeline.outage.target: 'cnaf.cpu.8': a server is written 'cnaf.cpu.0' to '.7', "
            "or '.*' for each of them"
        ),
    ),
    instead(
        "outage of a server without a number",
        "{kind: outage, target: cnaf.cpu.last, at: 12 h, lasts: 20 min}",
        (
            "43:34: error: timeline.outage.target: 'cnaf.cpu.last': a server is written 'cnaf.cpu.0' to "
            "'.7', or '.*' for each of them"
        ),
    ),
    instead(
        "outage of every server by itself",
        "{kind: outage, target: 'cnaf.cpu.*', at: 12 h, lasts: 20 min}",
        (
            "43:34: error: timeline.outage.target: 'cnaf.cpu.*' is a pool's servers, each by itself; "
            "allowed here: site, pool, server, link"
        ),
    ),
    instead(
        "outage of half a link",
        "{kind: outage, target: cnaf--cnaf, at: 12 h, lasts: 20 min}",
        (
            "43:34: error: timeline.outage.target: 'cnaf--cnaf': a link is written 'site--site', with two "
            "different sites"
        ),
    ),
    instead(
        "outage of a link to nowhere",
        "{kind: outage, target: cnaf--virgo, at: 12 h, lasts: 20 min}",
        "43:34: error: timeline.outage.target: unknown site 'virgo'; known: sos-enattos, cnaf",
    ),
    instead(
        "mode of a link",
        "{kind: outage, target: cnaf--sos-enattos, mode: lose, at: 12 h, lasts: 20 min}",
        "43:59: error: timeline.outage.mode: transfers on a link stall and go on afterwards: leave 'mode' away",
    ),
    instead(
        "mode unknown",
        "{kind: outage, pool: cnaf.cpu, mode: kill, at: 12 h, lasts: 20 min}",
        "43:48: error: timeline.outage.mode: 'kill' is not allowed; allowed: drain, requeue, lose",
    ),
    instead(
        "failover of a server",
        "{kind: outage, target: cnaf.cpu.0, failover: {detect: 10 s}, at: 12 h, lasts: 20 min}",
        (
            "43:56: error: timeline.outage.failover: a pool knows which of its servers work: failover is "
            "for pools, sites and links"
        ),
    ),
    instead(
        "failover without a unit",
        "{kind: outage, target: cnaf, failover: {detect: 10}, at: 12 h, lasts: 20 min}",
        "43:59: error: timeline.outage.failover.detect: a duration needs a unit: write '10 s' or '10 ms'",
    ),
    instead(
        "evacuation of a site",
        "{kind: outage, target: cnaf, failover: {detect: 10 s, evacuate: true}, at: 12 h, lasts: 20 min}",
        (
            "43:75: error: timeline.outage.failover.evacuate: what waits at a site cannot leave it over "
            "links that are down: evacuate pools only"
        ),
    ),
    instead(
        "failures of an unknown pool",
        "{kind: failures, target: [cnaf.cpu, cnaf.cpus], " + LAWS + "}",
        "43:47: error: timeline.outage.target.1: unknown pool 'cpus'; did you mean 'cpu'? Known: cpu (at cnaf)",
    ),
    instead(
        "failures of one thing twice",
        "{kind: failures, target: [cnaf.cpu, cnaf.cpu], " + LAWS + "}",
        "43:47: error: timeline.outage.target.1: 'cnaf.cpu' is named twice",
    ),
    instead(
        "failures without a law",
        "{kind: failures, target: cnaf.cpu, time_to_repair: {mean: 4 h}}",
        "43:3: error: timeline.outage.time_to_failure: is missing; add 'time_to_failure: …'",
    ),
    instead(
        "failures without a unit",
        "{kind: failures, target: cnaf.cpu, time_to_failure: {mean: 30}, time_to_repair: {mean: 4 h}}",
        "43:70: error: timeline.outage.time_to_failure.mean: a duration needs a unit: write '30 s' or '30 ms'",
    ),
    instead(
        "failures at once",
        "{kind: failures, target: cnaf.cpu, time_to_failure: {mean: 0 s}, time_to_repair: {mean: 4 h}}",
        "43:70: error: timeline.outage.time_to_failure.mean: must be more than 0",
    ),
    instead(
        "law unknown",
        (
            "{kind: failures, target: cnaf.cpu, time_to_failure: {law: normal, mean: 30 d}, time_to_repair: "
            "{mean: 4 h}}"
        ),
        (
            "43:69: error: timeline.outage.time_to_failure.law: 'normal' is not allowed; did you mean "
            "'lognormal'? Allowed: exponential, weibull, lognormal, gamma, fixed"
        ),
    ),
    instead(
        "law without its shape",
        (
            "{kind: failures, target: cnaf.cpu, time_to_failure: {law: weibull, mean: 30 d}, "
            "time_to_repair: {mean: 4 h}}"
        ),
        "43:63: error: timeline.outage.time_to_failure: a weibull law needs a 'shape'",
    ),
    instead(
        "law with a shape it has not",
        "{kind: failures, target: cnaf.cpu, time_to_failure: {mean: 30 d, shape: 2}, time_to_repair: {mean: 4 h}}",
        (
            "43:83: error: timeline.outage.time_to_failure.shape: a law that is exponential has none: leave "
            "it away, or choose weibull, lognormal, gamma"
        ),
    ),
    instead(
        "law with a standing and no source",
        (
            "{kind: failures, target: cnaf.cpu, time_to_failure: {mean: 30 d, standing: assumed}, "
            "time_to_repair: {mean: 4 h}}"
        ),
        "43:63: error: timeline.outage.time_to_failure: needs both 'standing' and 'source', or neither",
    ),
    instead(
        "shape out of range",
        (
            "{kind: failures, target: cnaf.cpu, time_to_failure: {law: gamma, mean: 30 d, shape: 0.01}, "
            "time_to_repair: {mean: 4 h}}"
        ),
        "43:95: error: timeline.outage.time_to_failure.shape: 0.01 must be at least 0.1",
    ),
    instead(
        "failures too often",
        "{kind: failures, target: 'cnaf.cpu.*', time_to_failure: {mean: 1 ms}, time_to_repair: {mean: 1 ms}}",
        (
            "43:67: error: timeline.outage.time_to_failure: acts about 3.5e+08 times, more than 1,000,000: "
            "make it rarer"
        ),
    ),
    instead(
        "common cause of one thing",
        "{kind: failures, target: cnaf.cpu, together: 50 %, " + LAWS + "}",
        (
            "43:56: error: timeline.outage.together: a common cause needs several targets: list them, or "
            "leave 'together' away"
        ),
    ),
    instead(
        "failover of servers",
        "{kind: failures, target: 'cnaf.cpu.*', failover: {detect: 1 s}, " + LAWS + "}",
        (
            "43:60: error: timeline.outage.failover: a pool knows which of its servers work: failover is "
            "for pools, sites and links"
        ),
    ),
    instead(
        "trace elsewhere",
        "{kind: failure-trace, file: ../trace.csv}",
        (
            "43:39: error: timeline.outage.file: '../trace.csv' leads out of the scenario's folder: give a "
            "file inside it"
        ),
    ),
    instead(
        "trace of another kind",
        "{kind: failure-trace, file: trace.xlsx}",
        (
            "43:39: error: timeline.outage.file: 'trace.xlsx' is no trace of failures: give one that ends "
            "in .csv or .parquet"
        ),
    ),
    instead(
        "maintenance of a server",
        "{kind: maintenance, target: cnaf.cpu.0, at: 1 h, lasts: 20 min}",
        "43:39: error: timeline.outage.target: 'cnaf.cpu.0' is a server; allowed here: site, pool, link",
    ),
    instead(
        "maintenance without end",
        "{kind: maintenance, target: cnaf.cpu, at: 1 h, lasts: 20 min, lead: 10 min, every: 30 min}",
        (
            "43:94: error: timeline.outage.every: a window with its lead begins before the last one ends: "
            "make it longer"
        ),
    ),
    instead(
        "maintenance too often",
        "{kind: maintenance, target: cnaf.cpu, at: 1 h, lasts: 1 us, every: 10 us}",
        "43:78: error: timeline.outage.every: acts about 8.6e+09 times, more than 1,000,000: make it rarer",
    ),
    instead(
        "slow link",
        "{kind: degradation, target: cnaf--sos-enattos, slowness: 2, at: 1 h, lasts: 20 min}",
        "43:3: error: timeline.outage: a link needs 'share' and no 'slowness'",
    ),
    instead(
        "narrow pool",
        "{kind: degradation, target: cnaf.cpu, share: 10 %, at: 1 h, lasts: 20 min}",
        "43:3: error: timeline.outage: a pool or site needs 'slowness' and no 'share'",
    ),
    instead(
        "degradation of nothing",
        "{kind: degradation, target: cnaf, at: 1 h, lasts: 20 min}",
        "43:3: error: timeline.outage: a pool or site needs 'slowness' and no 'share'",
    ),
    instead(
        "link without bandwidth",
        "{kind: degradation, target: cnaf--sos-enattos, share: 0 %, at: 1 h, lasts: 20 min}",
        "43:65: error: timeline.outage.share: nothing of a link is left: that is an outage",
    ),
    instead(
        "infinite slowness",
        "{kind: degradation, target: cnaf.cpu, slowness: 0, at: 1 h, lasts: 20 min}",
        "43:59: error: timeline.outage.slowness: 0 must be more than 0",
    ),
    instead(
        "scaling by no rule",
        "{kind: scaling, pool: cnaf.cpu, every: 1 min, min_servers: 1, max_servers: 9}",
        "43:3: error: timeline.outage: needs either 'threshold' or 'track'",
    ),
    instead(
        "scaling by two rules",
        (
            "{kind: scaling, pool: cnaf.cpu, every: 1 min, min_servers: 1, max_servers: 9, track: 1, "
            "threshold: {up: 2, down: 1}}"
        ),
        "43:3: error: timeline.outage: needs either 'threshold' or 'track'",
    ),
    instead(
        "scaling up and down at once",
        (
            "{kind: scaling, pool: cnaf.cpu, every: 1 min, min_servers: 1, max_servers: 9, threshold: {up: "
            "1, down: 1}}"
        ),
        "43:114: error: timeline.outage.threshold.down: must be less than 'up'",
    ),
    instead(
        "scaling between nothing",
        "{kind: scaling, pool: cnaf.cpu, every: 1 min, min_servers: 9, max_servers: 8, track: 1}",
        "43:86: error: timeline.outage.max_servers: must be at least 'min_servers'",
    ),
    instead(
        "scaling that starts outside",
        "{kind: scaling, pool: cnaf.cpu, every: 1 min, min_servers: 9, max_servers: 12, track: 1}",
        "43:33: error: timeline.outage.pool: cnaf.cpu starts with 8 servers, not with 9 to 12",
    ),
    instead(
        "scaling of an unknown pool",
        "{kind: scaling, pool: cnaf.gpu, every: 1 min, min_servers: 1, max_servers: 12, track: 1}",
        "43:33: error: timeline.outage.pool: unknown pool 'gpu'; did you mean 'cpu'? Known: cpu (at cnaf)",
    ),
    instead(
        "scaling without limits",
        "{kind: scaling, pool: cnaf.cpu, every: 1 min, track: 1}",
        "43:3: error: timeline.outage.max_servers: is missing; add 'max_servers: …'",
        "43:3: error: timeline.outage.min_servers: is missing; add 'min_servers: …'",
    ),
    instead(
        "scaling without pause",
        "{kind: scaling, pool: cnaf.cpu, every: 1 us, min_servers: 1, max_servers: 12, track: 1}",
        "43:50: error: timeline.outage.every: acts about 8.6e+10 times, more than 1,000,000: make it rarer",
    ),
    instead(
        "two policies for one pool",
        (
            "{kind: scaling, pool: cnaf.cpu, every: 1 h, min_servers: 1, max_servers: 9, track: 1}\n  again: "
            "{kind: scaling, pool: cnaf.cpu, every: 1 h, min_servers: 1, max_servers: 9, track: 1}"
        ),
        "44:32: error: timeline.again.pool: 'outage' scales cnaf.cpu already: one policy for each pool",
    ),
    instead(
        "site outages overlap",
        (
            "{kind: outage, target: cnaf, at: 12 h, lasts: 20 min}\n  again: {kind: outage, target: cnaf, "
            "at: 12 h 10 min, lasts: 20 min}"
        ),
        "44:43: error: timeline.again.at: overlaps 'outage': the same thing twice at one time",
    ),
)
