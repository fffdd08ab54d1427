"""Messages between the twin and its workers: a few words as JSON and arrays, over a stream socket.

Nothing is unpickled: whoever speaks on the other side can send numbers, not code.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct("!I")
MOST_WORDS, MOST_ARRAY = 1 << 20, 1 << 32
"""Bytes of a message's words, and of one array: longer ones are refused before they are read."""
_KINDS = "biuf"


class ChannelError(ConnectionError):
    """The other side says what no worker and no twin says."""


class Channel:
    """Whole messages over a connected socket, which it owns; threads may send at the same time."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._sending = threading.Lock()

    def fileno(self) -> int:
        """To wait on."""
        return self._socket.fileno()

    def send(self, words: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> None:
        """Send it all; OSError when the other side is gone."""
        arrays = [np.ascontiguousarray(array) for array in arrays]
        shapes = [[array.dtype.str, *array.shape] for array in arrays]
        head = json.dumps([words, shapes]).encode()
        with self._sending:
            self._socket.sendall(_LENGTH.pack(len(head)) + head)
            for array in arrays:
                self._socket.sendall(_bytes(array))

    def receive(self) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """The next message; EOFError when the other side is gone, ChannelError when it talks nonsense."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if length > MOST_WORDS:
            raise ChannelError(f"a message of {length} bytes; allowed: {MOST_WORDS}")
        try:
            words, shapes = json.loads(self._read(length))
            empty = [_empty(kind, shape) for kind, *shape in shapes]
        except (ValueError, TypeError) as error:
            raise ChannelError(f"not a message: {error}") from error
        for array in empty:
            self._fill(_bytes(array))
        return words, empty

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _read(self, n: int) -> bytes:
        buffer = bytearray(n)
        self._fill(memoryview(buffer))
        return bytes(buffer)

    def _fill(self, into: memoryview) -> None:
        while into:
            try:
                n = self._socket.recv_into(into)
            except ConnectionResetError:
                n = 0
            if n == 0:
                raise EOFError("the other side has hung up")
            into = into[n:]


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _empty(kind: str, shape: Sequence[int]) -> NDArray[Any]:
    dtype = np.dtype(kind)
    if dtype.kind not in _KINDS or dtype.itemsize * math.prod(shape) > MOST_ARRAY:
        raise ValueError(f"array of {kind} and shape {shape}")
    return np.empty(shape, dtype)
