"""How fast the machine was while the farm ran, beside how fast it was taken to be.

A prediction is made at the speed a look showed before. What the machine's speed did afterwards is told here, so
that an error of the speed is not taken for one of the profile. Runs no farm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from twin.validation.goals import GOALS, QUANTILES
from twin.validation.observed import Observed
from twin.validation.quantities import quantities
from twin.validation.spread import errors
from twin.validation.tried import Trial

STEADY = 2.0 * GOALS["prediction"]["capacity"]
"""A machine whose speed differs by more from repeat to repeat cannot show a capacity to half of that."""
FIGURES = (*QUANTILES, "capacity")
"""What is told for the speed that the machine had."""


def slownesses(measured: Sequence[Observed], predicted: Sequence[Observed], slowness: float) -> tuple[float, ...]:
    """By how much the machine was slower than the profile in each of `measured`, all arrivals being the same.

    It is what makes jobs take a server as long on average as they did; `predicted` took it to be `slowness`.
    """
    foretold_s = float(np.mean([_taken_s(run) for run in predicted]))
    return tuple(slowness * _taken_s(run) / foretold_s for run in measured)


def unsteady(slownesses: Sequence[float]) -> str | None:
    """Why nothing may be concluded from a prediction held against repeats of such speeds; None if it may."""
    wandered = max(slownesses) / min(slownesses) - 1.0
    if wandered <= STEADY:
        return None
    return (
        f"the machine's speed differed by {100.0 * wandered:.0f} % from repeat to repeat; "
        f"allowed: {100.0 * STEADY:g} %. Try again on a steadier machine"
    )


def known_speed(
    trial: Trial, slownesses: Sequence[float], foretell: Callable[[float], tuple[Observed, ...]]
) -> dict[str, float | None]:
    """Relative errors of what is foretold for the speed that the machine turned out to have in each repeat.

    Medians over repeats; None where the figure is told in none of them. `foretell` gives the runs at a slowness.
    """
    found: dict[str, list[float]] = {name: [] for name in FIGURES}
    for farm, model, slowness in zip(trial.measured, trial.model, slownesses, strict=True):
        alone = replace(trial, measured=(farm,), model=(model,), predicted=foretell(slowness))
        told = quantities(alone)
        for name, errs in found.items():
            if not told[name].withheld:
                errs.append(errors(told[name].measured, told[name].predicted, told[name].model)[0])
    return {f"{name}_error": float(np.median(errs)) if errs else None for name, errs in found.items()}


def _taken_s(run: Observed) -> float:
    """The mean time for which a job of `run` occupied its server; NaN where none ended."""
    taken_s = run.end_s - run.start_s
    return float(taken_s[np.isfinite(taken_s)].mean())
