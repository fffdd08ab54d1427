"""The twin's door: workers on other hosts come in by it, each with a token that opens it once, for one seat.

What speaks no TLS, holds no certificate of the farm's authority or has no token is turned away before it is heard.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from twin.farm.channel import Channel
from twin.farm.place import FarmError, Seat
from twin.farm.secure import GREETING_S, Certificates, Enclosed, lasting

WELCOME = b"+"
_TOKEN_BYTES = 64
_AT_ONCE = 64
"""So many may stand at the door; more are turned away."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Post:
    """What a worker is told: where the door is, and the token that opens it for its seat."""

    host: str
    port: int
    token: str = field(repr=False)


class Door:
    """Listens on an address of this machine until it is closed; `come` tells who has come in."""

    def __init__(self, host: str, certificates: Certificates | None) -> None:
        self._context = None if certificates is None else certificates.context(is_server=True)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, 0), family=family)
        self._rope, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._turn = threading.Lock()
        self._awaited: dict[str, Seat] = {}
        self._come: list[tuple[Seat, Channel]] = []
        self._standing = threading.BoundedSemaphore(_AT_ONCE)
        threading.Thread(target=self._listen, daemon=True, name="ettwin-door").start()

    def expect(self, seat: Seat) -> Post:
        """What lets one worker in, to `seat`; whoever was expected there is not any more."""
        self.forget(seat)
        host, port = self._listening.getsockname()[:2]
        post = Post(host, port, secrets.token_hex(_TOKEN_BYTES // 2))
        with self._turn:
            self._awaited[post.token] = seat
        return post

    def awaits(self, post: Post) -> bool:
        """Has nobody come in with this post yet?"""
        with self._turn:
            return post.token in self._awaited

    def forget(self, seat: Seat) -> None:
        """Nobody is expected at `seat`, and who has come for it is turned away."""
        with self._turn:
            self._awaited = {token: other for token, other in self._awaited.items() if other != seat}
            for other, channel in self._come:
                if other == seat:
                    channel.close()
            self._come = [one for one in self._come if one[0] != seat]

    def come(self) -> list[tuple[Seat, Channel]]:
        """Who has come in since asked last."""
        with self._turn:
            with contextlib.suppress(BlockingIOError):
                self._bell.recv(_AT_ONCE)
            come, self._come = self._come, []
        return come

    def ring(self) -> None:
        """Make the bell readable until somebody asks who has come."""
        self._rope.send(b"!")

    def fileno(self) -> int:
        """The bell: can be read when somebody has come in."""
        return self._bell.fileno()

    def close(self) -> None:
        """Nobody comes in any more."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the listener
        self._listening.close()
        for _, channel in self.come():
            channel.close()
        self._rope.close()
        self._bell.close()

    def _listen(self) -> None:
        while True:
            try:
                connected, peer = self._listening.accept()
            except OSError:
                return
            if self._standing.acquire(blocking=False):
                threading.Thread(target=self._admit, args=(connected, peer[0]), daemon=True).start()
            else:
                connected.close()

    def _admit(self, connected: socket.socket, peer: str) -> None:
        try:
            self._let_in(connected)
        except (OSError, FarmError) as error:
            connected.close()
            _log.warning("turned away a visitor from %s: %s", peer, error)
        finally:
            self._standing.release()

    def _let_in(self, connected: socket.socket) -> None:
        connected.settimeout(GREETING_S)
        lasting(connected)
        if self._context is not None:
            connected = self._context.wrap_socket(connected, server_side=True)
        with _closed_in_vain(connected):
            token = connected.recv(_TOKEN_BYTES).decode("ascii", "replace")
            with self._turn:
                seat = self._awaited.pop(token, None)
                if seat is None:
                    raise FarmError("no such token, or it was used already")
                connected.sendall(WELCOME)
                self._come.append((seat, _channel(connected)))
                self.ring()


def knock(post: Post, certificates: Certificates | None) -> Channel:
    """The worker's side: a channel to the twin whose door it is; FarmError when it stays shut."""
    try:
        connected = lasting(socket.create_connection((post.host, post.port), GREETING_S))
        with _closed_in_vain(connected):
            if certificates is not None:
                connected = certificates.context(is_server=False).wrap_socket(connected)
        with _closed_in_vain(connected):
            connected.sendall(post.token.encode())
            if connected.recv(1) != WELCOME:
                raise FarmError("it knows no such token, or the token was used already")
            connected.settimeout(None)
            return _channel(connected)
    except (OSError, FarmError) as error:
        raise FarmError(f"the twin at {post.host}:{post.port} does not let this worker in: {error}") from error


@contextlib.contextmanager
def _closed_in_vain(connected: socket.socket) -> Iterator[None]:
    """Nobody is left waiting on a connection that comes to nothing."""
    try:
        yield
    except BaseException:
        connected.close()
        raise


def _channel(connected: socket.socket) -> Channel:
    return Channel(Enclosed(connected) if isinstance(connected, ssl.SSLSocket) else connected)
