"""How long before the merger a search warns: its threshold, and the fraction of inspirals found so far ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads import waveform
from workloads.decisions import interval
from workloads.premerger import examples, slides, sources
from workloads.premerger.window import STRIDE_S, noise
from workloads.searching import tails
from workloads.spec import Program, Progress, Quality

FALSE_ALARM = 1e-3
"""Probability that a unit of pure noise is warned of: the same for both searches, so that they compare."""
LIMIT = (
    "Inspirals that merge less than 8 s or more than 400 s after the unit, and chirp masses outside 1 to 30 solar "
    "masses in the detector's frame."
)
"""What neither search is good for."""
_TRIALS = 12
_SHOWN = ("30", "60")
Array = NDArray[np.float64]
Scale = Callable[[Array], Array]


@dataclass(frozen=True)
class EarlyWarning:
    """What is said of units (unit,): a `score`, and whether it is above the threshold.

    `merger_in_s` after the end of the unit and `chirp_mass_msun` (detector's frame) belong to the loudest
    candidate, and mean nothing where it is noise.
    """

    score: Array
    warned: NDArray[np.bool_]
    merger_in_s: Array
    chirp_mass_msun: Array


@dataclass(frozen=True)
class Told:
    """What one program said of one inspiral; errors mean something where it `warned`."""

    cls: str
    ahead_s: float
    snr: float
    warned: bool
    late_s: float = 0.0
    wrong: float = 0.0


def settle(scores: Array, forth: Scale, back: Scale) -> tuple[dict[str, Any], dict[str, Any]]:
    """The threshold for FALSE_ALARM from `scores` of `slides.scores`, by a fit to their tail if they are few.

    `forth` makes the tail exponential and `back` undoes that.
    """
    about: dict[str, Any] = {
        "false_alarm_per_unit": FALSE_ALARM,
        "stride_s": STRIDE_S,
        "noise_units": -(-len(scores) // slides.LOOKS),
        "looks": len(scores),
    }
    if len(scores) < 2 * tails.TAIL:
        return {"threshold": float(np.quantile(scores, 1 - FALSE_ALARM))}, about
    found = tails.threshold(scores, FALSE_ALARM, forth, back)
    about |= {"interval": [found.low, found.high], "extrapolated": found.extrapolated, "above": found.above}
    return {"threshold": found.score}, about


def judge(program: Program, effort: float, seed: int, progress: Progress) -> Quality:
    """Fractions of inspirals that are warned of so long before their merger, by class and final SNR."""
    n = max(3, round(effort * _TRIALS))
    found = table({program.workload.name: program}, n, seed, progress)[program.workload.name]
    at = {cls: half_warned(rows) for cls, rows in found["warned"].items()}
    told = "; ".join(
        f"{cls} {', '.join(f'{s} s ahead from SNR {_rounded(at[cls].get(s))}' for s in _SHOWN)}" for cls in at
    )
    shown = found["warned"]["bns"]["60"]["20"]
    return Quality(
        f"half are warned of: {told} (final SNR; false-alarm probability {FALSE_ALARM:g} per stride of "
        f"{STRIDE_S:g} s); of bns of SNR 20, {shown[0]} of {n} 60 s ahead (95 % CI {shown[2]:.2f}-{shown[3]:.2f})",
        {"trials": n, "false_alarm_per_unit": FALSE_ALARM, "snr_half_warned": at, **found},
    )


def table(
    programs: Mapping[str, Program],
    n: int,
    seed: int,
    progress: Progress,
    classes: Sequence[str] = tuple(sources.CLASSES),
) -> dict[str, dict[str, Any]]:
    """For each program: counts of warnings by class, time ahead and final SNR, and errors of what it says.

    All programs see the same units; the same `n` binaries and noises serve at all times and SNRs of a class. Of
    one binary the loudest copy comes first: once a program misses one, it is not asked about fainter ones.
    """
    told: dict[str, list[Told]] = {name: [] for name in programs}
    for c, cls in enumerate(classes):
        rng = np.random.default_rng([seed, *cls.encode()])
        for k in range(n):
            progress((c + k / n) / len(classes), f"inspirals: {cls}")
            binary = sources.draw_binary(cls, rng)
            shape, factors = sources.spectrum(binary), waveform.draw_antenna(rng)
            quiet = noise(1, rng)
            mass = waveform.chirp_mass(binary.mass_1_msun, binary.mass_2_msun)
            for ahead_s in examples.asked(cls):
                wave = sources.strain(shape, factors, 1.0, ahead_s)
                for name, program in programs.items():
                    told[name] += _asked(program, quiet, wave, Told(cls, ahead_s, 0.0, False), mass)
    return {name: _counted(rows, classes) for name, rows in told.items()}


def _asked(program: Program, quiet: Array, wave: Array, about: Told, chirp_mass_msun: float) -> list[Told]:
    """What `program` says of a wave of unit SNR in `quiet` noise (1, detector, sample), at every SNR."""
    rows, heard = [], True
    for snr in sorted(examples.SNR, reverse=True):
        row = replace(about, snr=snr)
        if heard:
            out = program(quiet + snr * wave)
            heard = bool(out.warned[0])
            late_s = float(out.merger_in_s[0]) - about.ahead_s
            row = replace(
                row, warned=heard, late_s=late_s, wrong=float(np.log(out.chirp_mass_msun[0] / chirp_mass_msun))
            )
        rows.append(row)
    return rows


def half_warned(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """Final SNR, by time ahead, at which half are warned of; None outside the SNRs that were tried."""
    found: dict[str, float | None] = {}
    for ahead, cells in rows.items():
        share = np.maximum.accumulate([count / n for count, n, *_ in cells.values()])
        inside = share[0] <= 0.5 <= share[-1]
        snr = np.log([float(s) for s in cells])
        above = int(np.argmax(share >= 0.5))
        if not inside or above == 0:
            found[ahead] = None
            continue
        part = (0.5 - share[above - 1]) / (share[above] - share[above - 1])
        found[ahead] = round(float(np.exp(snr[above - 1] + part * (snr[above] - snr[above - 1]))), 1)
    return found


def _counted(rows: list[Told], classes: Sequence[str]) -> dict[str, Any]:
    warned: dict[str, Any] = {cls: {} for cls in classes}
    errors: dict[str, Any] = {cls: {} for cls in classes}
    for cls in classes:
        for ahead_s in examples.asked(cls):
            mine = [r for r in rows if (r.cls, r.ahead_s) == (cls, ahead_s)]
            cells = {s: [r.warned for r in mine if r.snr == s] for s in examples.SNR}
            warned[cls][f"{ahead_s:g}"] = {f"{s:g}": _rate(c) for s, c in cells.items()}
            right = np.abs([[r.late_s, r.wrong] for r in mine if r.warned])
            if len(right):
                late_s, wrong = (round(float(x), 4) for x in np.median(right, axis=0))
                errors[cls][f"{ahead_s:g}"] = {"n": len(right), "time_s": late_s, "log_chirp_mass": wrong}
    return {"warned": warned, "median_error_of_warned": errors}


def _rate(happened: list[bool]) -> list[float]:
    count, n = sum(happened), len(happened)
    return [count, n, *(round(x, 4) for x in interval(count, n))]


def _rounded(snr: float | None) -> str:
    return "outside 12-80" if snr is None else f"{snr:.0f}"
