"""What stands below the cluster: each node's versions, members, network, proxies, room and clock.

A reader of its own, because nothing of it belongs to an application: it is what has to be in order
before anything can be said about applications.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import NodeError
from cluster_tests.foundation import facts_script
from cluster_tests.timeline.clocks import Offset, measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_tests.session.session import Session

_SCRIPT = Path(facts_script.__file__).read_text(encoding="utf-8")
# statvfs(3) of each directory below /rooms: free bytes, free inodes, all inodes.
_STATVFS = (
    "import json, os\n"
    "seen = {name: os.statvfs(f'/rooms/{name}') for name in os.listdir('/rooms')}\n"
    "print(json.dumps({name: [s.f_bavail * s.f_frsize, s.f_favail, s.f_files]"
    " for name, s in seen.items()}))"
)
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


def read_facts(session: Session, node: str) -> NodeFacts:
    """Ask one node; raises ``NodeError`` where something cannot even be asked."""
    inventory = session.inventory
    names, engine = inventory.names, session.cluster.nodes[node].engine
    inside = _inside(session, node)
    version = engine.version()
    plugin = engine.plugin(names.volume_driver)
    return NodeFacts(
        hostname=inside["hostname"],
        versions=Versions(
            engine=version["Version"],
            engine_api=version["ApiVersion"],
            kernel=version["KernelVersion"],
            plugin=f"{inside['buttervolume']} {plugin.content}",
            **{name: inside[name] for name in ("client", "client_api", "compose", "btrfs")},
            consul=inside["consul"],
        ),
        plugin_enabled=plugin.enabled,
        leader=inside["leader"],
        alive=frozenset(name for name, status in inside["members"] if status == _ALIVE),
        attached=engine.attached(names.network),
        running=engine.running(),
        haproxy_complaint=session.haproxy_complaint(node),
        caddy_complaint=_caddy_complaint(session, node),
        rooms=_rooms(session, node),
    )


def read_clocks(session: Session) -> dict[str, Offset]:
    """Ask all nodes what time it is; an offset is as exact as the answer was quick."""
    return session.side_by_side(
        {name: partial(measure, node.probe.clock) for name, node in session.cluster.nodes.items()}
    )


def furthest_apart(offsets: Mapping[str, Offset]) -> float:
    """Tell how many seconds the clocks of two nodes may be apart, at most."""
    return max(each.most for each in offsets.values()) - min(
        each.least for each in offsets.values()
    )


def _inside(session: Session, node: str) -> dict[str, Any]:
    """Read what only the Consul container can tell: its clients' versions, its agent's view."""
    inventory = session.inventory
    command = ["python3", "-c", _SCRIPT, str(inventory.consul.port)]
    done = session.cluster.nodes[node].engine.run(inventory.names.consul, command)
    if done.exit_code:
        raise NodeError(node, f"its infrastructure cannot be read: {done.stderr.strip()}")
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _rooms(session: Session, node: str) -> dict[str, Room]:
    """Ask the node's file systems: none of the infrastructure's containers sees all of them."""
    inventory, engine = session.inventory, session.cluster.nodes[node].engine
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
        raise NodeError(node, f"its file systems cannot be read: {done.stderr.strip()}")
    return {name: _room(*room) for name, room in json.loads(done.stdout).items()}


def _room(free_bytes: int, free_inodes: int, inodes: int) -> Room:
    return Room(free_bytes, free_inodes / inodes if inodes else 1.0)


def _caddy_complaint(session: Session, node: str) -> str:
    """Ask Caddy whether it accepts what it has saved of its configuration (``caddy validate``)."""
    names, paths = session.inventory.names, session.inventory.paths
    command = ["caddy", "validate", "--config", str(paths.caddy_config)]
    done = session.cluster.nodes[node].engine.run(names.caddy, command)
    return "" if done.exit_code == 0 else f"exit code {done.exit_code}: {done.stderr}"
