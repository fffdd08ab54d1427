"""How much of the time so many detectors observed, told from a record. For the summary; knows no kernel."""

from __future__ import annotations

from typing import Any

from twin import words
from twin.estimates import mean
from twin.recorded import Recorded


def summary(record: Recorded) -> dict[str, Any]:
    """Share of the time by number of detectors that observed together; {} where all always do."""
    if record.instrument is None:
        return {}
    shares = record.instrument.groupby(["up", "replica"])["share"].sum()
    numbers = sorted(set(record.instrument["up"].tolist()), reverse=True)
    up = {n: mean(shares.loc[n], len(shares.loc[n])) for n in numbers}
    told = [f"{n} of {numbers[0]} detectors {words.share(up[n].value)} of the time" for n in numbers]
    rows = {str(n): share.as_dict() for n, share in up.items()}
    return {"observing": {"up": rows, "text": f"{words.sequence(told)}."}}
