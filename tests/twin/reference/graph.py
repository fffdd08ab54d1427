"""How work goes from stage to stage: meetings, verdicts, gates, shards, and what never comes. Knows no server."""

from __future__ import annotations

from collections import deque
from copy import copy

from tests.twin.reference.decisions import candidates, flagged
from tests.twin.reference.environment import OVERDUE, RETRY, inverse_cdf, start_now, uniform
from tests.twin.reference.things import Meeting, Wait
from twin.kernel.state import (
    ABSENT,
    BAD,
    FLAG,
    FLAGGED,
    GOOD,
    OUTCOMES,
    OUTSIDE,
    PUBLISHED,
    TRIGGER,
    UNKNOWN,
    VETOED,
)


class Graph:
    """The part of the reference that hands jobs on."""

    def hand(self, job, s):
        """A job is handed to stage `s`, where it may have to meet others."""
        stage = self.stages[s]
        if stage.needs > 1:
            job = self.meet(("branches", s, job.entity), stage.needs, stage.any, job)
        if job is not None:
            self.enter(job, s)

    def hand_absent(self, s, entity, segment):
        """The entity will not come to stage `s` by one of its branches."""
        stage = self.stages[s]
        if stage.needs <= 1:
            self.absent_after(s, entity, segment)
        else:
            self.meet_absent(("branches", s, entity), stage.needs, stage.any, segment)

    def meet(self, key, needs, first_goes, job):
        """The job that goes on from this meeting, if any; where the entity is lost, what follows of that."""
        meeting = self.meetings.setdefault(key, Meeting())
        meeting.came += 1
        meeting.present += 1
        meeting.flag |= job.flag
        meeting.missing |= job.missing
        over = meeting.came == needs
        if over:
            del self.meetings[key]
        if first_goes:
            self.seen["join any" if meeting.present == 1 else "join any, later absorbed"] += 1
            return job if meeting.present == 1 else None
        if not over:
            return None
        if meeting.present < needs:
            self.seen[f"{key[0]} broken, last present"] += 1
            self.absent_after(key[1], job.entity, job.segment)
            return None
        self.seen[f"{key[0]} complete"] += 1
        job.flag, job.missing = meeting.flag, meeting.missing
        return job

    def meet_absent(self, key, needs, first_goes, segment):
        meeting = self.meetings.setdefault(key, Meeting())
        meeting.came += 1
        if meeting.came < needs:
            return
        del self.meetings[key]
        if first_goes and meeting.present:
            self.seen["join any, absent last"] += 1
            return
        self.seen[f"{key[0]} broken, {'some' if meeting.present else 'none'} present"] += 1
        self.absent_after(key[1], key[2], segment)

    def enter(self, job, s):
        """A job is at stage `s`: it waits for verdicts if it has to."""
        stage = self.stages[s]
        job.stage, job.attempt, job.shard = s, 0, 0
        self.offer(job)
        wait = Wait(job)
        if stage.awaits >= 0:
            self.look_up(wait, stage)
        if wait.pending == 0:
            self.pass_gate(job)
            return
        self.counts["waiting", s] += 1
        job.since_s = self.now
        self.seen["await span, several unknown"] += wait.pending > 1
        if stage.await_timeout_s < float("inf"):
            start_now(self.overdue(wait, stage))

    def look_up(self, wait, stage):
        segment, known = wait.job.segment, self.verdicts[stage.awaits]
        for k in range(max(0, segment - stage.await_span + 1), segment + stage.span):
            verdict = known.get(k, UNKNOWN) if k < self.plan.segments else ABSENT
            if verdict == UNKNOWN:
                wait.pending += 1
                self.waits.setdefault((stage.awaits, k), deque()).append(wait)
            else:
                self.seen[f"await, verdict {('good', 'flagged', 'absent')[verdict - 1]} known"] += 1
                self.learn(wait.job, self.stages[stage.awaits], verdict)

    def learn(self, job, stage, verdict):
        """The job knows what `stage` says."""
        if verdict == FLAGGED:
            job.flag |= stage.mark
            self.seen["await, outside"] += stage.mark == OUTSIDE
        elif verdict == ABSENT:
            job.missing = 1

    def overdue(self, wait, stage):
        yield self.env.after(stage.await_timeout_s, OVERDUE)
        if not wait.over:
            self.seen["await timeout"] += 1
            wait.job.missing = 1
            self.waited(wait)

    def waited(self, wait):
        wait.over = True
        job = wait.job
        self.counts["waiting", job.stage] -= 1
        job.join_s += self.now - job.since_s
        self.pass_gate(job)

    def give(self, f, segment, verdict):
        """Stage `f` says `verdict` on a job's segments; those who waited for them go on, first come first."""
        segments = range(segment, min(segment + self.stages[f].span, self.plan.segments))
        known, waits = self.verdicts[f], []
        for k in segments:
            self.seen["verdict given again"] += k in known
            known[k] = verdict
            waits += self.waits.pop((f, k), ())
        for wait in waits:
            if wait.over:
                self.seen["verdict after timeout"] += 1
                continue
            self.seen[f"await met, {('good', 'flagged', 'absent')[verdict - 1]}"] += 1
            self.learn(wait.job, self.stages[f], verdict)
            wait.pending -= 1
            if wait.pending == 0:
                self.waited(wait)

    def pass_gate(self, job):
        stage = self.stages[job.stage]
        if stage.gate and job.flag & BAD:
            self.drop(job, VETOED)
            return
        self.seen["outside passes a gate"] += bool(stage.gate) and job.flag == OUTSIDE
        if stage.whole:
            self.meetings["shards", job.stage, job.entity] = Meeting()
        for shard in range(stage.shards - 1):
            part = copy(job)
            part.shard = shard
            self.offer(part)
            self.send(part)
        job.shard = stage.shards - 1
        self.seen["shards"] += stage.shards > 1
        self.send(job)

    def send(self, job):
        stage = self.stages[job.stage]
        if stage.queue_start == stage.queue_stop:
            start_now(self.pause(job, stage))
        else:
            self.route(job)

    def pause(self, job, stage):
        """A stage without servers: at once, or after a time of its own."""
        if stage.timer < 0:
            self.seen["instant stage"] += 1
        else:
            self.seen["timer"] += 1
            takes_s = inverse_cdf(self.plan.tables[stage.timer].tolist(), uniform(stage.key, self.draw(job)))
            self.counts["waiting", job.stage] += 1
            job.since_s = self.now
            yield self.env.after(takes_s, RETRY)
            self.counts["waiting", job.stage] -= 1
            job.timer_s += self.now - job.since_s
        self.done(job)
        self.finish_stage(job, None)

    def leave(self, job, batch):
        """A shard is through; the last of them is the stage's end."""
        stage = self.stages[job.stage]
        if stage.shards > 1:
            job = self.meet(("shards", job.stage, job.entity), stage.shards, False, job)
        if job is not None:
            job.shard = 0
            self.finish_stage(job, batch)

    def finish_stage(self, job, batch):
        """The job is through with its stage: decide, publish, hand on."""
        s, stage = job.stage, self.stages[job.stage]
        if stage.role == TRIGGER:
            self.trigger(job, batch)
            return
        if stage.role == FLAG:
            verdict = FLAGGED if _says(self, job, batch, flagged) else GOOD
            job.flag |= stage.mark if verdict == FLAGGED else 0
            self.seen["outside"] += verdict == FLAGGED and stage.mark == OUTSIDE
            self.seen["flagged" if verdict == FLAGGED else "not flagged"] += 1
            if stage.verdict >= 0:
                self.give(s, job.segment, verdict)
        if stage.publishes:
            self.counts["published", s] += 1
            self.seen["published"] += 1
            self.end(job, PUBLISHED)
        for child in self.children[s]:
            self.hand(copy(job), child)

    def trigger(self, job, batch):
        stage = self.stages[job.stage]
        found = _says(self, job, batch, candidates)
        self.seen["trigger over several segments"] += stage.span > 1
        self.seen["trigger, several found"] += len(found) > 1
        self.seen["trigger, nothing found"] += not found
        for entity in found:
            self.seen["trigger, noise" if entity < 0 else "trigger, event"] += 1
            for child in self.children[job.stage]:
                candidate = copy(job)
                candidate.entity, candidate.variant = entity, batch.variant
                self.hand(candidate, child)

    def drop(self, job, outcome):
        """The job ends early; what waited for it learns that it will not come."""
        s, stage = job.stage, self.stages[job.stage]
        self.counts[OUTCOMES[outcome], s] += 1
        self.seen[OUTCOMES[outcome]] += 1
        self.gone(job)
        self.end(job, outcome)
        if stage.shards > 1 and outcome != VETOED:
            if stage.whole:
                self.give_up(job, outcome)
            self.meet_absent(("shards", s, job.entity), stage.shards, False, job.segment)
        else:
            self.absent_after(s, job.entity, job.segment)

    def absent_after(self, s, entity, segment):
        """The entity never completes stage `s`."""
        stage = self.stages[s]
        if stage.verdict >= 0:
            self.give(s, segment, ABSENT)
        if stage.role != TRIGGER:
            for child in self.children[s]:
                self.hand_absent(child, entity, segment)

    def end(self, job, outcome):
        who = job.entity, job.segment, job.stage, outcome, job.flag, job.missing, job.variant
        self.rows.append((*who, job.born_s, self.now, *job.parts()))


def _says(run, job, batch, decision):
    """What the batch's program says of the job's segments."""
    return decision(run, job.segment, batch.queue.decide[batch.variant], run.stages[job.stage].span)
