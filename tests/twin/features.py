"""Which rules a run of the reference really exercised. Knows no kernel."""

from __future__ import annotations

from twin.kernel.state import ROUTES

_WORDS = ("complete", "flow", "arrival", "stream", "retry", "overdue", "timer", "report")
_TIES = {f"tie of {a} and {b}" for i, a in enumerate(("control", *_WORDS)) for b in _WORDS[max(i - 1, 0) :]}
_TIES -= {"tie of report and report"}  # only one is ever due
_ACTIONS = (
    "down", "restore", "fail", "repair", "scale", "degrade", "close", "reopen", "evacuate", "link_share",
    "link_close", "link_reopen", "judge", "withdraw", "reinstate",
)  # fmt: skip

EXPECTED = frozenset(
    {
        # the graph
        "branches complete", "branches broken, last present", "branches broken, some present",
        "branches broken, none present", "join any", "join any, later absorbed", "join any, absent last",
        "shards", "shards complete", "shards broken, last present", "shards broken, some present",
        "shards broken, none present", "instant stage", "published", "vetoed", "flagged", "not flagged",
        "trigger, event", "trigger, several found", "trigger, noise", "trigger, nothing found",
        "await met, good", "await met, flagged", "await met, absent", "await, verdict good known",
        "await, verdict flagged known", "await, verdict absent known", "await span, several unknown",
        "await timeout", "verdict after timeout", "verdict given again",
        "outside", "outside passes a gate", "await, outside", "fallback for what is outside",
        "batch ends before another variant", "shard goes on past its shelf life", "shard ends with another one",
        "timer", "trigger over several segments", "stream jumps", "stream has another lag", "stream in frames",
        "stream kept in order",
        # queues
        "newest rejected", "oldest rejected", "shed at admission", "dropped from the queue for its age",
        "dropped for its age while no server was free", "stale", "expired", "expired at its end",
        "waits for a batch to fill", "waits for a pool that is down", "batch deadline", "evacuated",
        # servers and batches
        "batch of 1", "batch of 2 or more", "batch of no time", "turn again", "slow service", "fallback runs",
        "service after idling", "service without a pause",
        "service on a warm server", "service on a cold server", "crowded service", "service at its tempo",
        "attempt fails", "attempt times out", "retry", "retries exhausted", "failed",
        "preempted, resumes", "preempted, restarts", "preempted while loading", "resumed",
        "no preemption while servers leave",
        "no preemption on a breaking server", "program held", "program loaded", "program loaded in no time",
        "program gone cold", "program evicted", "server chosen for what it holds",
        # routes and links
        *(f"route {route}" for route in ROUTES), "route python says no", "route, none eligible",
        "route avoids closed pool", "route avoids closed link", "route avoids full queue",
        "route avoids pool without servers", "route by an old load", "two choices of three", "data-local spills",
        "latency", "link shared by 1 flows", "link shared by 2 flows", "link shared by 3 flows or more",
        "flows tie", "link stalled with flows", "link share changes under flows", "transfer over a closed link",
        # control actions
        "down, drain", "running killed, lost", "running killed, waits again", "suspended killed, lost",
        "suspended killed, waits again", "lost", "restore", "fail, idle", "fail, drains", "fail, lost",
        "fail, waits again", "fail refused", "breaking server breaks", "servers below zero", "repair, broken",
        "repair, breaking", "repair refused", "scale up, new ones", "scale up, leaving ones stay",
        "scale down, free ones", "scale down, busy ones", "leaving server leaves", "reopen",
        "another variant serves", "second fallback serves", "climbs back", "stands still", "waits for a variant",
        "stands still no longer", "judged otherwise", "judged otherwise, fallback",
    }
    | {f"action {method}" for method in _ACTIONS}
    | _TIES
)  # fmt: skip
"""What random cases have to hit among them, or the comparison proves less than it says."""


def features(plan, actions, reference):
    """Names of what really happened in this run, counted where it happened."""
    happened = {name for name, times in reference.seen.items() if times > 0}
    happened |= {f"action {method}" for at_s, method, _ in actions if at_s < plan.horizon_s}
    happened |= {f"{min(plan.stages.size, 4)} stages{' or more' * (plan.stages.size >= 4)}"}
    return happened


def report(counts, cases):
    """A table: how many of the cases had each feature, rarest first; in brackets what they need not have."""
    lines = [f"features of {cases} cases (cases with each)"]
    for name in sorted(EXPECTED | set(counts), key=lambda name: (counts[name], name)):
        lines.append(f"{counts[name]:7d}  {name if name in EXPECTED else f'({name})'}")
    return "\n".join(lines)
