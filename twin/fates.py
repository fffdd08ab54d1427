"""What became of every segment and signal of a finished environment. For twin.harvest; knows no file."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import beside
from twin.engine import TwinEnvironment
from twin.kernel.state import BAD, OUTCOMES, PARTS, PUBLISHED, TRIGGER, VARIANTS
from twin.limits import PARTS as LATENCY_PARTS
from twin.plan import Plan
from workloads.sky import ARRIVING, CLASSES, EVERY_SIGNAL

MISSED, UNFINISHED = "missed", "unfinished"
_SIGNALS = [ARRIVING.index(cls) for cls in EVERY_SIGNAL]
_OF_MERGERS = ("redshift", "chirp_mass_msun", "duration_s", "overlaps")

Numbers = NDArray[np.int64]


def alerts(environment: TwinEnvironment, stride_s: float, lookahead_s: float) -> pd.DataFrame:
    """A row per candidate and product published, per candidate that ended, per signal that never became one."""
    plan, rows = environment.plan, environment.ended()
    candidates = rows[~_of_segment(plan)[rows["stage"]]]
    signals = np.flatnonzero(np.isin(beside.plain(plan.events["cls"]), _SIGNALS))
    without = np.setdiff1d(signals, candidates["entity"])
    lost = pd.DataFrame({"event_id": without, "outcome": _fates(environment, without)})
    frame = pd.concat([_ended(plan, candidates, stride_s, lookahead_s), _described(plan, lost, stride_s)])
    frame = frame.sort_values(["event_time_s", "event_id", "published_s"], kind="stable", ignore_index=True)
    texts = dict.fromkeys(("variant", "search", "product", "outcome"), str)
    return frame.astype({"dq_flag": bool, "dq_missing": bool, "event_id": "int64", **texts})


def signal_times_s(environment: TwinEnvironment) -> NDArray[np.float64]:
    """When each signal of the plan happens, in s: (signal,)."""
    events = environment.plan.events
    return np.asarray(events["time_s"][np.isin(beside.plain(events["cls"]), _SIGNALS)], np.float64)


def published_signals(environment: TwinEnvironment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When each signal published so far happened, and the latency of its first alert, in s: both (signal,)."""
    plan, rows = environment.plan, environment.ended()
    rows = rows[(rows["outcome"] == PUBLISHED) & ~_of_segment(plan)[rows["stage"]]]
    ids = _signal(plan, rows["entity"])
    real = ids >= 0
    real[real] = np.isin(beside.plain(plan.events["cls"][ids[real]]), _SIGNALS)
    first_s = np.full(plan.events.size, np.inf)
    np.minimum.at(first_s, ids[real], rows["end_s"][real])
    known = np.flatnonzero(np.isfinite(first_s))
    event_s = np.asarray(plan.events["time_s"][known], np.float64)
    return event_s, first_s[known] - event_s


def unsearched(environment: TwinEnvironment) -> Numbers:
    """Segments that no trigger stage searched because they were dropped before, ascending."""
    plan, rows = environment.plan, environment.ended()
    of_segment = _of_segment(plan)
    rows = rows[of_segment[rows["stage"]] & (rows["outcome"] != PUBLISHED)]
    if not rows.size:
        return np.empty(0, np.int64)
    spans = plan.stages["span"]
    missing: list[Numbers] = []
    for s, stage in enumerate(plan.stages):
        own = np.unique(_covered(rows["segment"][rows["stage"] == s], spans[s]))
        before = [missing[p] for p in range(s) if s in _children(plan, p)]
        lost = reduce(np.intersect1d if stage["any"] else np.union1d, before) if before else own
        missing.append(np.union1d(own, lost))
    searches = np.flatnonzero((plan.stages["role"] == TRIGGER) & of_segment & ~_ahead(plan))
    return reduce(np.intersect1d, [missing[s] for s in searches], reduce(np.union1d, missing))


def _ended(plan: Plan, rows: NDArray[np.void], stride_s: float, lookahead_s: float) -> pd.DataFrame:
    """Candidates that were published or ended."""
    published = rows["outcome"] == PUBLISHED
    ids = _signal(plan, rows["entity"])
    frame = pd.DataFrame({"event_id": ids, "outcome": np.asarray(OUTCOMES)[rows["outcome"]]})
    frame = _described(plan, frame, stride_s)
    spans = plan.stages["span"][rows["stage"]]
    frame["event_time_s"] += np.where(ids < 0, 0.5 * (spans - 1) * stride_s, 0.0)  # noise: the middle of its data
    frame["product"] = np.where(published, np.asarray(plan.products)[rows["stage"]], "")
    frame["search"] = np.asarray([*plan.stage_names, ""])[_search(plan)[rows["stage"]]]
    frame["variant"] = np.asarray(VARIANTS)[rows["variant"]]
    frame["dq_flag"] = (rows["flag"] & BAD) > 0
    frame["dq_missing"] = rows["missing"] > 0
    arrived_s = (rows["segment"] + spans) * stride_s + lookahead_s
    parts = {
        "published_s": rows["end_s"],
        "latency_s": rows["end_s"] - frame["event_time_s"],
        "frame_s": arrived_s - frame["event_time_s"],
        "calibration_s": rows["born_s"] - arrived_s,
        **{part: rows[part] for part in PARTS},
    }
    for name, values in parts.items():
        frame[name] = np.where(published, values, np.nan)
    return frame


