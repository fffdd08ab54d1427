"""`ettwin card`: model cards of the workloads as Markdown, from what was trained and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboards.terminal import USAGE, fail, result


def card(
    workloads: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="By default all that are shipped.")
    ] = None,
    profiles: Annotated[
        list[Path] | None, typer.Option(help="Folders of further profiles, as `ettwin measure` wrote them.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that the cards go to.")] = Path("docs/workloads"),
) -> None:
    """Write the model card of each workload: task, data, size, quality, service times, limits."""
    from dashboards.modelcard import model_card
    from workloads import spec

    known = spec.names()
    for name in workloads or known:
        if name not in known:
            fail(f"no workload '{name}'; known: {', '.join(known)}", USAGE)
    out.mkdir(parents=True, exist_ok=True)
    for name in workloads or known:
        path = out / f"{name}.md"
        path.write_text(model_card(name, profiles or ()))
        result(f"Card  {path}")
