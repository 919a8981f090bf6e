"""What there is of an application: nothing, for a name that is free or an application that left."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster_tests.model import Observation


def traces(found: Observation) -> list[str]:
    """Say in words what an observation shows of an application; nothing for a name that is free."""
    in_consul = {
        "a record in Consul": found.record is not None,
        "a maintenance flag": found.maintenance,
        "a service in Consul": bool(found.registrations),
    }
    on_nodes = {
        f"{field.name.replace('_', ' ')} on {node}": bool(getattr(view, field.name))
        for node, view in found.nodes.items()
        for field in fields(view)
    }
    return [what for what, there in {**in_consul, **on_nodes}.items() if there]
