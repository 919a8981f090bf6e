"""What must be true of what the readers found: a word on it ("" for none), or what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster_tests.errors import HarnessError
from cluster_tests.foundation.facts import LEAST_FREE_BYTES, LEAST_FREE_INODES, furthest_apart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.foundation.facts import Inside, Room
    from cluster_tests.inventory.entries import Inventory, Names
    from cluster_tests.timeline.clocks import Offset

_GIGABYTE = 1_000_000_000
MOST_APART = 1.0  # seconds between two nodes' clocks


def judged_network(node: str, names: Names, attached: frozenset[str] | None) -> str:
    """Demand that both proxies are attached to the external network."""
    if attached is None:
        raise HarnessError(
            f"there is no network {names.network}",
            remedy=f"on {node}: docker network create {names.network}, or correct "
            "'names: {network: …}' in the inventory",
        )
    missing = sorted({names.haproxy, names.caddy} - attached)
    if missing:
        commands = [f"docker network connect {names.network} {name}" for name in missing]
        raise HarnessError(
            f"not in {names.network}: {', '.join(missing)}",
            remedy=f"on {node}: {' && '.join(commands)}",
        )
    return ""


def judged_plugin(node: str, driver: str, *, enabled: bool) -> str:
    """Demand that the volume plugin is enabled."""
    if not enabled:
        remedy = f"on {node}: docker plugin enable {driver}"
        raise HarnessError(f"{driver} is disabled", remedy=remedy)
    return ""


def judged_name(node: str, inside: Inside) -> str:
    """Demand that the node calls itself as the inventory does: its name in Consul, too."""
    if inside.hostname != node:
        raise HarnessError(
            f"it calls itself {inside.hostname}",
            remedy=f"give it that name in the inventory, or on the node: hostnamectl hostname "
            f"{node}",
        )
    return ""


def judged_members(inventory: Inventory, inside: Inside) -> str:
    """Demand that the node's Consul agent sees all nodes alive."""
    missing = sorted(set(inventory.node_names) - inside.alive)
    if missing:
        raise HarnessError(
            f"its Consul agent does not see alive: {', '.join(missing)}",
            remedy=f"start their agents, then on the node: docker exec {inventory.names.consul} "
            "consul members",
        )
    return ""


def judged_addresses(inventory: Inventory, inside: Inside) -> str:
    """Demand that the nodes know each other by the inventory's addresses.

    Only nodes that Consul knows at all can be compared; ``judged_members`` misses the others.
    """
    wrong = [
        f"{node} has {found} and not {inventory.address_of(node)}"
        for node, found in sorted(inside.addresses.items())
        if node in inventory.nodes and found not in inside.resolved[inventory.address_of(node)]
    ]
    if wrong:
        raise HarnessError(
            f"as its Consul agent knows them, {'; '.join(wrong)}",
            remedy="correct 'address' in the inventory: it is what the nodes call each other",
        )
    return ""


def judged_rooms(node: str, rooms: Mapping[str, Room]) -> str:
    """Demand room for a run on every file system."""
    if not rooms:
        raise HarnessError("no file system was looked at")
    full = [name for name, room in sorted(rooms.items()) if _is_full(room)]
    if full:
        told = ", ".join(
            f"{name} {rooms[name].free_bytes / _GIGABYTE:.1f} GB and "
            f"{rooms[name].inodes:.0%} of inodes"
            for name in full
        )
        raise HarnessError(
            f"too little is free: {told}",
            remedy=f"on {node}: df -h; df -i; then docker system prune, or remove old snapshots",
        )
    return ", ".join(
        f"{name} {room.free_bytes / _GIGABYTE:.1f} GB" for name, room in sorted(rooms.items())
    )


def judged_clocks(offsets: Mapping[str, Offset]) -> str:
    """Demand that no two nodes' clocks are a second apart."""
    apart = furthest_apart(offsets)
    if apart >= MOST_APART:
        each = ", ".join(f"{node} {offset.seconds:+.3f} s" for node, offset in offsets.items())
        raise HarnessError(
            f"up to {apart:.3f} s apart (from here: {each})",
            remedy="let all nodes follow one time server: timedatectl set-ntp true",
        )
    return f"at most {apart:.3f} s apart"


def judged_leaders(leaders: Mapping[str, str]) -> str:
    """Demand that all nodes follow one leader."""
    if len(set(leaders.values())) > 1:
        each = ", ".join(f"{node} follows {leader}" for node, leader in leaders.items())
        raise HarnessError(
            f"there are several: {each}",
            remedy="the nodes are not one Consul cluster: consul join ADDRESS, on one of them",
        )
    return next(iter(leaders.values()))


def _is_full(room: Room) -> bool:
    return room.free_bytes < LEAST_FREE_BYTES or room.inodes < LEAST_FREE_INODES
