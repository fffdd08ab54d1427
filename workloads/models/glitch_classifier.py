"""Glitch classifier: a network on constant-Q images of each stream that names what they hold and flags glitches.

The image is made inside the network by fixed filters, so it is exported and timed with it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import lessons, segments, training
from workloads.dataquality import strange
from workloads.sky import GLITCHES, SIGNALS
from workloads.spec import (
    NETWORK,
    RATE_HZ,
    RINGDOWN_S,
    SEGMENT_S,
    STREAMS,
    WHITEN_HALF_S,
    Outputs,
    Program,
    Progress,
    Settings,
)
from workloads.training import Batch, Course, Taught, log_uniform
from workloads.whitening import whiten

if TYPE_CHECKING:
    import torch

    from workloads.recording import Recording

UNKNOWN = "unknown"
CLASSES = ("none", *SIGNALS, *GLITCHES, UNKNOWN)
INPUT = round(2.0 * RATE_HZ)
CENTRE_S = (INPUT / RATE_HZ - RINGDOWN_S - SEGMENT_S, INPUT / RATE_HZ - RINGDOWN_S)
"""Where in its input the searched second lies."""
STEPS, NOISE_SEGMENTS = 2000, 4_000
FALSE_FLAG = 0.01
"""Fraction of segments of pure noise that may be flagged."""
FALSE_DISMISSAL = 0.005
"""Fraction of signals of SNR 8 to 100 that may be flagged."""
UNSURE = 0.05
"""Fraction of glitches of known families, drawn freely, that are called unknown for want of a clear answer."""
_HELD_OUT, _NAMED, _NAMED_SEED = 4096, 3000, 7004
_BINS, _TAPS, _STEP = 48, 512, 32
_QUALITY = 8.0
_GLITCH = slice(1 + len(SIGNALS), None)  # those of no known family among them
_SIGNAL = slice(1, 1 + len(SIGNALS))


class GlitchClassifier:
    """Flags a segment that looks more like a glitch than like a signal.

    The streams vote: each adds its probability of a glitch minus that of a signal, weighted by its probability
    of holding anything at all. A glitch sits in one stream; a signal is heard in at least two and outvotes it.
    """

    name = "glitch-classifier"
    task = "data-quality"
    unit = segments.strain_unit(INPUT / RATE_HZ + 2 * WHITEN_HALF_S)
    outcome = "flag"
    runtimes = NETWORK
    tries = (10_000, 200)
    from_recordings = True

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Whitened streams one by one, shape (batch * detector, 1, INPUT)."""
        return whiten(units).reshape(-1, 1, INPUT)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Outputs:
        """Flag above the threshold; the label is that of the stream least likely to hold noise only."""
        p = raw.reshape(len(units), STREAMS, len(CLASSES)).astype(np.float64)
        vote = p[..., _GLITCH].sum(axis=2) - p[..., _SIGNAL].sum(axis=2)
        score = ((1 - p[..., 0]) * vote).sum(axis=1)
        stream = p[..., 0].argmin(axis=1)
        label = names(p[np.arange(len(p)), stream], settings)
        return Outputs(score, score > settings["threshold"], label, np.full(len(p), SEGMENT_S / 2))

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows of noise, signals and glitches."""
        return segments.examples(self.unit, n, seed)

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, 1, INPUT) to probabilities of CLASSES."""
        from torch import nn

        widths = (1, 16, 32, 48, 64)
        layers: list[nn.Module] = [_constant_q()]  # 48 frequencies at 128 times, halved four times below
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 5 if a == 1 else 3, stride=2, padding=2 if a == 1 else 1, bias=False)]
            layers += [nn.GroupNorm(8, b), nn.ReLU()]
        head = [nn.MaxPool2d((1, 8)), nn.Flatten(), nn.Linear(3 * widths[-1], len(CLASSES))]
        return nn.Sequential(*layers, *head, nn.Softmax(dim=1))

    def teach(self, course: Course) -> Taught:
        """Taught on single streams that hold noise, a signal or a glitch, drawn afresh at each step.

        Half of a family's glitches are drawn more freely than the sky's, and some are of no family.
        """
        seed = course.seed
        known, unseen = (_lessons(n, np.random.default_rng([seed, n])) for n in (3000, 1000))
        held_out = _batch(unseen, _HELD_OUT, np.random.default_rng([seed, 2]), course.recorded)

        def batch(done: float, rng: np.random.Generator) -> Batch:
            return _batch(known, 64, rng, course.recorded)

        fitted = training.fit(course, self.module, batch, _log_loss, held_out, STEPS)
        right = training.apply(fitted.module, held_out[0]).argmax(axis=1) == held_out[1]
        return fitted.taught(
            {
                "data": "single streams of Gaussian noise with nothing, a signal of single-stream SNR 5-60 or a "
                "glitch of SNR 6-100 (simulated families), unseen binaries and bursts; the same examples chose "
                "the checkpoint",
                "n": _HELD_OUT,
                "accuracy": round(float(right.mean()), 4),
                "accuracy_by_class": {
                    c: round(float(right[held_out[1] == i].mean()), 4) for i, c in enumerate(CLASSES)
                },
            }
        )

    def settle(
        self, program: Program, tries: int | None, progress: Progress, recorded: Recording | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The lowest threshold that spares noise and signals as stated, and how sure a name must be."""
        n = tries or NOISE_SEGMENTS
        p, families = _named(program, min(n, _NAMED), recorded)
        right = p[p.argmax(axis=1) == 2 + families].max(axis=1)
        unknown_below = float(np.quantile(right, UNSURE)) if right.size else 0.0
        program = replace(program, settings={**program.settings, "unknown_below": unknown_below})
        found, chosen = segments.flag_threshold(program, n, FALSE_FLAG, FALSE_DISMISSAL, progress, recorded)
        return {**found, "unknown_below": unknown_below}, {**chosen, "named_glitches": len(p), "unsure": UNSURE}


def names(p: NDArray[Any], settings: Settings) -> list[str]:
    """The likeliest class of each row of probabilities (row, class); unknown if a glitch without a likely one."""
    best = p.argmax(axis=1)
    sure = (best < _GLITCH.start) | (p.max(axis=1) >= settings.get("unknown_below", 0.0))
    return [CLASSES[c] if clear else UNKNOWN for c, clear in zip(best, sure, strict=True)]


def filters() -> NDArray[np.float32]:
    """Cosine and sine wavelets of constant quality, 20 to 850 Hz, shape (2 * bins, 1, taps), unit norm."""
    f = np.geomspace(20, 850, _BINS)[:, None]
    t = (np.arange(_TAPS) - (_TAPS - 1) / 2) / RATE_HZ
    envelope = np.exp(-0.5 * (2 * np.pi * f * t / _QUALITY) ** 2) * np.hanning(_TAPS)
    pair = np.concatenate([envelope * np.cos(2 * np.pi * f * t), envelope * np.sin(2 * np.pi * f * t)])
    return np.asarray((pair / np.linalg.norm(pair, axis=1, keepdims=True))[:, None], dtype=np.float32)


def _constant_q() -> torch.nn.Module:
    import torch
    from torch import nn

    class ConstantQ(nn.Module):
        """(row, 1, sample) to log power (row, 1, frequency, time); nothing in it is trained."""

        filters: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("filters", torch.from_numpy(filters()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = nn.functional.conv1d(x, self.filters, stride=_STEP, padding=(_TAPS - _STEP) // 2)
            power = y[:, :_BINS] ** 2 + y[:, _BINS:] ** 2
            return torch.log1p(power).unsqueeze(1)

    return ConstantQ()


def _lessons(n: int, rng: np.random.Generator) -> lessons.Lessons:
    """`n` binaries, `n`/4 glitches of each family as in the sky and as many drawn freely, `n`/2 of no family."""
    sky = lessons.prepare(n, n // 4, rng)
    free = (strange.bank(shape, n // 4, rng) for shape in strange.VARIED.values())
    both = (np.concatenate(pair) for pair in zip(sky.glitches, free, strict=True))
    return replace(sky, glitches=(*both, strange.bank(strange.unknown, n // 2, rng)))


def _named(program: Program, n: int, recorded: Recording | None) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Probabilities (n, class) of glitches of known families, and their families' numbers."""
    rng = np.random.default_rng(_NAMED_SEED)
    banks = tuple(strange.bank(shape, max(1, n // 10), rng) for shape in strange.VARIED.values())
    known = lessons.Lessons(np.empty((0, 0), np.complex64), banks)
    family = rng.integers(len(banks), size=n)
    x = _noise(n, rng, recorded)
    at, snr = rng.uniform(*CENTRE_S, n).astype(np.float32), log_uniform(8.0, 60.0, n, rng)
    x += lessons.glitches(known, family, INPUT, at, snr, rng)
    rows = x[:, None]
    return np.concatenate([program.network(rows[i : i + 64]) for i in range(0, n, 64)]), family


def _log_loss(p: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.nll_loss(torch.log(p + 1e-6), truth)


def _noise(n: int, rng: np.random.Generator, recorded: Recording | None) -> NDArray[np.float32]:
    return lessons.noise((n, INPUT), rng) if recorded is None else recorded.white_streams(n, INPUT, rng)


def _batch(known: lessons.Lessons, n: int, rng: np.random.Generator, recorded: Recording | None) -> Batch:
    """Two fifths noise, a fifth signals, two fifths glitches, one stream each."""
    x = _noise(n, rng, recorded)
    truth = np.zeros(n, np.int64)
    fifth = n // 5
    at = rng.uniform(*CENTRE_S, n).astype(np.float32)
    signal, burst = slice(2 * fifth, 3 * fifth), slice(3 * fifth, n)
    heard = lessons.signals(known, fifth, INPUT, at[signal], np.ones(fifth, np.float32), rng)
    snr = log_uniform(5.0, 60.0, fifth, rng)
    rows = heard[:, 0] / np.maximum(np.linalg.norm(heard[:, 0], axis=1, keepdims=True), 1e-3)
    x[signal] += snr[:, None] * rows
    truth[signal] = 1
    family = rng.integers(len(known.glitches), size=n - 3 * fifth)
    x[burst] += lessons.glitches(known, family, INPUT, at[burst], log_uniform(6.0, 100.0, family.size, rng), rng)
    truth[burst] = 2 + family
    return x[:, None], truth


WORKLOAD = GlitchClassifier()
