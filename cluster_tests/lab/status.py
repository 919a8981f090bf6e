"""``lab status``: what is up, read from this machine's engine and inside the nodes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import LabError
from cluster_tests.lab.engine import check, connect, find, run
from cluster_tests.lab.plan import FORGE, LABEL, PLUGIN, STATE_LABEL, LabPlan

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_CLUSTER_CONTAINERS = 3


@dataclass(frozen=True)
class HostStatus:
    """One host: ``state`` as the engine calls it, memory and disk in bytes, the rest in words."""

    host: str
    state: str
    address: str = ""
    memory: int = 0
    disk: int = 0
    engine: str = ""
    plugin: str = ""
    cluster: str = ""

    @property
    def up(self) -> bool:
        """Whether the host does all it must."""
        if self.host == FORGE:
            return self.state == "running"
        return self.cluster == f"{_CLUSTER_CONTAINERS} running" and self.plugin == "enabled"


def read(plan: LabPlan) -> list[HostStatus]:
    """Read every host's status side by side."""
    client = connect()
    with ThreadPoolExecutor(len(plan.hosts)) as pool:
        return list(pool.map(lambda host: _host(client, plan, host), plan.hosts))


def _host(client: DockerClient, plan: LabPlan, host: str) -> HostStatus:
    container = find(client, plan.container(host))
    if container is None:
        return HostStatus(host, "absent")
    if container.status != "running":
        return HostStatus(host, container.status)
    seen = HostStatus(
        host, "running", plan.address(host), _memory(container), _disk(container, plan, host)
    )
    return seen if host == FORGE else _node(container, seen)


def _node(container: Container, seen: HostStatus) -> HostStatus:
    version = run(container, "docker", "version", "--format", "{{.Server.Version}}")
    plugin = run(container, "docker", "plugin", "inspect", "--format", "{{.Enabled}}", PLUGIN)
    names = ["--filter", "label=com.docker.compose.project=cluster", "--format", "{{.State}}"]
    states = run(container, "docker", "ps", "--all", *names).output.split()
    return replace(
        seen,
        engine=version.output if version.code == 0 else "does not answer",
        plugin={"true": "enabled", "false": "disabled"}.get(plugin.output, "absent"),
        cluster=", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        or "absent",
    )


def _memory(container: Container) -> int:
    """Return bytes in use, less the file cache that the kernel may take back at any time."""
    usage: dict[str, Any] = container.stats(stream=False, one_shot=True)["memory_stats"]
    details = usage.get("stats", {})
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return int(usage.get("usage", 0) - cache)


def _disk(container: Container, plan: LabPlan, host: str) -> int:
    """Return the bytes on disk in the host's volumes: blocks, not sizes, for btrfs is sparse."""
    listing = check(container, "du", "-xsB1", *plan.volumes(host).values())
    return sum(int(line.split()[0]) for line in listing.splitlines())


def images_on_disk() -> int:
    """Return the bytes that the lab's images take on this machine's engine."""
    images = [image for image in connect().df()["Images"] or [] if _ours(image)]
    # They share one base: its layers count once.
    shared = max((image["SharedSize"] for image in images), default=0)
    return shared + sum(int(image["Size"] - max(image["SharedSize"], 0)) for image in images)


def _ours(image: dict[str, Any]) -> bool:
    return LABEL in (image["Labels"] or {})


def is_up(plan: LabPlan) -> bool:
    """Tell whether every host runs and an inventory leads to them; no look inside the nodes."""
    if not plan.inventory.is_file():
        return False
    client = connect()
    found = [find(client, plan.container(host)) for host in plan.hosts]
    return all(
        c is not None and c.status == "running" and c.labels.get(STATE_LABEL) == str(plan.state)
        for c in found
    )


def require(plan: LabPlan, host: str) -> str:
    """Return the name of a running host's container.

    Raises LabError when it does not run.
    """
    container = find(connect(), plan.container(host))
    if container is None or container.status != "running":
        raise LabError(f"{host}: it does not run", remedy="cluster-tests lab up")
    return str(container.name)
