"""Real model servers on this machine, for checks: MLServer, and Triton from nvidia-pytriton. Knows no measurement.

Each lives in `.serving/<name>`, where `make serving-check` puts it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from workloads import card, runtime, spec
from workloads.serving.address import Address, ServerError
from workloads.serving.client import Server

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".serving"
READY_S = 60.0
_LEAVE_S = 15.0
_CONFIG = """backend: "python"
max_batch_size: 64
input [ {{ name: "x" data_type: TYPE_FP32 dims: {row} }} ]
output [ {{ name: "y" data_type: TYPE_FP32 dims: {out} }} ]
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
"""


def missing(server: str) -> str | None:
    """Why `server` cannot be started here; None if it can."""
    program = ENVIRONMENTS / server / "bin" / "python"
    return None if program.exists() else f"{server} is not installed: 'make serving-check' puts it into .serving"


@contextmanager
def running(server: str, *workloads: str) -> Iterator[Address]:
    """`server` with the networks of `workloads`, at the first one's address; RuntimeError if it does not start."""
    with tempfile.TemporaryDirectory() as told:
        folder, port = Path(told), _free_port()
        command, more = STARTS[server](ENVIRONMENTS / server, folder, workloads, port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **more}, stdin=subprocess.DEVNULL
            )
        try:
            addresses = [Address("127.0.0.1", port, name, False) for name in workloads]
            for address in addresses:
                _await_ready(server, address, process, folder / "log")
            yield addresses[0]
        finally:
            process.terminate()
            try:
                process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


Start = tuple[list[str], Mapping[str, str]]


def _mlserver(environment: Path, folder: Path, workloads: Sequence[str], port: int) -> Start:
    for name in workloads:
        row, out = _shapes(name)
        model = {
            "name": name,
            "implementation": "mlserver_model.Exported",
            "parameters": {"uri": str(card.verified(name, "onnx")), "version": "1"},
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, *row]}],
            "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, *out]}],
        }
        (folder / name).mkdir()
        (folder / name / "model-settings.json").write_text(json.dumps(model))
    settings = {
        "host": "127.0.0.1",
        "http_port": _free_port(),
        "grpc_port": port,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "grpc_max_message_length": 64 * 2**20,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    shutil.copy(HERE / "mlserver_model.py", folder)
    return [str(environment / "bin" / "mlserver"), "start", str(folder)], {}


def _triton(environment: Path, folder: Path, workloads: Sequence[str], port: int) -> Start:
    """Triton's own program with its Python backend, both out of the wheel of pytriton."""
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    held = packages / "pytriton" / "tritonserver"
    version = sysconfig.get_python_version()
    backends = folder / "backends"
    shutil.copytree(held / "backends", backends)
    shutil.copy(held / "python_backend_stubs" / version / "triton_python_backend_stub", backends / "python")
    for name in workloads:
        model = folder / "models" / name
        (model / "1").mkdir(parents=True)
        row, out = _shapes(name)
        (model / "config.pbtxt").write_text(_CONFIG.format(row=list(row), out=list(out)))
        shutil.copy(HERE / "triton_model.py", model / "1" / "model.py")
        shutil.copy(card.verified(name, "onnx"), model / "1" / "model.onnx")
    command = [
        str(held / "bin" / "tritonserver"), f"--model-repository={folder / 'models'}",
        f"--backend-directory={backends}", "--grpc-address=127.0.0.1", f"--grpc-port={port}",
        "--allow-http=false", "--allow-metrics=false",
    ]  # fmt: skip
    libraries = f"{packages / 'nvidia_pytriton.libs'}:{sysconfig.get_config_var('LIBDIR')}"
    path = f"{environment / 'bin'}:{os.environ.get('PATH', '')}"
    return command, {"LD_LIBRARY_PATH": libraries, "PYTHONPATH": str(packages), "PATH": path}


Starter = Callable[[Path, Path, Sequence[str], int], Start]
STARTS: Mapping[str, Starter] = {"mlserver": _mlserver, "triton": _triton}


def _shapes(workload: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of a row that the network takes, and of what it gives for it."""
    asked = spec.get(workload)
    rows = asked.prepare(asked.units(1, 0))
    return rows.shape[1:], runtime.executor(asked, "onnxruntime", 1)(rows).shape[1:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(server: str, address: Address, process: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < end_s:
        try:
            there = Server(address, wait_s=1.0)
            try:
                there.model()
            finally:
                there.close()
        except ServerError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(
        f"{server} did not start within {READY_S:g} s; the end of its log:\n{log.read_text()[-2000:]}"
    )
