"""An archive of small, real models, and ways to damage it, for tests."""

from __future__ import annotations

import json

import numpy as np

from twin.archive.sealed import Signer
from workloads import card


def signer(seed=0):
    """Whoever holds the `seed`-th key, the same in every test."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Signer(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def flip(path, position=None):
    """Change one bit of one byte of a file, by default of the middle one."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 if position is None else position] ^= 1
    path.write_bytes(bytes(raw))


def perturbed(name, folder, by):
    """A folder with the next version of a workload: its weights in safetensors, scaled by 1 + `by` or so."""
    from safetensors.numpy import load_file, save_file

    folder.mkdir()
    rng = np.random.default_rng(5)
    weights = load_file(card.WEIGHTS / f"{name}.safetensors")
    moved = {
        k: (v * (1 + by * rng.standard_normal(v.shape))).astype(v.dtype) if v.dtype.kind == "f" else v
        for k, v in weights.items()
    }
    save_file(moved, folder / f"{name}.safetensors")
    about = {k: v for k, v in card.read(name).items() if k not in ("files", "weights_sha256", "workload")}
    card.write(name, folder, [folder / f"{name}.safetensors"], about)
    return folder


def altered(path, change):
    """Rewrite a JSON file, sealed or not, after `change` of its content, in the form in which it is sealed."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n")
