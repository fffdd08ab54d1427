"""What the sky and the detectors send, drawn ahead, one random stream per source. Knows no site, no queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.arrivals import Bursts, Storms, Stream, modulated, poisson
from workloads.modulation import STEADY, Modulation

if TYPE_CHECKING:
    from workloads.cosmos import Mergers

SIGNALS = ("bbh",)
GLITCHES = ("blip", "tomte", "scattered-light", "whistle", "low-frequency-burst")
CLASSES = SIGNALS + GLITCHES
"""What strain can hold, and programs are measured on."""
MERGERS = (*SIGNALS, "bns", "nsbh")
"""Classes of compact binaries, which may come from a population in the universe."""
BEYOND = ("bns", "nsbh", "burst")
"""Signals that may arrive, but that no strain of ours holds and no program's decisions were measured on."""
UNLEARNED = ("unknown",)
"""Glitches of a class that nobody was taught: of no family, as in `workloads.dataquality.strange`."""
ARRIVING = CLASSES + BEYOND + UNLEARNED
"""Every class of event."""
EVERY_SIGNAL = SIGNALS + BEYOND

EVENT = np.dtype(
    [
        ("time_s", "f8"),  # merger time, or the glitch's centre
        ("snr", "f8"),  # network optimal SNR of a signal, single-stream optimal SNR of a glitch
        ("u_trigger", "f8"),  # this event's luck with a search: found where u < efficiency
        ("u_flag", "f8"),  # and with data quality
        ("cls", "i2"),  # index into ARRIVING
        ("detector", "i2"),  # stream a glitch sits in; -1: all of them
    ]
)

SOURCE = np.dtype(
    [
        ("mass_1_msun", "f8"),  # in the source's frame, the larger one; all are NaN of what is no drawn merger
        ("mass_2_msun", "f8"),
        ("redshift", "f8"),
        ("distance_mpc", "f8"),  # luminosity distance
        ("chirp_mass_msun", "f8"),  # in the detector's frame
        ("duration_s", "f8"),  # in band, up to the merger
        ("snr_stream", "f8", (3,)),  # optimal SNR in each stream
        ("overlaps", "f8"),  # other drawn mergers that are in band at this one
    ]
)
DETAILED = np.dtype(EVENT.descr + SOURCE.descr)


@dataclass(frozen=True)
class Boost:
    """A time in which a rate is `factor` times what it is else.

    Boosts of a factor of at least 1 that overlap add their excess; smaller ones multiply whatever there is.
    """

    name: str
    start_s: float
    end_s: float
    factor: float


@dataclass(frozen=True)
class Population:
    """One Poisson source of events.

    The rate is `rate_hz` times `modulation`, changed by `boosts` and by `storms`, which are the same for all
    populations of a run; each event may bring `bursts`. SNRs follow p(rho) ~ rho**snr_index between `snr_min`
    and `snr_max`, or are those of `mergers` in the universe: then the rate counts mergers as loud as those.
    """

    cls: str
    rate_hz: float
    snr_min: float
    snr_max: float
    snr_index: float
    detector: int = -1
    boosts: tuple[Boost, ...] = ()
    modulation: Modulation = STEADY
    bursts: Bursts | None = None
    storms: Storms | None = None
    mergers: Mergers | None = None


def draw(
    populations: Sequence[Population],
    horizon_s: float,
    entropy: Sequence[int],
    replayed: NDArray[np.void] | None = None,
) -> NDArray[np.void]:
    """Events of all populations in [0, horizon_s), by time, dtype EVENT, or DETAILED where there are `mergers`.

    A boost adds a Poisson process of its own to the undisturbed one (superposition, exact), from its own
    stream: a what-if with a storm keeps every event of the run without it. Events that are `replayed` (dtype
    EVENT, sorted) come as they are, but with luck of this run's own.
    """
    parts = [part for p in populations for part in _population(p, horizon_s, entropy)]
    if replayed is not None:
        parts.append(_lucky(replayed, horizon_s, _stream(entropy, "replay")))
    if any(p.mergers is not None for p in populations):
        parts = [_detailed(part) for part in parts]
    events = np.concatenate(parts) if parts else np.empty(0, EVENT)
    events = events[np.argsort(events["time_s"], kind="stable")]
    if events.dtype == DETAILED:
        _count_overlaps(events, _later(populations, horizon_s, entropy))
    return events


