"""Training the workloads from nothing but a seed: weights, exported network and model card.

Knows no site and no profile. Weights are safetensors, the exported network is ONNX; nothing is pickled.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import bank as banks
from workloads import card, lessons, measure, runtime, spec, waveform
from workloads.lessons import Array, Lessons
from workloads.models import detector, glitch_classifier, matched_filter
from workloads.spec import Network, Program, Progress, Workload

if TYPE_CHECKING:
    import torch

FALSE_ALARM = 1e-3
"""Probability that a segment of pure noise triggers: the same for every search, so that they compare."""
NOISE_SEGMENTS = {"detector": 20_000, "matched-filter": 10_000, "glitch-classifier": 4_000}
FALSE_FLAG = 0.01
"""Fraction of segments of pure noise that the glitch classifier may flag."""
FALSE_DISMISSAL = 0.005
"""Fraction of signals of SNR 8 to 100 that it may flag."""
STEPS = {"detector": 3000, "glitch-classifier": 3000}
_EVERY = 250
_EMA = 0.995
_HELD_OUT = 4096
_NOISE_SEED, _FLAG_SEED = 7001, 7002
Batch = tuple[Array, NDArray[Any]]
Metrics = dict[str, Any]


def train(
    name: str,
    out: Path,
    seed: int,
    progress: Progress,
    now: str,
    steps: int | None = None,
    noise: int | None = None,
) -> Path:
    """Train workload `name`, write weights, ONNX and card into `out`, and return the card's path.

    `now` is today's date for the card; `steps` and `noise` shorten training and the setting of the threshold.
    """
    workload = spec.get(name)
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    recipe = {"detector": _detector, "glitch-classifier": _classifier, "matched-filter": _matched_filter}[name]
    module, metrics, files = recipe(workload, out, seed, steps or STEPS.get(name, 0), progress)
    program = Program(workload, runtime.torch_network(module, threads=1), np.inf, "torch", "")
    if workload.outcome == "trigger":
        threshold, chosen = _false_alarm_threshold(program, noise or NOISE_SEGMENTS[name], progress)
    else:
        threshold, chosen = _flag_threshold(program, noise or NOISE_SEGMENTS[name], progress)
    about = {
        "threshold": threshold, "threshold_from": chosen, "held_out": metrics, "seed": seed, "date": now,
        "parameters": sum(p.numel() for p in module.parameters()), "steps": steps or STEPS.get(name, 0),
        "train_s": round(time.perf_counter() - start, 1),
        "versions": {p: version(p) for p in ("torch", "numpy", "scipy", "lalsuite", "onnx", "onnxruntime")},
    }  # fmt: skip
    return card.write(name, out, files, about)


def _detector(
    workload: Workload, out: Path, seed: int, steps: int, progress: Progress
) -> tuple[torch.nn.Module, Metrics, list[Path]]:
    import torch

    taught, unseen = (lessons.prepare(n, n // 10, np.random.default_rng([seed, n])) for n in (5000, 1500))
    rng = np.random.default_rng([seed, 1])
    held_out = _detector_batch(unseen, _HELD_OUT, 8.0, np.random.default_rng([seed, 2]))

    def batch(done: float) -> Batch:
        return _detector_batch(taught, 64, 8.0 + 12.0 * max(0.0, 1 - 3 * done), rng)

    def logit_loss(raw: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(raw[:, 0], truth)

    torch.manual_seed(seed)
    module = _fit(workload.module(), batch, logit_loss, held_out, steps, progress)
    raw = _apply(module, held_out[0])[:, 0]
    metrics = {
        "data": "windows of Gaussian noise, half of them with a signal of SNR 6-40 from unseen binaries, "
        "an eighth with a glitch instead; the same windows chose the checkpoint",
        "n": _HELD_OUT,
        "auc": round(_auc(raw, held_out[1] > 0), 4),
        "loss": round(float(logit_loss(torch.from_numpy(raw[:, None]), torch.from_numpy(held_out[1]))), 4),
    }
    return module, metrics, _save(workload, module, out, (spec.STREAMS, detector.INPUT))


def _detector_batch(known: Lessons, n: int, snr_min: float, rng: np.random.Generator) -> Batch:
    """Half signals, an eighth glitches in one stream, the rest noise; signals also lie on a few glitches."""
    x = lessons.noise((n, spec.STREAMS, detector.INPUT), rng)
    half, eighth = n // 2, n // 8
    low, high = detector.MERGER_S
    at = rng.uniform(low - 0.02, high + 0.02, half).astype(np.float32)
    snr = _log_uniform(0.75 * snr_min, 40.0, half, rng)
    x[:half] += lessons.signals(known, half, detector.INPUT, at, snr, rng)
    for where in (slice(half, half + eighth), slice(0, eighth // 4)):
        x[where] += _some_glitches(known, where.stop - where.start, detector.INPUT, (0.8, 1.5), rng)
    return x, (np.arange(n) < half).astype(np.float32)


def _some_glitches(
    known: Lessons, n: int, samples: int, at: tuple[float, float], rng: np.random.Generator
) -> Array:
    family = rng.integers(len(known.glitches), size=n)
    when = rng.uniform(*at, n).astype(np.float32)
    bursts = lessons.glitches(known, family, samples, when, _log_uniform(5.0, 100.0, n, rng), rng)
    return lessons.in_one_stream(bursts, rng)


def _classifier(
    workload: Workload, out: Path, seed: int, steps: int, progress: Progress
) -> tuple[torch.nn.Module, Metrics, list[Path]]:
    import torch

    taught, unseen = (lessons.prepare(n, n // 2, np.random.default_rng([seed, n])) for n in (3000, 1000))
    rng = np.random.default_rng([seed, 1])
    held_out = _classifier_batch(unseen, _HELD_OUT, np.random.default_rng([seed, 2]))

    def batch(done: float) -> Batch:
        return _classifier_batch(taught, 96, rng)

    def log_loss(p: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.nll_loss(torch.log(p + 1e-6), truth)

    torch.manual_seed(seed)
    module = _fit(workload.module(), batch, log_loss, held_out, steps, progress)
    guess = _apply(module, held_out[0]).argmax(axis=1)
    right = guess == held_out[1]
    metrics = {
        "data": "single streams of Gaussian noise with nothing, a signal of single-stream SNR 5-60 or a glitch "
        "of SNR 6-100 (simulated families), unseen binaries and bursts; the same examples chose the checkpoint",
        "n": _HELD_OUT,
        "accuracy": round(float(right.mean()), 4),
        "accuracy_by_class": {
            c: round(float(right[held_out[1] == i].mean()), 4) for i, c in enumerate(glitch_classifier.CLASSES)
        },
    }
    return module, metrics, _save(workload, module, out, (1, glitch_classifier.INPUT))


def _classifier_batch(known: Lessons, n: int, rng: np.random.Generator) -> Batch:
    """Two fifths noise, a fifth signals, two fifths glitches, one stream each."""
    x = lessons.noise((n, glitch_classifier.INPUT), rng)
    truth = np.zeros(n, np.int64)
    fifth = n // 5
    at = rng.uniform(*glitch_classifier.CENTRE_S, n).astype(np.float32)
    signal, burst = slice(2 * fifth, 3 * fifth), slice(3 * fifth, n)
    heard = lessons.signals(known, fifth, x.shape[1], at[signal], np.ones(fifth, np.float32), rng)
    snr = _log_uniform(5.0, 60.0, fifth, rng)
    rows = heard[:, 0] / np.maximum(np.linalg.norm(heard[:, 0], axis=1, keepdims=True), 1e-3)
    x[signal] += snr[:, None] * rows
    truth[signal] = 1
    family = rng.integers(len(known.glitches), size=n - 3 * fifth)
    x[burst] += lessons.glitches(
        known, family, x.shape[1], at[burst], _log_uniform(6.0, 100.0, family.size, rng), rng
    )
    truth[burst] = 2 + family
    return x[:, None], truth


def _matched_filter(
    workload: Workload, out: Path, seed: int, steps: int, progress: Progress
) -> tuple[torch.nn.Module, Metrics, list[Path]]:
    import torch

    bank = banks.place(matched_filter.TEMPLATES)
    module = workload.module()
    module.load_state_dict({"bank": torch.from_numpy(bank)})
    rng = np.random.default_rng([seed, 1])
    binaries = [waveform.draw_binary(rng) for _ in range(300)]
    fit = banks.fitting_factors(bank, binaries)
    metrics = {
        "data": "fraction of the SNR in 4 s that the best template recovers, for random binaries with spins",
        "n": len(binaries),
        "templates": len(bank),
        "fitting_factor_mean": round(float(fit.mean()), 4),
        "fitting_factor_p5": round(float(np.quantile(fit, 0.05)), 4),
    }
    return module, metrics, _save(workload, module, out, None)


def _fit(
    module: torch.nn.Module,
    batch: Callable[[float], Batch],
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    held_out: Batch,
    steps: int,
    progress: Progress,
) -> torch.nn.Module:
    """`module` trained for `steps`; what is returned are the averaged weights that did best on `held_out`."""
    import torch

    torch.set_num_threads(1)
    optimiser = torch.optim.AdamW(module.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.1)
    average, best, best_loss = deepcopy(module), deepcopy(module), np.inf
    truth = torch.from_numpy(held_out[1])
    for step in range(1, steps + 1):
        x, y = (torch.from_numpy(a) for a in batch(step / steps))
        optimiser.zero_grad()
        value = loss(module(x), y)
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        _follow(average, module, min(_EMA, step / (step + 10)))
        if step % _EVERY == 0 or step == steps:
            held = float(loss(torch.from_numpy(_apply(average, held_out[0])), truth))
            progress(step / steps, f"loss {value.item():.4f}, held out {held:.4f}")
            if held < best_loss:
                best, best_loss = deepcopy(average), held
    return best.eval()


def _follow(average: torch.nn.Module, module: torch.nn.Module, keep: float) -> None:
    import torch

    with torch.no_grad():
        for slow, fast in zip(average.parameters(), module.parameters(), strict=True):
            slow.lerp_(fast, 1 - keep)


def _apply(module: torch.nn.Module, x: Array) -> Array:
    run: Network = runtime.torch_network(module, threads=1)
    return np.concatenate([run(x[i : i + 64]) for i in range(0, len(x), 64)])


def _save(workload: Workload, module: torch.nn.Module, out: Path, row: tuple[int, ...] | None) -> list[Path]:
    """Write weights and, for a network whose input is rows of shape `row`, its ONNX export."""
    import torch
    from safetensors.torch import save_file

    weights = out / f"{workload.name}.safetensors"
    save_file(module.state_dict(), weights)
    weights.chmod(0o644)  # safetensors leaves it readable by its owner alone
    if row is None:
        return [weights]
    exported = out / f"{workload.name}.onnx"
    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter uses what torch has deprecated
        torch.onnx.export(
            module.eval(), (torch.zeros(2, *row),), exported, input_names=["x"], output_names=["y"],
            dynamic_shapes=({0: batch},), dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    strip(exported)
    return [weights, exported]


def strip(exported: Path) -> None:
    """Remove what the exporter noted about its own machine (stack traces, paths) from the ONNX file."""
    import onnx

    model = onnx.load(exported)
    _forget(model)
    onnx.save(model, exported)
    exported.chmod(0o644)


def _forget(message: Any) -> None:
    """Clear the notes of an ONNX message and of all messages inside it: graphs, nodes, values, functions."""
    for note in {"metadata_props", "doc_string"}.intersection(message.DESCRIPTOR.fields_by_name):
        message.ClearField(note)
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if hasattr(value, "__len__") else (value,):
                _forget(inner)


def _false_alarm_threshold(program: Program, n: int, progress: Progress) -> tuple[float, Metrics]:
    """The score that FALSE_ALARM of `n` segments of pure noise exceed."""
    scores = measure.noise_outputs(program, n, _NOISE_SEED, progress).score
    threshold = float(np.quantile(scores, 1 - FALSE_ALARM))
    return threshold, {"false_alarm_per_segment": FALSE_ALARM, "noise_segments": n}


def _flag_threshold(program: Program, n: int, progress: Progress) -> tuple[float, Metrics]:
    """The lowest score that at most FALSE_FLAG of `n` noise segments, FALSE_DISMISSAL of `n`/2 signals exceed."""
    quiet = measure.noise_outputs(program, n, _NOISE_SEED, progress).score
    snr = _log_uniform(8.0, 100.0, n // 2, np.random.default_rng(_FLAG_SEED)).astype(np.float64)
    heard = measure.event_outputs(program, "bbh", snr, _FLAG_SEED, progress).score
    threshold = max(np.quantile(quiet, 1 - FALSE_FLAG), np.quantile(heard, 1 - FALSE_DISMISSAL))
    return float(threshold), {
        "noise_segments": n,
        "noise_flagged": round(float(np.mean(quiet > threshold)), 4),
        "signals": n // 2,
        "signal_snr": [8.0, 100.0],
        "signals_flagged": round(float(np.mean(heard > threshold)), 4),
    }


def _auc(score: Array, positive: NDArray[np.bool_]) -> float:
    rank = np.argsort(np.argsort(score)) + 1.0
    n, m = int(positive.sum()), int((~positive).sum())
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * m))


def _log_uniform(low: float, high: float, n: int, rng: np.random.Generator) -> Array:
    return np.asarray(low * (high / low) ** rng.random(n), dtype=np.float32)
