"""What became of the models of a finished run, as tables: see the data dictionary in twin.record."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin.ageing.curves import Array, Model
from twin.ageing.policy import UNFINISHED
from twin.checks_graph import FLAGS
from twin.controls.ageing import Ageing
from twin.kernel.state import NOBODY, PRIMARY, VARIANTS
from twin.ladders import Turns, of_stage
from twin.plan import Plan
from twin.scenario import Scenario
from workloads.sky import ARRIVING, GLITCHES, UNLEARNED

DAY_S = 86_400.0
COLUMNS = (
    "replica", "stage", "time_s", "end_s", "variant", "version", "efficiency", "fresh", "false_per_day",
    "fresh_per_day", "passed",
)  # fmt: skip
TRAININGS = (
    "replica", "stage", "name", "start_s", "trained_s", "decided_s", "outcome", "servers", "server_s",
)  # fmt: skip


def tables(
    scenario: Scenario, plan: Plan, controls: Sequence[Any], turns: Turns, replica: int
) -> dict[str, pd.DataFrame]:
    """The tables 'ageing' and 'trainings' of one replica; none where no model ages or is trained by a policy."""
    own = [control for control in controls if isinstance(control, Ageing)]
    if not own:
        return {}
    rows = [row for control in own for row in _rows(scenario, plan, control, turns)]
    done = [row for control in own for row in _trainings(plan, control)]
    whole = ("replica", "version", "servers")
    texts = ("stage", "variant", "passed", "name", "outcome")
    return {
        name: pd.DataFrame([(replica, *row) for row in found], columns=list(columns)).astype(
            {c: "int64" if c in whole else str if c in texts else float for c in columns}
        )
        for name, columns, found in (("ageing", COLUMNS, rows), ("trainings", TRAININGS, done))
    }


def _rows(scenario: Scenario, plan: Plan, control: Ageing, turns: Turns) -> Iterator[tuple[Any, ...]]:
    """A row for as long as nothing changes: from each step of the course, and each change of what serves."""
    stage = plan.stage_names[control.stage]
    per_day = DAY_S / scenario.instrument.stride
    begins, (swaps, variants) = [time_s for time_s, *_ in control.served], of_stage(turns, control.stage)
    times_s = sorted({t for t in (*control.course.times_s, *begins, *swaps) if t < scenario.horizon})
    models = [(model, _shares(plan, model, scenario.stages[stage].role)) for model in control.models]
    still = (0.0,) * len(control.course.kinds)
    fresh, quiet, _ = _figures(control, models, VARIANTS[PRIMARY], still)
    for time_s, end_s in zip(times_s, [*times_s[1:], scenario.horizon], strict=True):
        _, version, epoch = control.served[bisect_right(begins, time_s) - 1]
        variant = variants[bisect_right(swaps, time_s) - 1]
        now = control.course.at(time_s)
        stale = tuple(a - b for a, b in zip(now, epoch, strict=True)) if variant == VARIANTS[PRIMARY] else now
        efficiency, noise, passed = _figures(control, models, variant, stale)
        alarms = noise * per_day, quiet * per_day
        yield stage, time_s, end_s, variant, version, efficiency, fresh, *alarms, passed


def _shares(plan: Plan, model: Model, role: str) -> Array:
    """Shares (class, SNR bin) of the events that a stage is for: the run's signals, or glitches where it flags.

    All 0 where there are none; SNRs past the bins count to the first and last, as in the kernel.
    """
    glitches = [ARRIVING.index(cls) for cls in (*GLITCHES, *UNLEARNED)]
    glitch = np.isin(plan.events["cls"], glitches)
    events = plan.events[glitch if role in FLAGS else ~glitch]
    total = np.zeros((plan.responses.shape[1], len(model.edges) - 1))
    bins = np.searchsorted(model.edges[1:-1], events["snr"], side="right")
    np.add.at(total, (events["cls"], bins), 1.0)
    total[np.asarray(model.responses) < 0.0] = 0.0  # what it does not look for
    return np.asarray(total / max(float(total.sum()), 1.0))


def _figures(
    control: Ageing, models: Sequence[tuple[Model, Array]], variant: str, stale: tuple[float, ...]
) -> tuple[float, float, str]:
    """Efficiency, noise and kinds past what was measured: of a variant, the mean of its programs on all pools."""
    found, alarmed, passed = [], [], dict[str, None]()
    for model, share in models:
        if VARIANTS[model.variant] != variant:
            continue
        responses, noise = model.after(control.course.kinds, stale)
        found.append(float((share * np.maximum(responses, 0.0)).sum()) if share.any() else float("nan"))
        alarmed.append(noise)
        passed |= dict.fromkeys(model.passed(control.course.kinds, stale))
    if variant == NOBODY:
        return 0.0, 0.0, ""
    if not found:
        return float("nan"), float("nan"), ""
    return float(np.mean(found)), float(np.mean(alarmed)), " ".join(passed)


def _trainings(plan: Plan, control: Ageing) -> Iterator[tuple[Any, ...]]:
    stage = plan.stage_names[control.stage]
    for p, begun_s, ended_s, decided_s, how, servers, server_s in control.trained:
        yield stage, control.policies[p].name, begun_s, ended_s, decided_s, how, servers, server_s
    if control.busy >= 0:
        policy, nan = control.policies[control.busy], float("nan")
        over = control.ended_s > control.begun_s
        end_s = control.ended_s if over and not policy.blue_green else plan.horizon_s + plan.drain_s
        trained_s, server_s = control.ended_s if over else nan, control.taken * (end_s - control.begun_s)
        yield stage, policy.name, control.begun_s, trained_s, nan, UNFINISHED, control.taken, server_s
