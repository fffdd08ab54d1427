"""Mergers of compact binaries in the universe, as the Einstein Telescope hears them. Knows no time of arrival."""

from __future__ import annotations

from workloads.cosmos.mergers import MERGER, Mergers, draw
from workloads.cosmos.universe import RedshiftLaw

__all__ = ["MERGER", "Mergers", "RedshiftLaw", "draw"]
