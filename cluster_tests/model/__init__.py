"""Frozen values that every room shares: placements, switches, and what a cluster shows.

Nothing here does I/O. Two observations, or an observation and the oracle's expectation, are
compared with ``==``; that is why everything is a frozen value with ordered or set-like fields.
"""

from cluster_tests.model.application import (
    Application,
    Footprint,
)
from cluster_tests.model.definition import (
    ComposeService,
    FrontDefinition,
    ServiceDefinition,
    SiteDefinition,
    VolumeDefinition,
)
from cluster_tests.model.observation import (
    Check,
    Container,
    NodeView,
    Observation,
    Registration,
    Route,
    Schedule,
    Site,
    Volume,
)
from cluster_tests.model.placement import (
    NOWHERE,
    Kind,
    Placement,
    Role,
    Switch,
    placements,
    short,
    switches,
)

__all__ = [
    "NOWHERE",
    "Application",
    "Check",
    "ComposeService",
    "Container",
    "Footprint",
    "FrontDefinition",
    "Kind",
    "NodeView",
    "Observation",
    "Placement",
    "Registration",
    "Role",
    "Route",
    "Schedule",
    "ServiceDefinition",
    "Site",
    "SiteDefinition",
    "Switch",
    "Volume",
    "VolumeDefinition",
    "placements",
    "short",
    "switches",
]
