"""What the lab consists of: its hosts, names and addresses. Nothing here touches the world."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cluster_tests.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "cluster-tests"
LABEL = "org.cluster-tests.lab"
# Which state directory holds the keys of a host.
STATE_LABEL = f"{LABEL}.state"
FORGE = "forge"
NODES = ("core1", "core2", "core3", "core4")
DEFAULT_SUBNET = "172.30.77.0/24"
APPLICATION_PORTS = "2200-2231"
REGISTRY_PORT = 5000
ENGINE_LOG = "/var/log/dockerd.log"  # on every node: fixtures/node/boot.sh writes it
REGISTRY = f"{FORGE}:{REGISTRY_PORT}"
PLUGIN = "anybox/buttervolume:latest"
# The first host addresses of a network belong to its gateway.
_FIRST_ADDRESS = 10


def default_state() -> Path:
    """Where keys and inventory live: ``CLUSTER_TESTS_STATE``, or ``.lab`` beside the README."""
    return Path(os.environ.get("CLUSTER_TESTS_STATE") or ROOT / ".lab").absolute()


def _subnet() -> str:
    return os.environ.get("CLUSTER_TESTS_SUBNET") or DEFAULT_SUBNET


@dataclass(frozen=True)
class LabPlan:
    """One lab: ``cluster`` is the directory whose compose project the nodes run.

    Raises UsageError for a subnet too small or malformed.
    """

    cluster: Path = ROOT / "fixtures" / "cluster"
    state: Path = field(default_factory=default_state)
    subnet: str = field(default_factory=_subnet)
    nodes: tuple[str, ...] = NODES

    def __post_init__(self) -> None:
        """Refuse what could only fail later, on a node."""
        if self.network.num_addresses < _FIRST_ADDRESS + len(self.hosts) + 1:
            raise UsageError(
                f"the subnet {self.subnet} has no room for the lab",
                remedy="give one of /24 or wider: CLUSTER_TESTS_SUBNET=172.31.77.0/24",
            )

    @cached_property
    def network(self) -> ipaddress.IPv4Network:
        """The lab's network."""
        try:
            return ipaddress.IPv4Network(self.subnet)
        except ValueError as error:
            raise UsageError(
                f"{self.subnet!r} is no IPv4 network: {error}",
                remedy="write it as CLUSTER_TESTS_SUBNET=172.31.77.0/24",
            ) from error

    @property
    def hosts(self) -> tuple[str, ...]:
        """The forge and the nodes."""
        return (FORGE, *self.nodes)

    @property
    def compose_file(self) -> Path:
        """The compose file of the cluster under test."""
        return self.cluster / "docker-compose.yml"

    @property
    def inventory(self) -> Path:
        """The inventory file that ``lab up`` writes."""
        return self.state / "inventory.yaml"

    @property
    def keys(self) -> Path:
        """Directory of the generated keys."""
        return self.state / "keys"

    def address(self, host: str) -> str:
        """Give the host's address in the lab's network."""
        return str(self.network[_FIRST_ADDRESS + self.hosts.index(host)])

    def container(self, host: str) -> str:
        """Give the container's name on this machine's engine."""
        return f"{PREFIX}-{host}"

    def volumes(self, host: str) -> dict[str, str]:
        """Give the host's volumes on this machine's engine: name to mount point."""
        if host == FORGE:
            return {f"{PREFIX}-{host}-data": "/srv"}
        return {
            f"{PREFIX}-{host}-engine": "/var/lib/docker",
            f"{PREFIX}-{host}-data": "/var/lib/lab",
        }

    @property
    def services(self) -> tuple[Path, ...]:
        """The services that the specs publish, some with images of their own."""
        templates = (ROOT / "fixtures/services").glob("*/docker-compose.yml.in")
        return tuple(sorted(path.parent for path in templates))
