"""Behaviours: named groups of sentences that spec classes share, and what lends them.

A behaviour's body annotates what it needs of a spec class; its sentences compare values that were
read once after the switch, and do nothing else.
"""

from cluster_tests.behaviours.declaring import behaves_like
from cluster_tests.behaviours.placement import (
    LeavesNothingBehind,
    ReplicatesToItsSlave,
    RunsOnItsMaster,
)
from cluster_tests.behaviours.refusing import ChangesNothing, IsRefused
from cluster_tests.behaviours.routing import IsKnownToConsul, RoutesThroughEveryNode
from cluster_tests.behaviours.serving import KeepsItsData, ServesThroughEveryNode

__all__ = [
    "ChangesNothing",
    "IsKnownToConsul",
    "IsRefused",
    "KeepsItsData",
    "LeavesNothingBehind",
    "ReplicatesToItsSlave",
    "RoutesThroughEveryNode",
    "RunsOnItsMaster",
    "ServesThroughEveryNode",
    "behaves_like",
]
