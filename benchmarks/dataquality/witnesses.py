"""The witness model: how good it is beside simpler ones, and what it costs against the number of channels."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from workloads import spec, training
from workloads.dataquality import noisy_or, plant
from workloads.models import witness
from workloads.models.witness import CHANNELS

SIZES = (10, 100, 1000, 10_000)
BATCHES = (1, 64)
_SEED = 60_037
_HISTORY_S, _JUDGED_S, _CHUNK_S = 200_000, 200_000, 10_000
_FALSE_FLAGS = (0.001, 0.01)
_LEVELS = (5.5, 7.0, 9.0, 12.0, 20.0)


def run(effort: float = 1.0) -> dict[str, object]:
    """Recall and log loss by model, reliability, and cost by number of channels, as JSON."""
    program = spec.load("witness", "torch")
    quality = witness.WORKLOAD.judge(program, effort, _SEED, lambda done, text: None)
    return {
        "seed": _SEED,
        "quality": {"headline": quality.headline, **quality.figures},
        "vetoes": _vetoes(effort),
        "cost": [_cost(n, batch) for n in SIZES for batch in BATCHES],
    }


def _cost(channels: int, batch: int) -> dict[str, float]:
    """Milliseconds per call (median of 30) of an untrained model on one thread, and its parameters."""
    import torch

    torch.set_num_threads(1)
    module = noisy_or.network(channels).eval()
    built = plant.build(channels, np.random.default_rng(_SEED))
    x = torch.from_numpy(plant.observe(built, batch, np.random.default_rng(_SEED)).loudness)
    times = []
    with torch.inference_mode():
        for _ in range(33):
            begun = perf_counter()
            module(x)
            times.append(perf_counter() - begun)
    p50_ms = 1e3 * float(np.median(times[3:]))
    return {
        "channels": channels,
        "batch": batch,
        "p50_ms": round(p50_ms, 4),
        "us_per_channel": round(1e3 * p50_ms / batch / channels, 4),
        "parameters": sum(p.numel() for p in module.parameters()),
    }


def _vetoes(effort: float) -> dict[str, object]:
    """Recall of ordered vetoes (OVL, Essick et al. 2013, arXiv:1303.7159) and of the loudest channel.

    A veto is a channel and a level. They are ranked on one history by how much more often than not a glitch comes
    with them, and applied in that order to another until the false flags are used up.
    """
    built = plant.build(CHANNELS, np.random.default_rng(witness.PLANT_SEED))
    rng = np.random.default_rng(_SEED + 1)
    rank = _ranked(built, max(_CHUNK_S, round(effort * _HISTORY_S)), rng)
    scores, loudest, glitch = [], [], []
    for _ in range(max(1, round(effort * _JUDGED_S / _CHUNK_S))):
        seen = plant.observe(built, _CHUNK_S, rng)
        above = np.stack([seen.loudness > level for level in _LEVELS], axis=2)
        scores.append(np.max(np.where(above, rank, -np.inf), axis=(1, 2), initial=-1.0))
        loudest.append(seen.loudness.max(axis=1))
        glitch.append(seen.glitch)
    truth = np.concatenate(glitch)
    named = {"ordered vetoes": np.concatenate(scores), "loudest channel": np.concatenate(loudest)}
    return {name: _recalls(score, truth) for name, score in named.items()}


def _ranked(built: plant.Plant, seconds: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Fraction of the seconds of each veto (channel, level) that hold a glitch, less a standard error."""
    hits, all_seconds = np.zeros((2, CHANNELS, len(_LEVELS)))
    for _ in range(seconds // _CHUNK_S):
        seen = plant.observe(built, _CHUNK_S, rng)
        for k, level in enumerate(_LEVELS):
            above = seen.loudness > level
            all_seconds[:, k] += above.sum(axis=0)
            hits[:, k] += above[seen.glitch].sum(axis=0)
    share = (hits + 0.5) / (all_seconds + 1.0)
    return np.asarray(share - np.sqrt(share * (1 - share) / (all_seconds + 1.0)))


def _recalls(score: NDArray[np.floating], glitch: NDArray[np.bool_]) -> dict[str, float]:
    """Glitches above the score that a fraction of other seconds exceed; ties count against it."""
    found = {}
    for share in _FALSE_FLAGS:
        found[f"recall_at_{share:g}"] = float(np.mean(score[glitch] > np.quantile(score[~glitch], 1 - share)))
    return found | {"auc": training.auc(score.astype(np.float32), glitch)}
