"""Every number a run rests on, with its standing and source: what was measured, what assumed. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from twin import beside, outshone, sources
from twin.ageing import measured, planned, unlearned
from twin.programs import Programs, Use
from twin.scenario import Scenario


def inputs(scenario: Scenario, programs: Programs) -> pd.DataFrame:
    """Rows of key, value (with unit), standing and source; of live stages no profile, for they are executed."""
    executed = [
        (f"stages.{name}", "executed, see table live", "measured", "the machine that ran it")
        for name in scenario.stages
        if name in scenario.live
    ]
    profiled = _measured(use for use in programs.uses if use.stage not in scenario.live)
    given = [(i.key, i.value, i.standing, i.source) for i in scenario.inputs()]
    aged = [*measured.told(scenario, programs), *unlearned.told(scenario, programs), *planned.told(scenario)]
    drawn = [*sources.stated(scenario), *beside.told(scenario, programs), *outshone.told(scenario, programs)]
    rows = [*executed, *profiled, *aged, *drawn, *given]
    return pd.DataFrame(rows, columns=["key", "value", "standing", "source"])


def _measured(uses: Iterable[Use]) -> Iterator[tuple[str, str, str, str]]:
    for use in uses:
        passport, service = use.profile.passport, use.profile.service[0]
        source = passport.get("source") or (
            f"{use.profile.runtime} on {passport['machine']}, {passport['date']}, "
            f"{use.profile.threads} thread(s), n={service.n}{'' if service.settled else ', tail not settled'}"
        )
        key = f"stages.{use.stage} on {use.pool} ({use.variant}: {use.profile.workload})"
        value = f"p50 {1e3 * service.p50_s:.3g} ms, p99 {1e3 * service.p99_s:.3g} ms per segment"
        yield key, value, str(passport["standing"]), source
        decisions = use.profile.decisions
        if decisions is not None and use.program.decision is not None:
            n = decisions.noise["n"]
            rate = f"{decisions.noise_probability:.2g} of noise segments {decisions.outcome} (n={n})"
            yield f"{key} decisions", rate, str(passport["standing"]), decisions.data
