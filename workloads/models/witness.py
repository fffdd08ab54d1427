"""Witness: the probability of a glitch, from how loud a thousand auxiliary channels are in a second.

In the place of iDQ (Essick et al. 2020, arXiv:2005.12761), on a simulated plant. A calibrated probability, and the
group of channels to blame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import ageing, training
from workloads.dataquality import noisy_or, plant
from workloads.decisions import interval
from workloads.drift import one_at_a_time
from workloads.profile import Figure
from workloads.spec import NETWORK, Program, Progress, Quality, Settings
from workloads.training import Batch, Course, Taught
from workloads.unit import Unit

if TYPE_CHECKING:
    import torch

CHANNELS = 1000
PLANT_SEED = 20_260
"""The plant is one detector: the model knows its channels, and is of no use for another's."""
STEPS, QUIET_SECONDS = 2000, 20_000
FALSE_FLAG = 0.01
"""Fraction of seconds without a glitch that may be flagged: LIGO's threshold on iDQ in O4."""
_SECONDS, _QUIET_KEPT, _HELD_OUT = 12_000, 0.05, 40_000
_JUDGED, _CHUNK = 400_000, 10_000
_BINS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
_SETTLE_SEED, _CHANGE_SEED = 7003, 7004


@dataclass(frozen=True)
class Witnessed:
    """`probability` (batch,) of a glitch, whether it is `flagged`, the likeliest `group` and its own `blame`."""

    probability: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    group: NDArray[np.int64]
    blame: NDArray[np.float64]


