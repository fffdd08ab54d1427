"""A stage's models age as the data drift, and policies train them anew. Knows no scenario and no profile.

What the data are like, and what models decide on them, is plain data made before (twin.ageing). The control tells
the computing when a model decides otherwise, and keeps what happened: `served` and `trained`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from twin.ageing.course import KIND, Amounts, Course
from twin.ageing.curves import Model
from twin.ageing.policy import PASSED, ROLLED_BACK, Policy
from twin.controls import causes
from twin.controls.control import Control, Due, Ground
from twin.controls.laws import chance
from twin.kernel.state import PRIMARY

_LEARNED = 0.5
"""A model that is less than this part of the way from a new class of glitches has learned it."""


@dataclass(kw_only=True)
class Ageing(Control):
    """The models of stage number `stage`: those that have curves age along `course`, the primary ones are renewed.

    One training at a time: another one that is called for meanwhile begins when it is over; none begins from
    `until_s` on.
    """

    stage: int
    course: Course
    models: tuple[Model, ...]
    policies: tuple[Policy, ...] = ()
    until_s: float = inf
    version: int = 1
    epoch: Amounts = ()
    """The data that the primary models are made for; () is those at the start."""
    busy: int = -1
    """Policy whose training is under way, -1 none."""
    asked: tuple[int, ...] = ()
    """Policies that wait for it to be over."""
    resting: tuple[int, ...] = ()
    """Policies whose model failed, to be tried again."""
    begun_s: float = 0.0
    ended_s: float = 0.0
    seen: Amounts = ()
    """The data that the training began with."""
    taken: int = 0
    served: tuple[tuple[float, int, Amounts], ...] = ()
    """From when on (s) which version of the primary there was, and the data that it is made for."""
    trained: tuple[tuple[int, float, float, float, str, int, float], ...] = ()
    """Of every training: policy, when it began, ended and was decided (s), how, servers, server time (s)."""

    def first(self) -> Iterator[Due]:
        """The course from its beginning, and what policies have set by the clock."""
        yield 0.0, "drift", 0
        for p, policy in enumerate(self.policies):
            if not policy.watches and policy.at_s < self.until_s:
                yield policy.at_s, "due", p
            if policy.answers is not None:
                yield policy.answers.every_s, "count", p

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Follow the course, or begin, end or decide a training."""
        if verb == "drift":
            self._drift(environment, now_s, *about)
        elif verb == "due":
            self._due(environment, now_s, *about)
        elif verb == "count":
            self._count(environment, now_s, *about)
        elif verb == "again":
            self._again(environment, now_s, *about)
        elif verb == "trained":
            self._trained(environment, now_s)
        else:
            self._decided(environment, now_s)

    # --- the data ---

    def _drift(self, environment: Ground, now_s: float, k: int) -> None:
        """The course has come to its part number `k`."""
        if k == 0:
            self.epoch = (0.0,) * len(self.course.kinds)
            self._note(now_s)
        if k + 1 < len(self.course.times_s):
            self.plan(self.course.times_s[k + 1], "drift", k + 1)
        if any(self.course.amounts[k]) or (k and any(self.course.amounts[k - 1])):
            self.judge(environment, now_s)
        self._watch(environment, now_s)

    def judge(self, environment: Ground, now_s: float) -> None:
        """Every model that has curves decides as it does on the data of `now_s`."""
        for model in self.models:
            if model.curves and self.course.kinds:
                responses, noise = model.after(self.course.kinds, self.stale(now_s, model.variant))
                table = tuple(map(tuple, responses.tolist()))
                environment.judge(self.stage, model.variant, table, noise, model.pool)

    def stale(self, now_s: float, variant: int = PRIMARY) -> Amounts:
        """How far the data of `now_s` are from those that the models of this variant are made for."""
        now = self.course.at(now_s)
        return tuple(a - b for a, b in zip(now, self.epoch, strict=True)) if variant == PRIMARY else now

    # --- when a training begins ---

    def _watch(self, environment: Ground, now_s: float) -> None:
        """Begin the first training that the state of data and models calls for."""
        primary, stale = [m for m in self.models if m.variant == PRIMARY], self.stale(now_s)
        for p, policy in enumerate(self.policies):
            if self._free(p, now_s) and policy.watches and policy.calls(primary, self.course.kinds, stale):
                self._begin(environment, now_s, p)

    def _free(self, p: int, now_s: float) -> bool:
        """Whether policy `p` may begin a training now, if something calls for it."""
        return self.busy < 0 and p not in self.resting and self.policies[p].at_s <= now_s < self.until_s

    def _count(self, environment: Ground, now_s: float, p: int) -> None:
        """Look at the answers that policy `p` counts, since the present model serves."""
        answers = self.policies[p].answers
        assert answers is not None
        if now_s + answers.every_s < self.until_s:
            self.plan(now_s + answers.every_s, "count", p)
        since_s = next((time_s for time_s, version, _ in self.served if version == self.version), 0.0)
        kinds, stale = self.course.kinds, self.stale(now_s)
        knows = KIND not in kinds or stale[kinds.index(KIND)] < _LEARNED
        if self._free(p, now_s) and answers.too_many(max(since_s, self.policies[p].at_s), now_s, knows):
            self._begin(environment, now_s, p)

    def _due(self, environment: Ground, now_s: float, p: int) -> None:
        """The clock has come to a training of policy `p`."""
        again_s = now_s + self.policies[p].every_s
        if again_s < self.until_s:
            self.plan(again_s, "due", p)
        self._ask(environment, now_s, p)

    def _again(self, environment: Ground, now_s: float, p: int) -> None:
        """A model of policy `p` failed some time ago; nothing to do when another training of it began since."""
        if p in self.resting:
            self._ask(environment, now_s, p)

    def _ask(self, environment: Ground, now_s: float, p: int) -> None:
        if p not in self.asked and p != self.busy:
            self.asked += (p,)
        self._begin_next(environment, now_s)

    def _begin_next(self, environment: Ground, now_s: float) -> None:
        """Begin the training that has waited longest, unless one is under way."""
        if self.busy < 0 and self.asked and now_s < self.until_s:
            first, *others = self.asked
            self.asked = tuple(others)
            self._begin(environment, now_s, first)

    def _begin(self, environment: Ground, now_s: float, p: int) -> None:
        policy = self.policies[p]
        self.busy, self.begun_s, self.seen = p, now_s, self.course.at(now_s)
        self.resting = tuple(q for q in self.resting if q != p)
        if policy.takes:
            self.taken = max(0, min(policy.takes, int(environment.world.pools[policy.pool]["servers"])))
        self._scale(environment, -self.taken)
        if not policy.blue_green:
            causes.withdraw(environment, self.stage, PRIMARY)
        end_s = now_s + policy.lasts_s
        environment.marks.append(("retraining", policy.name, now_s, end_s + policy.hold_s))
        self.plan(end_s, "trained")

    # --- how it ends ---

    def _trained(self, environment: Ground, now_s: float) -> None:
        """The weights are there; servers that the new model does not run beside the old one on are free."""
        policy = self.policies[self.busy]
        self.ended_s = now_s
        if not policy.blue_green:
            self._scale(environment, self.taken)
        self.plan(now_s + policy.hold_s, "decided")

    def _decided(self, environment: Ground, now_s: float) -> None:
        """The new model serves, or the old one goes on."""
        p, policy = self.busy, self.policies[self.busy]
        n = sum(training[0] == p for training in self.trained)
        passed = chance(policy.key, n) < policy.passes
        held_s = (now_s if policy.blue_green else self.ended_s) - self.begun_s
        how = PASSED if passed else ROLLED_BACK
        times_s = self.begun_s, self.ended_s, now_s
        self.trained += ((p, *times_s, how, self.taken, self.taken * held_s),)
        if policy.blue_green:
            self._scale(environment, self.taken)
        if passed:
            way = zip(self.epoch, self.seen, strict=True)
            self.epoch = tuple(a + policy.regains * (b - a) for a, b in way)
            self.version += 1
            self.judge(environment, now_s)
        if not policy.blue_green:
            causes.reinstate(environment, self.stage, PRIMARY)
        self._note(now_s)
        self.busy, self.taken = -1, 0
        if not passed and policy.again_s < inf:
            self.resting += (p,)
            self.plan(now_s + policy.again_s, "again", p)
        self._begin_next(environment, now_s)

    def _note(self, now_s: float) -> None:
        self.served += ((now_s, self.version, self.epoch),)

    def _scale(self, environment: Ground, by: int) -> None:
        if by:
            environment.scale(self.policies[self.busy].pool, by)