def split(events: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void] | None]:
    """Drawn `events` as plain ones, dtype EVENT, and what the signals among them are, dtype SOURCE, or None."""
    if events.dtype == EVENT:
        return events, None
    plain, sources = np.empty(events.size, EVENT), np.empty(events.size, SOURCE)
    for part in (plain, sources):
        for name in part.dtype.names or ():
            part[name] = events[name]
    return plain, sources


def expected(population: Population, horizon_s: float) -> float:
    """How many events `population` has in [0, horizon_s) on average, over its storms as well."""
    modulation, loud = _settled(population, population.boosts)
    time_s = modulation.integral(0.0, horizon_s)
    excess_s = sum((b.factor - 1.0) * modulation.integral(b.start_s, min(b.end_s, horizon_s)) for b in loud)
    storms, bursts = population.storms, population.bursts
    if storms is not None and storms.factor >= 1.0:
        excess_s += (storms.mean_factor() - 1.0) * time_s
    quiet = storms.mean_factor() if storms is not None and storms.factor < 1.0 else 1.0
    children = bursts.children if bursts is not None else 0.0
    return population.rate_hz * (time_s + excess_s) * quiet * (1.0 + children)


def expected_later(population: Population, horizon_s: float) -> float:
    """How many mergers after the end are drawn on average, to know which signals are in band before it."""
    mergers = population.mergers
    return 0.0 if mergers is None else _last_rate_hz(population, horizon_s) * mergers.longest_s


def storms(process: Storms, horizon_s: float, entropy: Sequence[int]) -> NDArray[np.void]:
    """The storms (storm,) of a run that `draw` draws from the same `entropy`, dtype arrivals.STORM, by start."""
    return process.draw(horizon_s, _named(entropy, "storms/"))


def reaches(process: Storms, n: int, detector: int, entropy: Sequence[int]) -> NDArray[np.bool_]:
    """Which of a run's `n` storms (storm,) reach stream number `detector`."""
    return process.reaches(n, _stream(entropy, f"storms/reach/{detector}"))


def power_law(u: NDArray[np.float64], minimum: float, maximum: float, index: float) -> NDArray[np.float64]:
    """Inverse CDF of p(x) ~ x**index on [minimum, maximum] at probabilities `u`."""
    if index == -1.0:
        return minimum * (maximum / minimum) ** u
    power = index + 1.0
    low, high = minimum**power, maximum**power
    x: NDArray[np.float64] = (low + u * (high - low)) ** (1.0 / power)
    return np.clip(x, minimum, maximum)


def _population(population: Population, horizon_s: float, entropy: Sequence[int]) -> Iterator[NDArray[np.void]]:
    name = f"{population.cls}/{population.detector}"
    boosts = (*population.boosts, *_stormy(population, horizon_s, entropy))
    modulation, loud = _settled(population, boosts)
    processes = [("", population.rate_hz, 0.0, horizon_s)]
    for b in loud:
        extra_hz = population.rate_hz * (b.factor - 1.0)
        processes.append((f"/boost/{b.name}", extra_hz, max(b.start_s, 0.0), min(b.end_s, horizon_s)))
    for process, rate_hz, start_s, end_s in processes:
        for piece in modulated(rate_hz, start_s, end_s, modulation, _named(entropy, name + process)):
            events = _events(population, piece.time_s, piece.rng)
            yield events[piece.kept]
            if population.bursts is not None:
                yield _children(population, piece.time_s, piece.kept, horizon_s, piece.rng)
    if population.bursts is not None:
        factor = float(modulation.at(0.0)) * (
            1.0 + sum(b.factor - 1.0 for b in loud if b.start_s <= 0.0 < b.end_s)
        )
        yield _earlier(population, population.rate_hz * factor, horizon_s, _stream(entropy, f"{name}/before"))


def _stormy(population: Population, horizon_s: float, entropy: Sequence[int]) -> list[Boost]:
    """The run's storms that reach this population, as boosts."""
    process = population.storms
    if process is None:
        return []
    drawn = storms(process, horizon_s, entropy)
    reached = reaches(process, drawn.size, population.detector, entropy)
    return [
        Boost(f"storms/{k}", float(drawn[k]["start_s"]), float(drawn[k]["end_s"]), process.factor)
        for k in np.flatnonzero(reached)
    ]


