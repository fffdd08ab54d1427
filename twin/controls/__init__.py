"""What happens to the computing: outages, failures, maintenance, degradation, models, ageing, elasticity.

Each control is plain data with the time of its next action (`next_s`) and `act(environment)`, so that a run can be
copied at any instant and kept on disk. Knows no scenario, no kernel and no SimPy.
"""

from __future__ import annotations

from twin.controls.ageing import Ageing
from twin.controls.control import Control, Ground
from twin.controls.degradation import Degradation
from twin.controls.failures import CommonCause, Failures
from twin.controls.incidents import Failover
from twin.controls.laws import LAWS, SHAPED, Law
from twin.controls.maintenance import Maintenance
from twin.controls.outage import Outage, Trace
from twin.controls.retraining import Retraining
from twin.controls.scaling import Scaling, ThresholdScaling, TrackingScaling
from twin.controls.targets import Target
from twin.controls.withdrawal import Withdrawal
from twin.controls.written import from_json, to_json

__all__ = [
    "LAWS",
    "SHAPED",
    "Ageing",
    "CommonCause",
    "Control",
    "Degradation",
    "Failover",
    "Failures",
    "Ground",
    "Law",
    "Maintenance",
    "Outage",
    "Retraining",
    "Scaling",
    "Target",
    "ThresholdScaling",
    "Trace",
    "TrackingScaling",
    "Withdrawal",
    "from_json",
    "to_json",
]
