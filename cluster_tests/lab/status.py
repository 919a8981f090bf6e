"""``lab status``: what is up, read from this machine's engine and inside the nodes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.errors import LabError
from cluster_tests.lab.engine import connect, find, run
from cluster_tests.lab.plan import FORGE, PLUGIN, STATE_LABEL, LabPlan

if TYPE_CHECKING:
    from docker import DockerClient

_CLUSTER_CONTAINERS = 3


@dataclass(frozen=True)
class HostStatus:
    """One host: ``state`` as the engine calls it, memory in bytes, remarks in plain words."""

    host: str
    state: str
    address: str = ""
    memory: int = 0
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
    memory = container.stats(stream=False)["memory_stats"].get("usage", 0)
    if host == FORGE:
        return HostStatus(host, "running", plan.address(host), memory)
    version = run(container, "docker", "version", "--format", "{{.Server.Version}}")
    plugin = run(container, "docker", "plugin", "inspect", "--format", "{{.Enabled}}", PLUGIN)
    names = ["--filter", "label=com.docker.compose.project=cluster", "--format", "{{.State}}"]
    states = run(container, "docker", "ps", "--all", *names).output.split()
    return HostStatus(
        host,
        "running",
        plan.address(host),
        memory,
        version.output if version.code == 0 else "does not answer",
        {"true": "enabled", "false": "disabled"}.get(plugin.output, "absent"),
        ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states))) or "absent",
    )


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
