"""Run a scenario: plan every replica, drive kernel and control processes, gather the record. Writes nothing."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import instrument, ladders, marks, policies, warmup, words
from twin.ageing import tables as ageing
from twin.controls import Scaling
from twin.engine import Execute, Policy, TwinEnvironment
from twin.harvest import Frames, harvest
from twin.inputs import inputs
from twin.kernel.compiled import is_kept
from twin.kernel.events import advance
from twin.plan import Plan
from twin.planner import check_size, plan
from twin.policies import Function
from twin.programs import Programs, pool_spec, programs
from twin.record import Record, RecordError
from twin.resume import Resume
from twin.scenario import Scenario
from twin.schema_stages import is_function
from workloads.spec import LOOKAHEAD_S

if TYPE_CHECKING:
    from twin.farm.local import Ground
    from twin.farm.secure import Scheduler

Progress = Callable[[float, str], None]
Start = Callable[[TwinEnvironment], None]
Begun = tuple[TwinEnvironment, Callable[[], Frames]]
"""An environment at its beginning, and what tells at its end which tables of execution there are."""

STEPS = 20
"""How often a replica says how far it is."""
SAVE_S = 5.0
"""A checkpoint is written at the first such step after this time."""
PACKAGES = ("et-twin", "numba", "numpy", "pandas", "pyarrow", "simpy")
"""Whose versions may decide a result."""
_LIVE_PACKAGES = ("torch", "onnxruntime", "lalsuite")


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replicas: int | None = None,
    profiles: tuple[Path, ...] = (),
    recorded: Record | None = None,
    start: Start | None = None,
    progress: Progress = lambda fraction, text: None,
    checkpoint: Path | None = None,
    farm: bool | Scheduler = False,
) -> Record:
    """What happens in `scenario`, over independent replicas.

    Stages named in `scenario.live` execute their real programs, unless `recorded` (an earlier record of the
    same scenario) answers for them; in a `farm` they do so on worker processes, one per server, here or on hosts
    that have joined the scheduler it names, and a replica takes as long as its horizon. `start` may add SimPy
    processes of its own to each environment before it runs. `progress` is called with a fraction of the whole and
    a word on it. An interrupted run that kept a `checkpoint` folder goes on from there, to the same bytes; once
    the record is saved, remove the folder (`twin.resume.remove`).

    Raises ScenarioError when a profile is missing, the run would not fit in memory or a farm cannot do what is
    asked, RecordError when `recorded` is of another run, FarmError when workers cannot do their work.
    """
    seed = scenario.seed if seed is None else seed
    replicas = scenario.replicas if replicas is None else replicas
    if replicas < 1:
        raise ValueError(f"replicas is {replicas}; a run needs at least 1")
    if (seed, replicas) != (scenario.seed, scenario.replicas):
        scenario = scenario.with_({"seed": seed, "replicas": replicas})
    check_size(scenario, replicas)
    if recorded is not None:
        _check_recording(scenario, recorded)
    known = programs(scenario, (*profiles, *scenario.profile_folders))
    routes = policies.functions(scenario)
    resume = _resume(scenario, known, seed, replicas, checkpoint, start)
    ground = _ground(farm)
    told, begun_s = _executed(scenario, farm, recorded), time.perf_counter()
    parts: list[tuple[Frames, str]] = []
    for replica in range(replicas):
        said = _share(progress, replica, replicas)
        done = resume.done(replica) if resume else None
        given = scenario, known, routes, seed, replica
        parts.append(done or _replica(*given, recorded, start, said, resume, ground))
    frames = {name: pd.concat([p[name] for p, _ in parts], ignore_index=True) for name in parts[0][0]}
    _finish(scenario, frames)
    if recorded is not None and recorded.farm is not None and recorded.incidents is not None:
        frames |= {"farm": recorded.farm, "incidents": recorded.incidents}
    frames["inputs"] = inputs(scenario, known)
    digest = sha256("".join(digest for _, digest in parts).encode()).hexdigest()
    manifest = _manifest(scenario, known, routes, begun_s) | _workers(ground) | told
    return _recorded(scenario, known, digest, frames, manifest)


def singly(
    scenario: Scenario,
    replicas: range,
    *,
    profiles: tuple[Path, ...] = (),
    progress: Progress = lambda fraction, text: None,
) -> Iterator[Record]:
    """A record of each of these replicas by itself, as a study takes them: the same tables as in a run of them
    all.

    Without inputs and manifest, which are the same for all, and without live stages: ValueError. Raises
    ScenarioError as `run` does.
    """
    if scenario.live:
        raise ValueError("live stages are executed in real time: study the scenario without them")
    check_size(scenario, 1)
    known = programs(scenario, (*profiles, *scenario.profile_folders))
    routes = policies.functions(scenario)
    for k, replica in enumerate(replicas):
        said = _share(progress, k, len(replicas))
        frames, digest = _replica(scenario, known, routes, scenario.seed, replica, None, None, said, None, None)
        _finish(scenario, frames)
        frames["inputs"] = pd.DataFrame(columns=["key", "value", "standing", "source"])
        yield _recorded(scenario, known, digest, frames, {})


def _recorded(
    scenario: Scenario, known: Programs, digest: str, frames: Frames, manifest: dict[str, Any]
) -> Record:
    """The record of these tables, with what its alerts weigh and people have to vet where the scenario asks."""
    record = Record(
        scenario=scenario,
        seed=scenario.seed,
        plan_digest=digest,
        manifest=manifest,
        source_text="",
        programs=known,
        **frames,
    )
    if record.scenario.alerts is not None:
        from twin.alerts import accounts

        record = replace(record, policies=accounts.table(record, every_policy=False))
    if record.scenario.shifts is not None:
        from twin.shifts import first_pass

        record = replace(record, vetting=first_pass.table(record, known, record.scenario.shifts))
    return record


def _ground(farm: bool | Scheduler) -> Ground | None:
    if not farm:
        return None
    from twin.farm.local import Ground

    return Ground(None if farm is True else farm)


def _workers(ground: Ground | None) -> dict[str, Any]:
    """What the manifest says of a farm: the hosts of each pool's workers."""
    return {} if ground is None else {"workers": {pool: sorted(on) for pool, on in sorted(ground.hosts.items())}}


