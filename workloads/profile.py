"""A measured profile: how long a workload takes, how well it decides, and its passport. Knows no queue."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from glob import escape
from hashlib import sha256
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads import occupancy as occupancies
from workloads.occupancy import TERMS, Occupancy, by_size
from workloads.premerger.overlaps import OverlapAhead, read
from workloads.spec import STREAMS

SCHEMA_VERSION = 1
QUANTILES = 257
"""Points of a stored inverse CDF: probabilities 0, 1/256, …, 1."""

SHIPPED = Path(__file__).parent / "profiles"
STANDINGS = ("measured", "published", "scaled", "assumed")


class ProfileError(ValueError):
    """A profile is missing, damaged, or asked for something that was never measured."""


class UnheardOfError(ProfileError):
    """A profile `of` a 'workload' or 'runtime' that does not exist: it cannot be measured either."""

    def __init__(self, of: str, text: str) -> None:
        super().__init__(text)
        self.of = of

    def __reduce__(self) -> tuple[type[UnheardOfError], tuple[str, str]]:
        return UnheardOfError, (self.of, str(self))


@dataclass(frozen=True)
class Service:
    """Service time of one batch size: `n` timed calls and their inverse CDF in seconds."""

    batch: int
    n: int
    settled: bool
    mean_s: float
    p50_s: float
    p99_s: float
    quantiles_s: tuple[float, ...]


@dataclass(frozen=True)
class Response:
    """How often a class of event makes the workload trigger or flag, per SNR bin: `count` of `n` tries."""

    n: tuple[int, ...]
    count: tuple[int, ...]


@dataclass(frozen=True)
class Decisions:
    """What the workload decides: `outcome` is 'trigger' or 'flag', per segment that holds the event."""

    outcome: str
    threshold: float
    noise: Mapping[str, int]
    snr_edges: tuple[float, ...]
    classes: Mapping[str, Response]
    data: str
    confusion: Mapping[str, Any] | None = None

    @property
    def noise_probability(self) -> float:
        """Probability that a segment of pure noise triggers (or is flagged)."""
        return self.noise["count"] / self.noise["n"]

    def probability(self, cls: str, snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of the outcome for events of class `cls`, shape like `snr`.

        Raises ProfileError outside the classes and SNRs that were measured.
        """
        if cls not in self.classes:
            raise ProfileError(
                f"no decisions were measured for class '{cls}'; measured: {', '.join(self.classes)}"
            )
        edges = np.asarray(self.snr_edges)
        if snr.size and (snr.min() < edges[0] or snr.max() > edges[-1]):
            raise ProfileError(
                f"class '{cls}' has SNR from {snr.min():.3g} to {snr.max():.3g}; "
                f"measured: {edges[0]:g} to {edges[-1]:g}. Limit sky SNRs to that range or measure a wider one"
            )
        response = self.classes[cls]
        rate = np.asarray(response.count) / np.asarray(response.n)
        bins: NDArray[np.intp] = np.clip(np.searchsorted(edges, snr, side="right") - 1, 0, rate.size - 1)
        return np.asarray(rate[bins], dtype=np.float64)


@dataclass(frozen=True)
class Aged:
    """What the workload decides on data that have drifted by `drift` (amounts by kind, none left out but zeros).

    A threshold that noise of old exceeds with probability `claimed` was exceeded by `raised` of `noise['n']`
    drifted segments.
    """

    drift: Mapping[str, float]
    noise: Mapping[str, int]
    snr_edges: tuple[float, ...]
    classes: Mapping[str, Response]
    claimed: tuple[float, ...]
    raised: tuple[int, ...]


@dataclass(frozen=True)
class Overlap:
    """What a search makes of signals that another one merges close to, in a cell of `workloads.overlaps`.

    The other one merges `after_s` later (two ends; negative: it was earlier; in the `same` second either way),
    with an SNR so many times (`ratio`, two ends) theirs. Per SNR bin of the signals: of those that are found alone
    `kept` counts how many still are, of the others `gained` how many are now.
    """

    same: bool
    after_s: tuple[float, float]
    ratio: tuple[float, float]
    snr_edges: tuple[float, ...]
    kept: Response
    gained: Response


def pooled(found: Sequence[Overlap]) -> tuple[Response, Response]:
    """What was `kept` of the signals found alone, and `gained` of the others, over all these and all SNR bins."""
    kept, gained = (
        Response((sum(sum(part.n) for part in parts),), (sum(sum(part.count) for part in parts),))
        for parts in ([one.kept for one in found], [one.gained for one in found])
    )
    return kept, gained


