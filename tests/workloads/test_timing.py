"""The timing rule, on clocks made of numbers."""

import numpy as np
import pytest

from workloads import timing


class Clock:
    """Advances by what `cost` gives at every call that is timed."""

    def __init__(self, cost):
        self.now, self.cost = 0.0, cost

    def __call__(self):
        return self.now

    def work(self):
        self.now += self.cost()


def test_a_steady_call_settles_at_once_and_is_timed_exactly():
    clock = Clock(lambda: 0.002)
    (service,) = timing.measure({1: clock.work}, 100.0, clock)
    assert service.settled
    assert service.n == 580  # the first multiple of BLOCK whose 99 % quantile has an upper bound
    assert service.p50_s == pytest.approx(0.002)
    assert len(service.quantiles_s) == 257


def test_a_spent_budget_is_admitted():
    clock = Clock(lambda: 0.002)
    (service,) = timing.measure({1: clock.work}, 0.5, clock)
    assert not service.settled
    assert service.n < 300


def test_a_heavy_tail_needs_more_calls_than_a_light_one():
    rng = np.random.default_rng(1)
    light, heavy = Clock(lambda: 1 + 0.01 * rng.random()), Clock(lambda: 1 + rng.pareto(1.5))
    (a,) = timing.measure({1: light.work}, 20_000, light)
    (b,) = timing.measure({1: heavy.work}, 200_000, heavy)
    assert a.n < b.n


def test_blocks_of_all_batch_sizes_take_turns():
    order = []
    clock = Clock(lambda: 0.001)

    def call(batch):
        order.append(batch)
        clock.work()

    timing.measure({1: lambda: call(1), 4: lambda: call(4)}, 10.0, clock)
    timed = order[2 * timing.WARM_UP :]
    assert timed[: 2 * timing.BLOCK] == [1] * timing.BLOCK + [4] * timing.BLOCK


def test_slow_calls_share_the_budget_and_are_timed_a_few_times_at_least():
    clock = Clock(lambda: 7.0)
    one, two = timing.measure({1: clock.work, 2: clock.work}, 100.0, clock)
    assert (one.n, two.n) == (8, 8)  # 50 s each, after one call each to warm up
    assert not one.settled
    hasty = Clock(lambda: 7.0)
    (service,) = timing.measure({1: hasty.work}, 1.0, hasty)
    assert service.n == timing.LEAST


def test_tail_interval_covers_the_true_quantile_about_as_often_as_it_claims():
    rng = np.random.default_rng(2)
    truth = -np.log(0.01)
    hits = 0
    for _ in range(400):
        x = np.sort(rng.exponential(size=2000))
        n, q = x.size, 0.99
        spread = 1.96 * np.sqrt(n * q * (1 - q))
        half = timing.tail_half_width(x) * x[int(n * q)]
        low, high = x[int(n * q - spread)], x[int(np.ceil(n * q + spread))]
        assert half == pytest.approx((high - low) / 2)
        hits += low <= truth <= high
    assert 0.92 < hits / 400 < 0.99


def test_too_few_samples_have_no_tail():
    assert timing.tail_half_width(np.ones(100)) == float("inf")
    with pytest.raises(ValueError, match="nothing to time"):
        timing.measure({}, 1.0, Clock(lambda: 1.0))
