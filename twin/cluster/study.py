"""Tasks of a study on Dask workers: of this machine, of a scheduler that runs somewhere, of a batch system's jobs.

Workers have this project installed, see the same files, and do one task per thread at a time. A worker that is
lost costs the task that it was doing, which is given out again; one that has killed several workers is given up.
Workers with resources serve who asks for one of these (`Place.tag`): those of a farm (twin.cluster.farm) are left
to farms.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shlex
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask.config
from distributed import Client, Future, LocalCluster

from twin.cluster.farm import CONNECT_S, QUIET, nobody, security
from twin.cluster.places import Place
from twin.farm.place import FarmError
from twin.studies.identity import code
from twin.studies.tasks import MOST_KILLS, Event, Failed, PointError, Say, Task, Told, carried_out, sayable

LOOK_S = 0.5
"""How often it is looked who has joined, while nothing happens."""
_SETTINGS = {
    **QUIET,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
}
Answered = tuple[str, Any]


@dataclass
class _Under:
    """A task that is under way at a worker's address."""

    task: Task
    future: Future[Any]
    address: str


class Cluster:
    """The workers of `place`; of this machine so many `workers`, where the place does not say how many."""

    def __init__(self, place: Place, workers: int | None) -> None:
        self._place = place
        self._code = code()
        self._close = contextlib.ExitStack()
        self._close.enter_context(dask.config.set(_SETTINGS))
        for name in ("distributed", "distributed.client", "distributed.nanny", "distributed.worker"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = self._close.enter_context(_client(place, workers, self._close))
        except BaseException:
            self._close.close()
            raise

    @property
    def workers(self) -> int:
        """Threads of those who are there and may do our tasks."""
        return max(1, self._place.number, sum(self._free().values()))

    def run(self, tasks: Sequence[Task], wanted: Callable[[Task], bool], say: Say) -> Generator[Event, None, None]:
        """As `Executor.run`. FarmError when the scheduler goes, or a worker has another version of the
        programs."""
        waiting, kills = deque(tasks), Counter[str]()
        under: dict[Any, _Under] = {}
        done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        try:
            while waiting or under:
                free = self._free()
                yield from self._lost(waiting, under, kills, free)
                self._hand_out(waiting, wanted, under, done, free)
                if not free:
                    say(0.0, self._alone())
                with contextlib.suppress(queue.Empty):
                    future = done.get(timeout=LOOK_S)
                    if (one := under.pop(future.key, None)) is not None:
                        yield from self._heard(one)
        finally:
            with contextlib.suppress(OSError):
                self._client.cancel([one.future for one in under.values()])

    def close(self) -> None:
        """Leave the scheduler; processes and jobs that were started for this study end."""
        with contextlib.suppress(OSError, TimeoutError):
            self._close.close()

    def _free(self) -> dict[str, int]:
        """By address of a worker that may do our tasks, how many at once."""
        if self._client.status not in ("running", "connecting"):
            raise FarmError(f"{self._place.name}: the scheduler is gone")
        tag, found = self._place.tag, {}
        for address, worker in self._client.scheduler_info(n_workers=-1)["workers"].items():
            resources = worker["resources"]
            n = int(resources.get(tag, 0)) if tag else 0 if resources else int(worker["nthreads"])
            if n > 0:
                found[address] = n
        return found

    def _hand_out(
        self,
        waiting: deque[Task],
        wanted: Callable[[Task], bool],
        under: dict[Any, _Under],
        done: queue.SimpleQueue[Future[Any]],
        free: Mapping[str, int],
    ) -> None:
        """A task to every thread that has none, at an address that is said: Dask would queue them up, and would
        give one that kills its workers to all of them."""
        busy = Counter(one.address for one in under.values())
        idle = [address for address, n in free.items() for _ in range(n - busy[address])]
        while waiting and idle:
            task = waiting.popleft()
            if not wanted(task):
                continue
            address = idle.pop()
            given: dict[str, Any] = {"workers": [address], "allow_other_workers": False, "pure": False}
            if self._place.tag:
                given["resources"] = {self._place.tag: 1}
            future = self._client.submit(answered, task, self._code, **given)
            under[future.key] = _Under(task, future, address)
            future.add_done_callback(done.put)

    def _lost(
        self, waiting: deque[Task], under: dict[Any, _Under], kills: Counter[str], free: Mapping[str, int]
    ) -> Generator[Event, None, None]:
        """Tasks whose workers have gone are given out again, but for those that killed several."""
        for key, one in list(under.items()):
            if one.address in free or one.future.done():
                continue
            del under[key]
            one.future.cancel()
            kills[one.task.key] += 1
            if kills[one.task.key] < MOST_KILLS:
                waiting.appendleft(one.task)
                continue
            text = f"poisoned: {MOST_KILLS} workers were lost while they computed it"
            yield Failed(one.task, PointError(text))

    def _alone(self) -> str:
        tag = f" with the resource '{self._place.tag}'" if self._place.tag else ""
        return f"waiting for workers{tag} at {self._place.name}"

    def _heard(self, one: _Under) -> Generator[Event, None, None]:
        """What became of a task."""
        future = one.future
        if future.status == "finished":
            kind, content = future.result()
            if kind == "other":
                raise FarmError(
                    f"{self._place.name}: a worker has another version of ettwin ({content}): same everywhere"
                )
            for replica, answer in content if kind == "told" else ():
                yield Told(one.task, replica, answer)
            if kind == "failed":
                yield Failed(one.task, content)
            return
        error = future.exception() if future.status == "error" else FarmError("the scheduler has lost the task")
        yield Failed(one.task, sayable(error))


def answered(task: Task, ours: str) -> Answered:
    """The task done on a worker: ('told', replicas with their answers), or why not."""
    if code() != ours:
        return "other", f"{code()[:12]}, not {ours[:12]}"
    try:
        return "told", list(carried_out(task, lambda fraction, text: None))
    except Exception as error:
        return "failed", sayable(error)


def _client(place: Place, workers: int | None, close: contextlib.ExitStack) -> Client:
    if place.scheduler is not None:
        known = {"security": security(place.scheduler)}
        try:
            return Client(place.scheduler.address, timeout=CONNECT_S, set_as_default=False, name="ettwin", **known)
        except OSError as error:
            raise nobody(place.scheduler, error) from error
    if place.kind == "local":
        number = place.number or workers or len(os.sched_getaffinity(0))
        started = LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            preload=["twin.cluster.hushed"],
        )
    else:
        started = jobs(place)
        started.scale(jobs=place.number)
    close.callback(started.close)
    return Client(started, set_as_default=False, name="ettwin")


def jobs(place: Place) -> Any:
    """Jobs of a batch system; what a job is says Dask's own configuration, jobqueue.yaml.

    They speak TLS; its certificates are in the configured shared-temp-directory, or the present one, meanwhile.
    """
    from dask_jobqueue.htcondor import HTCondorCluster
    from dask_jobqueue.slurm import SLURMCluster

    kinds = {"slurm": SLURMCluster, "htcondor": HTCondorCluster}
    path = os.environ.get("PYTHONPATH")
    prologue = [f"export PYTHONPATH={shlex.quote(path)}"] if path else []
    known = dask.config.get(f"jobqueue.{place.kind}.job-script-prologue", None) or []
    shared = dask.config.get(f"jobqueue.{place.kind}.shared-temp-directory", None) or os.getcwd()
    try:
        cluster = kinds[place.kind](
            job_script_prologue=[*known, *prologue], security=True, shared_temp_directory=shared
        )
    except (ValueError, TypeError) as error:
        text = " ".join(str(error).split())
        raise FarmError(
            f"{place.name}: {text}. Say in ~/.config/dask/jobqueue.yaml what a job is; docs/studying.md shows how"
        ) from error
    return cluster
