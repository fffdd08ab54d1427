"""What a plan says of one queue, a stage's at a pool: a row with a column for every variant of its program."""

from __future__ import annotations

from typing import Any

import numpy as np


def queue_row(variants: int) -> np.dtype[Any]:
    """The row of a plan whose stages have up to so many variants of their programs."""
    each = (variants,)
    return np.dtype(
        [
            ("stage", "i8"),
            ("pool", "i8"),
            ("table", "i8", each),  # its first service table (row of `tables`), batch size 1; -1: no such variant
            ("idle_rows", "i8", each),  # from the tables of an idle class to the next one's, 0: no difference
            ("warm", "i8", each),  # row of `warmth`, -1 none
            ("crowd", "i8", each),  # row of `crowding`, -1 none
            ("decide", "i8", each),  # its decision table, -1 none
            ("slot", "i8"),  # where a server of the pool remembers the primary; its fallbacks come after it
            ("memory_bytes", "f8", each),  # of the server's memory that it takes
            ("load_time_s", "f8", each),  # to make it ready on a server that does not hold it
            ("mean_s", "f8"),  # mean service time of the primary alone, for admission
            ("head", "i8"),
            ("tail", "i8"),
            ("length", "i8"),
            ("suspended", "i8"),  # preempted batches, last preempted first; -1 none
            ("timer_s", "f8"),  # latest batch deadline a timer was set for
            ("hold_s", "f8"),  # time a free server waited for a batch to fill
            ("hold_since_s", "f8"),  # since when it does now, -1 it does not
            ("done", "i8", each),
            ("wait_s", "f8", each),
            ("service_s", "f8", each),
        ]
    )
