"""Messages between the twin and its workers: a few words as JSON and arrays, over a stream socket.

Nothing is unpickled: whoever speaks on the other side can send numbers, not code.
"""

from __future__ import annotations

import json
import math
import select
import struct
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct("!I")
MOST_WORDS, MOST_ARRAY = 1 << 20, 1 << 32
"""Bytes of a message's words, and of one array: longer ones are refused before they are read."""
_KINDS = "biuf"
_HANGUP = getattr(select, "POLLRDHUP", 0)
"""Linux tells of it while there is still something to read; elsewhere an error alone is told."""


class ChannelError(ConnectionError):
    """The other side says what no worker and no twin says."""


class Stream(Protocol):
    """What a channel asks of a socket; one that decrypts also has `pending`, as `ssl.SSLSocket` does."""

    def fileno(self) -> int: ...  # noqa: D102
    def recv_into(self, buffer: memoryview, /) -> int: ...  # noqa: D102
    def sendall(self, data: Any, /) -> None: ...  # noqa: D102
    def settimeout(self, value: float | None, /) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Channel:
    """Whole messages over a connected socket, which it owns; threads may send at the same time."""

    def __init__(self, connected: Stream) -> None:
        self._socket = connected
        self._sending = threading.Lock()

    def fileno(self) -> int:
        """To wait on, while nothing `is_pending`."""
        return self._socket.fileno()

    def is_pending(self) -> bool:
        """Is there something to receive that its descriptor does not tell of, because it was decrypted already?"""
        return bool(getattr(self._socket, "pending", int)())

    def hangs_up(self, within_s: float) -> bool:
        """Does the other side hang up within so long? Says so at once when it does."""
        poll = select.poll()
        poll.register(self._socket.fileno(), _HANGUP)
        return bool(poll.poll(1000.0 * within_s))

    def limit(self, wait_s: float) -> None:
        """Let no single wait for the other side take longer: OSError then."""
        self._socket.settimeout(wait_s)

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
