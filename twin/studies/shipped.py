"""The studies that are shipped, by name. Reads none of them."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parents[1]


def studies() -> dict[str, Path]:
    """The shipped studies: beside the packages in a checkout, inside twin when installed."""
    folders = (_HERE / "examples" / "studies", _HERE.parent / "examples" / "studies")
    folder = next((f for f in folders if f.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
