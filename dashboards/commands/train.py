"""`ettwin train`: a workload's weights once more, from nothing or from those it had."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dashboards.terminal import FAILED, USAGE, fail, result, say
from dashboards.watch import watch

_RECORDED = 800_000
"""Added to the seed of a training for that of the data it learns from."""


def train(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Its name, such as detector.")],
    out: Annotated[Path, typer.Option(help="Folder for weights and card; a training begun there goes on.")] = Path(
        "weights"
    ),
    seed: Annotated[int, typer.Option(help="Chance of data and initial weights.", min=0)] = 1,
    steps: Annotated[int | None, typer.Option(help="Training steps; by default the recipe's.", min=1)] = None,
    refine: Annotated[
        str | None,
        typer.Option(metavar="FROM", help="Go on from the weights of this folder or card, or from 'shipped'."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Learn from so many minutes of recorded noise, not fresh noise.")
    ] = None,
    drift: Annotated[
        str, typer.Option(metavar="KIND=AMOUNT,…", help="What the recorded data have drifted by, such as lines=2.")
    ] = "",
) -> None:
    """Train a workload's model and write its weights, exported model and card."""
    from workloads import drift as drifts
    from workloads import spec
    from workloads.checkpoints import CheckpointMismatchError
    from workloads.export import ExportError
    from workloads.recording import Recording
    from workloads.train import train as trained
    from workloads.training import TrainingError

    if workload not in spec.names():
        fail(f"no workload '{workload}'; known: {', '.join(spec.names())}", USAGE)
    try:
        recorded = None if minutes is None else Recording(drifts.parse(drift), minutes, seed + _RECORDED)
    except ValueError as error:
        fail(str(error), USAGE)
    if drift and minutes is None:
        fail(f"--drift {drift} is of recorded data: say how much of them there is with --minutes", USAGE)
    today = datetime.now(UTC).date().isoformat()
    try:
        with watch() as progress:
            card = trained(workload, out, seed, progress, today, steps, refine=refine, recorded=recorded)
    except KeyboardInterrupt:
        say(f"interrupted; the same command goes on from what {out} holds")
        raise
    except (TrainingError, CheckpointMismatchError) as error:
        fail(str(error), USAGE)
    except ExportError as error:
        fail(str(error), FAILED)
    result(f"Card  {card}")