def _executed(scenario: Scenario, farm: bool | Scheduler, recorded: Record | None) -> dict[str, Any]:
    """What the manifest says of what executes live stages, or executed those of the recorded run."""
    if not scenario.live:
        return {}
    if recorded is not None:
        return {"live": recorded.manifest.get("live")}
    from twin.archive.origin import executed

    return {"live": executed(scenario, here=isinstance(farm, bool))}


def _share(progress: Progress, replica: int, replicas: int) -> Progress:
    """Progress of one replica as that of all."""
    return lambda fraction, text: progress((replica + fraction) / replicas, text)


def _replica(
    scenario: Scenario,
    known: Programs,
    routes: Mapping[str, Function],
    seed: int,
    replica: int,
    recorded: Record | None,
    start: Start | None,
    progress: Progress,
    resume: Resume | None,
    ground: Ground | None,
) -> tuple[Frames, str]:
    progress(0.0, f"replica {replica + 1}: drawing the sky")
    planned = plan(scenario, known, seed, replica)
    if not is_kept(advance):
        progress(0.0, "compiling the kernel, once for this version: about half a minute")
    policy = policies.policy(planned, routes)
    begin: AbstractContextManager[Begun]
    if ground is not None:
        begin = _on_farm(scenario, planned, seed, replica, policy, progress, ground)
    else:
        begin = _in_time(scenario, planned, seed, replica, policy, recorded, resume)
    with begin as (environment, executed):
        if start is not None:
            start(environment)
        _pass(environment, replica, progress, resume)
        frames = harvest(environment, replica, scenario.instrument.stride, LOOKAHEAD_S)
        frames |= executed() | _models(scenario, environment, replica)
    if scenario.instrument.intermittent:
        frames["instrument"] = instrument.observed(scenario, planned.down, replica)
    frames["pools"]["server_s"] = _server_s(environment)
    frames["marks"] = marks.of_replica(scenario, seed, replica, environment.marks, planned.down)
    if resume is not None:
        resume.finish(replica, frames, planned.digest)
    return frames, planned.digest


def _models(scenario: Scenario, environment: TwinEnvironment, replica: int) -> Frames:
    """What became of models: of those that age or are trained, and of those that had to stand in for others."""
    plan, served = environment.plan, environment.served
    frames = ageing.tables(scenario, plan, environment.controls, served, replica)
    if ladders.stages(scenario):
        frames["ladders"] = ladders.table(scenario, plan, served, replica)
    return frames


@contextmanager
def _in_time(
    scenario: Scenario,
    planned: Plan,
    seed: int,
    replica: int,
    policy: Policy | None,
    recorded: Record | None,
    resume: Resume | None,
) -> Iterator[Begun]:
    """The plan in simulated time, whose clock waits while something is executed."""
    recorder = _recorder(scenario, planned, seed, replica, recorded)
    kept = resume.running(replica, planned.digest) if resume else None
    environment = TwinEnvironment(planned, recorder, policy=policy, checkpoint=kept)
    if recorded is not None and recorded.incidents is not None:
        from twin.farm.log import Again, incidents
        from twin.farm.losses import loses

        happened = incidents(recorded.incidents, planned, replica)
        environment.controls.append(Again(happened, loses(scenario)))
    yield environment, lambda: {} if recorder is None else {"live": recorder.table()}


@contextmanager
def _on_farm(
    scenario: Scenario,
    planned: Plan,
    seed: int,
    replica: int,
    policy: Policy | None,
    progress: Progress,
    ground: Ground,
) -> Iterator[Begun]:
    """The plan in the wall's time, on workers."""
    from twin.farm.local import farmed

    def say(text: str) -> None:
        progress(0.0, text)

    with farmed(scenario, planned, seed, replica, policy, say, ground) as environment:
        yield environment, lambda: environment.written().tables(planned, replica)


