"""A class of glitches that nobody has learned: what programs make of it, and how often a classifier does not know.

On such glitches programs decide as they were measured to on those of no family. A model that was trained after
they had appeared is taken to decide on them as, on average, on the families it knows: an assumption, and said.
Knows no time but when the class appears; draws a classifier's answers, one named random stream for each policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin import beside, sources
from twin.ageing.course import KIND
from twin.ageing.curves import Array, Curve, Table
from twin.ageing.policy import Answers
from twin.checks_ageing import policies
from twin.programs import Programs
from twin.scenario import Scenario
from twin.schema_timeline import Retraining
from twin.tree import ScenarioError
from workloads import sky
from workloads.sky import ARRIVING, GLITCHES, UNLEARNED

NEW = ARRIVING.index(UNLEARNED[0])
ANSWER = "unknown"
"""What a classifier says of what it does not know."""
_FAMILIES = [ARRIVING.index(cls) for cls in GLITCHES]


@dataclass(frozen=True)
class Heard:
    """Events of one replica (event,), dtype workloads.sky.EVENT; their segments; and `absent` ones (gap, 2)."""

    events: NDArray[np.void]
    segment: NDArray[np.int64]
    absent: NDArray[np.int64]


NOTHING = Heard(np.zeros(0, sky.EVENT), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))


def appears_s(scenario: Scenario) -> float | None:
    """When the class appears; None where none does."""
    glitches = scenario.sky.glitches
    return None if glitches is None or glitches.appears is None else glitches.appears.at


def learned(responses: Array, noise: float) -> tuple[Table, Curve]:
    """Responses (class, SNR bin) of a model that has learned the class, and the curve of one that has not.

    Where no family of glitches is looked for, nor is the new one.
    """
    after = responses.copy()
    after[NEW] = responses[_FAMILIES].mean(axis=0)
    known, before = (tuple(map(tuple, table.tolist())) for table in (after, responses))
    return known, Curve(KIND, (0.0, 1.0), (known, before), (noise, noise))


def answers(scenario: Scenario, programs: Programs, name: str, heard: Heard, seed: int, replica: int) -> Answers:
    """How often the classifier that entry `name` of the timeline watches says that it does not know.

    ScenarioError for a stage whose program was not measured to say so.
    """
    entry = scenario.timeline[name]
    assert isinstance(entry, Retraining)
    watched = entry.glitch_class
    assert watched is not None
    rates, stride_s = _rates(scenario, programs, name), scenario.instrument.stride
    bins = int(scenario.horizon / watched.every)
    there = _segments(bins, watched.every / stride_s, heard.absent)
    cls = beside.plain(heard.events["cls"])
    sure = cls < len(ARRIVING)  # no looks at what is to come
    at = np.minimum(heard.events["time_s"] / watched.every, bins).astype(np.int64)
    _, first = np.unique(heard.segment[sure], return_index=True)
    busy = np.bincount(at[sure][first], minlength=bins + 1)[:bins]
    rng = np.random.default_rng([seed, replica, *f"answers/{name}".encode()])
    usual = rng.binomial(np.maximum(there - busy, 0), rates.noise)
    luck, snr = rng.random(cls.size), heard.events["snr"]

    def said(mine: NDArray[np.bool_], p: Array) -> NDArray[np.int64]:
        return np.bincount(at[mine & (luck < p)], minlength=bins + 1)[:bins]

    p = rates.of(np.where(sure, cls, 0), snr)
    usual += said(sure & (cls != NEW), p)
    new, known = said(cls == NEW, p), said(cls == NEW, rates.known(snr))
    expected = there * _usual(scenario, rates)
    counted = (tuple(count.tolist()) for count in (usual, new, known))
    return Answers(watched.every, watched.window, watched.sigma, tuple(expected.tolist()), *counted)


def told(scenario: Scenario, programs: Programs) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, standing and source of what a classifier answers, and of what is assumed of a new class."""
    if appears_s(scenario) is not None and any(policies(scenario, stage) for stage in scenario.stages):
        value = "decided on as on the families of glitches that are known, on average"
        source = "no program was trained on such a class and measured again"
        yield "ageing of sky.glitches.appears, once learned", value, "assumed", source
    for name, entry in scenario.timeline.items():
        if isinstance(entry, Retraining) and entry.glitch_class is not None:
            rates = _rates(scenario, programs, name)
            value = f"'{ANSWER}' to {rates.noise:.3g} of noise, {rates.overall[NEW]:.3g} of unknown glitches"
            standing = "measured" if rates.edges.size else "scaled"
            yield f"ageing of timeline.{name}.glitch_class", value, standing, rates.source


