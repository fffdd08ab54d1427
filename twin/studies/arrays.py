"""What a study found as arrays with named axes, for who computes on with xarray. Loads it; nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray

from twin.studies.axes import axes
from twin.studies.tables import settings

if TYPE_CHECKING:
    from twin.studies.study import Study

NUMBERS = ("value", "low", "high", "n")


def dataset(study: Study) -> xarray.Dataset:
    """value, low, high and n, by quantity and axis of the grid (or point); NaN where there is no number."""
    known = settings(study.found)
    sizes, coordinates = _axes(study)
    table = study.table
    names = list(dict.fromkeys(table["quantity"]))
    points = list(known["point"])
    found: dict[str, Any] = {}
    for number in NUMBERS:
        wide = table.pivot_table(index="quantity", columns="point", values=number, dropna=False, sort=False)
        cells = wide.reindex(index=names, columns=points).to_numpy(float)
        found[number] = (("quantity", *sizes), cells.reshape(len(names), *sizes.values()))
    first = table.drop_duplicates("quantity").set_index("quantity").loc[names]
    told = {name: ("quantity", first[name].astype(object).to_numpy()) for name in ("text", "unit")}
    about = {"study": study.name, "scenario": study.scenario.name, "seed": study.seed}
    return xarray.Dataset(found, {"quantity": names, **told, **coordinates}, about)


def _axes(study: Study) -> tuple[dict[str, int], dict[str, Any]]:
    """Length of each dimension, and what stands along it."""
    known, asked = settings(study.found), study.request.asked
    if study.kind != "vary" or (asked.sample is not None and asked.sample.method != "grid"):
        along: dict[str, Any] = {"point": list(known["point"])}
        return {"point": len(known)}, along | {key: ("point", known[key].to_numpy()) for key in study.found.keys}
    found = axes(asked.node)
    sizes = {axis.name: len(axis.settings) for axis in found}
    grid = np.arange(len(known)).reshape(*sizes.values())
    coordinates: dict[str, Any] = {}
    for k, axis in enumerate(found):
        first = np.moveaxis(grid, k, 0).reshape(len(axis.settings), -1)[:, 0]
        for key in axis.keys:
            coordinates[key] = (axis.name, known[key].to_numpy()[first])
        if axis.name not in axis.keys:
            coordinates[axis.name] = np.arange(len(axis.settings))
    return sizes, coordinates
