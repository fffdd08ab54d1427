"""Which figures the tables of a study have: by the table's name, drawn from it alone. For the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboards import study_failures, study_pareto, study_tornado

Drawn = Callable[[pd.DataFrame, str], go.Figure]
Numbers = Callable[[pd.DataFrame], pd.DataFrame]

FIGURES: Mapping[str, tuple[Drawn, Numbers]] = {
    "tornado": (study_tornado.tornado, study_tornado.tornado_table),
    "sobol": (study_tornado.sobol, study_tornado.sobol_table),
    "front": (study_pareto.front, study_pareto.front_table),
    "limits": (study_pareto.limits, study_pareto.limits_table),
    "failures": (study_failures.failures, study_failures.failures_table),
}
"""By table: its figure, and the numbers in it."""


def figures(tables: Mapping[str, pd.DataFrame], origin: str) -> dict[str, tuple[go.Figure, pd.DataFrame]]:
    """Figure and numbers of every table that has a figure and a row, by the table's name."""
    return {
        name: (draw(tables[name], origin), numbers(tables[name]))
        for name, (draw, numbers) in FIGURES.items()
        if name in tables and len(numbers(tables[name]))
    }