@dataclass(frozen=True)
class Figure:
    """A figure of quality from `n` tries, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Drifted:
    """The figures by name of a judged workload on data that have drifted by `drift` (none left out but zeros)."""

    drift: Mapping[str, float]
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Profile:
    """One (workload, runtime, hardware kind, threads): service times over batch sizes, quality, passport.

    Quality is `decisions` of a workload on segments of strain; of any other its own figures, with a 'headline'.
    `ageing` is what drifted data do to the decisions, `drifted` what they do to another quality, `overlaps` what
    signals close to each other do to a search, `overlaps_ahead` what another inspiral in the data does to one that
    warns of mergers; empty when it was not measured. `occupancy` is what a batch takes a server of a farm, where
    that was measured too. `streams` is how many detectors' strain it was measured on.
    """

    workload: str
    runtime: str
    hardware: str
    threads: int
    passport: Mapping[str, Any]
    service: tuple[Service, ...]
    decisions: Decisions | None = None
    quality: Mapping[str, Any] | None = None
    ageing: tuple[Aged, ...] = ()
    drifted: tuple[Drifted, ...] = ()
    occupancy: Occupancy | None = None
    overlaps: tuple[Overlap, ...] = ()
    overlaps_ahead: tuple[OverlapAhead, ...] = ()
    streams: int = STREAMS
    schema_version: int = SCHEMA_VERSION
    path: Path | None = field(default=None, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the content, for a run's provenance."""
        return sha256(self._text().encode()).hexdigest()

    def service_table(self, max_batch: int) -> NDArray[np.float64]:
        """Inverse CDFs of the service time in seconds, shape (max_batch, QUANTILES).

        A batch size between two measured ones is interpolated quantile by quantile; beyond the largest
        measured one ProfileError is raised.
        """
        self._check_batch([s.batch for s in self.service], max_batch, "")
        return by_size({s.batch: s.quantiles_s for s in self.service}, max_batch)

    def occupancy_table(self, max_batch: int, terms: Collection[str] = TERMS) -> NDArray[np.float64]:
        """Inverse CDFs of what a batch takes a server in seconds, as far as it is known: see `Occupancy.table`.

        The `service_table` where no occupancy was measured, or `terms` leave it out. ProfileError as from there.
        """
        if self.occupancy is None or "occupancy" not in terms:
            return self.service_table(max_batch)
        self._check_batch(sorted(self.occupancy.busy), max_batch, "--occupancy ")
        return self.occupancy.table(max_batch, terms)

    def _check_batch(self, sizes: Sequence[int], max_batch: int, how: str) -> None:
        if sizes[0] != 1 or max_batch > sizes[-1]:
            option = f"{how}--batch {max_batch}"
            raise ProfileError(
                f"{self.workload} on {self.hardware} ({self.runtime}) was measured for batches "
                f"{', '.join(map(str, sizes))}; a batch of {max_batch} was asked for. "
                f"Lower max_batch or run '{command(self.workload, option, self.hardware, self.threads)}'"
            )

    def save(self, folder: Path) -> Path:
        """Write `<folder>/<hardware>/<workload>-<runtime>.json` and return its path.

        The name of a profile of more than one thread ends in `-<N>threads.json`, of other than three streams in
        `-<N>streams.json`.
        """
        path = folder / self.hardware / _file_name(self.workload, self.runtime, self.threads, self.streams)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".tmp")
        beside.write_text(self._text(), encoding="utf-8")
        beside.replace(path)
        return path

    def _text(self) -> str:
        content = asdict(self)
        del content["path"]
        for part in ("quality", "ageing", "drifted", "occupancy", "overlaps", "overlaps_ahead"):
            if not content[part]:
                del content[part]
        if self.streams == STREAMS:
            del content["streams"]
        return json.dumps(content, indent=1) + "\n"


