"""Statistical failures follow their laws: means, shapes, availability, common causes, one answer per key."""

from __future__ import annotations

from math import exp, inf, sqrt

import numpy as np
import pytest
from scipy import stats

from tests.twin.every_control import POOL, SERVER
from tests.twin.ground import Ground
from twin.controls import LAWS, SHAPED, CommonCause, Failures, Law, Target
from twin.kernel.chance import stream_key
from twin.schema_timeline import SHAPED as WRITABLE

KEY = stream_key(1, 0, "failures")
REFERENCE = {
    "exponential": lambda mean, shape: stats.expon(scale=mean),
    "weibull": lambda mean, shape: stats.weibull_min(shape, scale=mean / stats.weibull_min(shape).mean()),
    "lognormal": lambda mean, shape: stats.lognorm(shape, scale=mean * exp(-shape * shape / 2.0)),
    "gamma": lambda mean, shape: stats.gamma(shape, scale=mean / shape),
}
SAMPLE = 20_000


def law(name, mean_s, shape):
    return Law(name, mean_s, shape if name in SHAPED else 0.0)


CASES = [("exponential", 0.0), *((name, shape) for name in SHAPED for shape in (0.5, 0.9, 3.0))]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_a_law_has_its_shape_and_mean(name, shape):
    chosen, reference = law(name, 40.0, shape), REFERENCE[name](40.0, shape)
    drawn = np.array([chosen.draw(stream_key(3, 0, f"{name}{shape}"), n) for n in range(SAMPLE)])
    assert stats.kstest(drawn, reference.cdf).pvalue > 0.001
    assert reference.mean() == pytest.approx(40.0)
    if reference.std() < 1e3:
        assert abs(drawn.mean() - 40.0) < 4.0 * reference.std() / sqrt(SAMPLE)
    for u in (0.0, 0.1, 0.5, 0.999):
        assert chosen.quantile(u) == pytest.approx(reference.ppf(u), rel=1e-9, abs=1e-12)


def test_a_fixed_law_does_not_vary():
    assert {Law("fixed", 7.0).draw(KEY, n) for n in range(10)} == {7.0}
    assert {*REFERENCE, "fixed"} == {*LAWS}
    assert WRITABLE == SHAPED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("normal", 1.0), "law is 'normal'; allowed: exponential, weibull"),
        (("fixed", 0.0), "mean_s is 0.0; allowed: more than 0"),
        (("fixed", inf), "mean_s is inf; allowed: more than 0, finite"),
        (("weibull", 1.0), "shape is 0.0; weibull, lognormal, gamma need one"),
        (("exponential", 1.0, 2.0), "shape is 2.0; .* others none"),
    ],
)
def test_what_is_no_law_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Law(*given)


def failures(up, down, key=KEY, targets=(POOL,), **more):
    return Failures(name="f", targets=targets, up=up, down=down, key=key, **more)


def down_s(marks, until_s):
    return sum(min(end_s, until_s) - start_s for *_, start_s, end_s in marks)


@pytest.mark.parametrize("name", ["exponential", "weibull", "lognormal", "gamma"])
def test_availability_is_that_of_renewal_theory(name):
    """Up 90, down 10 on average: 90 % of a long time, whatever the laws."""
    until_s, rounds = 20_000.0, 30
    shares = []
    for k in range(rounds):
        here = Ground(2)
        chosen = failures(law(name, 90.0, 0.8), law(name, 10.0, 1.5), stream_key(5, k, name))
        here.run(chosen, until=until_s)
        shares.append(1.0 - down_s(here.marks, until_s) / until_s)
    error = np.std(shares, ddof=1) / sqrt(rounds)
    assert error < 0.005
    assert abs(np.mean(shares) - 0.9) < stats.t.ppf(0.9995, rounds - 1) * error


def test_servers_fail_each_by_itself():
    """Failures of a server are a Poisson process when repairs take no time worth speaking of."""
    servers, until_s = 50, 1000.0
    targets = tuple(Target(f"p.{k}", (0,), server=k) for k in range(servers))
    here = Ground(servers)
    here.run(failures(Law("exponential", 100.0), Law("fixed", 1e-6), targets=targets), until=until_s)
    failed = np.array([call[3] for call in here.calls if call[1] == "fail"])
    counts = np.bincount(failed, minlength=servers)
    assert abs(counts.sum() - 500) < 4.0 * sqrt(500)
    assert stats.chisquare(counts).pvalue > 0.001
    assert abs(np.var(counts) / np.mean(counts) - 1.0) < 4.0 * sqrt(2.0 / servers)


def test_a_common_cause_takes_each_target_with_its_probability_at_once():
    targets = tuple(Target(f"p{k}", (k,)) for k in range(4))
    cause = CommonCause(
        name="c", targets=targets, up=Law("exponential", 9.0), down=Law("fixed", 1.0), key=KEY, probability=0.3
    )
    here = Ground(1, 1, 1, 1)
    here.run(cause, until=20_000.0)
    starts = [start_s for *_, start_s, _ in here.marks]
    strikes = cause.agenda[0][-1]  # the number of the next one
    assert strikes > 1500
    for k in range(4):
        struck = sum(name == f"c p{k}" for _, name, *_ in here.marks)
        assert abs(struck - 0.3 * strikes) < 4.0 * sqrt(0.3 * 0.7 * strikes)
    together = np.unique(starts, return_counts=True)[1]
    none = strikes - together.size
    expected = stats.binom.pmf(range(5), 4, 0.3) * strikes
    seen = [none, *(int((together == k).sum()) for k in range(1, 5))]
    assert stats.chisquare(seen, expected).pvalue > 0.001
    lasted = {round(end_s - start_s, 6) for *_, start_s, end_s in here.marks}
    assert lasted == {1.0}


def test_the_same_key_fails_the_same_and_another_differs():
    up, down = Law("exponential", 5.0), Law("fixed", 1.0)
    runs = [Ground(2).run(failures(up, down, key), until=100.0) for key in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_what_ifs_share_their_failures():
    """Another law of repair changes when things fail next, not how long they stay up in between."""

    def ups(repair_s):
        here = Ground(2)
        here.run(failures(Law("weibull", 5.0, 0.7), Law("fixed", repair_s)), until=200.0)
        starts = np.array([start_s for *_, start_s, _ in here.marks])
        return np.diff(starts, prepend=-repair_s) - repair_s

    one, other = ups(1.0), ups(3.0)
    assert one[: other.size] == pytest.approx(other)


def test_failures_begin_and_end_when_they_are_told():
    here = Ground(2)
    chosen = failures(Law("exponential", 1.0), Law("exponential", 5.0), from_s=10.0, until_s=20.0)
    here.run(chosen)
    starts = [start_s for *_, start_s, _ in here.marks]
    assert starts
    assert min(starts) >= 10.0
    assert max(starts) < 20.0
    assert chosen.next_s == inf
    assert here.calls[-1][1] == "restore"


def test_server_and_pool_fail_by_themselves():
    here = Ground(2)
    here.run(failures(Law("fixed", 10.0), Law("fixed", 2.0), targets=(POOL, SERVER)), until=15.0)
    assert [call[:2] for call in here.calls] == [(10, "down"), (10, "fail"), (12, "restore"), (12, "repair")]
