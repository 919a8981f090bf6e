"""Tries the way that snapshots take between nodes: a volume of our own, through the plugin itself.

Nothing less proves it: the plugin has its own keys, known hosts and sshd in a file system that no
other process of the node shares.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster_tests.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.session.session import Session

ARRIVED = "arrived"


def try_transfers(session: Session, sender: str) -> dict[str, str]:
    """Send a snapshot from one node to each other; tell ``ARRIVED`` or what came instead.

    Volume and snapshots are gone again when this returns or raises.
    """
    session.inventory.require_may_change(f"send a snapshot from {sender}")
    volume = f"infrastructure-{secrets.token_hex(4)}"
    nodes = session.cluster.nodes
    with _planted(session, sender, volume) as snapshot:
        return {
            receiver: _sent(session, sender, receiver, snapshot)
            for receiver in nodes
            if receiver != sender
        }


@contextmanager
def _planted(session: Session, sender: str, volume: str) -> Iterator[str]:
    probes = {name: node.probe for name, node in session.cluster.nodes.items()}
    objection = probes[sender].create_volume(volume)
    if objection:
        raise NodeError(sender, f"no volume can be created: {objection}")
    try:
        yield probes[sender].take_snapshot(volume)
    finally:
        left = probes[sender].drop_volume(volume)
        for probe in probes.values():
            probe.remove_snapshots_of(volume)
    if left:
        raise NodeError(sender, f"{volume} cannot be removed: {left}")


def _sent(session: Session, sender: str, receiver: str, snapshot: str) -> str:
    probes = {name: node.probe for name, node in session.cluster.nodes.items()}
    objection = probes[sender].send(snapshot, session.inventory.address_of(receiver))
    if objection:
        return objection
    found = probes[receiver].snapshots_of(snapshot)
    return ARRIVED if snapshot in found else f"{receiver} does not have {snapshot}, but {found}"
