"""How the kernel is compiled, and how compiled code reaches plain arrays by their address.

Handing two dozen arrays from function to function costs more than the work itself (each is seven words and a
reference count), so the kernel hands on one record that holds the addresses. Whoever calls the kernel owns
the arrays and keeps them alive. With NUMBA_DISABLE_JIT=1 the same code runs in plain Python.
"""

from __future__ import annotations

import ctypes
import operator
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config as _numba_config
from numba import njit, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

config: Any = _numba_config


def _cache_folder() -> str:
    """Where machine code is kept: one folder per version of the sources.

    Numba looks only at the file of the function itself; a caller compiled with an older callee would live on.
    """
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return str(home / "ettwin" / f"kernel-{digest[:16]}")


_CACHE_FOLDER = config.CACHE_DIR or _cache_folder()


def is_kept(function: Any) -> bool:
    """Whether the machine code of a compiled function was kept by an earlier run; True where none is made."""
    cache = getattr(function, "_cache", None)
    return cache is None or any(Path(cache.cache_path).glob(f"*.{function.py_func.__name__}-*.nbc"))


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` once, without reference counts, dividing as numpy does."""
    before, config.CACHE_DIR = config.CACHE_DIR, _CACHE_FOLDER
    try:
        result: Callable[..., Any] = njit(cache=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before
    return result


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` into its caller, before types are known: for what has one caller, or a line or two."""
    result: Callable[..., Any] = njit(inline="always", error_model="numpy")(function)
    return result


def small(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` into each of its callers' machine code: for the few lines that run at every event."""
    result: Callable[..., Any] = njit(forceinline=True, error_model="numpy")(function)
    return result


class Rows(types.Type):
    """Items of one dtype in memory that somebody else owns: an address, no length, no negative index."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Rows({dtype})")


@register_model(Rows)
class _RowsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(64))


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        """The type of `rows[i]`."""
        rows, index = args
        known = isinstance(rows, Rows) and isinstance(index, types.Integer)
        return signature(rows.dtype, rows, types.intp) if known else None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        """The type of `rows[i] = value`."""
        rows, index, _ = args
        known = isinstance(rows, Rows) and isinstance(index, types.Integer)
        return signature(types.none, rows, types.intp, rows.dtype) if known else None


def _item(context: Any, builder: Any, rows: Any, address: Any, index: Any) -> Any:
    data_type = context.get_data_type(rows.dtype)
    size = context.get_constant(types.intp, context.get_abi_sizeof(data_type))
    return builder.inttoptr(builder.add(address, builder.mul(index, size)), data_type.as_pointer())


@lower_builtin(operator.getitem, Rows, types.Integer)
def _get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    rows = sig.args[0]
    return context.unpack_value(builder, rows.dtype, _item(context, builder, rows, *args))


@lower_builtin(operator.setitem, Rows, types.Integer, types.Any)
def _set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    rows = sig.args[0]
    context.pack_value(builder, rows.dtype, args[2], _item(context, builder, rows, args[0], args[1]))
    return context.get_dummy_value()


if config.DISABLE_JIT:

    def rare(condition: bool) -> bool:
        """`condition`, which seldom holds."""
        return condition

else:

    @intrinsic
    def rare(_context: Any, condition: Any) -> Any:
        """`condition`, which seldom holds: what is behind it is laid out of the way of what runs at every event.

        All features are compiled in and few runs use many, so that fetching code is a large part of the cost.
        """

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            bit = ir.IntType(1)
            expect = builder.module.declare_intrinsic("llvm.expect", [bit], ir.FunctionType(bit, [bit, bit]))
            return builder.call(expect, [arguments[0], bit(0)])

        return types.boolean(types.boolean), codegen


if config.DISABLE_JIT:

    def precedes(high: Any, low: Any, other_high: Any, other_low: Any) -> Any:
        """Whether (high, low) is less than (other_high, other_low); none of them is negative."""
        return (high, low) < (other_high, other_low)

else:

    @intrinsic
    def precedes(_context: Any, _high: Any, _low: Any, _other_high: Any, _other_low: Any) -> Any:
        """Whether (high, low) is less than (other_high, other_low); none of them is negative.

        Compared as two numbers of 128 bits, without a branch.
        """

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            wide = ir.IntType(128)
            high, low, other_high, other_low = (builder.zext(word, wide) for word in arguments)
            first = builder.or_(builder.shl(high, wide(64)), low)
            second = builder.or_(builder.shl(other_high, wide(64)), other_low)
            return builder.icmp_unsigned("<", first, second)

        return types.boolean(*[types.int64] * 4), codegen


if config.DISABLE_JIT:

    def view(address: int, dtype: Any) -> Any:
        """The items of `dtype` that start at `address`."""
        item = np.dtype(dtype).itemsize
        memory = (ctypes.c_char * ((1 << 30) // item * item)).from_address(int(address))
        return np.frombuffer(memoryview(memory), dtype)

else:

    @intrinsic
    def view(_context: Any, _address: Any, dtype: Any) -> Any:
        """The items of `dtype` that start at `address`; it owns nothing.

        Arrays grow between calls of the kernel, so within one an address need not be read again after a store.
        """

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            address = arguments[0]
            if isinstance(address, ir.LoadInstr):
                address.set_metadata("invariant.load", builder.module.add_metadata([]))
            return address

        return Rows(dtype.dtype)(types.int64, dtype), codegen
