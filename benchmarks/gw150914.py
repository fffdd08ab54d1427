"""`python -m benchmarks.gw150914 FILE_H1 FILE_L1`: the event of 2015 through the shipped programs, end to end.

The files are GWOSC's (32 s at 4 kHz). Conditioning, data quality, search and parameter estimation run as for the
Einstein Telescope, with the noise curves of these data and two detectors apart instead of three at one place.
Writes benchmarks/gw150914.json and docs/gw150914.svg.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly, welch

from benchmarks import results
from workloads import psd, runtime, spec, waveform
from workloads.inference import amplitudes, basis, frame, prior, sampler
from workloads.inference.importance import Weighted
from workloads.inference.phenomd import waveforms
from workloads.models import glitch_classifier as classifier
from workloads.models import matched_filter as mf
from workloads.spec import BAND_HZ, RATE_HZ

RESULTS = results.PATH.with_name("gw150914.json")
FIGURE = Path(__file__).parents[1] / "docs" / "gw150914.svg"
DETECTORS = ("H1", "L1")
FARTHEST_S = 0.010
"""Light needs that long between the two."""
_HALF_S, _WINDOW_S, _AFTER_S = 1.0, 8.0, 0.5
_BLOCK, _SEED, _LIVE = 64, 1, 300
_WIDE = 8.0
"""SNR of the window that the posterior is looked for in: wider than the event's own."""
Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Conditioned:
    """One detector's whitened strain (sample,), which begins `_HALF_S` into the file; its curve and filter."""

    white: NDArray[np.float32]
    curve: psd.Psd
    kernel: Real
    start_gps: float


def main() -> None:
    """Run the chain on two files, write what it found, and draw it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gw150914", description=__doc__)
    parser.add_argument("files", nargs=2, type=Path, help="Hanford's and Livingston's file")
    asked = parser.parse_args()
    data = [condition(path) for path in asked.files]
    series, points = snr_series(data)
    event = search(data, series, points)
    quality = [names(d, event["merger_gps"]) for d in data]
    posterior = estimate(data, event)
    found = {"quality": dict(zip(DETECTORS, quality, strict=True)), "search": event, "posterior": told(posterior)}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    draw(data, series, event, posterior)
    print(json.dumps(found, indent=1))


def condition(path: Path) -> Conditioned:
    """Strain at RATE_HZ, whitened with the noise curve of the file itself (median of 4 s stretches)."""
    from gwpy.timeseries import TimeSeries

    read = TimeSeries.read(path, format="hdf5.gwosc")
    strain = resample_poly(read.value, RATE_HZ, round(read.sample_rate.value))
    f, value = welch(strain, RATE_HZ, nperseg=4 * RATE_HZ, average="median")
    curve = psd.Psd(f[1:], value[1:])
    kernel = curve.whitening(RATE_HZ, _HALF_S, BAND_HZ)
    return Conditioned(
        psd.filter_valid(strain, kernel).astype(np.float32), curve, kernel, float(read.t0.value) + _HALF_S
    )


def snr_series(data: list[Conditioned]) -> tuple[list[NDArray[np.float32]], Real]:
    """Squared SNR (template, time at SERIES_HZ) of each detector with every template of the shipped bank."""
    points = runtime.stored(spec.get("matched-filter"))["bank"]
    binaries = [waveform.Binary(m1, m2, spin, spin) for m1, m2, spin in points]
    return [np.concatenate(list(_filtered(d, binaries))) for d in data], points


def _filtered(d: Conditioned, binaries: list[waveform.Binary]) -> Any:
    n = len(d.white) // 2 * 2
    transfer = psd.response(d.kernel, waveform.SAMPLES)
    power = d.curve.filtered(d.kernel, RATE_HZ, n)
    for first in range(0, len(binaries), _BLOCK):
        rows = [mf.whitened_template(b, transfer, n, 2.0, 0.1) for b in binaries[first : first + _BLOCK]]
        templates = mf.normalised(np.array(rows), power, n)
        yield np.concatenate([mf.correlate(d.white[:n], t[None]) for t in templates]).reshape(len(rows), -1)


def search(data: list[Conditioned], series: list[NDArray[np.float32]], points: Real) -> dict[str, Any]:
    """The loudest coincidence, and the loudest elsewhere, 1 s and more away from it."""
    reach = round(FARTHEST_S * mf.SERIES_HZ)
    edge = round(2.5 * mf.SERIES_HZ)
    inside = slice(edge, series[0].shape[1] - edge)
    nearby = np.max([np.roll(series[1], s, axis=1) for s in range(-reach, reach + 1)], axis=0)
    network = np.sqrt(series[0] + nearby)
    loudest = network.max(axis=0)
    at = edge + int(loudest[inside].argmax())
    template = int(network[:, at].argmax())
    lag = int(series[1][template, at - reach : at + reach + 1].argmax()) - reach
    away = np.abs(np.arange(loudest.size) - at) > mf.SERIES_HZ
    m1, m2, spin = (float(x) for x in points[template])
    return {
        "templates": len(points),
        "network_snr": round(float(network[template, at]), 2),
        "loudest_elsewhere": round(float(loudest[inside][away[inside]].max()), 2),
        "merger_gps": round(data[0].start_gps + at / mf.SERIES_HZ, 3),
        "livingston_earlier_ms": round(-1e3 * lag / mf.SERIES_HZ, 1),
        "template_msun": [round(m1, 1), round(m2, 1)],
        "template_spin": round(spin, 2),
    }


def names(d: Conditioned, merger_gps: float) -> dict[str, Any]:
    """What the glitch classifier calls the event's second, and every other second of the file."""
    program = spec.load("glitch-classifier")
    end = round((merger_gps - d.start_gps + 0.5 * classifier.INPUT / RATE_HZ) * RATE_HZ) - RATE_HZ // 4
    step, n = RATE_HZ, classifier.INPUT
    ends = [e for e in range(end % step, len(d.white) + 1, step) if e >= n]
    p = program.network(np.array([d.white[e - n : e] for e in ends])[:, None])
    called = classifier.names(p.astype(np.float64), program.settings)
    here = ends.index(end)
    near = {e for e in range(len(ends)) if abs(e - here) <= 1}
    others = [name for e, name in enumerate(called) if e not in near]
    return {"event": called[here], "elsewhere": {name: others.count(name) for name in sorted(set(others))}}