# --- what a classifier says ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rates:
    """Probabilities that a classifier says that it does not know: of noise, and by class, and SNR where known."""

    noise: float
    overall: Array
    """(class,)"""
    edges: Array
    """SNRs between which `by_snr` (class, bin) holds; empty where only all SNRs together were counted."""
    by_snr: Array
    source: str

    def of(self, cls: NDArray[np.int64], snr: Array) -> Array:
        """Of events of these classes and SNRs, (event,)."""
        if not self.edges.size:
            return np.asarray(self.overall[cls])
        return np.asarray(self.by_snr[cls, self._bin(snr)])

    def known(self, snr: Array) -> Array:
        """Of glitches of a class like the families that are known, on average; (event,)."""
        if not self.edges.size:
            return np.full(snr.size, self.overall[_FAMILIES].mean())
        return np.asarray(self.by_snr[_FAMILIES].mean(axis=0)[self._bin(snr)])

    def _bin(self, snr: Array) -> NDArray[np.int64]:
        return np.searchsorted(self.edges[1:-1], snr, side="right")


def _rates(scenario: Scenario, programs: Programs, name: str) -> _Rates:
    """Those of the stage that entry `name` watches, on its first pool."""
    entry = scenario.timeline[name]
    assert isinstance(entry, Retraining)
    assert entry.glitch_class is not None
    stage = entry.glitch_class.stage
    use = next(use for use in programs.uses if use.stage == stage and use.variant == "primary")
    decisions = use.profile.decisions
    confusion = None if decisions is None else decisions.confusion
    if decisions is None or confusion is None or not {ANSWER, UNLEARNED[0]} <= set(confusion["classes"]):
        message = (
            f"stage '{stage}' never says that it does not know: the profile of {use.profile.workload} counts no "
            f"answer '{ANSWER}'. Name a stage with 'work: glitch-classifier'"
        )
        raise ScenarioError([scenario.problem(f"timeline.{name}.glitch_class.stage", message)])
    counts = np.asarray(confusion["counts"], float)
    said = counts[:, confusion["classes"].index(ANSWER)] / counts.sum(axis=1)
    share = dict(zip(confusion["classes"], said.tolist(), strict=True))
    found_as = {arrival.cls: arrival.found_as for arrival in sources.classes(scenario)}
    overall = np.array([share.get(found_as.get(cls, cls), 0.0) for cls in ARRIVING])
    by_snr: Mapping[str, list[int]] | None = confusion.get("unknown_by_snr")
    edges = np.zeros(0) if by_snr is None else np.asarray(decisions.snr_edges)
    table = np.zeros((len(ARRIVING), max(edges.size - 1, 1)))
    for k, cls in enumerate(ARRIVING):
        known = found_as.get(cls, cls)
        if by_snr is not None and known in by_snr:
            table[k] = np.asarray(by_snr[known]) / np.asarray(decisions.classes[known].n)
    about = use.profile.passport
    snrs = "by SNR" if by_snr is not None else "all SNRs from 6 to 100 together, log-uniform"
    told = f"{use.profile.workload} on {about['machine']}, {about['date']}: {snrs}"
    return _Rates(share["none"], overall, edges, table, told)


def _segments(bins: int, length: float, absent: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many segments are delivered in each of `bins` times of `length` segments; those of no data left away."""
    edges = np.ceil(np.arange(bins + 1) * length - 1e-9).astype(np.int64)
    first, after = absent[:, 0], absent[:, 1]
    gone = np.clip(edges[:, None] - first, 0, after - first).sum(axis=1)
    return np.asarray(np.diff(edges - gone))


def _usual(scenario: Scenario, rates: _Rates) -> float:
    """Answers in a segment on average while the new class is not there."""
    total, events = 0.0, 0.0
    for population in sources.populations(scenario):
        cls = ARRIVING.index(population.cls)
        if cls == NEW:
            continue
        n = sky.expected(population, scenario.horizon) * scenario.instrument.stride / scenario.horizon
        events += n
        total += n * _mean(population, rates, cls)
    return total + max(0.0, 1.0 - events) * rates.noise


def _mean(population: sky.Population, rates: _Rates, cls: int) -> float:
    """Probability of the answer to events of this population, over its SNR law where that is one."""
    if not rates.edges.size or population.mergers is not None:
        return float(rates.overall[cls])
    u = (np.arange(1000) + 0.5) / 1000
    snr = sky.power_law(u, population.snr_min, population.snr_max, population.snr_index)
    return float(rates.of(np.full(u.size, cls), snr).mean())
