"""A process that does tasks for a study: see twin.studies.processes, which starts it. Ends when the study does."""

from __future__ import annotations

import signal
from multiprocessing.connection import Connection

from twin.studies.tasks import Task, carried_out, sayable


def serve(file: int) -> None:
    """Do the tasks that come over the socket with this number, and tell every replica as soon as it is there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(file) as line:
        try:
            _warm()
            line.send(("ready",))
            while True:
                _serve(line, line.recv())
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def _warm() -> None:
    """What every task needs, loaded before the first."""
    import twin.runner
    import twin.studies.pieces  # noqa: F401


def _serve(line: Connection, task: Task) -> None:
    def say(fraction: float, text: str) -> None:
        if text.startswith("compiling"):
            line.send(("says", text))

    answers = carried_out(task, say)
    while True:
        try:
            replica, answer = next(answers)
        except StopIteration:
            line.send(("ended",))
            return
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise  # nobody listens any more
        except Exception as error:
            line.send(("failed", sayable(error)))
            return
        line.send(("told", replica, answer))
