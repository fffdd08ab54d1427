"""`python -m benchmarks.sky`: what the sky of the Einstein Telescope holds, two figures and tables of docs/sky.md.

Writes docs/sky-snr.svg and docs/sky-in-band.svg and prints the tables.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from workloads.cosmos import Mergers, loudness, universe
from workloads.cosmos.mergers import CLASSES
from workloads.cosmos.network import LAYOUTS, responses

DOCS = Path(__file__).parents[1] / "docs"
YEAR_S = 365.25 * 86_400.0
PER_YEAR = {"bbh": 1e5, "bns": 7e4, "nsbh": 3e4}
"""Detections per year; see docs/sky.md for where they come from."""
NAMES = {"bbh": "black holes", "bns": "neutron stars", "nsbh": "mixed"}
EDGES_HZ = (2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0)
DRAWN, SEED = 20_000, 1


def main() -> None:
    """Draw, print, write."""
    begun_s = time.perf_counter()
    drawn = {
        (cls, edge): Mergers(cls, "triangle", edge, 8.0).draw(DRAWN, np.random.default_rng([SEED, k]))
        for edge in EDGES_HZ
        for k, cls in enumerate(CLASSES)
    }
    _print(drawn)
    _distances()
    _year()
    _figures(drawn)
    print(f"\n{time.perf_counter() - begun_s:.1f} s")


def _print(drawn: dict[tuple[str, float], np.ndarray]) -> None:
    """Per class: share heard, quantiles of redshift, SNR and time in band from 5 Hz."""
    head = ("class", "heard of all to z = 10", "mergers nearby", "redshift", "SNR", "above 100", "time in band")
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    volume_gpc3 = universe.volume_gpc3(universe.STAR_FORMATION)
    for k, cls in enumerate(CLASSES):
        found = drawn[cls, 5.0]
        share = Mergers(cls, "triangle", 5.0, 8.0).share_heard(np.random.default_rng([SEED, 9, k]), 16)
        ranges = [_range(found[name]) for name in ("redshift", "snr", "duration_s")]
        loud = 100 * np.mean(found["snr"] > 100)
        nearby = PER_YEAR[cls] / share / volume_gpc3
        heard = f"{100 * share:.2g} % | {float(f'{nearby:.2g}'):g} /Gpc³/yr"
        print(f"| `{cls}` | {heard} | {ranges[0]} | {ranges[1]} | {loud:.2g} % | {ranges[2]} s |")
    print("\n| edge | " + " | ".join(f"{e:g} Hz" for e in EDGES_HZ) + " |\n|---|" + "---|" * len(EDGES_HZ))
    for cls in CLASSES:
        mean = [PER_YEAR[cls] / YEAR_S * drawn[cls, e]["duration_s"].mean() for e in EDGES_HZ]
        print(f"| `{cls}` | " + " | ".join(f"{m:.3g}" for m in mean) + " |")
    rate_hz = sum(PER_YEAR.values()) / YEAR_S
    for within_s in (0.5, 1.0, 2.0):
        print(f"pairs within {within_s:g} s: {rate_hz**2 * within_s * YEAR_S:.3g} /yr")


def _range(values: np.ndarray) -> str:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})" if high < 100 else f"{middle:.0f} ({low:.0f} to {high:.0f})"


def _distances() -> None:
    """A binary like GW150914's, and how far neutron stars are heard."""
    u = np.random.default_rng([SEED, 5]).random((4, 200_000))
    z = float(universe.redshift_at(440.0))
    for name, layout in LAYOUTS.items():
        heard = responses(layout, 2 * u[0] - 1, 2 * np.pi * u[1], np.pi * u[2], 2 * u[3] - 1)
        one = loudness.load(layout.curve, 5.0).snr(np.array([65.0 * (1 + z)]), np.array([29 / 36]))[0] / 440.0
        snr = one * np.sqrt(heard.sum(axis=1))
        print(
            f"36 + 29 Msun at 440 Mpc, {name}, from 5 Hz: median SNR {np.median(snr):.3g}, largest {snr.max():.3g}"
        )


def _year() -> None:
    """How long it takes to draw a year."""
    begun_s = time.perf_counter()
    for k, (cls, n) in enumerate(PER_YEAR.items()):
        Mergers(cls, "triangle", 5.0, 8.0).draw(round(n), np.random.default_rng([SEED, 7, k]))
    print(f"a year of {sum(PER_YEAR.values()):,.0f} mergers: {time.perf_counter() - begun_s:.1f} s")


def _figures(drawn: dict[tuple[str, float], np.ndarray]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "sky"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for cls in CLASSES:
        found = drawn[cls, 5.0][:3000]
        axes.scatter(found["redshift"], found["snr"], s=3, alpha=0.5, label=NAMES[cls], rasterized=True)
    axes.set(xscale="log", yscale="log", xlabel="redshift", ylabel="network SNR", xlim=(0.01, 12))
    axes.legend(markerscale=3, frameon=False)
    figure.savefig(DOCS / "sky-snr.svg", dpi=90, metadata={"Date": None})
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for cls in CLASSES:
        mean = [PER_YEAR[cls] / YEAR_S * drawn[cls, e]["duration_s"].mean() for e in EDGES_HZ]
        axes.plot(EDGES_HZ, mean, "o-", label=f"{NAMES[cls]}, {PER_YEAR[cls]:,.0f} /yr")
    axes.set(xscale="log", yscale="log", xlabel="low-frequency edge in Hz", ylabel="signals in band at once")
    axes.set_xticks(EDGES_HZ, [f"{e:g}" for e in EDGES_HZ])
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(DOCS / "sky-in-band.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
