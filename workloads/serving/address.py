"""Where the server of a workload is. The address comes from outside, never from a scenario or a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

VARIABLE = "ETTWIN_SERVERS"
"""Environment variable of entries `URL` (for every workload) or `WORKLOAD=URL`, with spaces between them."""
FORM = "grpc://HOST:PORT[/MODEL], or grpcs:// for TLS"


class ServerError(RuntimeError):
    """There is no server, it holds something else than the exported network, or it does not answer."""


@dataclass(frozen=True)
class Address:
    """A model on a server."""

    host: str
    port: int
    model: str
    secure: bool

    @property
    def target(self) -> str:
        """As gRPC wants it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'grpcs' if self.secure else 'grpc'}://{self.target}/{self.model}"


def find(workload: str, environment: Mapping[str, str]) -> Address:
    """The address of `workload`'s model: of its own entry, or of the last that is for every workload.

    A model is called like its workload unless the entry says otherwise. ServerError when there is no entry.
    """
    urls = dict(map(_split, environment.get(VARIABLE, "").split()))
    url = urls.get(workload) or urls.get(None)
    if not url:
        raise ServerError(
            f"runtime 'oip': no server is named for '{workload}'; "
            f"give {VARIABLE}='{workload}=grpc://HOST:PORT/MODEL', or --server of 'ettwin measure'"
        )
    return parse(url, workload)


def parse(url: str, workload: str) -> Address:
    """The address that `url` states for `workload`; ServerError with what is allowed."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        raise ServerError(
            f"server '{url}': runtime 'oip' speaks gRPC, for JSON over HTTP takes tens of times longer than the "
            f"network; give the server's gRPC port (Triton 8001, MLServer and KServe 8081) as {FORM}"
        )
    try:
        port = parts.port
    except ValueError:
        port = None
    model = parts.path.strip("/") or workload
    odd = parts.query or parts.fragment or parts.username is not None or "/" in model
    if parts.scheme not in ("grpc", "grpcs") or not parts.hostname or not port or odd:
        raise ServerError(f"server '{url}': not an address; wanted {FORM}, without user, query or further path")
    return Address(parts.hostname, port, model, parts.scheme == "grpcs")


def _split(entry: str) -> tuple[str | None, str]:
    """The workload of an entry, None if it is for all, and the URL."""
    name, equals, url = entry.partition("=")
    return (name, url) if equals and "/" not in name else (None, entry)
