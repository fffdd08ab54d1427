"""Scenarios whose stages make no sense together, and exactly what is said about each."""

from __future__ import annotations

from tests.twin.wrong import Bad

GRAPH = (
    Bad(
        "after twice",
        "after: dq\n",
        "after: [dq, dq]\n",
        "30:12: error: stages.detect.after: names a stage twice",
    ),
    Bad(
        "after nothing",
        "after: dq\n",
        "after: []\n",
        "30:12: error: stages.detect.after: needs at least one entry",
    ),
    Bad(
        "after a number",
        "after: dq\n",
        "after: 7\n",
        "30:12: error: stages.detect.after: a list such as [a, b] is needed, not 7",
    ),
    Bad(
        "after an unknown one of two",
        "after: dq\n",
        "after: [dq, dk]\n",
        "30:17: error: stages.detect.after.1: unknown stage 'dk'; known: dq, detect, localise, alert",
    ),
    Bad(
        "join of one",
        "after: dq\n",
        "after: dq\n    join: any\n",
        "31:11: error: stages.detect.join: nothing is joined: name several stages in 'after'",
    ),
    Bad(
        "join badly said",
        "after: dq\n",
        "after: dq\n    join: some\n",
        "31:11: error: stages.detect.join: 'some' is not allowed; allowed: all, any",
    ),
    Bad(
        "circle with two ways",
        "{work: glitch-classifier, ",
        "{work: glitch-classifier, after: [localise, alert], ",
        (
            "25:40: error: stages.dq.after: the stages go round in a circle: dq after localise after "
            "detect after dq"
        ),
        (
            "36:12: error: stages.alert.after: the stages go round in a circle: alert after localise "
            "after detect after dq after alert"
        ),
    ),
    Bad(
        "segments meet candidates",
        "{time: 6 s, after: detect",
        "{time: 6 s, after: [dq, detect]",
        (
            "33:32: error: stages.localise.after: what meets must come from one trigger: 'dq' "
            "segments, 'detect' candidates of 'detect'"
        ),
    ),
    Bad(
        "shards of nothing",
        "after: dq\n",
        "after: dq\n    shards: 0\n",
        "31:13: error: stages.detect.shards: 0 must be at least 1",
    ),
    Bad(
        "shards in words",
        "after: dq\n",
        "after: dq\n    shards: many\n",
        "31:13: error: stages.detect.shards: a whole number is needed, not 'many'",
    ),
    Bad(
        "shards two ways",
        "after: dq\n",
        "after: dq\n    shards: {per: detector, template_blocks: 8}\n",
        ("31:13: error: stages.detect.shards: needs exactly one of: count, per, template_blocks, channel_groups"),
    ),
    Bad(
        "shards no way",
        "after: dq\n",
        "after: dq\n    shards: {}\n",
        ("31:13: error: stages.detect.shards: needs exactly one of: count, per, template_blocks, channel_groups"),
    ),
    Bad(
        "shards per what",
        "after: dq\n",
        "after: dq\n    shards: {per: detectr}\n",
        (
            "31:19: error: stages.detect.shards.per: 'detectr' is not allowed; did you mean "
            "'detector'? Allowed: detector"
        ),
    ),
    Bad(
        "shards of an unknown thing",
        "after: dq\n",
        "after: dq\n    shards: {blocks: 8}\n",
        (
            "31:14: error: stages.detect.shards.blocks: unknown key 'blocks'; known: count, per, "
            "template_blocks, channel_groups, standing, source"
        ),
    ),
    Bad(
        "awaits a stage without role",
        "after: dq\n",
        "after: dq\n    awaits: {stage: alert}\n",
        (
            "31:21: error: stages.detect.awaits.stage: 'alert' has no 'role: flag', so it says "
            "nothing to wait for; known: dq"
        ),
    ),
    Bad(
        "awaits nothing",
        "after: dq\n",
        "after: dq\n    awaits: {stage: dk}\n",
        "31:21: error: stages.detect.awaits.stage: unknown stage 'dk'; known: dq, detect, localise, alert",
    ),
    Bad(
        "awaits itself",
        "{work: glitch-classifier, ",
        "{work: glitch-classifier, awaits: {stage: dq}, ",
        "25:49: error: stages.dq.awaits.stage: waits for itself",
    ),
    Bad(
        "awaits without unit",
        "after: dq\n",
        "awaits: {stage: dq, timeout: 5}\n",
        "30:34: error: stages.detect.awaits.timeout: a duration needs a unit: write '5 s' or '5 ms'",
    ),
    Bad(
        "awaits no segment",
        "after: dq\n",
        "awaits: {stage: dq, span: 0}\n",
        "30:31: error: stages.detect.awaits.span: 0 must be at least 1",
    ),
    Bad(
        "preempt badly said",
        "after: dq\n",
        "after: dq\n    preempt: yes\n",
        "31:14: error: stages.detect.preempt: 'yes' is not allowed; allowed: none, resume, restart",
    ),
    Bad(
        "attempts without failure",
        "after: dq\n",
        "after: dq\n    attempts: {retries: 2}\n",
        "31:25: error: stages.detect.attempts.retries: no attempt can fail: give 'failure' or 'timeout' too",
    ),
    Bad(
        "pause before nothing",
        "after: dq\n",
        "after: dq\n    attempts: {failure: 1 %, backoff: 1 s}\n",
        (
            "31:39: error: stages.detect.attempts.backoff: there is no further attempt to pause "
            "before: give 'retries' too"
        ),
    ),
    Bad(
        "failure without unit",
        "after: dq\n",
        "after: dq\n    attempts: {failure: 0.01}\n",
        "31:25: error: stages.detect.attempts.failure: a fraction needs a unit: write '1 %'",
    ),
    Bad(
        "queue without limit",
        "after: dq\n",
        "after: dq\n    queue: {when_full: drop-oldest}\n",
        "31:5: error: stages.detect.queue.limit: is missing; add 'limit: …'",
    ),
    Bad(
        "full queue badly said",
        "after: dq\n",
        "after: dq\n    queue: {limit: 5, when_full: drop-random}\n",
        (
            "31:34: error: stages.detect.queue.when_full: 'drop-random' is not allowed; allowed: "
            "drop-newest, drop-oldest"
        ),
    ),
    Bad(
        "spill elsewhere",
        "after: dq\n",
        "after: dq\n    spill: 3\n",
        (
            "31:12: error: stages.detect.spill: says how full 'route: data-local' lets its site "
            "become, not 'nearest'"
        ),
    ),
    Bad(
        "function badly written",
        "after: dq\n",
        'after: dq\n    route: "my.module:2go"\n',
        (
            "31:12: error: stages.detect.route: 'my.module:2go' is not allowed; allowed: nearest, "
            "failover, least-loaded, stale-least-loaded, two-choices, data-local, "
            "package.module:function"
        ),
    ),
    Bad(
        "memory without fallback",
        "{time: 6 s, after",
        "{time: 6 s, fallback_memory: 1 GB, after",
        "33:42: error: stages.localise.fallback_memory: there is no fallback to run: give 'fallback' too",
    ),
    Bad(
        "instant with time",
        ", on: [cnaf.cpu]}",
        "}",
        (
            "33:20: error: stages.localise.time: a stage without 'on' is instant and does no work: "
            "name the pools it runs on"
        ),
    ),
    Bad(
        "publishes segments",
        "{work: glitch-classifier, ",
        "{work: glitch-classifier, publishes: early, ",
        ("25:44: error: stages.dq.publishes: 'publishes' is about candidates, but no trigger comes before 'dq'"),
    ),
    Bad(
        "product of nothing",
        "timeline:\n",
        "products: {initial: [localise, pe]}\ntimeline:\n",
        "40:32: error: products.initial.1: unknown stage 'pe'; known: dq, detect, localise, alert",
    ),
    Bad(
        "product of segments",
        "timeline:\n",
        "products: {initial: dq}\ntimeline:\n",
        "40:21: error: products.initial: a product is about candidates, but no trigger comes before 'dq'",
    ),
    Bad(
        "product twice",
        "timeline:\n",
        "products: {initial: [localise, localise]}\ntimeline:\n",
        "40:21: error: products.initial: names a stage twice",
    ),
    Bad(
        "product also published",
        "timeline:\n",
        "products: {preliminary: localise}\ntimeline:\n",
        "39:16: error: stages.alert.publishes: 'preliminary' is one of the 'products': give it another name",
    ),
    Bad(
        "target of no product",
        "targets:\n",
        "targets:\n  product: initail\n",
        "45:12: error: targets.product: unknown product 'initail'; known: preliminary",
    ),
    Bad(
        "no reports",
        "horizon: 1 d",
        "horizon: 1 d\nload_reports: 0 s",
        "4:15: error: load_reports: must be more than 0",
    ),
    Bad(
        "terms of nothing",
        "horizon: 1 d",
        "horizon: 1 d\nprofile_terms: [idling]",
        "4:16: error: profile_terms: lists no 'occupancy', which the other terms change: add it, or give [] "
        "for programs' own times alone",
    ),
    Bad(
        "unknown term",
        "horizon: 1 d",
        "horizon: 1 d\nprofile_terms: [occupancy, fashion]",
        "4:28: error: profile_terms.1: 'fashion' is not allowed; allowed: occupancy, idling, warmth, "
        "crowding, tempo",
    ),
    Bad(
        "trigger to nowhere",
        "{work: glitch-classifier, role: flag, on: [sos-enattos.cpu]}\n",
        (
            "{work: glitch-classifier, role: flag, on: [sos-enattos.cpu]}\n  second: {work: "
            "matched-filter, role: trigger, on: [cnaf.cpu]}\n"
        ),
        (
            "26:40: error: stages.second.role: no alert comes after 'second': what it finds would "
            "never be published"
        ),
    ),
    Bad(
        "wait for each other",
        "{work: glitch-classifier, role: flag, on: [sos-enattos.cpu]}\n",
        (
            "{work: glitch-classifier, role: flag, awaits: {stage: more}, on: [cnaf.cpu]}\n  more: "
            "{work: glitch-classifier, role: flag, awaits: {stage: dq}, on: [cnaf.cpu]}\n"
        ),
        (
            "25:61: error: stages.dq.awaits.stage: 'more' comes after 'dq', or waits for it: they "
            "would wait for each other"
        ),
        (
            "26:63: error: stages.more.awaits.stage: 'dq' comes after 'more', or waits for it: they "
            "would wait for each other"
        ),
    ),
)