def _pass(environment: TwinEnvironment, replica: int, progress: Progress, resume: Resume | None) -> None:
    """All the time of the plan passes, in steps that tell and keep how far it is."""
    end_s = environment.plan.horizon_s + environment.plan.drain_s
    whole = words.duration(end_s)
    saved_s = time.monotonic()
    for step in range(1, STEPS + 1):
        if end_s * step / STEPS <= environment.now:
            continue
        environment.run(until=end_s * step / STEPS)
        progress(step / STEPS, f"replica {replica + 1}: {words.duration(environment.now)} of {whole}")
        if resume is not None and time.monotonic() - saved_s > SAVE_S:
            resume.keep(replica, environment.checkpoint())
            saved_s = time.monotonic()


def _server_s(environment: TwinEnvironment) -> NDArray[np.float64]:
    """Per pool, the server time within the horizon: of servers that are up, and of those that start up."""
    plan = environment.plan
    areas = environment.world.bins[:, : round(plan.horizon_s / plan.bin_s)].sum(axis=1)
    server_s: NDArray[np.float64] = areas[:, 2].copy()
    for control in environment.controls:
        if isinstance(control, Scaling):
            server_s[control.pool] += control.startup_server_s
    return server_s


def _resume(
    scenario: Scenario, known: Programs, seed: int, replicas: int, folder: Path | None, start: Start | None
) -> Resume | None:
    """What an earlier, interrupted run of just this kind left in `folder`."""
    if folder is None:
        return None
    asks = any(is_function(stage.route) for stage in scenario.stages.values())
    if scenario.live or asks or start is not None:
        raise ValueError(
            "a checkpoint holds neither live stages nor Python routes nor SimPy processes: leave one of them out"
        )
    packages = {name: version(name) for name in PACKAGES}
    profiles = sorted(use.profile.digest for use in known.uses)
    given = [scenario.digest, _files(scenario), seed, replicas]
    identity = [*given, profiles, packages, platform.python_version()]
    return Resume(folder, sha256(repr(identity).encode()).hexdigest())


def _recorder(scenario: Scenario, planned: Plan, seed: int, replica: int, recorded: Record | None) -> Any:
    if not scenario.live:
        return None
    from twin.live import Live, Playback, Recorder

    execute: Execute
    if recorded is None or recorded.live is None:
        execute = Live(scenario, planned, seed, replica)
    else:
        execute = Playback(planned, replica, recorded.live)
    return Recorder(planned, replica, execute)


def _check_recording(scenario: Scenario, recorded: Record) -> None:
    """Raise RecordError unless `recorded` is a live run of this very scenario, seed and number of replicas."""
    if recorded.live is None:
        raise RecordError("the recorded run holds no live stages: record one with --live")
    if recorded.scenario.digest != scenario.digest:
        raise RecordError(
            f"the recorded run is of another scenario, seed ({recorded.seed}) or number of replicas "
            f"({recorded.scenario.replicas}): replay its own resolved.yaml with its seed and replicas"
        )


def _finish(scenario: Scenario, frames: Frames) -> None:
    """Add what depends on the scenario's targets, events and names, not on the kernel."""
    frames["marks"] = marks.table(scenario, frames["marks"])
    alerts = frames["alerts"]
    alerts["detectable"] = alerts["is_signal"] & (alerts["snr"] >= scenario.targets.detectable_snr)
    late_s = scenario.targets.late
    alerts["late"] = alerts["latency_s"] > (float("inf") if late_s is None else late_s)
    if scenario.warm_up:
        warmup.cut(scenario, frames)
    if scenario.instrument.calibration_versions is not None:
        alerts["calibration"] = instrument.version(scenario, alerts["event_time_s"].to_numpy(float))
    order = {name: k for k, name in enumerate(scenario.stages)}
    for table, column in (("stages", "stage"), ("counts", "work")):
        rank = frames[table][column].map(order).fillna(len(order))
        frames[table] = frames[table].iloc[np.lexsort((rank, frames[table]["replica"]))].reset_index(drop=True)
    hardware = [pool_spec(scenario, name).hardware for name in frames["pools"]["pool"]]
    frames["pools"].insert(3, "hardware", hardware)


def _files(scenario: Scenario) -> dict[str, str]:
    """SHA-256 of every file beside the scenario that decides the run."""
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in sorted(scenario.files.items())}


def _manifest(
    scenario: Scenario, known: Programs, routes: Mapping[str, Function], begun_s: float
) -> dict[str, Any]:
    profiles = {
        u.profile.path.parent.name + "/" + u.profile.path.name: u.profile for u in known.uses if u.profile.path
    }
    packages = PACKAGES + (_LIVE_PACKAGES if scenario.live else ())
    return {
        "schema_version": 1,
        "scenario": scenario.name,
        "scenario_digest": scenario.digest,
        "replicas": scenario.replicas,
        "profiles": {name: p.digest for name, p in sorted(profiles.items())},
        "weights": {p.workload: p.passport.get("weights_sha256") for p in profiles.values()},
        "routes": policies.digests(routes),
        "files": _files(scenario),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        "host": platform.platform(),
        "wall_s": round(time.perf_counter() - begun_s, 3),
    }
