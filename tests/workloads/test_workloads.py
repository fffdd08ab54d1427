"""Laws that every workload obeys on every runtime. A new workload joins by its file in `workloads/models`."""

import subprocess
import sys
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
import torch

from tests.workloads.imported import after_importing
from workloads import card, export, runtime, spec
from workloads.unit import BadInputError

NAMES = spec.names()
PAIRS = [
    (name, r)
    for name in NAMES
    for r in spec.get(name).runtimes
    if r not in runtime.PRECISION or runtime.installed(r)
]
SEED = 11


def number(name):
    """How many units of a workload the laws look at."""
    return spec.few(spec.get(name), 6)


@pytest.fixture(scope="module")
def programs():
    """A function from (name, runtime) to its program, on one thread, loaded once and brisk."""
    loaded = {}

    def get(name, r):
        if not runtime.installed(r):
            pytest.skip(f"{r} is not installed")
        if (name, r) not in loaded:
            loaded[name, r] = spec.brisk(spec.load(name, r))
        return loaded[name, r]

    return get


@pytest.fixture(scope="module")
def units():
    """A function from a workload's name to some of its units, made once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = spec.get(name).units(number(name), SEED)
            made[name].setflags(write=False)
        return made[name]

    return get


@pytest.fixture(scope="module")
def answers(programs, units):
    """A function from (name, runtime) to what that program says of those units, asked once and then read only."""
    given = {}

    def get(name, r):
        if (name, r) not in given:
            before = units(name).copy()
            given[name, r] = programs(name, r)(units(name))
            assert np.array_equal(before, units(name))
            for field in fields(given[name, r]):
                value = getattr(given[name, r], field.name)
                if isinstance(value, np.ndarray):
                    value.setflags(write=False)
        return given[name, r]

    return get


def alike(result, other, rows=slice(None), tolerance=export.TOLERANCE):
    """Whether `result` is what `other` holds in `rows`: decisions to the bit, numbers but for rounding."""
    picked = replace(other, **{f.name: taken(getattr(other, f.name), rows) for f in fields(other)})
    return export.changed(result, picked) == 0 and export.difference(result, picked) <= tolerance


def taken(value, rows):
    if value is None or isinstance(value, np.ndarray):
        return None if value is None else value[rows]
    return [value[i] for i in np.arange(len(value))[rows]]


def same_bits(result, other):
    pairs = [(getattr(result, f.name), getattr(other, f.name)) for f in fields(result)]
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def tolerance(r):
    return 0.1 if r in runtime.REDUCED else export.TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_a_workload_says_what_it_is(name):
    workload, unit = spec.get(name), spec.get(name).unit
    assert workload.name == name
    assert workload.task in spec.TASKS
    assert len(unit.axes) == len(unit.shape)
    assert all(n > 0 for n in unit.shape)
    assert unit.quantity
    assert unit.meaning
    assert workload.outcome in ("trigger", "flag", None)
    assert hasattr(workload, "judge" if workload.outcome is None else "tries")
    assert hasattr(workload, "module") or not {*workload.runtimes} & {*spec.NETWORK}
    assert hasattr(workload, "in_numpy") or "numpy" not in workload.runtimes
    assert card.read(name)["task"] == workload.task


@pytest.mark.parametrize("name", NAMES)
def test_its_units_are_what_it_answers_for_and_follow_from_their_seed(name, units):
    workload = spec.get(name)
    made = units(name)
    workload.unit.check(name, made)
    assert len(made) == number(name) >= 3
    assert np.array_equal(made, workload.units(len(made), SEED))
    assert not np.array_equal(made, workload.units(len(made), SEED + 1))


@pytest.mark.parametrize("name", [n for n in NAMES if "torch" in spec.get(n).runtimes])
def test_every_weight_bears_on_the_answer(name, units):
    """A part of a network that training has killed costs its time and tells nothing."""
    module = runtime.load_module(spec.get(name))
    raw = module(torch.from_numpy(spec.get(name).prepare(units(name))))
    if not raw.requires_grad:
        pytest.skip("nothing in it is taught by gradients")
    (raw * torch.randn(raw.shape, generator=torch.Generator().manual_seed(SEED))).sum().backward()
    assert [k for k, p in module.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("pair", PAIRS)
def test_a_result_has_one_entry_per_unit_and_all_are_finite(pair, programs, answers):
    result = answers(*pair)
    assert is_dataclass(result)
    assert result.__dataclass_params__.frozen
    values = [getattr(result, f.name) for f in fields(result)]
    assert all(len(v) == number(pair[0]) for v in values if v is not None)
    assert all(np.isfinite(v).all() for v in values if isinstance(v, np.ndarray) and v.dtype.kind in "fc")
    if spec.get(pair[0]).outcome is not None:
        assert isinstance(result, spec.Outputs)
        assert (result.outcome == (result.score > programs(*pair).threshold)).all()
        assert ((result.time_offset_s >= 0) & (result.time_offset_s <= spec.SEGMENT_S)).all()


@pytest.mark.parametrize("pair", PAIRS)
def test_the_same_batch_gives_the_same_bits(pair, programs, units, answers):
    assert same_bits(programs(*pair)(units(pair[0])), answers(*pair))


@pytest.mark.parametrize("pair", PAIRS)
def test_a_batch_answers_like_its_units_one_by_one(pair, programs, units, answers):
    program, given, together = programs(*pair), units(pair[0]), answers(*pair)
    for i in range(len(given)):
        assert alike(program(given[i : i + 1]), together, slice(i, i + 1), tolerance(pair[1]))


@pytest.mark.parametrize("pair", PAIRS)
def test_the_order_of_a_batch_does_not_matter(pair, programs, units, answers):
    program, given = programs(*pair), units(pair[0])
    order = np.random.default_rng(1).permutation(len(given))
    assert alike(program(given[order]), answers(*pair), order, tolerance(pair[1]))


@pytest.mark.parametrize("pair", PAIRS)
def test_the_number_of_threads_changes_no_result(pair, units, answers):
    one, two = answers(*pair), spec.brisk(spec.load(*pair, threads=2))
    assert alike(two(units(pair[0])), one, tolerance=tolerance(pair[1]))


@pytest.mark.parametrize("pair", PAIRS)
def test_input_is_left_as_it_was_and_may_lie_anyhow_in_memory(pair, programs, units, answers):
    program, given, expected = programs(*pair), units(pair[0]), answers(*pair)
    spread = np.empty((*given.shape[:-1], 2 * given.shape[-1]), given.dtype)
    spread[..., ::2] = given
    assert not spread[..., ::2].flags["C_CONTIGUOUS"]
    assert same_bits(program(spread[..., ::2]), expected)
    assert np.array_equal(spread[..., ::2], given)
    other = np.asfortranarray(given)
    assert same_bits(program(other), expected)
    assert np.array_equal(other, given)


@pytest.mark.parametrize("pair", PAIRS)
def test_runtimes_agree_and_reduced_precision_is_near(pair, answers):
    name, r = pair
    result, expected = answers(*pair), answers(name, spec.get(name).runtimes[0])
    if r in runtime.REDUCED:
        assert export.difference(result, expected) < 0.1
    else:
        assert alike(result, expected, tolerance=export.TOLERANCE)


def one(x, value):
    """The second unit of `x` has `value` as one of its numbers."""
    spoiled = x.copy()
    spoiled[1].flat[spoiled[1].size // 2] = value
    return spoiled


def held(x, length, value=None):
    """A stretch of `length` samples of the second unit's first row is held at `value`, or at its largest."""
    spoiled = x.copy()
    row = spoiled[1].reshape(-1, x.shape[-1])[0]
    row[: min(length, row.size)] = np.abs(row).max() if value is None else value
    return spoiled


