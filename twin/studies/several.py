"""A search over several whole numbers at once: Optuna proposes, twin.studies.judge confirms. Part of the kind
`search`.

Optuna's TPE (seeded, in memory, with the worst target as its constraint) proposes points that are run over the
first replicas only; nothing is run that a smaller point which keeps the targets, or a larger one which does
not, says already. The cheapest of what kept them are then judged with the stated confidence, and the winner is
stepped down, one number at a time, until each smaller neighbour is not shown to meet the targets. Knows no
worker and no file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import optuna

from twin import words
from twin.studies.asking import Ledger
from twin.studies.costs import cost
from twin.studies.judge import MET, Bound, Verdict, judged, looks, violation
from twin.studies.kinds import Asked
from twin.studies.search import Search, Sought, backwards, point_of

BATCH = 8
"""Points that Optuna proposes at a time; a constant, so that any number of workers gives the same proposals."""
_VIOLATION = "targets"

Values = tuple[int, ...]


def sought(asked: Asked, ask: Ledger, limits: Sequence[Bound]) -> Sought:
    """The winner, its smaller neighbours and every verdict."""
    search = _Several(asked, ask, limits)
    search.screen()
    winner = search.confirmed()
    below: tuple[Verdict, ...] = ()
    if winner is not None:
        winner, below = search.stepped_down(winner)
    chosen = {search.point(values).name: values for values in search.run}
    notes = tuple(
        f"More is not better here: {words.sequence(ask.called(names))} is worse for {b} than for {a}; "
        "there may be less."
        for a, b, names in backwards(ask, chosen, limits)[:1]
    )
    found = {verdict.point.name: verdict for verdict in search.verdicts.values()}
    return Sought(found, None if winner is None else search.verdicts[winner], below, notes)


class _Several:
    """The state of one search: what was run and how far it kept the targets, and what was judged."""

    def __init__(self, asked: Asked, ask: Ledger, limits: Sequence[Bound]) -> None:
        self.asked, self.ask, self.limits = asked, ask, limits
        self.section: Search = asked.section
        self.over = self.section.over
        self.run: dict[Values, float] = {}
        """By point, by how much of its limit the worst target was exceeded."""
        self.verdicts: dict[Values, Verdict] = {}

    def point(self, values: Values) -> Any:
        return point_of(self.asked, dict(zip(self.over, values, strict=True)))

    def price(self, values: Values) -> float:
        return cost(self.point(values).scenario, self.section.minimise[0], ranged=False).value

    def screen(self) -> None:
        """Run what Optuna proposes, over the first replicas."""
        study = _study(self.asked.seed)
        space: dict[str, optuna.distributions.BaseDistribution] = {
            key: optuna.distributions.IntDistribution(whole.values[0], whole.values[-1], step=whole.step)
            for key, whole in self.over.items()
        }
        for end in (-1, 0):
            study.enqueue_trial({key: whole.values[end] for key, whole in self.over.items()})
        everything = math.prod(len(whole.values) for whole in self.over.values())
        for _ in range(math.ceil(self.section.trials / BATCH)):
            trials = [study.ask(space) for _ in range(BATCH)]
            proposed = [tuple(trial.params[key] for key in self.over) for trial in trials]
            self._run([values for values in dict.fromkeys(proposed) if self._implied(values) is None])
            for trial, values in zip(trials, proposed, strict=True):
                known = self._implied(values)
                assert known is not None  # it has just been run
                trial.set_constraint(_VIOLATION, known)
                study.tell(trial, self.price(values))
            if len(self.run) == everything:
                break

    def confirmed(self) -> Values | None:
        """The cheapest that is shown to meet the targets, of what seemed to."""
        seemed = sorted((v for v, excess in self.run.items() if excess <= 0.0), key=lambda v: (self.price(v), v))
        return next((values for values in seemed if self._meets(values)), None)

    def stepped_down(self, winner: Values) -> tuple[Values, tuple[Verdict, ...]]:
        """The winner after every step down that still meets the targets, and the verdicts on those that do not."""
        while (smaller := next(filter(self._meets, self._below(winner)), None)) is not None:
            winner = smaller
        return winner, tuple(self.verdicts[values] for values in self._below(winner))

    def _below(self, values: Values) -> list[Values]:
        steps = [whole.step for whole in self.over.values()]
        fewest = [whole.least for whole in self.over.values()]
        return [
            (*values[:k], values[k] - step, *values[k + 1 :])
            for k, step in enumerate(steps)
            if values[k] - step >= fewest[k]
        ]

    def _meets(self, values: Values) -> bool:
        """The risk is shared out over the verdicts of a search: 1/2, 1/6, 1/12 … of it, which is all of it."""
        if values not in self.verdicts:
            k = len(self.verdicts) + 1
            risk = (1.0 - self.section.confidence) / (k * (k + 1))
            at = looks(self.asked.replicas, max(self.asked.replicas, self.section.at_most))
            (self.verdicts[values],) = judged(self.ask, [self.point(values)], self.limits, risk, at)
        return self.verdicts[values].verdict == MET

    def _run(self, proposed: Sequence[Values]) -> None:
        points = [self.point(values) for values in proposed]
        for values, outcome in zip(proposed, self.ask(points, range(self.asked.replicas)), strict=True):
            self.run[values] = violation(outcome, self.limits)

    def _implied(self, values: Values) -> float | None:
        """How far the targets are exceeded there, as far as runs tell: its own, one below that keeps them, or one
        above that does not."""
        if values in self.run:
            return self.run[values]
        kept = [excess for other, excess in self.run.items() if excess <= 0.0 and _within(other, values)]
        broken = [excess for other, excess in self.run.items() if excess > 0.0 and _within(values, other)]
        return min(kept) if kept else max(broken) if broken else None


def _within(a: Values, b: Values) -> bool:
    """Whether every number of `a` is at most that of `b`."""
    return all(x <= y for x, y in zip(a, b, strict=True))


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
