"""What a host does for twins: a process for every seat that it was given, on cores of its own. Knows no Dask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from twin.farm.door import Post
from twin.farm.place import FarmError
from twin.farm.secure import Certificates

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_LAST_LINES = 20


class Host:
    """So many seats for twins; `cores`, where given, are dealt out evenly. FarmError when they cannot be.

    `say` hears of seats that are taken and left.
    """

    def __init__(
        self, certificates: Certificates | None, servers: int, cores: Sequence[int], say: Callable[[str], None]
    ) -> None:
        each, over = divmod(len(cores), servers)
        if cores and (over or len(set(cores)) < len(cores)):
            raise FarmError(
                f"--cores {_listed(cores)}: {servers} servers need as many different ones, or a multiple"
            )
        allowed = os.sched_getaffinity(0)
        if absent := sorted(set(cores) - allowed):
            raise FarmError(
                f"--cores {_listed(absent)}: not for this process; allowed: {_listed(sorted(allowed))}"
            )
        self._certificates, self._say = certificates, say
        self._cores = [list(cores[k * each : (k + 1) * each]) for k in range(servers)]
        self._processes: set[subprocess.Popen[str]] = set()
        self._turn = threading.Lock()

    def man(self, post: Post) -> tuple[int, str]:
        """Serve the twin at `post` until it hangs up: the process's exit code, and the last that it said."""
        with self._turn:
            cores = self._cores.pop()
        try:
            process = self._begin(post, cores)
            self._say(f"a twin at {post.host}:{post.port} has taken a server: process {process.pid}")
            last = deque(_passed_on(process), _LAST_LINES)
            code = process.wait()
            self._say(f"process {process.pid} has left with code {code}")
            return code, "".join(last)
        finally:
            with self._turn:
                self._cores.append(cores)
                self._processes = {process for process in self._processes if process.poll() is None}

    def processes(self) -> frozenset[int]:
        """The numbers of those that serve."""
        with self._turn:
            return frozenset(process.pid for process in self._processes)

    def close(self) -> None:
        """End all processes."""
        with self._turn:
            for process in self._processes:
                process.kill()

    def _begin(self, post: Post, cores: Sequence[int]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "twin.farm.dial"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict.fromkeys(_ONE_THREAD, "1") | os.environ,
            text=True,
        )
        with self._turn:
            self._processes.add(process)
        certificates = None if self._certificates is None else asdict(self._certificates)
        assert process.stdin is not None
        process.stdin.write(
            json.dumps({"post": asdict(post), "certificates": certificates, "cores": cores}) + "\n"
        )
        process.stdin.flush()
        return process


def _passed_on(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    for line in process.stderr:
        sys.stderr.write(line)
        yield line


def _listed(cores: Sequence[int]) -> str:
    return ",".join(map(str, cores))
