"""Behaviours: named groups of sentences that spec classes share, and what lends them.

A behaviour's body annotates what it needs of a spec class; its sentences compare values that were
read once after the switch, and do nothing else. ``A_PAIR``, ``ALONE`` and ``GONE`` are what is
true of every application with and without a slave, and after its end.
"""

from cluster_tests.behaviours.changing import ChangesItsVolumes, SchedulesItsChangedVolumes
from cluster_tests.behaviours.declaring import behaves_like
from cluster_tests.behaviours.enduring import EnduresItsSwitch
from cluster_tests.behaviours.leaving import (
    IsForgottenByConsul,
    IsNotFoundThroughAnyNode,
    LeavesSnapshotsAlone,
)
from cluster_tests.behaviours.placement import (
    KeepsSnapshotsOnItsMaster,
    LeavesNothingBehind,
    ReplicatesToItsSlave,
    RunsOnItsMaster,
)
from cluster_tests.behaviours.routing import (
    IsKnownToConsul,
    PassesItsHealthChecks,
    RoutesThroughEveryNode,
)
from cluster_tests.behaviours.serving import KeepsItsData, ServesThroughEveryNode

_RUNNING = (
    RunsOnItsMaster,
    IsKnownToConsul,
    RoutesThroughEveryNode,
    ServesThroughEveryNode,
    LeavesNothingBehind,
)
A_PAIR = (*_RUNNING, ReplicatesToItsSlave)
ALONE = (*_RUNNING, KeepsSnapshotsOnItsMaster)
GONE = (LeavesSnapshotsAlone, IsForgottenByConsul, IsNotFoundThroughAnyNode)

__all__ = [
    "ALONE",
    "A_PAIR",
    "GONE",
    "ChangesItsVolumes",
    "EnduresItsSwitch",
    "IsForgottenByConsul",
    "IsKnownToConsul",
    "IsNotFoundThroughAnyNode",
    "KeepsItsData",
    "KeepsSnapshotsOnItsMaster",
    "LeavesNothingBehind",
    "LeavesSnapshotsAlone",
    "PassesItsHealthChecks",
    "ReplicatesToItsSlave",
    "RoutesThroughEveryNode",
    "RunsOnItsMaster",
    "SchedulesItsChangedVolumes",
    "ServesThroughEveryNode",
    "behaves_like",
]
