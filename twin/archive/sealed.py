"""Signed JSON files: a content, who signed it, and an Ed25519 signature. Knows no model and no alert.

A sealed file has one form only, to the byte: whatever was changed in it, be it a blank, is noticed. Who can write
the file and holds another key can seal it anew; so whoever reads it names the key that he trusts.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.unreadable import UnreadableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_DOMAIN = "ettwin archive 1"
_SCHEME = "ed25519:"


class ArchiveError(ValueError):
    """Something archived is missing, was changed, or is signed by somebody else."""


class NoArchiveError(ArchiveError, UnreadableError):
    """There is no archive in a folder."""


class MissingError(ArchiveError):
    """Something archived is not there."""


class Signer:
    """Whoever holds a private key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @property
    def name(self) -> str:
        """The public key, 'ed25519:' and 64 hexadecimal digits."""
        return _SCHEME + self._private.public_key().public_bytes_raw().hex()

    def seal(self, kind: str, content: Any) -> bytes:
        """The signed file of `content` (JSON without NaN), which is a `kind` of thing and passes for no other."""
        signature = self._private.sign(_message(kind, content)).hex()
        return _text({"key": self.name, "kind": kind, "signature": signature, "signed": content})


def passing() -> Signer:
    """A new private key that is kept nowhere: what it has sealed can be read by all, and added to by nobody."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Signer(Ed25519PrivateKey.generate())


def make_key(path: Path) -> Signer:
    """A new private key in `path` (PEM, for its owner alone), and its public one in `<path>.pub`.

    FileExistsError when there is one.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    signer = Signer(private)
    path.with_name(f"{path.name}.pub").write_text(signer.name + "\n")
    return signer


def read_key(path: Path) -> Signer:
    """Who holds the private key in `path`; ArchiveError when it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ArchiveError(
            f"{path}: not a private key in PEM without a password ({error}). Give the key that the archive was "
            "made with"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ArchiveError(f"{path}: a key of another kind; wanted Ed25519")
    return Signer(private)


def trusted(given: str) -> str:
    """The public key that `given` is, or that the file of this name holds; ArchiveError when it is none."""
    text = given if given.startswith(_SCHEME) else _file_text(Path(given)).strip()
    _public_bytes(text, given)
    return text


def opened(path: Path, kind: str, key: str | None) -> tuple[Any, str]:
    """The content of a sealed file, and the key that signed it, which must be `key` if that is given.

    ArchiveError for what is missing, not as it was sealed, of another kind or of another key.
    """
    try:
        return unsealed(path.read_bytes(), kind, key, str(path))
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read ({error.strerror})") from error


def unsealed(raw: bytes, kind: str, key: str | None, where: str) -> tuple[Any, str]:
    """As `opened`, of the bytes of a file that messages call `where`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        whole = json.loads(raw)
        found, signed_as, content = str(whole["key"]), whole["kind"], whole["signed"]
        signature = bytes.fromhex(whole["signature"])
        again = {"key": found, "kind": signed_as, "signature": signature.hex(), "signed": content}
        intact = _text(again) == raw
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArchiveError(
            f"{where}: was changed, it is no sealed file any more ({type(error).__name__})"
        ) from error
    if not intact:
        raise ArchiveError(f"{where}: was changed: its bytes are not those that were sealed")
    if signed_as != kind:
        raise ArchiveError(f"{where}: is a sealed {signed_as}; wanted a sealed {kind}")
    if key is not None and found != key:
        raise ArchiveError(f"{where}: is signed by {found}; trusted is {key}")
    try:
        Ed25519PublicKey.from_public_bytes(_public_bytes(found, where)).verify(signature, _message(kind, content))
    except InvalidSignature as error:
        raise ArchiveError(f"{where}: was changed: the signature is not that of its content") from error
    return content, found


def digest(raw: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return sha256(raw).hexdigest()


def canonical(content: Any) -> bytes:
    """The one form of a JSON content that digests and signatures are taken of."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def replace(path: Path, raw: bytes) -> None:
    """Write `path` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _public_bytes(key: str, where: str) -> bytes:
    digits = key.removeprefix(_SCHEME)
    if key != _SCHEME + digits or len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise ArchiveError(f"{where}: no public key; wanted 'ed25519:' and 64 hexadecimal digits, or a file of it")
    return bytes.fromhex(digits)


def _message(kind: str, content: Any) -> bytes:
    return f"{_DOMAIN}\n{kind}\n".encode() + canonical(content)


def _text(whole: Any) -> bytes:
    return (json.dumps(whole, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def _file_text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path}: not a file with a public key ({error})") from error
