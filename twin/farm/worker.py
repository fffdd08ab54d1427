"""A worker: a process that holds trained programs and executes batches until the twin hangs up.

    python -m twin.farm.worker DESCRIPTOR

where DESCRIPTOR is a connected socket that it inherits. It answers each batch with its seconds, measured around
the program alone, and with the arrays and lists of its result; what it cannot compute it says instead of dying.
All the while it says every BEAT_S that it lives, and it leaves at once when the twin does, whatever it computes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.farm.channel import Channel
from twin.farm.steady import keep_memory

BEAT_S = 1.0


def serve(channel: Channel) -> None:
    """Load what the first message names, say that all is ready, then execute what comes."""
    keep_memory()
    try:
        words, _ = channel.receive()
        loaded = _all_loaded(channel, words["programs"])
        channel.send({"ready": os.getpid(), "host": socket.gethostname()})
        threading.Thread(target=_beat, args=(channel,), daemon=True).start()
        while True:
            words, (units,) = channel.receive()
            said, arrays = _executed(loaded[words["program"]], units)
            channel.send({"batch": words["batch"], **said}, arrays)
    except (EOFError, OSError):
        return


def _all_loaded(channel: Channel, programs: Sequence[Sequence[Any]]) -> list[Any]:
    try:
        return [_loaded(*named) for named in programs]
    except Exception as error:  # whatever it is, the twin has to hear of it
        channel.send({"unready": f"{type(error).__name__}: {error}"})
        raise


def _loaded(name: str, runtime: str, threads: int) -> Any:
    from workloads.spec import load

    program = load(name, runtime, threads)
    program(program.workload.units(1, 0))  # the first call sets the runtime up
    return program


def _beat(channel: Channel) -> None:
    with contextlib.suppress(OSError):
        while not channel.hangs_up(BEAT_S):
            channel.send({"beat": True})
    os._exit(0)  # a program that computes cannot be asked to stop


def _executed(program: Any, units: NDArray[Any]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    start_s = time.perf_counter()
    try:
        outputs = program(units)
    except Exception as error:  # whatever it is, the twin has to hear of it
        return {"service_s": time.perf_counter() - start_s, "error": f"{type(error).__name__}: {error}"}, []
    service_s = time.perf_counter() - start_s
    found = {field.name: getattr(outputs, field.name) for field in fields(outputs)}
    arrays = {
        name: value for name, value in found.items() if isinstance(value, np.ndarray) and value.dtype != object
    }
    lists = {name: value for name, value in found.items() if isinstance(value, list)}
    return {"service_s": service_s, "arrays": list(arrays), "lists": lists}, list(arrays.values())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the twin hears Ctrl-C and hangs up
    serve(Channel(socket.socket(fileno=int(sys.argv[1]))))
