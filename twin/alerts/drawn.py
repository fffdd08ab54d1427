"""What no program computes in replay, drawn from what was measured of the programs that would: source classes, the
area of a sky map, the class of a glitch.

One random stream for each event and purpose, named by both: a document says the same whatever else is written.
Every draw says where it comes from and how far it can be trusted. Knows no document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.alerts.gathered import Gathered
from workloads.profile import Profile

DRAWN, ASSUMED = "drawn from measured", "assumed"
ASTROPHYSICAL = ("BNS", "NSBH", "MassGap", "BBH")
"""Classes that the program source-classes tells apart."""
LEAST = 10
"""Events of a class from which on its own calibration is drawn from."""
_EVENTS = 1 << 40
"""Added to ids of events, which noise triggers have negative ones of."""
_QUANTILES = (0.05, 0.5, 0.95)
"""Of areas, as they were measured."""
_MOST_DEG2 = 37_127.0
"""Holds 90 % of a map that knows nothing."""
_LEAST_SNR = 1e-3
_TRUE = {"bbh": "BBH", "bns": "BNS", "nsbh": "NSBH"}


@dataclass(frozen=True)
class Draw:
    """A drawn value with its standing and source."""

    value: Any
    standing: str
    source: str


def stream(seed: int, replica: int, event: int, purpose: str) -> np.random.Generator:
    """The random stream of one purpose for one event."""
    return np.random.default_rng([seed, replica, event + _EVENTS, *f"alerts/{purpose}".encode()])


def classes(profile: Profile, cls: str, early: bool, rng: np.random.Generator) -> Draw:
    """Probability of each of ASTROPHYSICAL and of 'HasNS', given that it is astrophysical, for an event of `cls`.

    The bin of the true class's probability is drawn as often as such events were measured to fall into it, and
    the probability is the mean that was measured in the bin; what is left is shared as the classes were expected.
    """
    quality = _quality(profile)
    calibration, whole = quality["calibration"], quality["n"]
    shares = {name: calibration[name]["expected"] / whole for name in ASTROPHYSICAL}
    standing, told = DRAWN, f"calibration of {profile.workload}, n={whole}"
    true = _TRUE.get(cls)
    if true is None:
        true = str(rng.choice(ASTROPHYSICAL, p=_normal([quality["true_shares"][n] for n in ASTROPHYSICAL])))
        standing, told = ASSUMED, f"{told}; not measured on what is no signal: drawn as for a signal at random"
    bins = [tuple(row) for row in calibration[true]["bins"].values()]
    n_true = sum(true_n for _, _, true_n in bins)
    if n_true < LEAST:
        bins = [tuple(row) for name in ASTROPHYSICAL for row in calibration[name]["bins"].values()]
        standing = ASSUMED
        told = f"{told}; only {n_true} of class {true} were measured: drawn as for all classes together"
    if early:
        standing, told = ASSUMED, f"{told}; measured after the merger, not before it"
    p = _from_bins(bins, rng)
    others = sum(share for name, share in shares.items() if name != true)
    value = {n: p if n == true else (1.0 - p) * shares[n] / others for n in ASTROPHYSICAL}
    value["HasNS"] = value["BNS"] + value["NSBH"]
    return Draw({name: round(probability, 6) for name, probability in value.items()}, standing, told)


def area_deg2(
    profile: Profile, snr: float, early: bool, rng: np.random.Generator, by_then: Gathered | None = None
) -> Draw:
    """Square degrees that hold 90 % of a sky map, for an event of this final network SNR (nan: a noise trigger).

    Of what had come `by_then`, the area is larger than in the end, by the course of the measured areas over SNR;
    with the same luck, it never grows as more comes.
    """
    quality = _quality(profile)
    areas: Mapping[str, Sequence[float]] = quality["area_90_deg2"]
    bands = [(float(low), float(high), name) for name in areas for low, high in [name.split("-")]]
    narrow = sorted(band for band in bands if band[2] != max(bands, key=lambda b: b[1] - b[0])[2])
    standing, told = (
        DRAWN,
        f"areas of {profile.workload} at SNR {{}}: quantiles 5, 50, 95 %, n={quality['n']} in all",
    )
    inside = [band for band in narrow if band[0] <= snr < band[1]]
    if inside:
        name = inside[0][2]
    else:
        name = narrow[0][2] if not snr >= narrow[0][0] else narrow[-1][2]
        told, standing = told + "; not measured at this event's SNR: the nearest band", ASSUMED
    if early:
        standing, told = ASSUMED, f"{told}; measured after the merger, not before it"
    told, luck = told.format(name), rng.random()
    value = float(np.interp(luck, _QUANTILES, areas[name]))
    if by_then is not None:
        courses = [(low, high, float(np.interp(luck, _QUANTILES, areas[name]))) for low, high, name in narrow]
        larger = _larger(courses, snr * by_then.share, snr)
        value = min(_MOST_DEG2, larger * value)
        told = f"{told}; times {larger:.2f} for SNR {snr * by_then.share:.1f}: {by_then}"
    return Draw(round(value, 1), standing, told)


def glitch_class(profile: Profile, cls: str, flagged: bool, rng: np.random.Generator) -> Draw:
    """What the classifier that flagged a segment, or did not, calls the event of class `cls` in it."""
    confusion = None if profile.decisions is None else profile.decisions.confusion
    if confusion is None:
        return Draw(None, "not simulated", f"{profile.workload} names no classes")
    names, counts = list(confusion["classes"]), np.asarray(confusion["counts"], float)
    quiet = [is_quiet(name) for name in names]
    own = row_of(names, cls)
    weights = np.where(np.asarray(quiet) != flagged, counts[names.index(own)], 0.0)
    if weights.sum() == 0.0:
        return Draw(None, "not measured", f"confusion of {profile.workload}: no {own} was called that")
    total = int(counts[names.index(own)].sum())
    value = str(rng.choice(names, p=weights / weights.sum()))
    return Draw(value, DRAWN, f"confusion of {profile.workload}, n={total} of what it was")


def is_quiet(name: str) -> bool:
    """Whether a classifier that names this does not flag."""
    return name in ("none", "bbh")


def row_of(names: Sequence[str], cls: str) -> str:
    """Of the classes of a confusion, the one that an event of class `cls` was measured as."""
    return cls if cls in names else "bbh" if cls in _TRUE else "none"


def _larger(areas: Sequence[tuple[float, float, float]], snr: float, final_snr: float) -> float:
    """How many times as large an area is at `snr` as at the `final_snr`, at least once.

    `areas` were measured between two SNRs each, and hold for the middle of these; between the middles logarithms
    are linear, below the first the course goes on, above the last it is level.
    """
    middle = np.log([np.sqrt(low * high) for low, high, _ in areas])
    log_area = np.minimum.accumulate(np.log([area for _, _, area in areas]))
    slope = 0.0 if len(areas) == 1 else float((log_area[1] - log_area[0]) / (middle[1] - middle[0]))

    def at(x: float) -> float:
        return float(np.interp(x, middle, log_area)) + slope * min(0.0, x - float(middle[0]))

    return float(np.exp(at(np.log(max(snr, _LEAST_SNR))) - at(np.log(final_snr))))


def _from_bins(bins: Sequence[tuple[float, ...]], rng: np.random.Generator) -> float:
    """A probability, from bins of (events, sum of their probabilities, events of the class)."""
    picked = bins[int(rng.choice(len(bins), p=_normal([true for _, _, true in bins])))]
    return float(min(1.0, picked[1] / picked[0]))


def _normal(weights: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    array = np.asarray(weights, float)
    return np.asarray(array / array.sum())


def _quality(profile: Profile) -> Mapping[str, Any]:
    assert profile.quality is not None, f"{profile.workload} was judged before it was shipped"
    return profile.quality
