"""Processes that keep to the clock: no pauses for garbage, no memory given back that is needed again at once."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM, _MMAP = -1, -3
_MOST_BYTES = 32 << 20
"""Of an array that glibc's malloc may keep."""


@contextmanager
def steady() -> Iterator[None]:
    """What is there when the context begins, models and modules, is not searched for garbage until it ends."""
    keep_memory()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def keep_memory() -> None:
    """Have this process keep the memory of arrays that it is done with, where its C library can.

    To give pages back and have the system clear new ones would cost more than to send what is in them.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_MMAP, _MOST_BYTES)
        mallopt(_TRIM, (1 << 31) - 1)
