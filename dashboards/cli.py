"""The command `ettwin`: its commands are in dashboards/commands, one file each, imported light.

Results go to standard output, everything else to standard error. Knows which exception means which exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from dashboards.commands import COMMANDS
from dashboards.terminal import FAILED, INTERNAL, INVALID, USAGE, fail, with_value

EXTRA = dict.fromkeys(
    ("lal", "lalsimulation", "onnx", "onnxruntime", "onnxscript", "safetensors", "torch"), "live"
)
EXTRA |= {"openvino": "openvino", "dask": "cluster", "distributed": "cluster", "dask_jobqueue": "cluster"}
EXTRA |= dict.fromkeys(("SALib", "optuna", "xarray"), "studies")
EXTRA["grpc"] = "serving"
EXTRA |= dict.fromkeys(("dash", "dash_ag_grid", "dash_mantine_components", "flask", "waitress"), "dash")
EXTRA |= dict.fromkeys(("astropy", "fastavro", "healpix", "igwn_gwalert_schema", "jsonschema"), "alerts")
EXTRA["cryptography"] = "archive"
EXTRA["confluent_kafka"] = "kafka"
"""The extra that installs each package which is not always there."""

app = typer.Typer(
    name="ettwin",
    help="A digital twin of the Einstein Telescope's low-latency computing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, command in COMMANDS.items():
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the program an internal error arose.")
    ] = False,
) -> None:
    """A digital twin of the Einstein Telescope's low-latency computing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    given = with_value(sys.argv[1:] if arguments is None else arguments, "--farm", "here")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a terminal's encoding lacks is escaped, not refused
            stream.reconfigure(errors="backslashreplace")
    try:
        app(args=given, prog_name="ettwin", obj=given)
    except Exception as error:
        if given[:1] == ["--debug"]:
            raise
        _explain(error)


def _explain(error: Exception) -> None:
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # before what needs one is imported
        fail("no home directory is known to keep machine code in: set XDG_CACHE_HOME to a folder of yours", USAGE)
    from twin.alerts.models import AlertError
    from twin.archive.sealed import ArchiveError
    from twin.checkpoint import CheckpointError
    from twin.farm.crew import FarmError
    from twin.record import RecordError
    from twin.studies.answers import AnswersError
    from twin.studies.processes import WorkersError
    from twin.studies.tasks import PointError
    from twin.tree import ScenarioError
    from twin.unreadable import UnreadableError
    from workloads.card import WeightsError
    from workloads.profile import ProfileError
    from workloads.serving.address import ServerError

    if isinstance(error, UnreadableError):
        fail(str(error), USAGE)
    if isinstance(error, ScenarioError):
        fail(str(error), INVALID)
    if isinstance(error, RecordError | CheckpointError):
        fail(str(error), USAGE)
    if isinstance(error, AlertError | AnswersError | WorkersError | PointError):
        fail(str(error), FAILED)
    if isinstance(error, WeightsError | ProfileError | ServerError | FarmError | ArchiveError | MemoryError):
        fail(str(error), FAILED)
    if isinstance(error, OSError) and error.strerror:
        _cannot(error)
    missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    if extra := EXTRA.get(missing.partition(".")[0]):
        fail(f"no module '{missing}': needs the extra '{extra}': pip install 'et-twin[{extra}]'", USAGE)
    text = " ".join(str(error).split())
    fail(f"internal error: {type(error).__name__}: {text} (ettwin --debug … shows where)", INTERNAL)


def _cannot(error: OSError) -> NoReturn:
    """Say what the system refuses: a full disk, a file that cannot be written, a name that is too long."""
    where = str(error.filename) if error.filename is not None else "the result"
    if error.filename is None:
        with suppress(OSError, ValueError, AttributeError):  # else what is buffered fails once more at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    fail(f"{where}: cannot be read or written: {str(error.strerror).lower()}", FAILED)


if __name__ == "__main__":
    main()
