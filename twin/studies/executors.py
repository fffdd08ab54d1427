"""Which executor does a study's tasks: this process, processes of this machine, a cluster. Loads none it need
not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from twin.studies.tasks import Executor

if TYPE_CHECKING:
    from twin.cluster.places import Place


@contextmanager
def executor(workers: int | None = None, cluster: Place | None = None) -> Iterator[Executor]:
    """So many `workers` on this machine, by default one for each of its cores, or those of `cluster`; closed
    after.

    Raises ValueError for fewer than one worker, FarmError when the cluster is not there.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; a study needs at least 1")
    found = _chosen(workers, cluster)
    try:
        yield found
    finally:
        found.close()


def _chosen(workers: int | None, cluster: Place | None) -> Executor:
    if cluster is not None:
        from twin.cluster.study import Cluster

        return Cluster(cluster, workers)
    from twin.studies.processes import Processes, cores
    from twin.studies.tasks import Here

    n = workers or cores()
    return Here() if n == 1 else Processes(n)
