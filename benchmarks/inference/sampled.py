"""Flow and importance sampling beside the classical sampler: the same posteriors, and the seconds each took.

Events of every SNR and chirp mass, for the cost depends on both. Seconds are the processor's, of one thread: other
programs on the machine hardly change them.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from benchmarks.inference.kept import Kept, Row
from workloads import spec
from workloads.inference import basis, importance, network, prior, sampler, sources, trigger
from workloads.inference.importance import Weighted
from workloads.inference.prior import PARAMETERS, Array
from workloads.spec import Network

SNRS = (10.0, 20.0, 40.0)
MASSES_MSUN = {"light": (8.7, 15.0), "middle": (15.0, 30.0), "heavy": (30.0, 70.0)}
"""Classes of chirp mass, in the detectors' frame."""
_SEED, _EACH, _DRAWS = 60_029, 3, 2000
_SECONDS = ("trigger_cpu_s", "flow_cpu_s", "importance_cpu_s", "sampler_cpu_s")


def run(effort: float, kept: Kept) -> dict[str, Any]:
    """Medians over all events, by SNR and by class of mass; `effort` 1 is _EACH events of every pair."""
    flow = spec.load("npe").network
    pairs = [(snr, kind) for _ in range(max(1, round(_EACH * effort))) for snr in SNRS for kind in MASSES_MSUN]

    def measure(i: int) -> Row:
        snr, kind = pairs[i]
        rng = np.random.default_rng([_SEED, i])
        return {"snr": snr, "mass": kind, **_one(flow, snr, MASSES_MSUN[kind], rng)}

    rows = kept.rows(len(pairs), measure)
    return {
        "seed": _SEED, "live_points": sampler.LIVE_POINTS, "stop_log_evidence": sampler.STOP_LOG_EVIDENCE,
        "all": _medians(rows),
        "by_snr": {f"{s:g}": _medians([r for r in rows if r["snr"] == s]) for s in SNRS},
        "by_mass": {k: _medians([r for r in rows if r["mass"] == k]) for k in MASSES_MSUN},
        "events": [{k: round(v, 4) if isinstance(v, float) else v for k, v in r.items()} for r in rows],
    }  # fmt: skip


def _one(flow: Network, snr: float, mass: tuple[float, float], rng: np.random.Generator) -> Row:
    theta = _binary(mass, rng)
    source = sources.draw(1, rng, np.array([snr]), theta[None])
    data = trigger.simulated(theta, source.amplitude[0], rng)
    times = [time.process_time()]
    event = trigger.event(data)
    times.append(time.process_time())
    raw = flow(network.rows([event]))[0].astype(np.float64)
    times.append(time.process_time())
    exact = importance.weighted(event, raw[:, :5], raw[:, 5], basis.load())
    times.append(time.process_time())
    run = sampler.run(event, basis.load(), rng, sampler.LIVE_POINTS)
    times.append(time.process_time())
    flat = Weighted(exact.theta, np.full(len(exact.theta), 1 / len(exact.theta)), 0.0)
    return {
        "chirp_mass_msun": float(np.exp(theta[0])), **dict(zip(_SECONDS, np.diff(times).tolist(), strict=True)),
        "likelihoods": run.calls, "efficiency": exact.efficiency,
        "log_evidence_apart": exact.log_evidence - run.posterior.log_evidence,
        "log_evidence_error": float(np.hypot(run.log_evidence_error, exact.log_evidence_error)),
        "ks_flow": _apart(flat, run.posterior, rng), "ks_importance": _apart(exact, run.posterior, rng),
    }  # fmt: skip


def _binary(mass: tuple[float, float], rng: np.random.Generator) -> Array:
    """Parameters (5,) from the prior, with a chirp mass in Msun inside `mass`."""
    low, high = np.log(mass)
    drawn = prior.draw(1000, rng)
    inside = drawn[(drawn[:, 0] >= low) & (drawn[:, 0] < high)]
    return np.asarray(inside[0] * [1, 1, 1, 1, 0.5])


def _apart(one: Weighted, other: Weighted, rng: np.random.Generator) -> float:
    """The largest KS distance of two posteriors' marginals."""
    pairs = zip(*(p.resampled(_DRAWS, rng).T for p in (one, other)), strict=True)
    return max(float(ks_2samp(a, b).statistic) for a, b in pairs)


def _medians(rows: list[Row]) -> dict[str, Any]:
    found: dict[str, Any] = {"n": len(rows), "parameters": len(PARAMETERS)}
    for name in (*_SECONDS, "likelihoods", "efficiency", "ks_flow", "ks_importance"):
        found[f"{name}_median"] = round(float(np.median([r[name] for r in rows])), 4)
    trigger_s, flow_s, importance_s, sampler_s = np.array([[r[s] for s in _SECONDS] for r in rows]).T
    npe_s = trigger_s + flow_s
    for name, spent_s in (("npe", npe_s), ("weighted", npe_s + importance_s)):
        found[f"sampler_over_{name}_median"] = round(float(np.median((trigger_s + sampler_s) / spent_s)), 1)
    sigma = [r["log_evidence_apart"] / r["log_evidence_error"] for r in rows]
    found["log_evidence_apart_sigma_rms"] = round(float(np.sqrt(np.mean(np.square(sigma)))), 2)
    return found
