"""`ettwin card`: model cards of the workloads as Markdown with pictures, from what was trained and measured."""

from __future__ import annotations

from importlib.util import find_spec
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
    """Write the model card of each workload: task, data, size, quality, service times, limits, and pictures."""
    from dashboards.cardplots import pictures
    from dashboards.modelcard import file_name, model_card, profiles_of
    from dashboards.panels import svg
    from workloads import spec

    if find_spec("matplotlib") is None:
        fail("the pictures of a card need the extra 'live': pip install 'et-twin[live]'", USAGE)

    known = spec.names()
    for name in workloads or known:
        if name not in known:
            fail(f"no workload '{name}'; known: {', '.join(known)}", USAGE)
    out.mkdir(parents=True, exist_ok=True)
    for name in workloads or known:
        path = out / f"{name}.md"
        path.write_text(model_card(name, profiles or ()), encoding="utf-8")
        for kind, picture in pictures(profiles_of(name, profiles or ())).items():
            (out / file_name(name, kind)).write_text(svg(picture), encoding="utf-8")
        result(f"Card  {path}")
