"""Answers a study's questions: looks up what is known, has the rest computed, keeps it as it comes.

An answer depends on nothing but what was asked (twin.studies.identity), so that it does not matter where and in
what order replicas are run, nor how often a study was interrupted. Knows no kind of study and no format of
results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from twin import words
from twin.scenario import Scenario
from twin.studies.answers import FILE, Answers
from twin.studies.evaluation import Outcome, Point
from twin.studies.identity import Identity
from twin.studies.pieces import merged, read
from twin.studies.tasks import Executor, Failed, PointError, Task
from twin.tree import ScenarioError

Progress = Callable[[float, str], None]
_TASKS_EACH = 4
"""So many tasks are made for each worker, at least, where there are replicas enough: nobody idles at the end."""
_MOST_REPLICAS = 50
"""Of a task."""


class Engine:
    """Has points run by `executor` and keeps `answers`; the `Evaluate` of a study.

    `seed` is that of all points, whatever their scenarios say; profiles are looked for in the folders `profiles`
    first.
    """

    def __init__(
        self,
        executor: Executor,
        answers: Answers,
        *,
        seed: int,
        profiles: tuple[Path, ...] = (),
        progress: Progress = lambda fraction, text: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor, self._answers = executor, answers
        self._seed, self._profiles = seed, profiles
        self._progress, self._clock = progress, clock
        self._identity = Identity(profiles)
        self._asked: set[tuple[str, int]] = set()
        self._known = self._computed = 0
        self.errors: dict[str, Exception] = {}
        """Why points failed, by name."""
        self._hopeless: dict[str, Exception] = {}
        self._names: dict[str, str] = {}
        self._keys: dict[str, tuple[Point, str]] = {}

    def __call__(self, points: Sequence[Point], replicas: range) -> list[Outcome]:
        """As `Evaluate`. Raises ValueError for no replicas and for points of one name that are not the same."""
        if len(replicas) < 1 or replicas.step != 1 or replicas.start < 0:
            raise ValueError(f"replicas are numbered from 0 and follow each other, not {replicas}")
        keys: dict[str, str] = {}
        for point in points:
            if keys.setdefault(point.name, key := self._key(point)) != key:
                raise ValueError(f"two different points are called '{point.name}'")
            self._names.setdefault(key, point.name)
        tasks = list(self._tasks(points, keys, replicas))
        new = {(key, replica) for key in keys.values() if key for replica in replicas} - self._asked
        self._known += sum(self._answers.get(*one) is not None for one in new)
        self._asked |= new
        if tasks:
            self._run(tasks)
        return [self._outcome(point, keys[point.name], replicas) for point in points]

    @property
    def computed(self) -> int:
        """How many replicas were run, and not known already."""
        return self._computed

    @property
    def damaged(self) -> list[str]:
        """Which kept answers could not be used, in words; names those of points that were asked about."""
        told = []
        for one in self._answers.damaged:
            name = self._names.get(one.key)
            which = "a replica that cannot be told" if name is None else f"replica {one.replica + 1} of {name}"
            told.append(f"{FILE}, line {one.line}: damaged or not finished; it held {which}")
        return told

    def _key(self, point: Point) -> str:
        """The name of what decides the point's replicas; '' when there is none, which is an error of its own."""
        if point.scenario.live:
            raise ValueError("live stages are executed in real time: study the scenario without them")
        before, key = self._keys.get(point.name, (None, ""))
        if before is point:
            return key
        try:
            key = self._identity(_seeded(point, self._seed))
        except ScenarioError as error:
            self.errors[point.name] = error
            key = ""
        self._keys[point.name] = point, key
        return key

    def _tasks(self, points: Sequence[Point], keys: Mapping[str, str], replicas: range) -> Iterator[Task]:
        missing: dict[str, tuple[Point, list[range]]] = {}
        for point in points:
            key = keys[point.name]
            if key and key not in missing and key not in self._hopeless:
                missing[key] = point, list(_runs(r for r in replicas if self._answers.get(key, r) is None))
        n = sum(len(run) for _, runs in missing.values() for run in runs)
        most = max(1, min(_MOST_REPLICAS, -(-n // (_TASKS_EACH * self._executor.workers))))
        for key, (point, runs) in missing.items():
            scenario = _seeded(point, self._seed) if runs else point.scenario
            for run in runs:
                for k in range(0, len(run), most):
                    yield Task(key, point.name, scenario, run[k : k + most], self._profiles)

    def _run(self, tasks: Sequence[Task]) -> None:
        begun_s, done, of = self._clock(), 0, sum(len(task.replicas) for task in tasks)
        self._tell(0.0, f"{words.count(of, 'replica')} on {words.count(self._executor.workers, 'worker')}")
        events = self._executor.run(tasks, lambda task: task.key not in self._hopeless, self._tell)
        with closing(events):
            for event in events:
                if isinstance(event, Failed):
                    self._hopeless[event.task.key] = event.error
                    self._tell(0.0, f"{event.task.name} failed")
                    continue
                self._answers.keep(event.task.key, event.replica, event.answer)
                self._computed, done = self._computed + 1, done + 1
                self._known += (event.task.key, event.replica) in self._asked
                left_s = (self._clock() - begun_s) / done * (of - done)
                left = f"; about {words.duration(left_s)} left" if done < of else ""
                self._tell(0.0, f"{event.task.name}{left}")

    def _tell(self, part: float, text: str) -> None:
        """How far it is: of all replicas that were asked for until now, so many are known."""
        share = min(1.0, (self._known + part) / len(self._asked))
        self._progress(share, f"{self._known:,} of {len(self._asked):,}: {text}")

    def _outcome(self, point: Point, key: str, replicas: range) -> Outcome:
        if key in self._hopeless:
            self.errors[point.name] = self._hopeless[key]
        if point.name in self.errors:
            return Outcome(point.name, [], [], [], "", _said(self.errors[point.name]))
        answers = [self._answers.get(key, replica) for replica in replicas]
        pieces = [read(answer) for answer in answers if answer is not None]
        if len(pieces) < len(replicas):
            raise PointError(f"{point.name}: only {len(pieces)} of {len(replicas)} replicas were computed")
        return merged(point.name, pieces, point.scenario.targets)


def _seeded(point: Point, seed: int) -> Scenario:
    return point.scenario if point.scenario.seed == seed else point.scenario.with_({"seed": seed})


def _runs(numbers: Iterator[int]) -> Iterator[range]:
    """The numbers as ranges without gaps."""
    start = stop = -1
    for number in numbers:
        if number != stop:
            if stop > start:
                yield range(start, stop)
            start = number
        stop = number + 1
    if stop > start:
        yield range(start, stop)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
