"""The work graph of the kernel: forks, shards, waiting for verdicts, and word of what will not come. Compiled.

Work that follows at once from an event is put on a stack of tasks and done depth first by `follow`, in the order
in which plain recursion would do it. The rules are those of twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.chance import uniform
from twin.kernel.compiled import compiled, inlined, rare, small, view
from twin.kernel.heap import push
from twin.kernel.meetings import GOES_ON, NOBODY, find, free_meeting, meet, meeting, unlink
from twin.kernel.memory import copy_job, forget_events, free, later, write_row
from twin.kernel.queues import append, draw, drop
from twin.kernel.routes import route
from twin.kernel.state import (
    ABSENT,
    BAD,
    FINISH,
    FLAGGED,
    HAND,
    JOB,
    MEETING,
    PUBLISHED,
    RANK_OVERDUE,
    RANK_RETRY,
    RELEASE,
    SPLIT,
    STAGE,
    TASK,
    TELL,
    TELL_BRANCH,
    TELL_SHARD,
    TOKEN_SHIFT,
    TRIGGER,
    UNKNOWN,
    VETOED,
    WAITER,
)


@compiled
def follow(w):
    """Do everything that follows at once from what just happened."""
    tasks = view(w["tasks"], TASK)
    while w["task_n"] > 0:
        w["task_n"] -= 1
        task = tasks[w["task_n"]]
        kind = task["kind"]
        s = task["stage"]
        ref = task["ref"]
        segment = task["segment"]
        if kind == HAND:
            hand(w, ref, s)
        elif kind == SPLIT:
            _split(w, ref, s, segment)
        elif kind == FINISH:
            hand_on(w, ref, s)
        elif kind == TELL:
            _over_absent(w, s, ref, segment)
        elif kind == TELL_SHARD:
            _shard_absent(w, s, ref, segment)
        elif kind == TELL_BRANCH:
            _branch_absent(w, s, ref, segment)
        elif kind == RELEASE:
            _release(w, ref, segment)
        else:
            append(w, ref)


# --- in --------------------------------------------------------------------------------------------------


@small
def hand(w, j, s):
    """Job `j` is handed to stage `s`: it meets the other branches, if there are any, or goes on alone."""
    stages = view(w["stages"], STAGE)
    if stages[s]["needs"] > 1:
        jobs = view(w["jobs"], JOB)
        entity = jobs[j]["entity"]
        segment = jobs[j]["segment"]
        fate = meet(w, s, stages[s]["needs"], stages[s]["any"], entity, j)
        if fate == NOBODY:
            _over_absent(w, s, entity, segment)
        if fate != GOES_ON:
            return
    _enter(w, j, s)


@inlined
def _enter(w, j, s):
    """Job `j` comes to stage `s` and waits for what it has to know before it is let in."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    job = jobs[j]
    job["stage"] = s
    job["attempt"] = 0
    job["shard"] = 0
    stages[s]["offered"] += 1
    if rare(stages[s]["awaits"] >= 0):
        _await(w, j, s)
        if job["pending"] > 0:
            return
    _let_in(w, j)


@inlined
def _let_in(w, j):
    """Job `j` passes the gate of its stage, is split into shards, and each of them is sent to a pool."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    job = jobs[j]
    s = job["stage"]
    if rare(stages[s]["gate"] > 0 and (job["flag"] & BAD) > 0):
        drop(w, j, VETOED)
        return
    if rare(stages[s]["queue_start"] == stages[s]["queue_stop"]):
        if stages[s]["timer"] >= 0:
            _start_timer(w, j, s)
            return
        stages[s]["done"] += 1
        later(w, FINISH, s, j, 0)
        return
    if stages[s]["shards"] == 1:
        route(w, j)
        return
    stages[s]["offered"] += stages[s]["shards"] - 1
    later(w, SPLIT, s, j, 0)


@compiled
def _start_timer(w, j, s):
    """Job `j` stays at stage `s`, which needs no server, for a time drawn from the stage's table."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    tables = view(w["tables"], np.float64)
    place = uniform(stages[s]["key"], draw(w, j)) * (w["table_width"] - 1)
    i = int(place)
    first = stages[s]["timer"] * w["table_width"] + i
    stages[s]["waiting"] += 1
    jobs[j]["since_s"] = w["now_s"]
    push(w, w["now_s"] + (tables[first] + (place - i) * (tables[first + 1] - tables[first])), RANK_RETRY, j)


