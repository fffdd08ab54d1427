"""From measured profiles to models that age: which stages' decisions drift changes, and what is known of it.

For the plan and its inputs. Knows no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from twin import places, sources
from twin.ageing.curves import NOT, Curve, Model, Table
from twin.kernel.state import VARIANTS
from twin.programs import Programs, Use
from twin.scenario import Scenario
from twin.schema_ageing import KINDS
from twin.tree import ScenarioError
from workloads.profile import Aged
from workloads.sky import ARRIVING


def models(scenario: Scenario, programs: Programs, stage: str) -> tuple[Model, ...]:
    """Every program of `stage` that decides something, with a curve for each kind that drifts and was measured.

    ScenarioError where a drift was measured otherwise than the profile's decisions.
    """
    pools = places.pool_names(scenario)
    return tuple(
        Model(
            VARIANTS.index(use.variant),
            pools.index(use.pool),
            tuple(use.program.decision.edges.tolist()),
            tuple(map(tuple, use.program.decision.responses.tolist())),
            use.program.decision.noise,
            curves(scenario, use),
        )
        for use in programs.uses
        if use.stage == stage and use.program.decision is not None
    )


def curves(scenario: Scenario, use: Use) -> tuple[Curve, ...]:
    """What was measured of the kinds that drift in `scenario`; none where nothing was."""
    drifting = {drift.of for drift in scenario.drifts.values()}
    fresh = next((aged for aged in use.profile.ageing if not aged.drift), None)
    found = []
    for kind in KINDS:
        moved = [aged for aged in use.profile.ageing if list(aged.drift) == [kind]]
        if kind in drifting and fresh is not None and moved:
            found.append(_curve(scenario, use, kind, [fresh, *moved]))
    return tuple(found)


def told(scenario: Scenario, programs: Programs) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, standing and source of how every program ages, for a scenario in which data drift."""
    for use in programs.uses if scenario.drifts else ():
        key = f"ageing of stages.{use.stage} on {use.pool} ({use.variant}: {use.profile.workload})"
        passport = use.profile.passport
        known = curves(scenario, use) if use.program.decision is not None else ()
        kinds = {drift.of for drift in scenario.drifts.values()}
        unknown = sorted(kinds - {curve.kind for curve in known})
        if use.program.decision is None:
            yield key, f"{NOT}its results do not decide anything here", "assumed", "role plain"
            continue
        if known:
            values = ", ".join(f"{c.kind} from {c.amounts[0]:g} to {c.amounts[-1]:g}" for c in known)
            n = next(aged.noise["n"] for aged in use.profile.ageing)
            source = f"{passport['machine']}, {passport['date']}, n={n} segments of noise"
            standing = str(passport["standing"]) if len(known) == 1 else "scaled"
            together = "" if len(known) == 1 else "; each kind taken to act by itself"
            yield key, f"decisions measured under {values}", standing, source + together
        if unknown:
            text = f"{NOT}no decisions were measured under {', '.join(unknown)}"
            yield key, text, "assumed", f"run 'ettwin measure {use.profile.workload} --drift' to know"


def _curve(scenario: Scenario, use: Use, kind: str, measured: Sequence[Aged]) -> Curve:
    """The curve of one kind from measurements without and with it."""
    assert use.program.decision is not None
    ordered = sorted(measured, key=lambda aged: aged.drift.get(kind, 0.0))
    found_as = {arrival.cls: arrival.found_as for arrival in sources.classes(scenario)}
    edges = tuple(use.program.decision.edges.tolist())
    for aged in ordered:
        missing = sorted(set(found_as.values()) - set(aged.classes))
        if aged.snr_edges != edges or missing:
            what = f"lacks {', '.join(missing)}" if missing else "is in other SNR bins than its decisions"
            message = (
                f"what the profile of {use.profile.workload} on {use.pool} holds about drifted data {what}: "
                f"run 'ettwin measure {use.profile.workload} --drift' again"
            )
            raise ScenarioError([scenario.problem(f"stages.{use.stage}.work", message)])
    return Curve(
        kind,
        tuple(aged.drift.get(kind, 0.0) for aged in ordered),
        tuple(_table(aged, found_as, use.program.decision.responses.shape) for aged in ordered),
        tuple(aged.noise["count"] / aged.noise["n"] for aged in ordered),
    )


def _table(aged: Aged, found_as: Mapping[str, str], shape: tuple[int, ...]) -> Table:
    """Probabilities of this `shape` (class, SNR bin): of each class those of what it is found as, else 0."""
    table = np.zeros(shape)
    for cls, measured in found_as.items():
        table[ARRIVING.index(cls)] = np.divide(aged.classes[measured].count, aged.classes[measured].n)
    return tuple(map(tuple, table.tolist()))
