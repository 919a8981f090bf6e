"""The lab's hosts as containers of this machine's engine: created, started, stopped, removed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from cluster_tests.errors import LabError
from cluster_tests.lab.engine import File, find, put, translated
from cluster_tests.lab.keys import BETWEEN_NODES, OPERATOR, host_key, key_pair
from cluster_tests.lab.plan import FORGE, LABEL, PREFIX, REGISTRY_PORT, STATE_LABEL, LabPlan

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

# What a node's engine, its containers and its btrfs need. Two kinds: what containers get by
# default everywhere, and what makes a container a host.
_ORDINARY = [
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
    "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
]  # fmt: skip
# With their numbers (kernel: capability.h): an engine in a container may lack some of these.
_OF_A_HOST = {
    "DAC_READ_SEARCH": 2, "NET_ADMIN": 12, "IPC_LOCK": 14, "SYS_PTRACE": 19, "SYS_ADMIN": 21,
    "SYS_RESOURCE": 24,
}  # fmt: skip
# Block devices 7:* are loop devices, 10:237 their control, 10:234 btrfs' (kernel: devices.txt).
_DEVICES = ["b 7:* rwm", "c 10:237 rwm", "c 10:234 rwm"]
_CORE_USER = 1000
_GIT_USER = 1000
_STOP_SECONDS = 30


def ensure_network(client: DockerClient, plan: LabPlan) -> None:
    """Create the lab's network with its fixed addresses.

    Raises LabError when another network has taken them.
    """
    try:
        network = client.networks.get(PREFIX)
    except NotFound:
        _create_network(client, plan)
        return
    taken = network.attrs["IPAM"]["Config"][0]["Subnet"]
    if taken != str(plan.network):
        raise LabError(
            f"the lab's network is there with {taken}, not {plan.network}",
            remedy="cluster-tests lab down --purge, or keep CLUSTER_TESTS_SUBNET as it was",
        )


def _create_network(client: DockerClient, plan: LabPlan) -> None:
    pool = IPAMConfig(pool_configs=[IPAMPool(subnet=str(plan.network))])
    try:
        client.networks.create(PREFIX, driver="bridge", ipam=pool, labels={LABEL: "network"})
    except APIError as error:
        raise LabError(
            f"the network {plan.network} cannot be used for the lab: {error.explanation}",
            remedy="choose a free range: CLUSTER_TESTS_SUBNET=172.31.77.0/24 cluster-tests lab up",
        ) from error


def create(client: DockerClient, plan: LabPlan, host: str, image: str) -> Container:
    """Create a host's container with its keys inside; it is not started yet.

    A container of an earlier lab that was made otherwise (image, keys, options) is replaced: what
    must last is in its volumes.
    Raises LabError when another checkout's lab is running under the same names.
    """
    options = _forge(plan) if host == FORGE else _node(plan, host)
    identity = f"{image} {host_key(plan.keys, host).public} {plan.address(host)} {options}"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    labels = {LABEL: digest, STATE_LABEL: str(plan.state)}
    found = find(client, plan.container(host))
    if found is not None:
        if labels.items() <= found.labels.items():
            return found
        if found.status == "running" and found.labels.get(STATE_LABEL) != str(plan.state):
            raise LabError(
                f"{host}: the lab of {found.labels.get(STATE_LABEL)} is running",
                remedy="cluster-tests lab down (its volumes stay), then again",
            )
        stop(found)
    with translated(f"{host}: creating its container"):
        container = client.containers.create(
            image,
            name=plan.container(host),
            hostname=host,
            labels=labels,
            extra_hosts={other: plan.address(other) for other in plan.hosts},
            volumes=[f"{volume}:{target}" for volume, target in plan.volumes(host).items()],
            networking_config={
                PREFIX: client.api.create_endpoint_config(ipv4_address=plan.address(host))
            },
            network=PREFIX,
            **options,
        )
    put(container, _forge_files(plan) if host == FORGE else _node_files(plan, host))
    return container


def _forge(plan: LabPlan) -> dict[str, object]:
    return {
        "environment": {"REPOSITORIES": " ".join(path.name for path in plan.services)},
        "ports": {"22/tcp": ("127.0.0.1", None), f"{REGISTRY_PORT}/tcp": ("127.0.0.1", None)},
    }


def _node(plan: LabPlan, host: str) -> dict[str, object]:
    return {
        "environment": {"NODE_NAME": host, "NODE_ADDRESS": plan.address(host)},
        "ports": {"22/tcp": ("127.0.0.1", None)},
        "cap_drop": ["ALL"],
        "cap_add": capabilities(),
        "device_cgroup_rules": _DEVICES,
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    }


def capabilities(processes: Path = Path("/proc")) -> list[str]:
    """Return what a node needs, less what the engine of this machine does not have itself.

    Where the engine's process cannot be seen (Docker Desktop), it is taken to have all.
    """
    bounding = _engine_bounding_set(processes)
    host = [name for name, number in _OF_A_HOST.items() if bounding >> number & 1]
    return _ORDINARY + host


def _engine_bounding_set(processes: Path) -> int:
    for comm in processes.glob("[0-9]*/comm"):
        if _read(comm).strip() == "dockerd":
            for line in _read(comm.with_name("status")).splitlines():
                if line.startswith("CapBnd:"):
                    return int(line.split()[1], 16)
    return (1 << 64) - 1


def _read(path: Path) -> str:
    """Read a file of a process that may end meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _forge_files(plan: LabPlan) -> list[File]:
    identity = host_key(plan.keys, FORGE)
    allowed = "".join(f"{key_pair(plan.keys, k).public}\n" for k in (OPERATOR, BETWEEN_NODES))
    return [
        File("/etc/ssh/host_ed25519", identity.private, 0o600),
        File("/etc/ssh/authorized_keys_git", allowed.encode(), 0o644),
    ]


