"""A worker: a process that holds trained programs and executes batches until the twin hangs up.

    python -m twin.farm.worker DESCRIPTOR

where DESCRIPTOR is a connected socket that it inherits. It answers each batch with its seconds, measured around
the program alone, and with the arrays and lists of its result; what it cannot compute it says instead of dying.
All the while it says every BEAT_S that it lives.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.farm.channel import Channel

BEAT_S = 1.0


def serve(channel: Channel) -> None:
    """Load what the first message names, say that all is ready, then execute what comes."""
    try:
        words, _ = channel.receive()
        loaded = [_loaded(*named) for named in words["programs"]]
        channel.send({"ready": os.getpid()})
        threading.Thread(target=_beat, args=(channel,), daemon=True).start()
        while True:
            words, (units,) = channel.receive()
            said, arrays = _executed(loaded[words["program"]], units)
            channel.send({"batch": words["batch"], **said}, arrays)
    except (EOFError, ConnectionError):
        return


def _loaded(name: str, runtime: str, threads: int) -> Any:
    from workloads.spec import load

    program = load(name, runtime, threads)
    program(program.workload.units(1, 0))  # the first call sets the runtime up
    return program


def _beat(channel: Channel) -> None:
    while True:
        time.sleep(BEAT_S)
        try:
            channel.send({"beat": True})
        except OSError:
            return


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
