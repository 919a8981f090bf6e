"""What stands below the cluster: each node's versions, members, network, proxies, room and clock.

A reader of its own, because nothing of it belongs to an application: it is what has to be in order
before anything can be said about applications.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import NodeError
from cluster_tests.foundation import facts_script
from cluster_tests.proxies.complaints import caddy_complaint, haproxy_complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.nodes.node import Engine
    from cluster_tests.timeline.clocks import Offset

_SCRIPT = Path(facts_script.__file__).read_text(encoding="utf-8")
# statvfs(3) of each directory below /rooms: free bytes, free inodes, all inodes.
_STATVFS = (
    "import json, os\n"
    "seen = {name: os.statvfs(f'/rooms/{name}') for name in os.listdir('/rooms')}\n"
    "print(json.dumps({name: [s.f_bavail * s.f_frsize, s.f_favail, s.f_files]"
    " for name, s in seen.items()}))"
)
_CLIENTS = ("client", "client_api", "compose", "btrfs", "consul")
LEAST_FREE_BYTES = 500_000_000  # a run's images, checkouts and snapshots take a few dozen megabytes
LEAST_FREE_INODES = 0.05  # of all
_ALIVE = 1  # serf's status of a member that answers


@dataclass(frozen=True)
class Room:
    """What a file system has left; ``inodes`` is their free share, 1.0 where nothing limits them.

    btrfs makes inodes as they are needed and reports none.
    """

    free_bytes: int
    inodes: float


@dataclass(frozen=True)
class Versions:
    """What must be the same on all nodes; a plugin is told by its version and its content."""

    engine: str
    engine_api: str
    client: str
    client_api: str
    compose: str
    kernel: str
    btrfs: str
    consul: str
    plugin: str


@dataclass(frozen=True)
class NodeFacts:
    """What one node says of itself.

    ``alive`` are the members that its own Consul agent sees alive, ``attached`` the containers in
    the external network (None: there is no such network), complaints are "" where there is none.
    """

    hostname: str
    versions: Versions
    plugin_enabled: bool
    leader: str
    alive: frozenset[str]
    attached: frozenset[str] | None
    running: frozenset[str]
    haproxy_complaint: str
    caddy_complaint: str
    rooms: Mapping[str, Room]


@dataclass(frozen=True)
class Inside:
    """What a node's Consul container can tell.

    ``alive`` and ``addresses`` are the members of Consul as the node's own agent knows them;
    ``resolved`` holds the IP addresses that each address of the inventory means there.
    """

    hostname: str
    versions: Mapping[str, str]
    leader: str
    alive: frozenset[str]
    addresses: Mapping[str, str]
    resolved: Mapping[str, frozenset[str]]


def read_facts(inventory: Inventory, engine: Engine) -> NodeFacts:
    """Ask one node; raises ``NodeError`` where something cannot even be asked."""
    names = inventory.names
    inside = read_inside(inventory, engine)
    version = engine.version()
    plugin = engine.plugin(names.volume_driver)
    return NodeFacts(
        hostname=inside.hostname,
        versions=Versions(
            engine=version["Version"],
            engine_api=version["ApiVersion"],
            kernel=version["KernelVersion"],
            plugin=f"{inside.versions['buttervolume']} {plugin.content}",
            **{name: inside.versions[name] for name in _CLIENTS},
        ),
        plugin_enabled=plugin.enabled,
        leader=inside.leader,
        alive=inside.alive,
        attached=engine.attached(names.network),
        running=engine.running(),
        haproxy_complaint=haproxy_complaint(inventory, engine),
        caddy_complaint=caddy_complaint(inventory, engine),
        rooms=read_rooms(inventory, engine),
    )


def furthest_apart(offsets: Mapping[str, Offset]) -> float:
    """Tell how many seconds the clocks of two nodes may be apart, at most."""
    return max(each.most for each in offsets.values()) - min(
        each.least for each in offsets.values()
    )


def read_inside(inventory: Inventory, engine: Engine) -> Inside:
    """Read what only the Consul container can tell: its clients' versions, its agent's view."""
    addresses = [node.address for node in inventory.nodes.values()]
    command = ["python3", "-c", _SCRIPT, str(inventory.consul.port), *addresses]
    done = engine.run(inventory.names.consul, command)
    if done.exit_code:
        raise NodeError(engine.node, f"its infrastructure cannot be read: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return Inside(
        hostname=found["hostname"],
        versions=found["versions"],
        leader=found["leader"],
        alive=frozenset(name for name, status, _ in found["members"] if status == _ALIVE),
        addresses={name: address for name, _, address in found["members"]},
        resolved={address: frozenset(ips) for address, ips in found["resolved"].items()},
    )


def read_rooms(inventory: Inventory, engine: Engine) -> dict[str, Room]:
    """Ask the node's file systems: none of the infrastructure's containers sees all of them."""
    paths = {
        "engine": PurePosixPath(engine.root_directory()),
        "deploy": inventory.paths.deploy,
        "btrfs": inventory.paths.btrfs,
    }
    done = engine.run_apart(
        inventory.names.consul,
        ["python3", "-c", _STATVFS],
        {f"/rooms/{name}": path for name, path in paths.items()},
    )
    if done.exit_code:
        raise NodeError(engine.node, f"its file systems cannot be read: {done.stderr.strip()}")
    return {name: _room(*room) for name, room in json.loads(done.stdout).items()}


def _room(free_bytes: int, free_inodes: int, inodes: int) -> Room:
    return Room(free_bytes, free_inodes / inodes if inodes else 1.0)
