"""Model cards: what a workload's weights are, and the check that a file is what its card says. Never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "weights"
SCHEMA_VERSION = 2


class WeightsError(ValueError):
    """Weights are missing, or are not the ones their card describes."""


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    return sha256(path.read_bytes()).hexdigest()


def write(name: str, folder: Path, files: list[Path], content: Mapping[str, Any]) -> Path:
    """Write `<folder>/<name>.card.json`, with the digests of `files`, and return its path."""
    digests = {path.name: digest(path) for path in files}
    about = {"schema_version": SCHEMA_VERSION, "workload": name, "files": digests, **content}
    about["weights_sha256"] = digests[f"{name}.safetensors"]
    path = folder / f"{name}.card.json"
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return path


def read(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The card of workload `name`."""
    path = (folder or WEIGHTS) / f"{name}.card.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except FileNotFoundError:
        raise WeightsError(
            f"{path}: no model card there. Name a folder that holds one, or make it: "
            f"'ettwin train {name} --out {path.parent}'"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{path}: not a readable model card ({error!r}). Run 'ettwin train {name} --out {path.parent}'"
        ) from error
    if version != SCHEMA_VERSION:
        raise WeightsError(f"{path}: schema_version {version}; this version reads {SCHEMA_VERSION}")
    return content


def verified(name: str, suffix: str, folder: Path | None = None) -> Path:
    """Path of `<name>.<suffix>`, whose bytes are those its card was written for."""
    path = (folder or WEIGHTS) / f"{name}.{suffix}"
    files = read(name, folder).get("files")
    wanted = files.get(path.name) if isinstance(files, dict) else None
    if wanted is None or not path.is_file():
        raise WeightsError(f"{path}: missing or not on its card. Run 'ettwin train {name} --out {path.parent}'")
    found = digest(path)
    if found != wanted:
        raise WeightsError(
            f"{path}: sha256 {found[:12]}… but its card says {wanted[:12]}…; the file was changed. "
            f"Restore it or run 'ettwin train {name} --out {path.parent}'"
        )
    return path