REFUSED = {
    "not a number": (lambda x: one(x, np.nan), "holds NaN or infinite samples in unit 1"),
    "infinite": (lambda x: one(x, -np.inf), "holds NaN or infinite samples in unit 1"),
    "a gap of NaN": (lambda x: held(x, 100, np.nan), "holds NaN or infinite samples in unit 1"),
    "another rate": (lambda x: x[..., ::2], "has shape .* wanted .batch, "),
    "one sample short": (lambda x: x[..., 1:], "has shape .* wanted .batch, "),
    "no batch axis": (lambda x: x[0], "has shape .* wanted .batch, "),
    "an axis too many": (lambda x: x[None], "has shape .* wanted .batch, "),
    "an empty batch": (lambda x: x[:0], "has shape .* wanted .batch, "),
    "another type": (lambda x: x.astype(np.float16 if x.dtype == np.float32 else np.float32), "wanted float"),
    "whole numbers": (lambda x: np.ones(x.shape, np.int64), "is int64; wanted float"),
    "another byte order": (lambda x: x.astype(x.dtype.newbyteorder(">")), "wanted float"),
}
REPEATING = {
    "a gap of zeros": lambda x: held(x, 100, 0.0),
    "saturated": lambda x: held(x, 20),
    "all zeros": lambda x: x * (np.arange(len(x)) != 1).reshape(-1, *(1,) * (x.ndim - 1)),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spoilt", REFUSED)
def test_bad_input_is_refused_with_its_reason(name, spoilt, programs, units):
    spoil, message = REFUSED[spoilt]
    program = programs(name, spec.get(name).runtimes[0])
    with pytest.raises(BadInputError, match=f"{name}: .*{message}"):
        program(spoil(units(name)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spoilt", REPEATING)
def test_what_is_no_data_is_refused_or_has_a_defined_answer(name, spoilt, programs, units, answers):
    r = spec.get(name).runtimes[0]
    program, expected = programs(name, r), answers(name, r)
    bad = REPEATING[spoilt](units(name))
    if spec.get(name).unit.longest_repeat is None:
        assert unharmed(program, bad, units(name), expected)
        return
    with pytest.raises(BadInputError, match=f"{name}: .* repeats a value .* times or more in unit 1") as caught:
        program(bad)
    assert caught.value.units == (1,)
    rest = np.delete(bad, caught.value.units, axis=0)
    others = np.delete(np.arange(len(bad)), 1)
    assert np.array_equal(rest, units(name)[others])
    assert alike(program(rest), expected, others)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_stream_is_refused_or_has_a_defined_answer(name, programs, units, answers):
    unit, bad = spec.get(name).unit, units(name).copy()
    if unit.axes[0] != "detector":
        pytest.skip("has no streams")
    r = spec.get(name).runtimes[0]
    program = programs(name, r)
    bad[1, -1] = 0.0
    if unit.may_miss or unit.longest_repeat is None:
        assert unharmed(program, bad, units(name), answers(name, r))
    else:
        with pytest.raises(BadInputError, match="a missing detector"):
            program(bad)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("where", ["one sample", "a whole unit"])
def test_a_million_sigma_is_refused_or_answered_and_harms_no_other_unit(pair, where, programs, units, answers):
    program, loud = programs(*pair), units(pair[0]).copy()
    if where == "one sample":
        middle = loud[1].size // 2
        loud[1].flat[middle] += 1e6 * (loud[1].std() or 1.0)
    else:
        loud[1] *= 1e6
    try:
        assert unharmed(program, loud, units(pair[0]), answers(*pair), tolerance(pair[1]))
    except BadInputError as error:
        assert "Leave out" in str(error)  # noqa: PT017


def unharmed(program, spoilt, whole, expected, within=export.TOLERANCE):
    """Whether all answers to `spoilt` are finite, and `expected` for units that equal those of the `whole`."""
    result = program(spoilt)
    values = [getattr(result, f.name) for f in fields(result)]
    finite = all(np.isfinite(v).all() for v in values if isinstance(v, np.ndarray) and v.dtype.kind in "fc")
    same = np.flatnonzero((spoilt == whole).reshape(len(whole), -1).all(axis=1))
    kept = replace(result, **{f.name: taken(getattr(result, f.name), same) for f in fields(result)})
    return finite and same.size > 0 and alike(kept, expected, same, within)


def test_listing_the_names_imports_no_model():
    code = "import sys; from workloads import spec; spec.names(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "workloads.spec" in loaded
    assert not {m for m in loaded if m.startswith(("workloads.models", "torch", "scipy", "lal", "onnxruntime"))}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_imported_without_torch(name):
    assert not {"torch", "lal", "onnxruntime", "openvino", "zuko", "dynesty"} & after_importing()[name]


def test_openvino_calls_nobody():
    """Importing the package as it is sends a report to its makers."""
    if not runtime.installed("openvino"):
        pytest.skip("openvino is not installed")
    code = (
        "import socket, sys\n"
        "def call(*a, **k): print('called', a); raise OSError\n"
        "socket.getaddrinfo = socket.create_connection = socket.socket.connect = call\n"
        "from workloads import spec\n"
        "program = spec.load('detector', 'openvino')\n"
        "print(len(program(program.workload.units(1, 1)).score), 'openvino_telemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]


def test_a_workload_joins_by_one_file(tmp_path, monkeypatch):
    (tmp_path / "my_search.py").write_text("")
    (tmp_path / "_shared.py").write_text("")
    monkeypatch.setattr(spec, "MODELS", tmp_path)
    assert spec.names() == ("my-search",)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no workload 'nothing'; known: .*detector, .*matched-filter"):
        spec.get("nothing")
    with pytest.raises(ValueError, match=r"'matched-filter' has no runtime 'onnxruntime'; it has: torch, numpy"):
        spec.load("matched-filter", "onnxruntime")
    with pytest.raises(ValueError, match="0 threads; wanted at least 1"):
        spec.load("detector", "torch", threads=0)


def test_without_a_gpu_its_runtimes_name_the_others(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"'cuda-bf16' needs a GPU.* choose onnxruntime, torch"):
        spec.load("detector", "cuda-bf16")


def test_precision_is_that_of_the_matrices(units):
    """On the processor, for the same code runs on a GPU."""
    rows = spec.get("witness").prepare(units("witness"))
    module = runtime.load_module(spec.get("witness"))
    full = runtime.torch_network(module, 1)(rows)
    rounded = runtime.torch_network(module, 1, precision="bf16")(rows)
    assert rounded.dtype == np.float32
    assert 1e-5 < np.abs(rounded - full).max() / np.abs(full).max() < 0.05
    assert np.array_equal(runtime.torch_network(module, 1)(rows), full)


def test_a_network_that_torch_has_run_can_still_be_exported(units, tmp_path):
    rows = spec.get("witness").prepare(units("witness"))
    module = runtime.load_module(spec.get("witness"))
    runtime.torch_network(module, 1)(rows)
    assert export.to_onnx(module, rows.shape[1:], tmp_path / "again.onnx").is_file()


def test_a_runtime_that_is_not_installed_says_which_extra_to_install(monkeypatch):
    monkeypatch.setattr(runtime, "find_spec", lambda package: None)
    for r, extra in (("openvino-bf16", "openvino"), ("onnxruntime", "live")):
        with pytest.raises(ModuleNotFoundError, match=rf"'{r}' needs the extra '{extra}': pip install 'et-twin"):
            spec.load("detector", r)