def _node_files(plan: LabPlan, host: str) -> list[File]:
    identity = host_key(plan.keys, host)
    between = key_pair(plan.keys, BETWEEN_NODES)
    operator = f"{key_pair(plan.keys, OPERATOR).public}\n".encode()
    return [
        File("/etc/ssh/host_ed25519", identity.private, 0o600),
        File("/home/core/.ssh/authorized_keys", operator, 0o600, _CORE_USER),
        File("/root/.ssh", None, 0o700),
        File("/root/.ssh/host_ed25519", identity.private, 0o600),
        File("/root/.ssh/id_ed25519", between.private, 0o600),
        File("/root/.ssh/authorized_keys", f"{between.public}\n".encode(), 0o600),
        File("/root/.ssh/known_hosts", _known_inside(plan).encode(), 0o600),
    ]


def _known_inside(plan: LabPlan) -> str:
    """Write known_hosts as the nodes see each other: the plugin's sshd on 1122, the forge on 22."""
    lines = [
        f"[{plan.address(node)}]:1122,[{node}]:1122 {host_key(plan.keys, node).public}"
        for node in plan.nodes
    ]
    lines.append(f"{FORGE},{plan.address(FORGE)} {host_key(plan.keys, FORGE).public}")
    return "\n".join([*lines, ""])


def port(container: Container, inside: int) -> int:
    """Return the loopback port that leads to ``inside``."""
    container.reload()
    published = container.attrs["NetworkSettings"]["Ports"].get(f"{inside}/tcp")
    if not published:
        host = container.name.removeprefix(f"{PREFIX}-")
        raise LabError(
            f"{host}: it ended right after its start", remedy=f"cluster-tests lab logs {host}"
        )
    return int(published[0]["HostPort"])


def stop(container: Container) -> None:
    """Stop a host as a power button would, and remove its container; its volumes stay."""
    with translated(f"{container.name}: stopping"):
        try:
            container.stop(timeout=_STOP_SECONDS)
            container.remove(force=True)
        except NotFound:
            return
