"""Who may speak to whom: addresses, certificates, and a TLS socket that two threads may use. Knows no Dask."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from twin.farm.place import FarmError

WAIT_S = 60.0
"""How long a twin waits for workers of the kinds that it needs to join."""
GREETING_S = 5.0
SILENCE_MS = 10_000
"""A connection on which nothing is acknowledged for so long is given up."""


class AddressError(FarmError):
    """An address or a certificate that cannot be used as it was given."""


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the authority whose members speak to each other, and this one's certificate and key."""

    ca: str
    cert: str
    key: str

    def context(self, is_server: bool) -> ssl.SSLContext:
        """Speaks TLS 1.3 with members of the authority, whatever host they are on; AddressError for bad files."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # the authority is the farm's own: its members move between hosts
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(self.ca)
        except OSError as error:
            raise AddressError(f"--ca {self.ca}: not a certificate in PEM ({_reason(error)})") from error
        try:
            context.load_cert_chain(self.cert, self.key, password="")
        except OSError as error:
            raise AddressError(
                f"--cert {self.cert} --key {self.key}: not a certificate in PEM and its key, which must not be "
                f"encrypted ({_reason(error)})"
            ) from error
        return context


@dataclass(frozen=True)
class Scheduler:
    """Where twins and workers meet: a Dask scheduler at tls://HOST:PORT, or tcp://HOST:PORT on this machine.

    AddressError for anything else, and without certificates for TLS.
    """

    address: str
    certificates: Certificates | None = None
    wait_s: float = WAIT_S

    def __post_init__(self) -> None:
        scheme, host, _ = _parts(self.address)
        if scheme == "tcp" and not _is_loopback(host):
            raise AddressError(
                f"{self.address}: what leaves this machine must be encrypted: tls://… with --ca, --cert and --key"
            )
        if scheme == "tls" and self.certificates is None:
            raise AddressError(
                f"{self.address}: TLS needs --ca, --cert and --key; docs/farm.md says how to get them"
            )
        if scheme == "tcp" and self.certificates is not None:
            raise AddressError(
                f"{self.address}: certificates are for tls://…: leave them out, or change the address"
            )
        if self.certificates is not None:
            self.certificates.context(is_server=False)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        return _parts(self.address)[1:]


def greet(scheduler: Scheduler) -> str:
    """The address of this host on the way to `scheduler`, which is there and takes our certificate.

    ConnectionRefusedError or another OSError when nobody answers, FarmError when the certificates do not fit.
    """
    with socket.create_connection(scheduler.place, GREETING_S) as connected:
        ours: str = connected.getsockname()[0]
        if scheduler.certificates is not None:
            try:
                with scheduler.certificates.context(is_server=False).wrap_socket(connected) as enclosed:
                    enclosed.recv(1)  # a certificate is refused after the handshake, where an answer is expected
            except ssl.SSLError as error:
                raise FarmError(
                    f"{scheduler.address}: the certificates do not fit: both sides need one that the same "
                    f"authority has signed ({_reason(error)})"
                ) from error
    return ours


def lasting(connected: socket.socket) -> socket.socket:
    """The same, which sends at once, and fails when the other host has gone without a word."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("KEEPIDLE", 5), ("KEEPINTVL", 1), ("KEEPCNT", 5), ("USER_TIMEOUT", SILENCE_MS)):
        if (option := getattr(socket, f"TCP_{name}", None)) is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)
    return connected


class Enclosed:
    """A TLS socket after its handshake. Reading and writing take turns: OpenSSL forbids both at once."""

    def __init__(self, connected: ssl.SSLSocket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._turn = threading.Lock()
        self._wait_s: float | None = None

    def fileno(self) -> int:
        """Of the socket."""
        return self._socket.fileno()

    def pending(self) -> int:
        """Bytes that are decrypted and not yet read."""
        return self._socket.pending()

    def settimeout(self, value: float | None) -> None:
        """The longest single wait for the other side, s."""
        self._wait_s = value

    def recv_into(self, buffer: memoryview) -> int:
        """The number of bytes put into `buffer`: at least one, 0 at the end."""
        while True:
            try:
                with self._turn:
                    return self._socket.recv_into(buffer)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)

    def sendall(self, data: bytes | memoryview) -> None:
        """Send all of it."""
        left = memoryview(data)
        while left:
            try:
                with self._turn:
                    left = left[self._socket.send(left) :]
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._socket.fileno(), event)
        if not poll.poll(None if self._wait_s is None else 1000.0 * self._wait_s):
            raise TimeoutError(f"nothing heard for {self._wait_s:g} s")


def _parts(address: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    try:
        parts = urlsplit(address)
        if parts.scheme in ("tls", "tcp") and parts.hostname and parts.port and not parts.path:
            return parts.scheme, parts.hostname, parts.port
    except ValueError:
        pass
    raise AddressError(f"{address!r} is no address of a scheduler: tls://HOST:PORT, or tcp://127.0.0.1:PORT")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).strip()
