"""Records made by hand for tests of metrics, figures and reports: plausible, exact in form, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from twin import limits
from twin.harvest import KEPT
from twin.kernel.state import OUTCOMES, PUBLISHED

HOUR_S, DAY_S = 3600.0, 86400.0
PARTS = [*limits.PARTS]
POOLS = {"cnaf.alerts": ("cnaf", 4), "cnaf.cpu": ("cnaf", 8), "sos-enattos.cpu": ("sos-enattos", 4)}
QUESTION = "Do 12 CPU cores in two places keep 99 % of ET's BBH alerts within a minute, through a bad week?"
MARKS = pd.DataFrame(
    {
        "kind": ["retraining", "storm", "outage"],
        "name": ["new-weights", "storm", "cnaf-down"],
        "start_s": [2 * DAY_S, 4 * DAY_S, 5 * DAY_S],
        "end_s": [2 * DAY_S + 1800.0, 4 * DAY_S + 6 * HOUR_S, 5 * DAY_S + 2 * HOUR_S],
    }
)
BACKLOG_S = HOUR_S
"""How long the queue needs after the outage."""


@dataclass(frozen=True)
class Targets:
    alert_latency: dict[str, float] = field(default_factory=lambda: {"p50": 30.0, "p99": 60.0})
    late: float | None = 60.0
    lost: float | None = 0.1
    dead_time: float | None = 0.01
    detectable_snr: float = 12.0
    product: str | None = None
    warning: Any = None


@dataclass(frozen=True)
class Scenario:
    name: str = "first-light"
    question: str = QUESTION
    horizon: float = 7 * DAY_S
    warm_up: float = 0.0
    never: tuple[str, ...] = ()
    links: dict[str, Any] = field(default_factory=dict)
    targets: Targets = Targets()
    products: dict[str, tuple[str, ...]] = field(default_factory=dict)
    live: tuple[str, ...] = ()
    digest: str = "5c1e" * 16
    text: str = f"schema_version: 1\nname: first-light\nquestion: >\n  {QUESTION}\nhorizon: 7 d\nreplicas: 10\n"

    @property
    def stages(self) -> dict[str, Any]:
        stage = [("dq", (), "flag"), ("detect", ("dq",), "trigger"), ("candidate", ("detect",), "plain")]
        stage += [("localise", ("candidate",), "plain"), ("alert", ("localise",), "plain")]
        sent = {"alert": "preliminary"}
        return {
            name: SimpleNamespace(
                after=after,
                role=role,
                publishes=sent.get(name),
                on=tuple(POOLS),
                awaits=None,
                work=None,
                fallback=None,
                finds=None,
            )
            for name, after, role in stage
        }

    @property
    def told_s(self) -> float:
        return self.horizon - self.warm_up

    def resolved(self) -> str:
        return self.text


@dataclass(frozen=True)
class HandRecord:
    alerts: pd.DataFrame
    stages: pd.DataFrame
    pools: pd.DataFrame
    links: pd.DataFrame
    timeline: pd.DataFrame
    marks: pd.DataFrame
    inputs: pd.DataFrame
    counts: pd.DataFrame
    farm: pd.DataFrame | None = None
    incidents: pd.DataFrame | None = None
    ageing: pd.DataFrame | None = None
    trainings: pd.DataFrame | None = None
    ladders: pd.DataFrame | None = None
    instrument: pd.DataFrame | None = None
    policies: pd.DataFrame | None = None
    vetting: pd.DataFrame | None = None
    scenario: Scenario = Scenario()
    plan_digest: str = "ab12" * 16
    seed: int = 1
    manifest: dict[str, Any] = field(
        default_factory=lambda: {
            "command": "ettwin run first-light --seed 1",
            "versions": {"et-twin": "0.1.0", "numpy": "2.4.6"},
            "profiles": {"host/detector-onnxruntime": "9f" * 32},
            "wall_s": 12.3,
        }
    )

    def but(self, **changes: Any) -> HandRecord:
        return replace(self, **changes)


def week(replicas: int = 10, seed: int = 1, horizon_s: float = 7 * DAY_S) -> HandRecord:
    """A week with a retraining, a glitch storm and an outage whose backlog makes alerts late."""
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(replicas)]
    every = list(enumerate(rngs))
    return HandRecord(
        alerts=pd.concat([_alerts(r, rng, horizon_s) for r, rng in every], ignore_index=True),
        stages=pd.concat([_stages(r, rng) for r, rng in every], ignore_index=True),
        pools=pd.concat([_pools(r, rng) for r, rng in every], ignore_index=True),
        links=_links(replicas),
        timeline=pd.concat([_timeline(r, rng, horizon_s) for r, rng in every], ignore_index=True),
        marks=MARKS[MARKS["end_s"] <= horizon_s],
        inputs=inputs(),
        counts=pd.concat([_counts(r, rng, int(horizon_s)) for r, rng in every], ignore_index=True),
        scenario=Scenario(horizon=horizon_s),
    )


def signals(latency_s: list[list[float]], late_s: float = 60.0) -> pd.DataFrame:
    """Published BBH alerts with these latencies by replica, all of it computing."""
    rows = []
    for replica, own in enumerate(latency_s):
        for event, latency in enumerate(own):
            parts = dict.fromkeys(PARTS, 0.0) | {"compute_s": latency}
            rows.append(
                {"replica": replica, "event_id": event, "cls": "bbh", "is_signal": True, "detectable": True}
                | {"snr": 20.0, "event_time_s": 100.0 * event, "published_s": 100.0 * event + latency}
                | {"latency_s": latency, "outcome": "published", "late": latency > late_s, "dq_flag": False}
                | {
                    "dq_missing": False,
                    "search": "detect",
                    "variant": "primary",
                    "product": "preliminary",
                    **parts,
                }
            )
    return _typed(pd.DataFrame(rows))


def _typed(alerts: pd.DataFrame) -> pd.DataFrame:
    return alerts.astype(dict.fromkeys(("cls", "outcome", "search", "variant", "product"), "category"))


def _alerts(replica: int, rng: np.random.Generator, horizon_s: float) -> pd.DataFrame:
    sky = rng.poisson(1900.0 * horizon_s / (7 * DAY_S))
    noise = rng.poisson(220.0 * horizon_s / (7 * DAY_S))
    n = sky + noise
    time_s = np.sort(rng.uniform(0.0, horizon_s, n))
    real = rng.permutation(n) < sky
    snr = np.minimum(8.0 * (1.0 - rng.random(n)) ** (-1 / 3), 100.0)
    outcome = np.where(real, "published", "vetoed").astype(object)
    outcome[real & (rng.random(n) < 4.0 / snr**1.2)] = "missed"
    outcome[real & (rng.random(n) < 0.004)] = "vetoed"
    outcome[~real & (rng.random(n) < 0.1)] = "published"
    parts = _parts(rng, time_s)
    parts[outcome != "published"] = np.nan
    latency_s = parts.sum(axis=1)
    kind = np.where(real, "bbh", rng.choice(["blip", "tomte", "scattered-light", "whistle"], n))
    frame = pd.DataFrame(
        {
            "replica": replica,
            "event_id": np.where(real | (rng.random(n) < 0.5), np.arange(n), -time_s.astype(int) - 1),
            "cls": kind,
            "is_signal": real,
            "detectable": real & (snr >= 12.0),
            "snr": snr,
            "event_time_s": time_s,
            "published_s": time_s + latency_s,
            "latency_s": latency_s,
            "outcome": outcome.astype(str),
            "late": latency_s > 60.0,
            "search": np.where(outcome == "missed", "", "detect"),
            "variant": np.where(outcome == "missed", "", _variant(time_s)),
            "dq_flag": outcome == "vetoed",
            "dq_missing": False,
            "product": np.where(outcome == "published", "preliminary", ""),
        }
    )
    return _typed(pd.concat([frame, pd.DataFrame(parts, columns=PARTS)], axis=1))


def _variant(time_s: np.ndarray) -> np.ndarray:
    mark = MARKS.iloc[0]
    return np.where((time_s > mark["start_s"]) & (time_s < mark["end_s"]), "fallback", "primary")


def _backlog(time_s: np.ndarray) -> np.ndarray:
    """Between 0 and 1: grows through the outage, shrinks after it."""
    start_s, end_s = MARKS.iloc[2]["start_s"], MARKS.iloc[2]["end_s"]
    up, down = (time_s - start_s) / (end_s - start_s), 1.0 - (time_s - end_s) / BACKLOG_S
    return np.clip(np.minimum(up, down), 0.0, 1.0)


def _stormy(time_s: np.ndarray) -> np.ndarray:
    return (time_s >= MARKS.iloc[1]["start_s"]) & (time_s < MARKS.iloc[1]["end_s"])


def _parts(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    n = time_s.size
    queue_s = rng.exponential(0.4, n) + rng.exponential(6.0, n) * _stormy(time_s)
    queue_s += 900.0 * _backlog(time_s) * rng.uniform(0.7, 1.3, n)
    transfer_s = 0.004 + rng.exponential(0.002, n)
    spent = {"frame_s": rng.random(n), "calibration_s": np.full(n, 4.0), "transfer_s": transfer_s}
    spent |= {"queue_s": queue_s, "compute_s": 7.5 + rng.gamma(2.0, 0.3, n)}
    return np.column_stack([spent.get(part, np.zeros(n)) for part in PARTS])


def _stages(replica: int, rng: np.random.Generator) -> pd.DataFrame:
    rows = [("dq", "primary", 604_800, 0, 0.01, 0.006), ("detect", "primary", 602_900, 12, 0.4, 0.019)]
    rows += [("detect", "fallback", 1_800, 0, 1.2, 0.11), ("candidate", "primary", 2_100, 0, 2.5, 0.11)]
    rows += [("localise", "primary", 1_980, 0, 0.05, 6.0), ("alert", "primary", 1_780, 200, 0.0, 1.5)]
    frame = pd.DataFrame(rows, columns=["stage", "variant", "done", "dropped", "wait_mean_s", "service_mean_s"])
    frame.insert(0, "replica", replica)
    frame["wait_mean_s"] *= rng.uniform(0.9, 1.1, len(frame))
    frame["wait_p99_s"] = 40.0 * frame["wait_mean_s"]
    frame["service_p50_s"] = 0.97 * frame["service_mean_s"]
    frame["service_p99_s"] = 1.4 * frame["service_mean_s"]
    return frame.astype({"stage": "category", "variant": "category"})


def _pools(replica: int, rng: np.random.Generator) -> pd.DataFrame:
    use = [0.021, 0.71, 0.44]
    rows = {
        "replica": replica,
        "pool": list(POOLS),
        "site": [site for site, _ in POOLS.values()],
        "hardware": "host",
        "servers": [servers for _, servers in POOLS.values()],
        "use": np.array(use) * rng.uniform(0.97, 1.03, 3),
        "queue_mean": np.array([0.02, 95.0, 0.4]) * rng.uniform(0.9, 1.1, 3),
        "queue_peak": rng.integers([3, 6000, 40], [6, 7500, 60]),
        **dict.fromkeys(("preempted", "killed", "swaps"), 0),
        "down_s": [0.0, 2 * HOUR_S, 0.0],
    }
    return pd.DataFrame(rows).astype({"pool": "category", "site": "category", "hardware": "category"})


def _links(replicas: int) -> pd.DataFrame:
    rows = [(r, "sos-enattos", "cnaf", 604_800 + r, 604_800 * 49_152, 24.0) for r in range(replicas)]
    return pd.DataFrame(rows, columns=["replica", "source", "target", "transfers", "bytes", "busy_s"])


def _timeline(replica: int, rng: np.random.Generator, horizon_s: float) -> pd.DataFrame:
    bin_s = 600.0
    time_s = np.arange(0.0, horizon_s + HOUR_S, bin_s)
    down = (time_s >= MARKS.iloc[2]["start_s"]) & (time_s < MARKS.iloc[2]["end_s"])
    frames = []
    for pool, (_, servers) in POOLS.items():
        busy_share = {"cnaf.alerts": 0.02, "cnaf.cpu": 0.71, "sos-enattos.cpu": 0.44}[pool]
        noise = rng.uniform(0.9, 1.1, time_s.size)
        queue, here = 0.3 * noise, np.full(time_s.size, float(servers))
        busy = np.minimum(servers * busy_share * noise * (1.0 + 0.3 * _stormy(time_s)), servers)
        if pool == "cnaf.cpu":
            queue = queue + 7000.0 * _backlog(time_s) * noise
            here = np.where(down, 0.0, here)
            busy = np.where(down, 0.0, np.where(_backlog(time_s) > 0.0, servers, busy))
        for quantity, value in (("queue", queue), ("busy", busy), ("servers", here)):
            frames.append(pd.DataFrame({"quantity": quantity, "name": pool, "time_s": time_s, "value": value}))
    frame = pd.concat(frames, ignore_index=True)
    frame.insert(0, "replica", replica)
    frame["bin_s"] = bin_s
    return frame.astype({"quantity": "category", "name": "category"})


def inputs() -> pd.DataFrame:
    rows = [
        ("instrument.calibration", "4 s", "assumed", "stage split of O4 alerts is unpublished"),
        ("sky.signals.bbh.rate", "1e5 /yr", "published", "Sci. Rep. 2022 s41598-022-19540-7"),
        ("sky.glitches.rate", "0.5 /min", "assumed", "no ET rate exists; of the order of LIGO's"),
        ("stages.detect on host", "median 18.4 ms, n = 2000", "measured", "AMD EPYC, 2026-11-24, torch 2.13"),
        ("stages.dq on host", "median 5.8 ms, n = 2000", "measured", "AMD EPYC, 2026-11-24, torch 2.13"),
        ("stages.candidate on cnaf", "median 107 ms", "scaled", "host, times 1.3"),
        ("stages.localise.time", "6 s", "assumed", "of the order of BAYESTAR's"),
        ("links.sos-enattos--cnaf.latency", "4 ms", "assumed", "1.6 times the great circle in fibre"),
        ("sites.cnaf.pools.cpu.servers", "8", "scenario", "first-light.yaml:31"),
    ]
    frame = pd.DataFrame(rows, columns=["key", "value", "standing", "source"])
    return frame.astype({"standing": "category"})


def _counts(replica: int, rng: np.random.Generator, segments: int) -> pd.DataFrame:
    stale, vetoed = int(rng.integers(8, 17)), int(rng.integers(180, 220))
    rows = [("dq", segments, 0, 0), ("detect", segments, stale, 0), ("candidate", 2100, 0, 0)]
    rows += [("localise", 2000, 0, 0), ("alert", 1990, 0, vetoed)]
    fates = [name for k, name in enumerate(OUTCOMES) if k != PUBLISHED]
    frame = pd.DataFrame(0, range(len(rows)), ["work", "offered", *KEPT, *(f"dropped_{fate}" for fate in fates)])
    frame["work"], frame["offered"], frame["dropped_stale"], frame["dropped_vetoed"] = zip(*rows, strict=True)
    frame["done"] = frame["offered"] - frame["dropped_stale"] - frame["dropped_vetoed"]
    frame["segments"], frame["unsearched"] = segments, stale
    frame.insert(0, "replica", replica)
    return frame
