"""Shadowing a farm: follow its log, foretell the next minutes, judge what was foretold, and recalibrate.

After every step the service times of each pool are scaled by what its batches of that step took, over what the
profile says of them. Knows neither file nor clock.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng

from twin.farm.journal import Line
from twin.plan import Array
from twin.shadow.band import Band, band
from twin.shadow.figures import NAMES, Figures, Part, figures, waited_s
from twin.shadow.follower import Follower, Occupancy
from twin.shadow.forecast import forecast
from twin.shadow.tail import Tail

LEAST_BATCHES = 20
"""The scale is taken from so many batches, if need be from earlier steps."""
REMEMBERED = 10
"""Forecasts whose errors count."""


@dataclass(frozen=True)
class Settings:
    """Every `every_s` the next `ahead_s` are foretold, by so many `draws`; `late_s` after its segment is late."""

    every_s: float = 30.0
    ahead_s: float = 120.0
    late_s: float = np.inf
    draws: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        steps = self.ahead_s / self.every_s if self.every_s > 0.0 else 0.0
        if steps < 0.5 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                f"the next {self.ahead_s:g} s cannot be judged in steps of {self.every_s:g} s: "
                "take a whole number of steps"
            )


@dataclass(frozen=True)
class Window:
    """What was foretold of the time from `start_s` to `end_s`, and what came; bands that cannot be told are None.

    `scales` are those of the forecast, by pool; `scales_after` what the pools took in the window's last step.
    """

    start_s: float
    end_s: float
    scales: dict[str, float]
    scales_after: dict[str, float]
    bands: dict[str, Band | None]
    observed: Figures

    def judged(self, name: str) -> bool:
        """Whether there was enough to tell by, in the forecast and in what came."""
        return self.bands[name] is not None and np.isfinite(getattr(self.observed, name))

    @property
    def outside(self) -> list[str]:
        """The figures that left their band."""
        kept = {name: band for name, band in self.bands.items() if band and self.judged(name)}
        return [name for name, band in kept.items() if not band.holds(getattr(self.observed, name))]


@dataclass(frozen=True)
class _Forecast:
    start_s: float
    scales: dict[str, float]
    bands: dict[str, Band | None]


class Shadow:
    """Follows a farm by `step`s of `settings.every_s`; each gives the window that ends with it, if foretold."""

    def __init__(self, follower: Follower, settings: Settings) -> None:
        self.follower, self.settings = follower, settings
        self._live = follower.plan.stages["live"] > 0
        self._rng = default_rng(settings.seed)
        self._parts: deque[Part] = deque(maxlen=round(settings.ahead_s / settings.every_s))
        self._waited_s = 0.0
        self._recent: list[Occupancy] = []
        self._forecasts: deque[_Forecast] = deque()
        self._errors: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def step(self, lines: Sequence[Line]) -> Window | None:
        """Follow the `lines` of the next step, judge the forecast that ends with it, and make another."""
        now_s = self.follower.now + self.settings.every_s
        self.follower.follow(lines, now_s)
        before_s, self._waited_s = self._waited_s, waited_s(self.follower, self._live)
        self._parts.append(Part(*self.follower.take(), self._waited_s - before_s))
        self._recall(now_s)
        window = self._judged(now_s)
        self._foretell(now_s)
        return window

    def _recall(self, now_s: float) -> None:
        """Keep the batches that the scales are taken from: of each pool those of this step, or the last few."""
        known = self._recent + self.follower.occupancies
        self.follower.occupancies = []
        self._recent = []
        for pool in range(len(self.follower.plan.pool_names)):
            own = [one for one in known if one.pool == pool]
            fresh = sum(one.end_s >= now_s - self.settings.every_s for one in own)
            self._recent += own[-max(fresh, LEAST_BATCHES) :]

    def _judged(self, now_s: float) -> Window | None:
        ahead_s, every_s = self.settings.ahead_s, self.settings.every_s
        if not self._forecasts or now_s - self._forecasts[0].start_s < ahead_s - every_s / 2.0:
            return None
        told = self._forecasts.popleft()
        observed = figures(list(self._parts), self._live, ahead_s, self.settings.late_s)
        window = Window(told.start_s, now_s, told.scales, self._scales(), told.bands, observed)
        for name, foretold in told.bands.items():
            error = getattr(observed, name) - foretold.median if foretold else np.nan
            if np.isfinite(error) and name not in window.outside:
                self._errors[name].append(error)
        return window

    def _foretell(self, now_s: float) -> None:
        if not self._recent:  # nothing has been seen yet
            return
        settings = self.settings
        scales = drawn_scales(self._recent, len(self.follower.plan.pool_names), settings.draws, self._rng)
        draws = list(
            forecast(self.follower, scales, settings.ahead_s, settings.ahead_s, settings.late_s, self._rng)
        )
        bands = {n: band(n, np.array([getattr(one, n) for one in draws]), self._errors[n]) for n in NAMES}
        self._forecasts.append(_Forecast(now_s, self._scales(), bands))

    def _scales(self) -> dict[str, float]:
        """By pool, what batches took over what the profile says of them."""
        sums: defaultdict[int, Array] = defaultdict(lambda: np.zeros(2))
        for one in self._recent:
            sums[one.pool] += (one.took_s, one.profile_s)
        return {self.follower.plan.pool_names[p]: float(took / said) for p, (took, said) in sums.items()}


def drawn_scales(recent: Sequence[Occupancy], pools: int, draws: int, rng: Generator) -> Array:
    """What the scales may as well be, shape (draw, pool): batches drawn again, in blocks, since they are alike."""
    scales = np.ones((draws, pools))
    for pool in {one.pool for one in recent}:
        own = np.array([(one.took_s, one.profile_s) for one in recent if one.pool == pool])
        block = max(1, min(10, len(own) // 4))
        starts = rng.integers(0, len(own) - block + 1, (draws, -(-len(own) // block), 1))
        took, said = np.moveaxis(own[starts + np.arange(block)].sum(axis=(1, 2)), -1, 0)
        scales[:, pool] = took / said
    return scales


def watch(tail: Tail, shadow: Shadow, wait: Callable[[], bool]) -> Iterator[Window]:
    """The windows, each as soon as the log tells all of it; `wait` for more of the log says whether to go on."""
    lines: deque[Line] = deque()
    while True:
        lines.extend(tail.read())
        while (until_s := shadow.follower.now + shadow.settings.every_s) <= tail.known_s:
            due = []
            while lines and lines[0]["t"] < until_s:
                due.append(lines.popleft())
            window = shadow.step(due)
            if window is not None:
                yield window
        if tail.over or not wait():
            return
