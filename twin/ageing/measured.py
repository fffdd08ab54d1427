"""From measured profiles to models that age: which stages' decisions drift changes, and what is known of it.

For the plan and its inputs. Knows no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from twin import beside, places, sources
from twin.ageing import unlearned
from twin.ageing.curves import NOT, Curve, Model, Table
from twin.checks_ageing import policies
from twin.kernel.state import VARIANTS
from twin.programs import Programs, Use
from twin.scenario import Scenario
from twin.schema_ageing import KINDS
from twin.tree import ScenarioError
from workloads.profile import Aged
from workloads.sky import ARRIVING, UNLEARNED


def models(scenario: Scenario, programs: Programs, stage: str) -> tuple[Model, ...]:
    """Every program of `stage` that decides something, with a curve for each kind that drifts and was measured.

    ScenarioError where a drift was measured otherwise than the profile's decisions.
    """
    return tuple(
        _model(scenario, use) for use in programs.uses if use.stage == stage and use.program.decision is not None
    )


def _model(scenario: Scenario, use: Use) -> Model:
    """The program as one that ages: by a class of glitches that it does not know only where it may be trained."""
    assert use.program.decision is not None
    table, noise = use.program.decision.responses, use.program.decision.noise
    fresh, known = tuple(map(tuple, table.tolist())), curves(scenario, use)
    if unlearned.appears_s(scenario) is not None and policies(scenario, use.stage):
        fresh, before = unlearned.learned(table, noise)
        known += (before,)
    pool = places.pool_names(scenario).index(use.pool)
    edges = tuple(use.program.decision.edges.tolist())
    return Model(VARIANTS.index(use.variant), pool, edges, fresh, noise, known)


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
    found_as = {a.cls: a.found_as for a in sources.classes(scenario) if a.cls not in UNLEARNED}
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
        tuple(_table(aged, found_as, use) for aged in ordered),
        tuple(aged.noise["count"] / aged.noise["n"] for aged in ordered),
    )


def _table(aged: Aged, found_as: Mapping[str, str], use: Use) -> Table:
    """Probabilities (class, SNR bin): of each class those of what it is found as, else 0; overlaps as if fresh."""
    assert use.program.decision is not None
    decision = use.program.decision
    table = np.zeros(decision.responses.shape)
    for cls, measured in found_as.items():
        table[ARRIVING.index(cls)] = np.divide(aged.classes[measured].count, aged.classes[measured].n)
    if len(table) > beside.FIRST:
        table = beside.filled(table, decision.edges, use.profile)
    return tuple(tuple(row.tolist()) for row in table)