def _described(plan: Plan, frame: pd.DataFrame, stride_s: float) -> pd.DataFrame:
    """`frame` with the class, SNR and time of each row's event; a noise trigger gets its segment's middle."""
    ids = frame["event_id"].to_numpy(np.int64)
    real = ids >= 0
    cls = np.full(ids.size, "noise", dtype=object)
    snr = np.full(ids.size, np.nan)
    time_s = (-ids - 0.5) * stride_s
    numbers = plan.events["cls"][ids[real]]
    cls[real] = np.asarray(ARRIVING, dtype=object)[beside.plain(numbers)]
    snr[real] = plan.events["snr"][ids[real]]
    time_s[real] = plan.events["time_s"][ids[real]]
    frame["cls"], frame["snr"], frame["event_time_s"] = cls.astype(str), snr, time_s
    frame["is_signal"] = np.isin(cls, EVERY_SIGNAL)
    if plan.responses.shape[1] > beside.FIRST:
        close = np.full(ids.size, "", dtype=object)
        close[real] = beside.cells(numbers)
        frame["beside"] = close.astype(str)
    if plan.mergers is not None:
        for name in _OF_MERGERS:
            known = np.full(ids.size, np.nan)
            known[real] = plan.mergers[name][ids[real]]
            frame[name] = known
    for name in ("product", "search", "variant"):
        frame[name] = ""
    frame["dq_flag"] = frame["dq_missing"] = False
    for name in ("published_s", "latency_s", *LATENCY_PARTS):
        frame[name] = np.nan
    return frame


def _fates(environment: TwinEnvironment, ids: Numbers) -> NDArray[np.str_]:
    """Why these signals never became a candidate: segment dropped, still in the system, or missed."""
    plan, rows = environment.plan, environment.ended()
    segments = plan.event_segment[ids]
    on_the_way = _towards_search(plan)
    active = _active(environment)
    candidates = active["entity"][~_of_segment(plan)[active["stage"]]]
    spans = plan.stages["span"]
    held = [_covered(active["segment"][active["stage"] == s], spans[s]) for s in np.flatnonzero(on_the_way)]
    waiting = np.isin(segments, np.concatenate([*held, np.empty(0, np.int64)])) | np.isin(ids, candidates)
    streams = environment.world.streams
    arrived = (streams["next"] * streams["span"]).min() if plan.streams.size else 0
    fates = np.where(waiting | (segments >= arrived), UNFINISHED, MISSED).astype(object)
    dead = np.isin(segments, unsearched(environment))
    for outcome, name in enumerate(OUTCOMES):
        dropped = rows[(rows["outcome"] == outcome) & on_the_way[rows["stage"]]]
        gone = [_covered(dropped["segment"][dropped["stage"] == s], spans[s]) for s in np.unique(dropped["stage"])]
        fates[dead & np.isin(segments, np.concatenate([*gone, np.empty(0, np.int64)]))] = name
    return fates.astype(str)


def _active(environment: TwinEnvironment) -> NDArray[np.void]:
    """Jobs still in the system."""
    world = environment.world
    free = np.zeros(world.jobs.size, bool)
    j = int(world.record["job_free"])
    while j >= 0:
        free[j] = True
        j = int(world.jobs["next"][j])
    return world.jobs[~free]


def _of_segment(plan: Plan) -> NDArray[np.bool_]:
    """Per stage, whether it works on segments: no trigger stage lies before it."""
    return _search(plan) < 0


def _search(plan: Plan) -> Numbers:
    """Per stage, the trigger stage before it whose candidates it works on; -1 none."""
    found = np.full(plan.stages.size, -1)
    for s, stage in enumerate(plan.stages):
        own = s if stage["role"] == TRIGGER else found[s]
        for child in _children(plan, s):
            found[child] = own
    return found


def _towards_search(plan: Plan) -> NDArray[np.bool_]:
    """Per stage, whether a segment passes it to be searched: the trigger stages and what lies before them."""
    result: NDArray[np.bool_] = (plan.stages["role"] == TRIGGER) & _of_segment(plan)
    for s in reversed(range(plan.stages.size)):
        result[s] |= any(result[child] for child in _children(plan, s))
    return result


def _children(plan: Plan, s: int) -> Numbers:
    """The stages after stage `s`, which all have higher numbers."""
    return plan.children[plan.stages["child_start"][s] : plan.stages["child_stop"][s]]


def _covered(segments: Numbers, span: int) -> Numbers:
    """All segments that jobs beginning with `segments` are about."""
    return (segments[:, None] + np.arange(span)).ravel()


def _signal(plan: Plan, entity: Numbers) -> Numbers:
    """The event that each candidate is about: of a look ahead of time its signal; noise triggers as they are."""
    return np.where(entity >= 0, plan.looks[np.maximum(entity, 0)], entity) if plan.looks.size else entity


def _ahead(plan: Plan) -> NDArray[np.bool_]:
    """Per stage, whether it only looks for what is ahead: such a search leaves a segment unsearched."""
    ahead = np.zeros(plan.stages.size, bool)
    for queue in plan.queues[plan.queues["decide"][:, 0] >= 0]:
        ahead[queue["stage"]] = bool((plan.responses[queue["decide"][0], : len(CLASSES)] < 0.0).all())
    return ahead
