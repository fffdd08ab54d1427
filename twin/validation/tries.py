"""One case: what the twin says of it, what the farm shows, and how far they are apart.

What is said is on disk, with its digest, before the farm begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.engine import TwinEnvironment
from twin.farm.bench import Bench
from twin.farm.contention import Contention, Used
from twin.farm.driver import Farm
from twin.farm.log import Again, incidents
from twin.farm.occupied import usual_s
from twin.live import Playback
from twin.validation import kept
from twin.validation.cases import CASES, Arrivals, Case
from twin.validation.compare import Trial, compare
from twin.validation.foretold import Known, fed, finished, foretell, observed, plan
from twin.validation.goals import QUANTILES
from twin.validation.observed import Observed
from twin.validation.request import Request
from twin.validation.speed import known_speed, slownesses, unsteady
from twin.validation.spread import errors
from twin.validation.watched import Watched
from workloads.occupancy import TERMS

DRAWS = 20
"""Runs of the twin behind each prediction."""
_SAID, _SHOWN = 0.05, 0.85
"""Shares of a case for what is foretold, and for the farm."""
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Tries:
    """A case on a bench whose programs' profiles are `known`; `unfit` is why they may not count, if so.

    `watched` tells how it goes, where somebody wants to know.
    """

    case: Case
    request: Request
    bench: Bench
    known: tuple[Known, Known]
    unfit: str | None
    watched: Watched | None = None

    def judged(self, folder: Path, progress: Progress) -> list[dict[str, Any]]:
        """As JSON, a row for each kind of job; what was foretold is kept in `folder`."""
        case, request, bench = self.case, self.request, self.bench
        progress(0.0, "foretelling")
        slowness = usual_s(bench) / self.known[0].occupancy.usual_s
        per_s = case.rho * case.capacity_per_s(self.known[0].occupancy)
        arrivals = case.arrivals(request.n, per_s, np.random.default_rng([request.seed, CASES.index(case)]))
        predicted = foretell(case, arrivals, self.known, slowness, DRAWS, request.seed)
        said = _say(case, arrivals, predicted, slowness, folder)
        if self.watched is not None:
            self.watched.foretold(case, arrivals, predicted)
        said["farm_began"] = _now()
        farms, used = self._shown(arrivals, progress)
        progress(0.9, "comparing")
        trial = Trial(
            name=case.name,
            rho=case.rho,
            servers=case.servers,
            offered_per_s=per_s,
            judged=0,
            window_s=None,
            disturbed_s=self._disturbed_s(arrivals),
            measured=tuple(observed(case, arrivals, farm.traced()) for farm in farms),
            predicted=predicted,
            model=tuple(fed(case, arrivals, farm.log) for farm in farms),
        )
        without = {
            term: foretell(case, arrivals, self.known, slowness, DRAWS, request.seed, set(TERMS) - {term})
            for term in TERMS
        }
        speeds = slownesses(trial.measured, predicted, slowness)
        at_speed = {
            s: foretell(case, arrivals, self.known, s, DRAWS // len(speeds) + 1, request.seed) for s in speeds
        }
        also = {
            "contention": used.as_dict(),
            "replayed": all(replays(farm) for farm in farms),
            "lost": int(sum(np.isinf(run.end_s).sum() for run in trial.measured)),
            "slowness": slowness,
            "slownesses": list(speeds),
            "prediction": said,
        }
        return [
            compare(one, self.unfit or used.unfit, unsteady(speeds), request.seed).as_dict()
            | also
            | {"known_speed": known_speed(one, speeds, at_speed.__getitem__)}
            | {"without": {term: _latency_errors(replace(one, predicted=runs)) for term, runs in without.items()}}
            for one in _kinds(trial, case)
        ]

    def _shown(self, arrivals: Arrivals, progress: Progress) -> tuple[list[Farm], Used]:
        """The farm's repeats, and what others used beside the one that suffered most."""
        kills = [(arrivals.disturbed_s[0], 0)] if self.case.happens == "death" and arrivals.disturbed_s else []
        farms, uses, repeats, watched = [], [], self.request.repeats, self.watched
        for k in range(repeats):

            def told(ended: float, k: int = k) -> None:
                progress(_SAID + _SHOWN * (k + ended) / repeats, f"the farm, repeat {k + 1} of {repeats}")

            told(0.0)
            look = None if watched is None else watched.repeat(k, told)
            contention = Contention()
            contention.start(self.bench.processes())
            farms.append(self.bench.run(plan(self.case, arrivals), kills=kills, look=look))
            uses.append(contention.stop(self.bench.processes()))
            if watched is not None:
                watched.ended(farms[-1])
        return farms, max(uses, key=lambda used: used.other_cores + used.steal_cores)

    def _disturbed_s(self, arrivals: Arrivals) -> tuple[float, float] | None:
        """From when to when; a death until another worker was foretold to be ready."""
        if arrivals.disturbed_s is None or self.case.happens != "death":
            return arrivals.disturbed_s
        at_s = arrivals.disturbed_s[0]
        return at_s, at_s + self.known[0].occupancy.restart_s


def replays(farm: Farm) -> bool:
    """Does the kernel, in its own time, give the farm's run again from its log, byte for byte?"""
    plan = farm.plan
    tables = farm.log.tables(plan, 0)
    environment = TwinEnvironment(plan, Playback(plan, 0, tables["live"]), trace=True)
    environment.controls.append(Again(incidents(tables["incidents"], plan, 0)))
    return finished(environment).traced().tobytes() == farm.traced().tobytes()


def _say(
    case: Case, arrivals: Arrivals, predicted: tuple[Observed, ...], slowness: float, folder: Path
) -> dict[str, str]:
    """Write down what is foretold; its digest, and when that was."""
    latency_s = np.concatenate([run.latency_s for run in predicted])
    content = {
        "case": asdict(case),
        "offered_per_s": arrivals.per_s,
        "disturbed_s": arrivals.disturbed_s,
        "slowness": slowness,
        "latency_s": {name: float(np.quantile(latency_s, q)) for name, q in QUANTILES.items()},
        "arrivals_sha256": sha256(b"".join(t.tobytes() for t in arrivals.times_s.values())).hexdigest(),
        "ends_sha256": sha256(b"".join(run.end_s.tobytes() for run in predicted)).hexdigest(),
    }
    written = kept.write(folder / kept.file_name("prediction", case.name), content)
    return {"sha256": written, "written": _now()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _kinds(trial: Trial, case: Case) -> list[Trial]:
    """The trial, once for each kind of job."""
    if len(case.kinds) == 1:
        return [trial]
    return [replace(trial, name=f"{trial.name}: {kind}", judged=k) for k, kind in enumerate(case.kinds)]


def _latency_errors(trial: Trial) -> dict[str, float | None]:
    """Relative error of each predicted quantile of the latency; None where it lies among jobs that never ended."""
    measured, predicted = trial.latency_s(trial.measured), trial.latency_s(trial.predicted)
    of = {
        name: (np.quantile(measured, q, axis=1), np.quantile(predicted, q, axis=1))
        for name, q in QUANTILES.items()
    }
    return {
        f"{name}_error": errors(farm, float(np.median(twin)), farm)[0] if _finite(farm, twin) else None
        for name, (farm, twin) in of.items()
    }


def _finite(*values: NDArray[np.float64]) -> bool:
    return all(np.isfinite(one).all() for one in values)
