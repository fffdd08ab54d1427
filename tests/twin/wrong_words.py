"""Scenarios with something written wrongly, and exactly what is said about each."""

from __future__ import annotations

from tests.twin.wrong import Bad

WORDS = (
    Bad(
        "typo in a section",
        "horizon: 1 d",
        "horizzon: 1 d",
        "3:1: error: horizzon: unknown key 'horizzon'; did you mean 'horizon'?",
    ),
    Bad(
        "typo in a stage",
        "    shelf_life: 60 s",
        "    shelflife: 60 s",
        "32:5: error: stages.detect.shelflife: unknown key 'shelflife'; did you mean 'shelf_life'?",
    ),
    Bad(
        "key far from any",
        "    gate: veto",
        "    zzz: veto",
        (
            "38:5: error: stages.alert.zzz: unknown key 'zzz'; known: work, runtime, fallback, fallback"
            "_runtime, time, wait, memory, load_time, fallback_memory, fallback_load_time, stride, "
            "after, join, shard"
            "s, awaits, on, role, guard, finds, gate, publishes, priority, preempt, max_batch, max_wait, "
            "shelf_life, stale, deadline, attempts, queue, admit_wait, route, spill, payload, data"
        ),
    ),
    Bad(
        "bare number",
        "horizon: 1 d",
        "horizon: 12",
        "3:10: error: horizon: a duration needs a unit: write '12 s' or '12 ms'",
    ),
    Bad(
        "wrong unit",
        "horizon: 1 d",
        "horizon: 12 GB",
        "3:10: error: horizon: unknown unit 'GB' of a duration; known: us, ms, s, min, h, d, wk, yr",
    ),
    Bad(
        "not a quantity",
        "horizon: 1 d",
        "horizon: soon",
        "3:10: error: horizon: 'soon' is not a duration: write a number and a unit, such as '12 s'",
    ),
    Bad(
        "negative duration",
        "shelf_life: 60 s",
        "shelf_life: -60 s",
        "32:17: error: stages.detect.shelf_life: '-60 s' must not be negative",
    ),
    Bad(
        "negative rate",
        "0.5 /min",
        "-0.5 /min",
        "12:11: error: sky.glitches.rate: '-0.5 /min' must not be negative",
    ),
    Bad(
        "bare fraction",
        "lost: 10 %",
        "lost: 0.1",
        "46:9: error: targets.lost: a fraction needs a unit: write '10 %'",
    ),
    Bad(
        "fraction beyond one",
        "lost: 10 %",
        "lost: 110 %",
        "46:9: error: targets.lost: '110 %' must lie between 0 and 100 %",
    ),
    Bad(
        "zero horizon",
        "horizon: 1 d",
        "horizon: 0 s",
        "3:10: error: horizon: must be more than 0",
    ),
    Bad(
        "quantity as a list",
        "horizon: 1 d",
        "horizon: [1 d]",
        "3:10: error: horizon: a duration is a number with a unit, such as '12 s'",
    ),
    Bad(
        "bandwidth in bytes",
        "{latency: 4 ms}",
        "{latency: 4 ms, bandwidth: 10 GB}",
        (
            "23:49: error: links.sos-enattos--cnaf.bandwidth: unknown unit 'GB' of a bandwidth; known: "
            "bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s, B/s, kB/s, MB/s, GB/s, TB/s, PB/s"
        ),
    ),
    Bad(
        "text for a number",
        "servers: 8",
        "servers: many",
        "21:38: error: sites.cnaf.pools.cpu.servers: a whole number is needed, not 'many'",
    ),
    Bad(
        "half a server",
        "servers: 8",
        "servers: 8.5",
        "21:38: error: sites.cnaf.pools.cpu.servers: a whole number is needed, not 8.5",
    ),
    Bad(
        "true servers",
        "servers: 8",
        "servers: true",
        "21:38: error: sites.cnaf.pools.cpu.servers: a whole number is needed, not true",
    ),
    Bad(
        "no servers",
        "servers: 8",
        "servers: 0",
        "21:38: error: sites.cnaf.pools.cpu.servers: 0 must be at least 1",
    ),
    Bad(
        "nan",
        "min: 6.5",
        "min: .nan",
        "14:16: error: sky.glitches.snr.min: '.nan' is not a finite number",
    ),
    Bad(
        "infinity",
        "max: 100, index",
        "max: 1e999, index",
        "14:26: error: sky.glitches.snr.max: '1e999' is not a finite number",
    ),
    Bad(
        "quoted number",
        "schema_version: 1",
        "schema_version: '1'",
        "1:17: error: schema_version: '1' in quotes is text: leave the quotes away",
    ),
    Bad(
        "future version",
        "schema_version: 1",
        "schema_version: 2",
        "1:17: error: schema_version: 2 is not allowed; allowed: 1",
    ),
    Bad(
        "section missing",
        (
            "sky:\n  signals:\n    bbh: {rate: 1e5 /yr, snr: {min: 8, max: 100}}\n  glitches:\n    rate: 0."
            "5 /min\n    mix: {blip: 0.6, tomte: 0.4}\n    snr: {min: 6.5, max: 100, index: -3}\n"
        ),
        "",
        "1:1: error: sky: is missing; add 'sky: …'",
    ),
    Bad(
        "field missing",
        "    on: [sos-enattos.cpu, cnaf.cpu]\n",
        "",
        (
            "27:11: error: stages.detect.work: a stage without 'on' is instant and does no work: name the pools"
            " it runs on"
        ),
    ),
    Bad(
        "standing missing",
        ", standing: assumed",
        "",
        "7:3: error: instrument.calibration.standing: is missing; add 'standing: …'",
    ),
    Bad(
        "standing unknown",
        "standing: assumed",
        "standing: asumed",
        (
            "7:39: error: instrument.calibration.standing: 'asumed' is not allowed; did you mean 'assum"
            "ed'? Allowed: measured, published, scaled, assumed"
        ),
    ),
    Bad(
        "section is text",
        "targets:\n  alert_latency: {p50: 30 s, p99: 60 s}\n  lost: 10 %",
        "targets: good",
        "44:10: error: targets: a mapping is needed, not 'good'",
    ),
    Bad(
        "list is text",
        "on: [sos-enattos.cpu]",
        "on: sos-enattos.cpu",
        "25:49: error: stages.dq.on: a list such as [a, b] is needed, not 'sos-enattos.cpu'",
    ),
    Bad(
        "empty list",
        "on: [sos-enattos.cpu]",
        "on: []",
        "25:49: error: stages.dq.on: needs at least one entry",
    ),
    Bad(
        "bad name",
        "name: small",
        "name: Small One",
        "2:7: error: name: 'Small One': a name is lower-case letters and digits, joined by '-'",
    ),
    Bad(
        "bad quantile",
        "p50: 30 s",
        "p100: 30 s",
        "45:19: error: targets.alert_latency.p100: 'p100': a quantile is written p50, p90, p99 …",
    ),
    Bad(
        "route unknown",
        "after: dq",
        "after: dq\n    route: failovr",
        (
            "31:12: error: stages.detect.route: 'failovr' is not allowed; did you mean 'failover'? Allo"
            "wed: nearest, failover, least-loaded, stale-least-loaded, two-choices, data-local, package"
            ".module:function"
        ),
    ),
    Bad(
        "role unknown",
        "role: trigger",
        "role: boss",
        "29:11: error: stages.detect.role: 'boss' is not allowed; allowed: plain, flag, trigger, guard",
    ),
    Bad(
        "kind unknown",
        "kind: storm",
        "kind: strom",
        (
            "42:17: error: timeline.storm.kind: 'strom' is not allowed; did you mean 'storm'? Allowed: "
            "retraining, withdrawal, storm, outage, failures, failure-trace, maintenance, degradation, scaling"
        ),
    ),
    Bad(
        "kind missing",
        "kind: storm, ",
        "",
        (
            "42:10: error: timeline.storm: needs a 'kind': retraining, withdrawal, storm, outage, failures, "
            "failure-trace, maintenance, degradation, scaling"
        ),
    ),
    Bad(
        "key of another kind",
        "{kind: outage, pool",
        "{kind: outage, factor: 2, pool",
        (
            "43:26: error: timeline.outage.factor: unknown key 'factor'; known: kind, at, lasts, target, pool, "
            "mode, failover"
        ),
    ),
    Bad(
        "duplicate key",
        "name: small",
        "name: small\nname: big",
        "3:1: error: name: is given twice; the first is in line 2: leave one of them out",
    ),
    Bad(
        "alias",
        "detectors: [E1, E2]",
        "detectors: &a [E1, *a]",
        "5:14: error: instrument.detectors: the anchor '&a' is not allowed: write the value out",
        "5:22: error: instrument.detectors: the alias '*a' is not allowed: write the value out",
    ),
    Bad(
        "tag",
        "name: small",
        "name: !!python/object/apply:os.system [ls]",
        (
            "2:7: error: name: the tag '!!python/object/apply:os.system' is not allowed: a scenario hol"
            "ds plain values"
        ),
    ),
    Bad(
        "syntax",
        "detectors: [E1, E2]",
        "detectors: [E1, E2",
        "6:7: error: did not find expected ',' or ']'",
    ),
    Bad(
        "tab",
        "  site: sos",
        "\tsite: sos",
        "6:1: error: a tab: indent with spaces",
    ),
    Bad(
        "second document",
        "profiles: [profiles]",
        "profiles: [profiles]\n---\nname: x",
        "50:1: error: a second document: one scenario per file",
    ),
    Bad(
        "list as key",
        "name: small",
        "? [a]\n: b\nname: small",
        "2:3: error: a key is a plain name",
    ),
)
