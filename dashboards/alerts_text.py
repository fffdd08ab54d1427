"""What every policy on alerts costs, as a table for a terminal. Knows no run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin import words
from twin.alerts.accounts import GB
from twin.units import YEAR_S

if TYPE_CHECKING:
    import pandas as pd


def policies(table: pd.DataFrame) -> str:
    """A row per policy of twin.alerts.accounts, side by side."""
    years, copies = table["retention_s"].iloc[0] / YEAR_S, int(table["copies"].iloc[0])
    heads = (
        "carried",
        "kept",
        "an alert",
        "sent in",
        "sent a year",
        "kept a year",
        "and once",
        f"after {years:.3g} yr",
    )
    rows = [heads]
    for row in table.to_dict("records"):
        told = (
            row["carries"].removeprefix("standard ").replace(" +", "+")
            if " " in row["carries"]
            else row["carries"]
        )
        held = ("sent_gb_per_yr", "kept_gb_per_yr", "kept_once_gb", "kept_gb")
        sizes = [words.size(GB * row[key]) for key in held]
        delay = f"{1e3 * row['publish_delay_s']:.3g} ms"
        rows.append((told, row["archives"], words.size(row["bytes_mean"]), delay, *sizes))
    widths = [max(len(row[k]) for row in rows) for k in range(len(heads))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    unweighed = sorted({name for name in table["unweighed"] if name})
    foot = f"SIMULATED. One copy a year and once; {copies} after {years:.3g} yr."
    if unweighed:
        foot += f" Without the weights of {unweighed[0]}, which are not at hand."
    return "\n".join([*lines, "", foot])
