"""A worker process that does no work: its tasks answer, fail or die as their names say. For tests of who leads
them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

BEGIN = "import sys; sys.path[:] = {path!r}; from tests.twin import studied; studied.serve({file})"
"""In the place of twin.studies.processes._BEGIN."""


def serve(file):
    """As twin.studies.worker, with tasks carried out below; nothing heavy is loaded."""
    from twin.studies import worker

    worker._warm = lambda: None
    worker.carried_out = carried_out
    worker.serve(file)


def carried_out(task, progress):
    """'fine' answers; 'wrong' fails at replica 1; 'deadly' kills its process; 'once PATH' does so the first
    time."""
    what, _, path = task.name.partition(" ")
    for replica in task.replicas:
        if what == "wrong" and replica == 1:
            raise ValueError("no such thing")
        if what == "deadly" or (what == "once" and replica == 2 and not Path(path).exists()):
            if path:
                Path(path).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield replica, f"{task.name} {replica}"


def answered(task, ours):
    """As twin.cluster.study.answered."""
    from twin.studies.tasks import sayable

    try:
        return "told", list(carried_out(task, None))
    except Exception as error:
        return "failed", sayable(error)


def stand_in(monkeypatch):
    """Have twin.studies.processes start these workers."""
    from twin.studies import processes

    monkeypatch.setattr(processes, "_BEGIN", BEGIN)
