"""`ettwin train`: a shipped model's weights once more, from nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dashboards.terminal import USAGE, fail, result
from dashboards.watch import watch


def train(
    workload: Annotated[
        str, typer.Argument(metavar="WORKLOAD", help="detector, matched-filter or glitch-classifier.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for weights and card.")] = Path("weights"),
    seed: Annotated[int, typer.Option(help="Chance of data and initial weights.", min=0)] = 1,
) -> None:
    """Train a workload's model in minutes and write its weights, exported model and card."""
    from workloads import spec
    from workloads.train import train as trained

    if workload not in spec.NAMES:
        fail(f"no workload '{workload}'; known: {', '.join(spec.NAMES)}", USAGE)
    with watch() as progress:
        card = trained(workload, out, seed, progress, datetime.now(UTC).date().isoformat())
    result(f"Card  {card}")