def load(path: Path) -> Profile:
    """The profile in `path`; ProfileError when it is damaged or lacks its passport."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema_version"] != SCHEMA_VERSION:
            raise ProfileError(
                f"{path}: schema_version {content['schema_version']}; this version reads {SCHEMA_VERSION}"
            )
        service = tuple(Service(**{**s, "quantiles_s": tuple(s["quantiles_s"])}) for s in content.pop("service"))
        decisions = content.pop("decisions")
        ageing = tuple(_aged(a) for a in content.pop("ageing", ()))
        drifted = tuple(_drifted(d) for d in content.pop("drifted", ()))
        occupancy = occupancies.read(content.pop("occupancy")) if "occupancy" in content else None
        overlaps = tuple(_overlap(one) for one in content.pop("overlaps", ()))
        overlaps_ahead = tuple(read(one) for one in content.pop("overlaps_ahead", ()))
        profile = Profile(
            **content,
            service=service,
            decisions=_decisions(decisions),
            ageing=ageing,
            drifted=drifted,
            occupancy=occupancy,
            overlaps=overlaps,
            overlaps_ahead=overlaps_ahead,
            path=path,
        )
        _check(profile)
    except ProfileError as error:
        raise ProfileError(f"{path}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProfileError(f"{path}: not a readable profile ({error!r}). Run 'ettwin measure' again") from error
    return profile


def find(
    workload: str,
    runtime: str,
    hardware: str,
    folders: tuple[Path, ...],
    threads: int = 1,
    streams: int = STREAMS,
) -> Profile:
    """The first profile of that workload, runtime, hardware kind, number of threads and of streams.

    `folders` are searched in their order, then the shipped profiles.
    """
    name = _file_name(workload, runtime, threads, streams)
    for folder in (*folders, SHIPPED):
        path = folder / hardware / name
        if isfile(path):
            return load(path)
    if (error := unheard_of(workload, runtime, folders)) is not None:
        raise error
    known = sorted({p.parent.name for folder in (*folders, SHIPPED) for p in folder.glob(f"*/{escape(name)}")})
    wanted = f"hardware '{hardware}'" + (f" with {threads} threads" if threads != 1 else "")
    wanted += "" if streams == STREAMS else f" for {streams} streams"
    where = "this machine" if hardware == "host" else "such a machine"
    option = f"--runtime {runtime}" + ("" if streams == STREAMS else f" --streams {streams}")
    remedy = f"Run '{command(workload, option, hardware, threads)}' on {where}"
    raise ProfileError(
        f"no profile of workload '{workload}' with runtime '{runtime}' on {wanted}; "
        f"measured on: {', '.join(known) or 'nothing'}. {remedy}, or choose a measured kind"
    )


def unheard_of(workload: str, runtime: str, folders: Collection[Path]) -> UnheardOfError | None:
    """What is wrong when no machine can be measured for such a profile: there is no such workload, or it has no
    such runtime. None where there is, or where somebody has such a profile.

    `folders` are searched beside the shipped profiles. Imports the workload only when none has it.
    """
    from workloads import spec

    name = escape(f"{workload}-{runtime}")
    names = f"*/{name}.json", f"*/{name}-*threads.json"
    if any(True for folder in (*folders, SHIPPED) for pattern in names for _ in folder.glob(pattern)):
        return None
    if workload not in spec.names():
        close = get_close_matches(workload, spec.names(), n=1)
        meant = f"; did you mean '{close[0]}'? Known" if close else "; known"
        text = f"there is no workload '{workload}'{meant}: {', '.join(spec.names())}"
        return UnheardOfError("workload", text)
    known = spec.runtimes(spec.get(workload))
    text = f"workload '{workload}' has no runtime '{runtime}'; it has: {', '.join(known)}"
    return None if runtime in known else UnheardOfError("runtime", text)


def command(workload: str, option: str, hardware: str, threads: int) -> str:
    """The command that measures `workload` with `option` for that hardware kind and number of threads."""
    kind = "" if hardware == "host" else f" --hardware {hardware}"
    return f"ettwin measure {workload} {option}{kind}" + (f" --threads {threads}" if threads != 1 else "")


def _file_name(workload: str, runtime: str, threads: int, streams: int) -> str:
    of_streams = "" if streams == STREAMS else f"-{streams}streams"
    return f"{workload}-{runtime}{'' if threads == 1 else f'-{threads}threads'}{of_streams}.json"


def _decisions(content: Mapping[str, Any] | None) -> Decisions | None:
    if content is None:
        return None
    return Decisions(**{**content, "snr_edges": tuple(content["snr_edges"]), "classes": _responses(content)})


def _aged(content: Mapping[str, Any]) -> Aged:
    listed = {name: tuple(content[name]) for name in ("snr_edges", "claimed", "raised")}
    return Aged(**{**content, **listed, "classes": _responses(content)})


def _drifted(content: Mapping[str, Any]) -> Drifted:
    return Drifted(content["drift"], {name: Figure(**figure) for name, figure in content["figures"].items()})


def _overlap(content: Mapping[str, Any]) -> Overlap:
    listed = {name: tuple(content[name]) for name in ("after_s", "ratio", "snr_edges")}
    counts = {name: Response(**{k: tuple(v) for k, v in content[name].items()}) for name in ("kept", "gained")}
    return Overlap(**{**content, **listed, **counts})


def _responses(content: Mapping[str, Any]) -> dict[str, Response]:
    return {c: Response(tuple(r["n"]), tuple(r["count"])) for c, r in content["classes"].items()}


def _check(profile: Profile) -> None:
    missing = {"standing", "machine", "versions", "date"} - profile.passport.keys()
    if missing:
        raise ProfileError(
            f"passport lacks {', '.join(sorted(missing))}: a number without its origin is not loaded"
        )
    if profile.passport["standing"] not in STANDINGS:
        raise ProfileError(f"standing '{profile.passport['standing']}'; allowed: {', '.join(STANDINGS)}")
    if not profile.service:
        raise ProfileError("no service times")
    for service in profile.service:
        q = np.asarray(service.quantiles_s)
        if q.size != QUANTILES or not np.all(np.isfinite(q)) or q[0] < 0 or np.any(np.diff(q) < 0):
            raise ProfileError(f"batch {service.batch}: needs {QUANTILES} non-negative rising quantiles_s")