def _settled(population: Population, boosts: Sequence[Boost]) -> tuple[Modulation, list[Boost]]:
    """The modulation with all quiet boosts in it, and the loud ones, which stay processes of their own."""
    quiet = [(b.start_s, b.end_s, b.factor) for b in boosts if b.factor < 1.0]
    return population.modulation.quieted(quiet), [b for b in boosts if b.factor >= 1.0]


def _children(
    population: Population,
    parent_s: NDArray[np.float64],
    kept: NDArray[np.bool_],
    horizon_s: float,
    rng: np.random.Generator,
) -> NDArray[np.void]:
    """What the events at `parent_s` bring, if they are `kept`; drawn for all, so that no luck depends on it."""
    assert population.bursts is not None
    parent, after_s = population.bursts.draw(parent_s.size, rng)
    events = _events(population, parent_s[parent] + after_s, rng)
    inside = (events["time_s"] >= 0.0) & (events["time_s"] < horizon_s)
    return events[kept[parent] & inside]


def _earlier(
    population: Population, rate_hz: float, horizon_s: float, rng: np.random.Generator
) -> NDArray[np.void]:
    """What events before the beginning bring, as if the rate had always been that of the beginning."""
    assert population.bursts is not None
    parent_s = poisson(rate_hz, -population.bursts.within_s, 0.0, rng)
    return _children(population, parent_s, np.ones(parent_s.size, bool), horizon_s, rng)


def _events(population: Population, time_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.void]:
    n = time_s.size
    if population.mergers is None:
        events = np.empty(n, EVENT)
        events["snr"] = power_law(rng.random(n), population.snr_min, population.snr_max, population.snr_index)
    else:
        events = _merged(population.mergers, n, rng.spawn(1)[0])
    events["time_s"] = time_s
    events["u_trigger"] = rng.random(n)
    events["u_flag"] = rng.random(n)
    events["cls"] = ARRIVING.index(population.cls)
    events["detector"] = population.detector
    return events


def _merged(mergers: Mergers, n: int, rng: np.random.Generator) -> NDArray[np.void]:
    """`n` events, dtype DETAILED, that are mergers of the universe; without time and luck."""
    found, events = mergers.draw(n, rng), np.zeros(n, DETAILED)
    for name in found.dtype.names or ():
        events[name] = found[name]
    return events


def _detailed(events: NDArray[np.void]) -> NDArray[np.void]:
    """The events as DETAILED ones; of those that are no drawn mergers nothing is known."""
    if events.dtype == DETAILED:
        return events
    wider = np.zeros(events.size, DETAILED)
    for name in SOURCE.names or ():
        wider[name] = np.nan
    for name in EVENT.names or ():
        wider[name] = events[name]
    return wider


def _count_overlaps(events: NDArray[np.void], later: NDArray[np.void]) -> None:
    """Write how many other mergers are in band at each, those `later` than the run's end included."""
    from workloads.cosmos.durations import others_in_band

    known = np.isfinite(events["duration_s"])
    both = np.concatenate((events[known], later))
    events["overlaps"][known] = others_in_band(both["time_s"], both["duration_s"])[: known.sum()]


def _later(populations: Sequence[Population], horizon_s: float, entropy: Sequence[int]) -> NDArray[np.void]:
    """Mergers after the horizon whose signals may be in band before it, as if the last rate went on."""
    parts = [np.empty(0, DETAILED)]
    for p in populations:
        if p.mergers is not None:
            rng = _stream(entropy, f"{p.cls}/{p.detector}/after")
            time_s = poisson(_last_rate_hz(p, horizon_s), horizon_s, horizon_s + p.mergers.longest_s, rng)
            parts.append(_events(p, time_s, rng))
    return np.concatenate(parts)


def _last_rate_hz(population: Population, horizon_s: float) -> float:
    """Events per second at the end, those of bursts included; boosts and storms left out."""
    children = population.bursts.children if population.bursts is not None else 0.0
    return population.rate_hz * float(population.modulation.at(horizon_s)) * (1.0 + children)


def _lucky(replayed: NDArray[np.void], horizon_s: float, rng: np.random.Generator) -> NDArray[np.void]:
    events = replayed.copy()
    events["u_trigger"] = rng.random(events.size)
    events["u_flag"] = rng.random(events.size)
    return events[events["time_s"] < horizon_s]


def _named(entropy: Sequence[int], prefix: str) -> Stream:
    return lambda name: _stream(entropy, prefix + name)


def _stream(entropy: Sequence[int], name: str) -> np.random.Generator:
    return np.random.default_rng([*entropy, *name.encode()])
