"""Makes the finished run that is shipped for the dashboard's first visit: python -m benchmarks.example.

A run of first-light as it stands, its tables packed tightly; its report is made when somebody asks for it.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from pyarrow import parquet

import twin
from twin.loader import find

NAME = "first-light"
FOLDER = Path(__file__).parents[1] / "examples" / "finished" / NAME


def main() -> None:
    """Write it anew."""
    record = twin.run(twin.load(NAME))
    about = {**record.manifest, "command": f"ettwin run {NAME}"}
    shutil.rmtree(FOLDER, ignore_errors=True)
    replace(record, manifest=about, source_text=find(NAME).read_text()).save(FOLDER, also=_packed)
    print(f"{sum(path.stat().st_size for path in FOLDER.iterdir()) / 1e6:.2f} MB in {FOLDER}")


def _packed(folder: Path) -> None:
    for path in folder.glob("*.parquet"):
        parquet.write_table(parquet.read_table(path), path, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main()
