"""The unit of work of a study: some replicas of one point. What is handed to a worker, and what comes back.

For the engine, which makes tasks, and for the executors: here, on processes of this machine, on a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from twin.tree import ScenarioError

if TYPE_CHECKING:
    from twin.scenario import Scenario

MOST_KILLS = 3
"""A task whose process was killed so often is given up."""


class PointError(RuntimeError):
    """Why a point could not be computed, in words."""


@dataclass(frozen=True)
class Task:
    """Replicas of the scenario that `key` names (twin.studies.identity), under the point's `name`."""

    key: str
    name: str
    scenario: Scenario
    replicas: range
    profiles: tuple[Path, ...]


@dataclass(frozen=True)
class Told:
    """What one replica of a task gave, as a line (twin.studies.pieces)."""

    task: Task
    replica: int
    answer: str


@dataclass(frozen=True)
class Failed:
    """A task could not be done."""

    task: Task
    error: Exception


Event = Told | Failed
Say = Callable[[float, str], None]
"""Told what is going on, and how much of a replica is done beside those that were told."""


class Executor(Protocol):
    """Who does tasks, as many at once as it has `workers`."""

    @property
    def workers(self) -> int:
        """How many tasks are done at once."""

    def run(self, tasks: Sequence[Task], wanted: Callable[[Task], bool], say: Say) -> Generator[Event, None, None]:
        """Do the tasks that are still `wanted` when their turn comes; events as they happen, in any order."""

    def close(self) -> None:
        """Stop what still runs, and let the workers go."""


def carried_out(task: Task, progress: Callable[[float, str], None]) -> Iterator[tuple[int, str]]:
    """The number and the answer of every replica of the task, one after the other."""
    from twin.runner import singly
    from twin.studies.pieces import piece, written

    records = singly(task.scenario, task.replicas, profiles=task.profiles, progress=progress)
    for replica in task.replicas:
        yield replica, written(piece(next(records)))


def sayable(error: Exception) -> Exception:
    """The error as it may be sent to another process: as it is where that is known to work, else in words."""
    if type(error) in (ScenarioError, PointError):
        return error
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return PointError(f"out of memory{f': {text}' if text else ''}")
    return PointError(f"{type(error).__name__}: {text}" if text else type(error).__name__)


class Here:
    """Does tasks in this process, one after the other."""

    workers = 1

    def run(self, tasks: Sequence[Task], wanted: Callable[[Task], bool], say: Say) -> Generator[Event, None, None]:
        """As `Executor.run`."""
        for task in tasks:
            if wanted(task):
                yield from self._done(task, say)

    def close(self) -> None:
        """Nothing to stop."""

    def _done(self, task: Task, say: Say) -> Generator[Event, None, None]:
        told = 0
        answers = carried_out(task, lambda part, text: say(part * len(task.replicas) - told, text))
        while True:
            try:
                replica, answer = next(answers)
            except StopIteration:
                return
            except Exception as error:
                yield Failed(task, sayable(error))
                return
            told += 1
            yield Told(task, replica, answer)
