"""What every site drew and what that came to: power, electricity, carbon, cost, each with its range and standing.

For the dashboard and notebooks. Arithmetic is that of twin.requirements; knows no page and no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboards import style
from dashboards.tables import replica_text
from twin import words
from twin.recorded import Recorded
from twin.requirements import pools, table
from twin.requirements.table import YEAR_H, Amount
from twin.requirements.uncertain import Chance

DRAWS = 2000
"""Behind each range."""


def energy_table(record: Recorded) -> pd.DataFrame:
    """One row per site: mean power (W), electricity (MWh/yr), carbon (t/yr) and full cost (EUR/yr), each with low
    and high (5 to 95 % of draws), and the standing of the weakest input.

    RequirementsError where nothing is known of a pool's hardware.
    """
    held = pools.of_record(record)
    chance = Chance(draws=DRAWS)
    rows: list[dict[str, Any]] = []
    for site in dict.fromkeys(one.site for one in held):
        own = [one for one in held if one.site == site]
        rows.append({"site": site, "servers": sum(one.servers for one in own)} | _figures(own, chance))
    return pd.DataFrame(rows)


def energy(record: Recorded) -> go.Figure:
    """Mean electric power of every site with its range."""
    found = energy_table(record)
    kilowatts = found[["power_w", "power_w_low", "power_w_high"]] / 1e3
    figure = go.Figure(
        go.Bar(
            y=[style.safe(site) for site in found["site"]],
            x=kilowatts["power_w"],
            orientation="h",
            width=0.55,
            marker={"color": style.ORANGE},
            error_x={
                "array": kilowatts["power_w_high"] - kilowatts["power_w"],
                "arrayminus": kilowatts["power_w"] - kilowatts["power_w_low"],
                "color": style.INK,
                "thickness": 1.2,
            },
            hovertemplate="%{y}: %{x:.3g} kW<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="mean electric power with cooling, kW", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    told = [f"{row['site']} {words.digits(row['power_w'] / 1e3)} kW" for row in found.to_dict("records")]
    return style.styled(
        figure,
        "Power by site",
        f"Busy and idle servers over {replica_text(record)}, times PUE; the line is 5 to 95 % of draws, mostly of "
        "assumed figures",
        record,
        height=170 + 44 * len(found),
        description=f"Mean power of sites: {words.sequence(told)}.",
    )


def _figures(own: Sequence[pools.Held], chance: Chance) -> dict[str, Any]:
    found: Amount = table.amount(table.used(own, chance), chance)
    numbers = {
        "power_w": found.watts,
        "electricity_mwh_per_yr": found.watts * (YEAR_H / 1e6),
        "carbon_t_per_yr": found.carbon_kg_per_h * (YEAR_H / 1e3),
        "cost_eur_per_yr": found.eur_per_h * YEAR_H,
    }
    row: dict[str, Any] = {}
    for name, number in numbers.items():
        row |= {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}
    return row | {"standing": found.watts.standing}
