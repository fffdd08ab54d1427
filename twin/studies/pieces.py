"""What one replica of a point gave, small enough to be kept and sent, and replicas put together to an outcome.

Replicas 0 to 9 that were run apart from each other, anywhere and in any order, give what one run of all ten
gives, to the bit. Knows a record and the outcome; no worker and no file.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import numpy as np

from twin.limits import saturated
from twin.recorded import Recorded
from twin.schema import Targets
from twin.studies.evaluation import Outcome
from twin.studies.quantities import ABSENT, Quantity, quantities
from twin.verdicts import Evidence, evidence, judged

Told = tuple[str, str, str, float, int, float | None]
"""Name, text, unit, value, n and level of a quantity."""


@dataclass(frozen=True)
class Piece:
    """What one replica gave: the digest of its plan, its quantities, what the verdicts rest on, growing queues."""

    plan_digest: str
    quantities: tuple[Told, ...]
    evidence: Evidence
    growing: tuple[str, ...]


def piece(record: Recorded) -> Piece:
    """Of the record of one replica (`twin.runner.singly`)."""
    told = tuple((q.name, q.text, q.unit, float(q.values[0]), q.n, q.level) for q in quantities(record))
    growing = tuple(str(pool["pool"]) for pool in saturated(record))
    return Piece(record.plan_digest, told, evidence(record), growing)


def merged(name: str, pieces: Sequence[Piece], targets: Targets) -> Outcome:
    """The outcome of the point called `name` from its pieces in the order of the replicas."""
    rows = [{told[0]: told for told in one.quantities} for one in pieces]
    found = []
    for quantity in _order([[told[0] for told in one.quantities] for one in pieces]):
        _, text, unit, _, _, level = next(row[quantity] for row in rows if quantity in row)
        absent = (quantity, text, unit, *ABSENT.get(quantity, (math.nan, 0)), level)
        own = [row.get(quantity, absent) for row in rows]
        values = np.array([told[3] for told in own], dtype=float)
        found.append(Quantity(quantity, text, unit, values, sum(told[4] for told in own), level))
    grown = Counter(pool for one in pieces for pool in one.growing)
    growing = sorted(pool for pool, n in grown.items() if 2 * n > len(pieces))
    behind = {key: [row for one in pieces for row in one.evidence[key]] for key in pieces[0].evidence}
    digest = sha256("".join(one.plan_digest for one in pieces).encode()).hexdigest()
    return Outcome(name, found, judged(targets, behind, bool(growing)), growing, digest)


def written(one: Piece) -> str:
    """The piece as a line of JSON; NaN and infinity as Python writes them."""
    return json.dumps(asdict(one), separators=(",", ":"))


def read(line: str) -> Piece:
    """The piece that `written` wrote, equal to the bit."""
    content = json.loads(line)
    return Piece(
        content["plan_digest"],
        tuple(tuple(told) for told in content["quantities"]),
        {key: [tuple(row) for row in rows] for key, rows in content["evidence"].items()},
        tuple(content["growing"]),
    )


def _order(lists: Sequence[Sequence[str]]) -> list[str]:
    """All names, in the order that a run of all replicas has: a replica may lack some, such as a rare class's."""
    order = list(lists[0])
    known = set(order)
    for names in lists[1:]:
        if known.issuperset(names):
            continue
        here, at = set(names), 0
        for name in names:
            if name in known:
                at = order.index(name) + 1
                continue
            while at < len(order) and order[at] not in here and order[at] < name:
                at += 1
            order.insert(at, name)
            known.add(name)
            at += 1
    return order
