"""What was computed last, by key, within so many bytes. Made once, however many ask at once. Knows no content."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar

import pandas as pd

T = TypeVar("T")
_LEAST_BYTES = 4096
"""What anything is counted as at least."""


class Cache:
    """Values by key; the ones not asked for longest go when there are more than `most_bytes` of them.

    The value just asked for stays, even when it alone is larger.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, Future[Any]] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, made by `make` if it is not there; an error of `make` is everybody's who waits."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: T = self._kept[key][0]
                return found
            waiting = self._making.get(key)
            if waiting is None:
                mine: Future[Any] = Future()
                self._making[key] = mine
        if waiting is not None:
            shared: T = waiting.result()
            return shared
        return self._made(key, make, mine)

    def drop(self, concerns: Callable[[Hashable], bool]) -> None:
        """Forget every value whose key `concerns` says so of."""
        with self._lock:
            for key in [key for key in self._kept if concerns(key)]:
                del self._kept[key]

    @property
    def bytes(self) -> int:
        """How much is kept."""
        with self._lock:
            return sum(size for _, size in self._kept.values())

    def _made(self, key: Hashable, make: Callable[[], T], mine: Future[Any]) -> T:
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
            mine.set_exception(error)
            raise
        with self._lock:
            self._kept[key] = value, max(_size(value), _LEAST_BYTES)
            del self._making[key]
            total = sum(size for _, size in self._kept.values())
            while total > self.most_bytes and len(self._kept) > 1:
                total -= self._kept.popitem(last=False)[1][1]
        mine.set_result(value)
        return value


def _size(value: Any) -> int:
    """About how many bytes `value` takes: of tables what they say, of lists and mappings what is in them too."""
    total, left = 0, [value]
    while left:
        one = left.pop()
        if isinstance(one, pd.DataFrame):
            total += int(one.memory_usage(deep=True).sum())
            continue
        total += max(sys.getsizeof(one), int(getattr(one, "nbytes", 0)))
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list | tuple):
            left.extend(one)
    return total