def estimate(data: list[Conditioned], event: dict[str, Any]) -> Weighted:
    """Nested sampling of masses, spins and time. Each detector's amplitude and phase are free, and marginalised.

    Their prior is a triangle's, which matters little beside the SNR of this event.
    """
    f = basis.band()
    lags_s = (0.0, event["livingston_earlier_ms"] / 1e3)
    weights = [np.sqrt(4 / basis.DURATION_S / d.curve.at(f)) for d in data]
    rows = [
        spectrum(d, event["merger_gps"] - lag_s, f) * weight
        for d, lag_s, weight in zip(data, lags_s, weights, strict=True)
    ]

    def log_posterior(theta: Real) -> Real:
        log = prior.log_density(theta)
        if np.isfinite(log[0]):
            wave = waveforms(theta, f)[0] * np.exp(-2j * np.pi * f * theta[0, 4])
            z = [
                abs(np.vdot(wave * w, row)) / np.linalg.norm(wave * w)
                for w, row in zip(weights, rows, strict=True)
            ]
            log = log + amplitudes.log_marginal(np.array([z], np.complex128))
        return log

    (m1, m2), spin = event["template_msun"], event["template_spin"]
    best = np.array([np.log(waveform.chirp_mass(m1, m2)), np.log(m2 / m1), spin, spin, 0.0])
    rng = np.random.default_rng(_SEED)
    return sampler.nested(log_posterior, frame.at(best, _WIDE), rng, _LIVE).posterior


def spectrum(d: Conditioned, merger_gps: float, frequency_hz: Real) -> NDArray[np.complex128]:
    """Strain (frequency,) in 1/Hz of the seconds around a merger, which is put at time zero."""
    n = round(basis.DURATION_S * RATE_HZ)
    first = round((merger_gps - d.start_gps + _AFTER_S - basis.DURATION_S) * RATE_HZ)
    inside = np.round(frequency_hz * basis.DURATION_S).astype(int)
    late_s = merger_gps - d.start_gps - first / RATE_HZ
    turn = np.exp(2j * np.pi * frequency_hz * late_s) / RATE_HZ
    found = np.fft.rfft(d.white[first : first + n])[inside] / psd.response(d.kernel, n)[inside]
    return np.asarray(found * turn)


def told(posterior: Weighted) -> dict[str, Any]:
    """Medians and 90 % intervals, in solar masses of the detectors' frame."""
    theta = posterior.resampled(4000, np.random.default_rng(_SEED))
    heavy, light = prior.masses(theta)
    effective = (heavy * theta[:, 2] + light * theta[:, 3]) / (heavy + light)
    rows = {
        "chirp_mass_msun": np.exp(theta[:, 0]),
        "total_mass_msun": heavy + light,
        "mass_ratio": light / heavy,
        "effective_spin": effective,
    }
    quantiles = {k: np.quantile(v, [0.05, 0.5, 0.95]) for k, v in rows.items()}
    return {k: {"median": round(m, 3), "90 %": [round(a, 3), round(b, 3)]} for k, (a, m, b) in quantiles.items()}


def draw(
    data: list[Conditioned], series: list[NDArray[np.float32]], event: dict[str, Any], found: Weighted
) -> None:
    """Whitened strain, the loudest template's SNR in either detector, and the posterior of the masses."""
    import matplotlib as mpl

    mpl.rcdefaults()  # gwpy changes them
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "gw150914"
    from matplotlib import pyplot as plt

    figure, (strain, snr, masses) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    template = int(np.sqrt(series[0]).max(axis=1).argmax())
    for d, squared, name, colour in zip(data, series, DETECTORS, ("#d55e00", "#0072b2"), strict=True):
        t = d.start_gps + np.arange(len(d.white)) / RATE_HZ - event["merger_gps"]
        near = (t > -0.25) & (t < 0.1)
        strain.plot(t[near], d.white[near], colour, lw=0.8, label=name)
        t = d.start_gps + np.arange(squared.shape[1]) / mf.SERIES_HZ - event["merger_gps"]
        near = (t > -1) & (t < 1)
        snr.plot(t[near], np.sqrt(squared[template, near]), colour, lw=0.8, label=name)
    heavy, light = prior.masses(found.resampled(3000, np.random.default_rng(_SEED)))
    masses.plot(heavy, light, ".", color="#444444", ms=2, alpha=0.4, rasterized=True)
    strain.set(title="whitened strain", xlabel="time from the merger in s", ylabel="noise = 1")
    snr.set(title=f"matched filter, network SNR {event['network_snr']:.1f}", xlabel="time from the merger in s")
    snr.set_ylabel("SNR")
    masses.set(title="posterior, 3000 draws", xlabel="heavier mass / M☉", ylabel="lighter mass / M☉")
    strain.legend(frameon=False)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
