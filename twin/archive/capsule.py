"""A capsule: what it takes to ask about one alert again: what live programs saw, what they were, what they said.

The strain of a run is a function of its seed and its plan; it is made again here, window by window as the programs
were given it, and kept as numbers: a later version may make it otherwise. Knows no runtime and executes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.archive import origin, sealed
from twin.archive.sealed import ArchiveError, Signer
from twin.archive.store import CAPSULE, Archive, described
from twin.kernel.state import OUTCOMES, PUBLISHED, VARIANTS
from twin.plan import Plan
from twin.record import Record, RecordError

SCHEMA_VERSION = 1
Windows = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Capsule:
    """What was kept of an alert: `about` (JSON; see docs/archive.md) and the strain's windows by digest."""

    about: Mapping[str, Any]
    windows: Windows

    @property
    def name(self) -> str:
        """The alert's, and a digest of all there is."""
        return f"{self.about['alert']['id']}-{sealed.digest(sealed.canonical(self.about))[:12]}"


def capsules(
    record: Record,
    profiles: tuple[Path, ...] = (),
    alerts: Sequence[str] = (),
    documents: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Capsule]:
    """A capsule for every published alert (or for those of these ids) that a live stage had a say in.

    With `documents` (digests of files by name, by alert) for those alerts alone, and with these digests.
    RecordError when the run was not live, or `profiles` are not those it was made with.
    """
    programs, table = _live(record)
    published = record.alerts[record.alerts["outcome"] == OUTCOMES[PUBLISHED]]
    plans = _plans(record, profiles)
    unseen = set(alerts)
    for replica, plan in enumerate(plans):
        said = _said(table[table["replica"] == replica])
        strained = None
        for event, rows in published[published["replica"] == replica].groupby("event_id"):
            name = alert_id(replica, int(str(event)))
            segment = _segment(plan, int(str(event)))
            asked = [(s, said[s, segment]) for s in record.scenario.live if (s, segment) in said]
            if not asked or (alerts and name not in alerts) or (documents is not None and name not in documents):
                continue
            if strained is None:
                from twin.strained import Strained

                strained = Strained(record.scenario, plan, record.seed, replica)
            unseen.discard(name)
            made = _capsule(record, programs, strained, name, segment, rows, asked)
            if documents is not None:
                made.about["alert"]["documents"] = dict(documents[name])
            yield made
    if unseen:
        raise RecordError(
            f"no live stage had a say in a published alert {', '.join(sorted(unseen))}; alerts are called rR-eN "
            "(event N of replica R) or rR-nK (segment K, where there was none)"
        )


def alert_id(replica: int, event_id: int) -> str:
    """What an alert of a run is called: by its replica, and by its event or, of noise, by its segment."""
    return f"r{replica}-e{event_id}" if event_id >= 0 else f"r{replica}-n{-event_id - 1}"


def keep(found: Sequence[Capsule], archive: Archive, signer: Signer) -> list[str]:
    """Keep capsules, with the models they ask for; their names, among them those that were there already.

    ArchiveError when a model is neither archived nor the one installed here.
    """
    there = set(archive.listed(CAPSULE))
    for workload, version in {(a["workload"], a["version"]) for c in found for a in c.about["asked"]}:
        if version not in archive.listed("model"):
            if described(workload).version != version:
                raise ArchiveError(
                    f"{archive.folder}: lacks the {workload} of version {version[:12]} that the run executed, and "
                    "the installed one is another. Archive it first: "
                    f"'ettwin archive add {workload} --from FOLDER --to {archive.folder}'"
                )
            archive.add(workload, None, signer)
    fresh: dict[str, Any] = {}
    for capsule in found:
        raw = packed(capsule.windows)
        if archive.put(raw) != capsule.about["strain"]["sha256"]:
            raise ArchiveError(f"{capsule.name}: its strain is not the one it was made with")
        if capsule.name not in there:
            fresh[capsule.name] = capsule.about
    archive.enter(CAPSULE, fresh, signer)
    return [capsule.name for capsule in found]


def read(archive: Archive, name: str) -> Capsule:
    """The capsule of that name; ArchiveError when it, or its strain, is missing or not as it was signed."""
    about = archive.manifest(CAPSULE, name)
    if about["schema_version"] != SCHEMA_VERSION:
        raise ArchiveError(
            f"{name}: schema_version {about['schema_version']}; this version reads {SCHEMA_VERSION}"
        )
    return Capsule(about, unpacked(archive.get(about["strain"]["sha256"], f"strain of {CAPSULE} {name}"), name))


def packed(windows: Windows) -> bytes:
    """Arrays as safetensors: numbers, and no program."""
    from safetensors.numpy import save

    return bytes(save({name: np.ascontiguousarray(array) for name, array in windows.items()}))


