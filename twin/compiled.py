"""How the kernel is compiled, and how compiled code reaches plain arrays by their address.

Handing two dozen arrays from function to function costs more than the work itself (each is seven words and a
reference count), so the kernel hands on one record that holds the addresses. Whoever calls the kernel owns
the arrays and keeps them alive. With NUMBA_DISABLE_JIT=1 the same code runs in plain Python.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numba import config as _numba_config
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

config: Any = _numba_config
_ENDLESS = 1 << 40
"""Numba checks no index: the length of a view is not used."""


_SOURCES = ("chance.py", "compiled.py", "kernel.py", "memory.py", "queues.py", "state.py")


def _cache_folder() -> str:
    """Where machine code is kept: one folder per version of the sources.

    Numba looks only at the file of the function itself; a caller compiled with an older callee would live on.
    """
    digest = sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in _SOURCES)).hexdigest()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return str(home / "ettwin" / f"kernel-{digest[:16]}")


_CACHE_FOLDER = config.CACHE_DIR or _cache_folder()


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` once, without reference counts, dividing as numpy does."""
    before, config.CACHE_DIR = config.CACHE_DIR, _CACHE_FOLDER
    try:
        result: Callable[..., Any] = njit(cache=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before
    return result


if config.DISABLE_JIT:

    def view(address: int, dtype: Any) -> Any:
        """The array of `dtype` that starts at `address`."""
        item = np.dtype(dtype).itemsize
        memory = (ctypes.c_char * ((1 << 30) // item * item)).from_address(int(address))
        return np.frombuffer(memoryview(memory), dtype)

else:

    @intrinsic
    def view(_context: Any, address: Any, dtype: Any) -> Any:
        """The array of `dtype` that starts at `address`; it owns nothing."""
        array = types.Array(dtype.dtype, 1, "C")

        def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            llvm_type = context.get_data_type(array.dtype)
            size = context.get_constant(types.intp, context.get_abi_sizeof(llvm_type))
            result = make_array(array)(context, builder)
            populate_array(
                result,
                data=builder.inttoptr(arguments[0], llvm_type.as_pointer()),
                shape=[context.get_constant(types.intp, _ENDLESS)],
                strides=[size],
                itemsize=size,
                meminfo=None,
            )
            return result._getvalue()

        return array(types.int64, dtype), codegen
