"""Controls of a page that its address holds: each has the id {'query': KEY}. Knows no page and no result."""

from __future__ import annotations

import math
from collections.abc import Mapping

import dash_mantine_components as dmc
from dash.development.base_component import Component

Given = float | int | str | None
"""What a field holds."""


def choice(
    key: str, label: str, options: Mapping[str, str], value: str, everything: str = "", width: int = 190
) -> Component:
    """One of `options` (words by value); with `everything`, what it is called when none is chosen."""
    shown: Component = dmc.Select(
        id={"query": key},
        label=label,
        data=[{"value": name, "label": told} for name, told in options.items()],
        value=value or None,
        placeholder=everything or None,
        clearable=bool(everything),
        allowDeselect=bool(everything),
        searchable=len(options) > 12,
        size="sm",
        w=width,
        comboboxProps={"zIndex": 70},
    )
    return shown


def number(key: str, label: str, value: float | None, placeholder: str, high: float | None = None) -> Component:
    """A number from 0 on, up to `high`; told when it is left or Enter is pressed."""
    shown: Component = dmc.NumberInput(
        id={"query": key},
        label=label,
        value="" if value is None else value,
        placeholder=placeholder,
        min=0,
        max=high,
        debounce=True,
        hideControls=True,
        size="sm",
        w=92,
    )
    return shown


def words(key: str, label: str, value: str, placeholder: str) -> Component:
    """A line of text; told a moment after the last letter."""
    shown: Component = dmc.TextInput(
        id={"query": key}, label=label, value=value, placeholder=placeholder, debounce=400, size="sm", w=104
    )
    return shown


def moment(key: str, label: str, value: float, end: float, steps: int) -> Component:
    """A slider from 0 to `end`, told while it moves."""
    shown: Component = dmc.Slider(
        id={"query": key},
        value=value,
        min=0,
        max=end,
        step=end / steps,
        marks=[{"value": value, "label": f"{value:g}"} for value in _round(end)],
        label=None,
        thumbLabel=label,
        updatemode="drag",
        size="sm",
        mb=22,
    )
    return shown


def _round(end: float) -> list[float]:
    """At most ten round numbers from 0 to `end`."""
    tenth = 10.0 ** math.floor(math.log10(end / 10.0))
    step = next(k * tenth for k in (1.0, 2.0, 5.0, 10.0) if k * tenth * 10.0 >= end)
    return [round(k * step, 9) for k in range(int(end / step + 1e-9) + 1)]