def unpacked(raw: bytes, name: str) -> Windows:
    """What `packed` gave; ArchiveError when an array is not the one it is called after."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        windows = load(raw)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ArchiveError(f"strain of {CAPSULE} {name}: not readable as safetensors ({error})") from error
    for digest, array in windows.items():
        if _digest(array) != digest:
            raise ArchiveError(f"strain of {CAPSULE} {name}: damaged: array {digest[:12]}… is another one")
    return windows


def _live(record: Record) -> tuple[Mapping[str, Any], pd.DataFrame]:
    """Programs by stage, and the table of batches, of a run whose scores were kept."""
    if record.live is None:
        raise RecordError("the run holds no live stages, which alone see strain: make one with --live detect,dq")
    told = record.manifest.get("live")
    if told is None or "scores" not in record.live:
        raise RecordError("the run is of an earlier version, which kept neither scores nor models: run it again")
    if told["programs"] is None:
        raise RecordError("the run was executed by workers on other hosts, which did not say what they loaded")
    return told["programs"], record.live


def _plans(record: Record, profiles: tuple[Path, ...]) -> list[Plan]:
    """Of every replica, to the bit those that the record was made with; else RecordError."""
    from twin.planner import plan
    from twin.programs import programs

    known = record.programs or programs(record.scenario, (*profiles, *record.scenario.profile_folders))
    plans = [plan(record.scenario, known, record.seed, k) for k in range(record.scenario.replicas)]
    if sha256("".join(p.digest for p in plans).encode()).hexdigest() != record.plan_digest:
        raise RecordError(
            "the run was planned with other profiles or by another version, so that its strain cannot be made "
            "again: name its profiles with --profiles, or make its capsules where it was run"
        )
    return plans


def _said(table: pd.DataFrame) -> dict[tuple[str, int], Mapping[str, Any]]:
    """The batch that answered for a segment, by stage and segment: the last one, whose worker was not lost."""
    rows: list[Any] = [row for row in table.to_dict("records") if np.isfinite(row["service_s"])]
    return {(str(row["stage"]), int(segment)): row for row in rows for segment in row["segments"]}


def _segment(plan: Plan, event: int) -> int:
    return int(plan.event_segment[event]) if event >= 0 else -event - 1


def _capsule(
    record: Record,
    programs: Mapping[str, Any],
    strained: Any,
    name: str,
    segment: int,
    rows: pd.DataFrame,
    asked: Sequence[tuple[str, Mapping[str, Any]]],
) -> Capsule:
    windows: dict[str, NDArray[np.float64]] = {}
    answers = []
    for stage, row in asked:
        about, seen = _asked(programs[stage], strained, stage, row, segment)
        if stage == rows["search"].iloc[0] and not about["outcome"]:
            raise RecordError(
                f"{name}: {stage} reported it, but its recorded score says otherwise: the run is damaged"
            )
        windows[about["windows"]] = seen
        answers.append(about)
    raw = packed(windows)
    first = rows.iloc[0]
    told = record.manifest["live"]
    about = {
        "schema_version": SCHEMA_VERSION,
        "simulated": True,
        "alert": {
            "id": name,
            "segment": segment,
            "event_time_s": float(first["event_time_s"]),
            "search": str(first["search"]),
            "products": {str(r["product"]): float(r["published_s"]) for r in rows.to_dict("records")},
        },
        "run": {
            "scenario": record.scenario.name,
            "scenario_digest": record.scenario.digest,
            "plan_digest": record.plan_digest,
            "seed": record.seed,
        },
        "executed": {"hardware": told["hardware"], "versions": told["versions"]},
        "strain_made": {"hardware": origin.hardware(), "versions": origin.versions()},
        "strain": {"sha256": sealed.digest(raw), "bytes": len(raw)},
        "asked": answers,
    }
    return Capsule(about, windows)


def _asked(
    programs: Sequence[Mapping[str, Any]], strained: Any, stage: str, row: Mapping[str, Any], segment: int
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """What a stage's program was asked and said, and its whole batch of windows (segment, detector, sample)."""
    from workloads.spec import get

    program = programs[VARIANTS.index(row["variant"])]
    segments = [int(k) for k in row["segments"]]
    windows = strained.windows(segments, get(program["workload"]).unit.duration_s)
    scores = [float(score) for score in row["scores"]]
    own = segments.index(segment)
    about = {
        **program,
        "stage": stage,
        "variant": str(row["variant"]),
        "order": int(row["order"]),
        "segments": segments,
        "own": own,
        "scores": scores,
        "outcome": scores[own] > program["threshold"],
        "service_s": float(row["service_s"]),
        "windows": _digest(windows),
    }
    return about, windows


def _digest(array: NDArray[Any]) -> str:
    """Of type, shape and numbers."""
    return sealed.digest(f"{array.dtype.str} {array.shape}\n".encode() + np.ascontiguousarray(array).tobytes())
