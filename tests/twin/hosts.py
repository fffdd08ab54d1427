"""Hosts for tests of farms: a Dask scheduler and `ettwin worker`s, each a process with an address of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import trustme

from twin.farm.secure import Certificates, Scheduler

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
KIND = "epyc-core"


def certify(folder, authority):
    """Certificates of a new authority, in files whose names begin with its own."""
    ca = trustme.CA()
    ours = ca.issue_cert("farm")
    ca.cert_pem.write_to_path(folder / f"{authority}-ca.pem")
    ours.cert_chain_pems[0].write_to_path(folder / f"{authority}.pem")
    ours.private_key_pem.write_to_path(folder / f"{authority}.key")
    return Certificates(*(str(folder / f"{authority}{end}") for end in ("-ca.pem", ".pem", ".key")))


def options(certificates):
    """As `ettwin` takes them."""
    return ["--ca", certificates.ca, "--cert", certificates.cert, "--key", certificates.key]


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def awaited(file, pattern, times=1):
    """Wait until `file` holds the pattern so often; the findings."""
    late_s, text = time.monotonic() + PATIENCE_S, ""
    while len(found := re.findall(pattern, text)) < times:
        assert time.monotonic() < late_s, f"not {times} times {pattern!r} in:\n{text}"
        time.sleep(0.05)
        text = file.read_text() if file.exists() else ""
    return found


def interruptible():
    """In a new process: an interrupt is one, also where who runs the tests ignores it, as in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Process:
    """A command that runs, and what it has said so far."""

    def __init__(self, command, log):
        self._log = log
        with log.open("w") as file:
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            self.popen = subprocess.Popen(
                [sys.executable, "-m", *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=log.parent,
                preexec_fn=interruptible,
            )

    def said(self):
        return self._log.read_text()

    def says(self, pattern, times=1):
        """Wait until it has said it so often; what it said then."""
        return awaited(self._log, pattern, times)

    def leaves(self):
        """Wait for its end; the exit code."""
        return self.popen.wait(PATIENCE_S)

    def kill(self, number=signal.SIGKILL):
        self.popen.send_signal(number)
        if number == signal.SIGKILL:
            self.popen.wait()


class Hosts:
    """Starts them; a context that ends them all. What they say and their certificates lie in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.certificates = certify(folder, "farm")
        self.address = f"tls://127.0.0.1:{free_port()}"
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def meeting(self, wait_s=PATIENCE_S):
        """What a twin is told of the scheduler."""
        return Scheduler(self.address, self.certificates, wait_s)

    def start(self, *command):
        self.processes.append(Process(command, self.folder / f"{len(self.processes)}.log"))
        return self.processes[-1]

    def scheduler(self):
        files, (_, port) = self.certificates, self.meeting().place
        started = self.start(
            *("dask", "scheduler", "--host", "tls://127.0.0.1", "--port", port, "--no-dashboard"),
            *("--dashboard-address", "127.0.0.1:0"),
            *("--tls-ca-file", files.ca, "--tls-cert", files.cert, "--tls-key", files.key),
        )
        started.says("Scheduler at")
        return started

    def worker(self, *more, hardware=KIND, host="127.0.0.2", certificates=None):
        """One that has joined, unless its certificates are not the farm's."""
        tls = options(certificates or self.certificates)
        command = ("dashboards.cli", "worker", self.address, "--hardware", hardware, "--host", host)
        started = self.start(*command, *tls, *more)
        if certificates is None:
            started.says("joined")
        return started

    def twin(self, *arguments):
        return self.start("dashboards.cli", *arguments)