@compiled
def timed(w, j):
    """The time of job `j` at a stage without servers is over."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    s = jobs[j]["stage"]
    stages[s]["waiting"] -= 1
    stages[s]["done"] += 1
    jobs[j]["timer_s"] += w["now_s"] - jobs[j]["since_s"]
    later(w, FINISH, s, j, 0)


@compiled
def _split(w, j, s, shard):
    """Send shard number `shard` of job `j`; the next one comes after what follows from that."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    k = j
    if rare(stages[s]["whole"] > 0 and shard == 0):
        meeting(w, w["stage_n"] + s, jobs[j]["entity"])
    if shard < stages[s]["shards"] - 1:
        later(w, SPLIT, s, j, shard + 1)
        k = copy_job(w, j)
    jobs[k]["shard"] = shard
    route(w, k)


# --- waiting for verdicts --------------------------------------------------------------------------------


@compiled
def _await(w, j, s):
    """Collect the verdicts job `j` needs; for those still to come it is registered as waiting."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    verdicts = view(w["verdicts"], np.int8)
    job = jobs[j]
    stage = stages[s]
    f = stage["awaits"]
    first = stages[f]["verdict"] * w["segment_n"]
    job["pending"] = 0
    for k in range(max(0, job["segment"] - stage["await_span"] + 1), job["segment"] + stage["span"]):
        verdict = verdicts[first + k] if k < w["segment_n"] else ABSENT
        if verdict == UNKNOWN:
            job["pending"] += 1
            _register(w, 2 * w["stage_n"] + f, k, j)
        else:
            _learn(job, verdict, stages[f]["mark"])
    if job["pending"] > 0:
        stage["waiting"] += 1
        job["since_s"] = w["now_s"]
        if stage["await_timeout_s"] < np.inf:
            ref = j | (np.int64(job["token"]) << TOKEN_SHIFT)
            push(w, w["now_s"] + stage["await_timeout_s"], RANK_OVERDUE, ref)


@compiled
def _learn(job, verdict, mark):
    """Job `job` knows a verdict of a stage whose flags mean `mark`."""
    if verdict == FLAGGED:
        job["flag"] |= mark
    elif verdict == ABSENT:
        job["missing"] = 1


@compiled
def _register(w, point, segment, j):
    meetings = view(w["meetings"], MEETING)
    waiters = view(w["waiters"], WAITER)
    jobs = view(w["jobs"], JOB)
    w["budget"] = 0
    m = meeting(w, point, segment)
    k = w["waiter_free"]
    w["waiter_free"] = waiters[k]["next"]
    w["waiter_free_n"] -= 1
    waiters[k]["job"] = j
    waiters[k]["token"] = jobs[j]["token"]
    waiters[k]["next"] = -1
    if meetings[m]["head"] < 0:
        meetings[m]["head"] = k
    else:
        waiters[meetings[m]["tail"]]["next"] = k
    meetings[m]["tail"] = k


@compiled
def give_verdict(w, s, segment, verdict):
    """Stage `s` has said what it will about a job that begins with `segment`: those who wait for it learn it.

    They do so segment by segment, first come first.
    """
    stages = view(w["stages"], STAGE)
    verdicts = view(w["verdicts"], np.int8)
    for k in range(min(segment + stages[s]["span"], w["segment_n"]) - 1, segment - 1, -1):
        verdicts[stages[s]["verdict"] * w["segment_n"] + k] = verdict
        m = find(w, 2 * w["stage_n"] + s, k)
        if m >= 0:
            unlink(w, m)
            later(w, RELEASE, 0, m, verdict)


@compiled
def _release(w, m, verdict):
    """The first who waits at meeting `m` learns the verdict; the others come after what follows from that."""
    meetings = view(w["meetings"], MEETING)
    waiters = view(w["waiters"], WAITER)
    jobs = view(w["jobs"], JOB)
    mark = view(w["stages"], STAGE)[meetings[m]["point"] - 2 * w["stage_n"]]["mark"]
    k = meetings[m]["head"]
    meetings[m]["head"] = waiters[k]["next"]
    if meetings[m]["head"] >= 0:
        later(w, RELEASE, 0, m, verdict)
    else:
        free_meeting(w, m)
    waiters[k]["next"] = w["waiter_free"]
    w["waiter_free"] = k
    w["waiter_free_n"] += 1
    j = waiters[k]["job"]
    if jobs[j]["token"] != waiters[k]["token"]:
        return
    _learn(jobs[j], verdict, mark)
    jobs[j]["pending"] -= 1
    if jobs[j]["pending"] == 0:
        _waited(w, j)


@compiled
def overdue(w, j):
    """Job `j` has waited long enough: it goes on without the verdicts that are missing."""
    jobs = view(w["jobs"], JOB)
    jobs[j]["missing"] = 1
    jobs[j]["pending"] = 0
    _waited(w, j)


@compiled
def _waited(w, j):
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    forget_events(w, j)
    stages[jobs[j]["stage"]]["waiting"] -= 1
    jobs[j]["join_s"] += w["now_s"] - jobs[j]["since_s"]
    _let_in(w, j)


# --- out -------------------------------------------------------------------------------------------------


@small
def hand_on(w, j, s):
    """Job `j` is done with stage `s`: publish, and go to every successor."""
    stages = view(w["stages"], STAGE)
    children = view(w["children"], np.int64)
    if stages[s]["publishes"] > 0:
        stages[s]["ended"][PUBLISHED] += 1
        write_row(w, j, PUBLISHED)
    first = stages[s]["child_start"]
    last = stages[s]["child_stop"] - 1
    if last < first:
        free(w, j)
    elif last == first:
        hand(w, j, children[first])
    else:
        later(w, HAND, children[last], j, 0)
        for c in range(last - 1, first - 1, -1):
            later(w, HAND, children[c], copy_job(w, j), 0)


@compiled
def shard_done(w, j, s):
    """Whether job `j`, a shard of stage `s` that is done, is the last and goes on; else it is gone."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    entity = jobs[j]["entity"]
    segment = jobs[j]["segment"]
    fate = meet(w, w["stage_n"] + s, stages[s]["shards"], 0, entity, j)
    if fate == NOBODY:
        _over_absent(w, s, entity, segment)
    return fate == GOES_ON


@compiled
def _shard_absent(w, s, entity, segment):
    """A shard of stage `s` ended early."""
    stages = view(w["stages"], STAGE)
    if meet(w, w["stage_n"] + s, stages[s]["shards"], 0, entity, -1) == NOBODY:
        _over_absent(w, s, entity, segment)


@compiled
def _over_absent(w, s, entity, segment):
    """Nothing will come of `entity` at stage `s`: tell those who wait for its verdict and the stages after it."""
    stages = view(w["stages"], STAGE)
    children = view(w["children"], np.int64)
    if stages[s]["role"] != TRIGGER:
        for i in range(stages[s]["child_stop"] - 1, stages[s]["child_start"] - 1, -1):
            later(w, TELL_BRANCH, children[i], entity, segment)
    if stages[s]["verdict"] >= 0:
        give_verdict(w, s, segment, ABSENT)


@compiled
def _branch_absent(w, s, entity, segment):
    """A branch to stage `s` ended early."""
    stages = view(w["stages"], STAGE)
    needs = stages[s]["needs"]
    if needs <= 1 or meet(w, s, needs, stages[s]["any"], entity, -1) == NOBODY:
        _over_absent(w, s, entity, segment)
