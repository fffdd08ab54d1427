"""What metrics and figures may ask of a record, as a type. For them and for whoever makes records by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd


class Recorded(Protocol):
    """Tables of what happened, and where they come from."""

    @property
    def alerts(self) -> pd.DataFrame:
        """One row per sky signal and per candidate that ended."""

    @property
    def stages(self) -> pd.DataFrame:
        """Work, waits and service times by replica, stage and variant."""

    @property
    def pools(self) -> pd.DataFrame:
        """Use and queues by replica and pool."""

    @property
    def links(self) -> pd.DataFrame:
        """Transfers by replica and link."""

    @property
    def timeline(self) -> pd.DataFrame:
        """Time-weighted means in bins, long: replica, time_s, bin_s, quantity, name, value."""

    @property
    def marks(self) -> pd.DataFrame:
        """What the scenario did to the system: kind, name, start_s, end_s."""

    @property
    def inputs(self) -> pd.DataFrame:
        """Every input number with its standing and source."""

    @property
    def counts(self) -> pd.DataFrame:
        """Conservation of work by replica: offered is the sum of the rest."""

    @property
    def farm(self) -> pd.DataFrame | None:
        """Batches that real workers executed; None without a farm."""

    @property
    def incidents(self) -> pd.DataFrame | None:
        """Workers of a farm that were lost, or ready again."""

    @property
    def ageing(self) -> pd.DataFrame | None:
        """How well aged models do, by replica, stage and time; None where none age."""

    @property
    def trainings(self) -> pd.DataFrame | None:
        """Every training that a policy began; None where none age or are trained by one."""

    @property
    def ladders(self) -> pd.DataFrame | None:
        """Which variant served when, where models stand in for others; None where none do."""

    @property
    def instrument(self) -> pd.DataFrame | None:
        """Time by set of detectors that observed together; None where all always do."""

    @property
    def policies(self) -> pd.DataFrame | None:
        """What alerts weigh, by replica; None where the scenario has no `alerts`."""

    @property
    def vetting(self) -> pd.DataFrame | None:
        """What data quality's first pass made of every published candidate; None where nobody is on shift."""

    @property
    def scenario(self) -> Any:
        """The `twin.scenario.Scenario` that was run."""

    @property
    def plan_digest(self) -> str:
        """Names the plan."""

    @property
    def seed(self) -> int:
        """Of every random stream."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Provenance: versions, digests, machine, command."""
