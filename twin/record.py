"""A record: what happened in a run, as tables with units, and where every number came from. Knows no kernel.

Data dictionary. Every table but inputs has a `replica`; *_s is seconds since the start of the run or a
duration in seconds; counts and bytes are whole numbers; `use` is a fraction.

alerts    a row per candidate and product published, per candidate that ended otherwise (more than one where
          several branches of the graph did), and per signal that never became a candidate
          event_id (>= 0: the sky's; < 0: a noise trigger of segment -id-1), cls, is_signal, detectable,
          snr (network optimal; of a glitch single-stream), event_time_s (merger; a glitch's centre), product,
          outcome (published, vetoed, stale, expired, rejected, shed, failed, lost; of signals also missed or
          unfinished, while a false candidate that is still under way has no row), late,
          search (the trigger stage that reported it) and its variant, dq_flag, dq_missing (somebody did not wait
          for a verdict), published_s, latency_s and the ten parts that add up to it: frame_s (event to the end of
          the data its segment needs), calibration_s, transfer_s, join_s (for verdicts), queue_s, batch_s (a free
          server waited for the batch to fill), outage_s (also failed attempts and their pauses, and while a stage
          is without a model), load_s, compute_s, timer_s (at stages that only take time); where signals come from
          a population also redshift, chirp_mass_msun (in the detectors' frame), duration_s (in band, up to the
          merger) and overlaps (other drawn mergers that are in band at this one); where `sky.overlaps` counts also
          beside, what other signal merges close to it ('' none within 8 s); where the calibration has versions
          also calibration, the name of that of its data. Warnings of mergers to come stand under their merger:
          latency_s and frame_s are negative
latencies published alerts counted: product, cls, window of window_s from start_s (by event time), bin and its
          limits low_s to high_s (1.6 % wide), n; counts of windows, classes, replicas and runs add up
stages    stage (but those without pools), variant, done, dropped (for any reason), wait_mean_s, wait_p99_s,
          service_mean_s, service_p50_s, service_p99_s (quantiles within 0.8 %)
pools     pool, site, hardware, servers, use (busy / available server time over the horizon), queue_mean,
          queue_peak (jobs), preempted and killed (batches), swaps (programs loaded), down_s,
          server_s (server time over the horizon: of servers that are up, and of those that a scaling
          policy starts up)
links     source, target, transfers, bytes, busy_s (with something under way)
timeline  quantity (queue, busy or servers) of the pool `name`: time-weighted mean `value` in the bin of `bin_s`
          that starts at `time_s`
marks     what happened to sky, detectors and computing: replica (-1: in every one), kind (retraining, withdrawal,
          drift, storm, surge, glitch-class, outage, failures, failure-trace, maintenance, degradation; lock-loss
          and detector-maintenance say when a detector did not observe), name (entry of the timeline, and what it
          was about where that is one of several; 'sky' for what the sky brings; 'instrument' and the detector),
          start_s, end_s
inputs    every number the run rests on: key, value, standing (measured, published, scaled, assumed, or
          scenario: a planner's choice), source
counts    per stage (`work`; product.NAME publishes it): offered = waiting (for a verdict or timer) + asked (for
          a route) + transit + queued + running + backoff + done + dropped_vetoed + dropped_stale +
          dropped_expired + dropped_rejected + dropped_shed + dropped_failed + dropped_lost, where a job of
          several shards counts as several; segments that arrived in the replica, and how many of them were
          unsearched: dropped before any search; where a stage has a guard also outside and outside_s: those of the
          jobs it has done whose data a guard had marked, and the servers' time that they took
live      only with live stages: order, stage, pool, variant, entities, segments, service_s, extra (flag or noise
          trigger per job), events and whether each was found, the program's scores (per job; none in recordings of
          earlier versions); service_s is inf where the worker was lost first
farm      only of a farm: of each live batch (`order`) the pool and number of its server, start_s (the kernel
          starts it), sent_s (its worker is told), end_s (its answer is heard; inf: never), program_s (what the
          worker measured around the program alone)
incidents only of a farm: at time_s the worker of a server was lost (what: fail), or another one was ready (repair)
ageing    only where models age or a policy trains them: a row per stage from time_s to end_s, while nothing
          changes: variant that serves (none: it stands still, and reacts to nothing), version of the primary (1
          at first), efficiency (share of the replica's signals, of its glitches for a stage that flags, that it is
          expected to react to: mean over pools), false_per_day (segments of pure noise it would react to,
          if all were), fresh and fresh_per_day (both of the primary on the data it was measured on),
          passed (kinds of drift past the largest measured amount, joined by blanks: their last values hold)
trainings likewise: stage, name (entry of the timeline), start_s, trained_s (weights are there), decided_s, outcome
          (passed, rolled-back, unfinished), servers it took and server_s (for how long, times how many)
ladders   only where a stage has several fallbacks or the timeline withdraws a model: of each such stage, from
          time_s to end_s, the variant that served it, its model (workload) and runtime; 'none': it stood still
instrument only where detectors do not always observe: a row for every set of `detectors` (names joined by blanks,
          '' none) that observed together, up (how many), time_s and share of the horizon
policies  only where the scenario has `alerts`: see twin.alerts.accounts
vetting   only where the scenario has `shifts`: see twin.shifts.first_pass
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from twin.folder import written_whole

if TYPE_CHECKING:
    from twin.scenario import Scenario

TABLES = ("alerts", "latencies", "stages", "pools", "links", "timeline", "marks", "inputs", "counts")
OPTIONAL = ("live", "farm", "incidents")
"""Tables of runs that executed something."""
AGED = ("ageing", "trainings")
"""Tables of runs in which models age or policies train them."""
LADDERS = ("ladders",)
"""Table of runs in which models stand in for others, by a ladder of fallbacks or because one is withdrawn."""
OBSERVED = ("instrument",)
"""Table of runs in which detectors do not always observe."""
NOTICED = ("policies",)
"""Table of runs whose scenario has `alerts`."""
VETTED = ("vetting",)
"""Table of runs whose scenario has `shifts`."""
MAYBE = (*OPTIONAL, *AGED, *LADDERS, *OBSERVED, *NOTICED, *VETTED)
"""Tables that only some runs have."""


NOTED = "documents"
"""What a manifest says of alerts as documents: `most` of a replica (null: all), `written`, and `of` how many."""


class RecordError(ValueError):
    """A run directory is missing, incomplete or of another version."""


@dataclass(frozen=True, eq=False)
class Record:
    """What happened: the tables above, the scenario that was run, and its provenance."""

    scenario: Scenario
    seed: int
    plan_digest: str
    manifest: Mapping[str, Any]
    alerts: pd.DataFrame
    latencies: pd.DataFrame
    stages: pd.DataFrame
    pools: pd.DataFrame
    links: pd.DataFrame
    timeline: pd.DataFrame
    marks: pd.DataFrame
    inputs: pd.DataFrame
    counts: pd.DataFrame
    live: pd.DataFrame | None = None
    farm: pd.DataFrame | None = None
    incidents: pd.DataFrame | None = None
    ageing: pd.DataFrame | None = None
    trainings: pd.DataFrame | None = None
    ladders: pd.DataFrame | None = None
    instrument: pd.DataFrame | None = None
    policies: pd.DataFrame | None = None
    vetting: pd.DataFrame | None = None
    programs: Any = None
    """What the stages ran, for the alerts' documents; not in a run directory."""
    source_text: str = ""

    @property
    def latency(self) -> pd.Series[float]:
        """Latencies of published signals in s: of their first alert, or of the product that the targets name."""
        from twin.limits import judged_signals

        return judged_signals(self)["latency_s"]

    @property
    def summary(self) -> dict[str, Any]:
        """Verdicts, quantiles with their intervals, losses: see twin.metrics."""
        from twin.metrics import summary

        return summary(self)

    @property
    def figure(self) -> Any:
        """Figures by name, e.g. `record.figure.latency()`, from the package installed as 'ettwin.figures'."""
        (entry,) = entry_points(group="ettwin.figures", name="default")
        return _Figures(entry.load(), self)

    def save(
        self,
        folder: Path,
        also: Callable[[Path], object] | None = None,
        progress: Callable[[float, str], None] = lambda fraction, text: None,
        alerts: int | None = 0,
    ) -> Path:
        """Write the run directory: beside its place first, then renamed whole. Refuses to overwrite.

        `also` may write more into the folder it is given before that becomes the run directory; `progress` is
        called while alerts and their capsules are written: of each replica that the scenario has documents of, the
        first so many `alerts` in time, None for all.
        """
        if folder.exists():
            raise RecordError(f"{folder} exists already; choose another --out or remove it")
        record = self.noting(alerts)
        with written_whole(folder) as beside:
            record._write(beside, progress)
            if also is not None:
                also(beside)
        return folder

    def noting(self, alerts: int | None) -> Record:
        """The same, with a manifest that says how many alerts a run directory gets: see `save`."""
        if self.manifest.get(NOTED, {}).get("most", 0) == alerts and NOTED in self.manifest:
            return self  # they were counted before
        manifest = {key: value for key, value in self.manifest.items() if key != NOTED}
        if alerts != 0:
            from twin.alerts import writing

            manifest[NOTED] = writing.planned(self, alerts)
        return replace(self, manifest=manifest)

    def _write(self, folder: Path, progress: Callable[[float, str], None]) -> None:
        (folder / "scenario.yaml").write_text(self.source_text or self.scenario.resolved(), encoding="utf-8")
        (folder / "resolved.yaml").write_text(self.scenario.resolved(), encoding="utf-8")
        about = {**self.manifest, "seed": self.seed, "plan_digest": self.plan_digest}
        (folder / "manifest.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        (folder / "summary.json").write_text(json.dumps(self.summary, indent=1) + "\n", encoding="utf-8")
        for name in TABLES:
            getattr(self, name).to_parquet(folder / f"{name}.parquet", index=False)
        for name in MAYBE:
            if (table := getattr(self, name)) is not None:
                table.to_parquet(folder / f"{name}.parquet", index=False)
        if NOTED in self.manifest:
            from twin.alerts import writing
            from twin.archive import of_run

            writing.write(self, folder / writing.FOLDER, progress)
            if of_run.wanted(self):
                of_run.write(self, folder, progress)


class _Figures:
    """Figure functions of a module, bound to one record."""

    def __init__(self, module: Any, record: Record) -> None:
        self._module = module
        self._record = record

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._module, name)
        return lambda *args, **kwargs: function(self._record, *args, **kwargs)


def open_record(folder: Path) -> Record:
    """The record kept in `folder`; RecordError when something is missing or damaged."""
    wanted = ["resolved.yaml", "scenario.yaml", "manifest.json", *(f"{t}.parquet" for t in TABLES)]
    missing = [name for name in wanted if not (folder / name).is_file()]
    if not folder.exists():
        raise RecordError(f"{folder}: there is no such run directory")
    if len(missing) == len(wanted):
        raise RecordError(f"{folder} is not a run directory: it holds none of {', '.join(wanted[:3])}, …")
    if missing:
        raise RecordError(f"{folder} is not a run directory: it lacks {', '.join(missing)}")
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise RecordError(f"{folder} is damaged: {type(error).__name__}: {text}. Run it again") from error


def _read(folder: Path) -> Record:
    from twin.loader import load

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    there = {name: path for name in MAYBE if (path := folder / f"{name}.parquet").is_file()}
    return Record(
        scenario=load(folder / "resolved.yaml"),
        seed=manifest["seed"],
        plan_digest=manifest["plan_digest"],
        manifest=manifest,
        source_text=(folder / "scenario.yaml").read_text(encoding="utf-8"),
        **{name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES},
        **{name: pd.read_parquet(path) for name, path in there.items()},
    )
