"""What a likelihood costs against the length of the data, with the reduced basis and without; and NPE's steps.

Seconds are the processor's, of one thread; each is the least of several tries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from workloads import spec
from workloads.inference import (
    basis,
    candidates,
    importance,
    likelihood,
    network,
    phenomd,
    prior,
    sources,
    trigger,
)

DURATIONS_S = (4.0, 8.0, 16.0, 32.0, 64.0)
_TRIES, _CALLS, _UNITS = 5, 20, 4
_SEED = 60_041


def run() -> dict[str, Any]:
    """Seconds per likelihood by duration, and per event for each step."""
    return {"likelihood": likelihoods(), "event_cpu_ms": steps(), "in_band_s": in_band()}


def likelihoods() -> list[dict[str, float]]:
    """A likelihood on every frequency of the band for data of DURATIONS_S, then with the basis, alone and many."""
    theta = prior.draw(_CALLS, np.random.default_rng([_SEED, 1]))
    event, _ = sources.simulated(np.random.default_rng([_SEED, 2]))
    inside = event.frame.from_unit(np.random.default_rng([_SEED, 3]).random((1024, 5)))
    rows = []
    for duration_s in DURATIONS_S:
        f = basis.band(duration_s)
        weight, data = basis.white(f, 1 / duration_s), np.ones((2, f.size), np.complex128)

        def full(f: Any = f, weight: Any = weight, data: Any = data) -> None:
            for row in theta:
                wave = phenomd.waveforms(row[None], f)[0] * weight * np.exp(-2j * np.pi * f * row[4])
                likelihood.marginal(wave, data)

        rows.append({"duration_s": duration_s, "points": f.size, "cpu_ms": _least_ms(full) / _CALLS})

    def reduced() -> None:
        for row in inside[:_CALLS]:
            likelihood.log_posterior(event, row[None], basis.load())

    one = {"duration_s": basis.DURATION_S, "points": basis.SIZE, "cpu_ms": _least_ms(reduced) / _CALLS}
    many_ms = _least_ms(lambda: likelihood.log_posterior(event, inside, basis.load())) / len(inside)
    many = {"duration_s": basis.DURATION_S, "points": basis.SIZE, "at_once": len(inside), "cpu_ms": many_ms}
    return [{k: round(v, 4) for k, v in row.items()} for row in (*rows, one, many)]


def steps() -> dict[str, float]:
    """Milliseconds per event of every step from strain to weighted draws."""
    units = candidates.examples(_UNITS, _SEED)
    spectra = [trigger.spectra(unit) for unit in units]
    events = [trigger.event(data) for data in spectra]
    rows = [network.rows([event]) for event in events]
    flow = spec.load("npe").network
    draws = [flow(row)[0].astype(np.float64) for row in rows]
    each: dict[str, Callable[[], object]] = {
        "whitened_spectra": lambda: [trigger.spectra(unit) for unit in units],
        "trigger": lambda: [trigger.event(data) for data in spectra],
        "flow": lambda: [flow(row) for row in rows],
        "importance": lambda: [
            importance.weighted(e, d[:, :5], d[:, 5], basis.load()) for e, d in zip(events, draws, strict=True)
        ],
    }
    return {name: round(_least_ms(step) / _UNITS, 3) for name, step in each.items()}


def in_band() -> dict[str, float]:
    """Seconds that a signal of equal masses spends between 20 Hz and its merger, by chirp mass in Msun."""
    found = {}
    for chirp in (9.0, 12.0, 20.0, 35.0, 60.0):
        theta = np.array([[np.log(chirp), 0.0, 0.0, 0.0, 0.0]])
        values = phenomd.waveforms(theta, 20.0 + np.array([-0.01, 0.01]))[0]
        found[f"{chirp:g}"] = round(float(np.angle(values[1] * values[0].conj()) / (2 * np.pi * 0.02)), 3)
    return found


def _least_ms(call: Callable[[], object]) -> float:
    call()
    spent = []
    for _ in range(_TRIES):
        begun = time.process_time()
        call()
        spent.append(time.process_time() - begun)
    return 1e3 * min(spent)
