"""Who tells of an event, from the outside to the inside (``results.values.LAYERS``)."""

from __future__ import annotations

from enum import StrEnum


class Layer(StrEnum):
    """One source of events, or several that tell of the same."""

    SPEC = "spec"  # what the spec was doing
    WITNESS = "witness"  # when a route was away
    EVENT = "event"  # what Consul was asked to deliver
    PROXY = "proxy"  # HAProxy and Caddy load what they are given
    SERVICE = "service"  # Consul's registrations and checks
    KV = "kv"  # records, maintenance flags, how the nodes met
    AGENT = "agent"  # the switch agents' steps, and how far their clocks are from ours
    SNAPSHOT = "snapshot"  # the steps that take, send and restore data
    CONTAINER = "container"  # containers and volumes that come and go
