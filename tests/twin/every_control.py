"""One control of every class, for tests that must hold for all of them."""

from __future__ import annotations

from twin.ageing.course import Course
from twin.ageing.curves import Curve, Model
from twin.ageing.policy import Policy
from twin.controls import (
    Ageing,
    CommonCause,
    Degradation,
    Failover,
    Failures,
    Law,
    Maintenance,
    Outage,
    Retraining,
    Target,
    ThresholdScaling,
    Trace,
    TrackingScaling,
    Withdrawal,
)
from twin.kernel.state import LOSE, REQUEUE
from workloads.sky import CLASSES

POOL = Target("a.p", (0,))
LINK = Target("a--b", links=((0, 1), (1, 0)))
SITE = Target("a", (0,), ((0, 1), (1, 0)))
SERVER = Target("a.p.1", (0,), server=1)
CLEAR, DIM = ((0.8,),) * len(CLASSES), ((0.4,),) * len(CLASSES)
CURVE = Curve("level", (0.0, 0.2), (CLEAR, DIM), (0.01, 0.1))
UP, DOWN = Law("weibull", 50.0, 0.7), Law("lognormal", 3.0, 1.2)

CONTROLS = (
    Outage(name="o", targets=(SITE,), at_s=0.1, lasts_s=1 / 3, mode=REQUEUE, failover=Failover(0.2, 0.3)),
    Trace(name="t", targets=(POOL, SERVER), entries=((2.5, 1.0, 1, LOSE), (0.7, 4.0, 0, REQUEUE))),
    Failures(name="f", targets=(POOL, SERVER, LINK), up=UP, down=DOWN, key=2**64 - 1, until_s=200.0),
    CommonCause(name="c", targets=(POOL, SERVER), up=UP, down=DOWN, key=7, probability=0.5, until_s=200.0),
    Maintenance(name="m", target=POOL, at_s=5.0, lasts_s=1.0, every_s=10.0, lead_s=2.0),
    Degradation(name="d", target=LINK, at_s=1.0, lasts_s=2.0, factor=0.1),
    Retraining(name="r", at_s=3.0, lasts_s=2.0, stage=0, pool=0, takes=1),
    Withdrawal(name="w", at_s=4.0, lasts_s=2.5, stage=0, variants=(0, 1)),
    Ageing(
        name="a",
        stage=0,
        course=Course(("level",), (0.0, 2.0, 7.0), ((0.0,), (0.1,), (0.3,))),
        models=(Model(0, 0, (6.0, 100.0), CLEAR, 0.01, (CURVE,)),),
        policies=(
            Policy("p", 3.0, 1.0, every_s=4.0, pool=0, takes=1, hold_s=0.5, passes=0.5, again_s=1.5, key=9),
            Policy("q", 0.0, 1.0, drift=((0, 0.1),), blue_green=True),
        ),
        until_s=20.0,
    ),
    ThresholdScaling(name="s", pool=0, every_s=1.0, least=1, most=4, up=2.0, down=0.5, startup_s=0.5),
    TrackingScaling(name="k", pool=0, every_s=1.0, least=1, most=4, track=1.0),
)