class Witness:
    """A noisy-or of the groups of channels, trained by the likelihood of glitches, so its probabilities hold."""

    name = "witness"
    task = "data-quality"
    unit = Unit(
        "loudness",
        "largest signal-to-noise ratio of each auxiliary channel in one second; 0 for a channel that is off",
        ("channel",),
        (CHANNELS,),
    )
    outcome = None
    runtimes = NETWORK
    drifts = one_at_a_time(
        rate=(-0.5, 1.0, 4.0), half=(-0.3, 0.5), gain=(-0.5, -0.2, 0.2, 1.0), dead=(0.02, 0.1, 0.3), new=(1.0, 3.0)
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Loudness as it is, shape (batch, CHANNELS)."""
        return np.asarray(units, np.float32)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Witnessed:
        """Probabilities from log odds; flagged above the threshold."""
        probability = _sigmoid(raw[:, 0])
        groups = raw[:, 1:].astype(np.float64)
        return Witnessed(
            probability, probability > settings["threshold"], groups.argmax(axis=1), np.exp(groups.max(axis=1))
        )

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Seconds of the plant, a good part of them with glitches."""
        seen = plant.observe(_plant(), 200 * (n + 10), np.random.default_rng([seed, n]), 0.01)
        return seen.loudness[:n].astype(np.float64)

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, CHANNELS) to (row, [log odds of a glitch, log p of each group])."""
        return noisy_or.network(CHANNELS)

    def teach(self, course: Course) -> Taught:
        """Taught on a life of the plant: all its glitches, and of the rest a part, weighted for the whole."""
        held_out = _batch(_HELD_OUT, np.random.default_rng([course.seed, 2]))

        def batch(done: float, rng: np.random.Generator) -> Batch:
            return _batch(_SECONDS, rng)

        fitted = training.fit(course, self.module, batch, _log_loss, held_out, STEPS, 0.02)
        probability = _sigmoid(training.apply(fitted.module, held_out[0])[:, 0])
        glitch, weight, chance = held_out[1].T
        return fitted.taught(
            {
                "data": f"seconds of a simulated plant of {CHANNELS} channels; they chose the checkpoint, too",
                "n": _HELD_OUT,
                "glitches": int(glitch.sum()),
                "log_loss": round(_entropy(probability, glitch, weight), 5),
                "log_loss_knowing_causes": round(_entropy(chance, glitch, weight), 5),
            }
        )

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The probability that FALSE_FLAG of seconds without a glitch exceed."""
        n = tries or QUIET_SECONDS
        seen = plant.observe(_plant(), n, np.random.default_rng(_SETTLE_SEED))
        threshold = np.quantile(
            program(seen.loudness[~seen.glitch].astype(np.float64)).probability, 1 - FALSE_FLAG
        )
        return {"threshold": float(threshold)}, {"false_flag_per_second": FALSE_FLAG, "seconds": n}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Glitches found, and how far the probabilities can be trusted, beside one who knows every cause."""
        n = max(1, round(effort * _JUDGED / _CHUNK))
        rng = np.random.default_rng(seed)
        parts = []
        for k in range(n):
            seen = plant.observe(_plant(), _CHUNK, rng)
            parts.append((program(seen.loudness.astype(np.float64)).probability, seen.glitch, seen.chance))
            progress(k / n, f"{self.name}: seconds")
        probability, glitch, chance = (np.concatenate(p) for p in zip(*parts, strict=True))
        count, total = int((probability > program.threshold)[glitch].sum()), int(glitch.sum())
        low, high = interval(count, total)
        alarms = int((probability > program.threshold)[~glitch].sum())
        one = np.ones(len(glitch))
        return Quality(
            f"{100 * count / total:.1f} % of glitches flagged ({100 * low:.1f}-{100 * high:.1f}, n={total}) with "
            f"{100 * alarms / (len(glitch) - total):.2f} % of other seconds (n={len(glitch) - total})",
            {
                "seconds": len(glitch),
                "glitches": total,
                "flagged_glitches": count,
                "false_flags": alarms,
                "auc": training.auc(probability.astype(np.float32), glitch),
                "auc_knowing_causes": training.auc(chance.astype(np.float32), glitch),
                "log_loss": _entropy(probability, glitch, one),
                "log_loss_knowing_causes": _entropy(chance, glitch, one),
                "recall_at_false_flag": {
                    f"{p:g}": [_recall(probability, glitch, p), _recall(chance, glitch, p)] for p in (0.001, 0.01)
                },
                "reliability": _reliability(probability, glitch),
            },
        )

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """What is flagged of glitches and of other seconds, and how many glitches there are per one foretold."""
        n, rng = max(1, round(effort * _JUDGED / _CHUNK)), np.random.default_rng(seed)
        after, on = plant.changed(_plant(), plant.Change(**drift), np.random.default_rng(_CHANGE_SEED))
        parts = []
        for k in range(n):
            seen = plant.observe(after, _CHUNK, rng)
            parts.append((program((seen.loudness * on).astype(np.float64)).probability, seen.glitch))
            progress(k / n, f"{self.name}: seconds")
        probability, glitch = (np.concatenate(p) for p in zip(*parts, strict=True))
        flagged, count = probability > program.threshold, int(glitch.sum())
        happened, foretold = ageing.share(count, glitch.size), float(probability.mean())
        return {
            "glitches flagged": ageing.share(int(flagged[glitch].sum()), count),
            "other seconds flagged": ageing.share(int(flagged[~glitch].sum()), int((~glitch).sum())),
            "glitches per one foretold": Figure(
                happened.value / foretold, happened.low / foretold, happened.high / foretold, happened.n
            ),
        }


@cache
def _plant() -> plant.Plant:
    return plant.build(CHANNELS, np.random.default_rng(PLANT_SEED))


def _batch(seconds: int, rng: np.random.Generator) -> Batch:
    """Loudness, and glitch, weight and chance (second, 3)."""
    seen = plant.observe(_plant(), seconds, rng, _QUIET_KEPT)
    return seen.loudness, np.stack([seen.glitch, seen.weight, seen.chance], axis=1).astype(np.float32)


def _log_loss(raw: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(
        raw[:, 0], truth[:, 0], truth[:, 1] / truth[:, 1].sum(), reduction="sum"
    )


def _sigmoid(odds: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-odds.astype(np.float64))))


def _entropy(probability: NDArray[Any], glitch: NDArray[Any], weight: NDArray[Any]) -> float:
    """Mean negative log likelihood, natural."""
    p = np.clip(probability.astype(np.float64), 1e-9, 1 - 1e-9)
    return float(np.average(-np.where(glitch > 0, np.log(p), np.log1p(-p)), weights=weight))


def _recall(score: NDArray[Any], glitch: NDArray[np.bool_], false_flag: float) -> float:
    return float(np.mean(score[glitch] > np.quantile(score[~glitch], 1 - false_flag)))


def _reliability(probability: NDArray[np.float64], glitch: NDArray[np.bool_]) -> list[dict[str, float]]:
    """What was said and what happened, in bins of probability."""
    where = np.clip(np.searchsorted(_BINS, probability, side="right") - 1, 0, len(_BINS) - 2)
    rows = []
    for k in range(len(_BINS) - 1):
        inside = where == k
        n, count = int(inside.sum()), int(glitch[inside].sum())
        if n:
            low, high = interval(count, n)
            said = float(probability[inside].mean())
            rows.append({"said": said, "happened": count / n, "low": low, "high": high, "n": n})
    return rows


WORKLOAD = Witness()
