"""What a booted node still needs: volume plugin, cluster under test, images of the services."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster_tests.errors import LabError
from cluster_tests.lab.engine import File, Result, check, put, run
from cluster_tests.lab.plan import APPLICATION_PORTS, ENGINE_LOG, PLUGIN, PREFIX, REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker.models.containers import Container

    from cluster_tests.lab.plan import LabPlan

_CLUSTER = "/opt/cluster"
_BOOT_SECONDS = 60
_LEADER_SECONDS = 60
_PLUGIN = ("docker", "plugin")
_GRANTED = "--grant-all-permissions"
# How long the engine tries to reach the plugin: its Python starts slowly on a busy machine.
_PLUGIN_SECONDS = "60"
# Exit codes of fixtures/node/boot.sh.
_BOOT_FAILURES = {
    21: ("the kernel has no btrfs", "modprobe btrfs (as root, on this machine)"),
    22: ("no loop device is free", "losetup --list, and detach what is not needed"),
    23: ("its btrfs file system does not mount", "cluster-tests lab down --purge makes a new one"),
}
# Until this boot's engine empties it, a node that was stopped still has the log of the one before,
# and that one listened: a line counts from $2 on, when the node was started. Both times are UTC as
# in RFC 3339; without their Z, texts compare as the times do, however many digits each has.
_LISTENS = """
while IFS='"' read -r _ time line; do
    if [[ $line == *"API listen on"* && ! ${time%Z} < $2 ]]; then exit; fi
done < <(exec tail --pid=$$ -n +1 -F "$1" 2>/dev/null)
exit 1
"""


def wait_for_engine(node: Container, host: str) -> None:
    """Wait until the node's engine listens, by following its log.

    Raises LabError with the reason when the node ends instead, or after a minute.
    """
    node.reload()
    started = node.attrs["State"]["StartedAt"].removesuffix("Z")
    limit = ("timeout", str(_BOOT_SECONDS))
    try:
        result = run(node, *limit, "bash", "-c", _LISTENS, "listens", ENGINE_LOG, started)
    except LabError:
        # The engine refuses commands inside a host that has ended: its exit code tells why.
        _explain_end(node, host)
        raise
    if result.code != 0:
        _explain_end(node, host)
        raise LabError(
            f"{host}: its Docker engine does not listen after {_BOOT_SECONDS} s",
            remedy=f"cluster-tests lab logs {host}",
        )


def _explain_end(node: Container, host: str) -> None:
    node.reload()
    if node.status == "running":
        return
    code = node.attrs["State"]["ExitCode"]
    cause, remedy = _BOOT_FAILURES.get(
        code, (f"it ended with {code}", f"cluster-tests lab logs {host}")
    )
    raise LabError(f"{host}: {cause}", remedy=remedy)


def install_plugin(node: Container, reference: str) -> None:
    """Install the volume plugin from the forge under the name the contract gives it."""
    state = "{{.PluginReference}} {{.Enabled}}"
    found = run(node, *_PLUGIN, "inspect", "--format", state, PLUGIN)
    if found.output == f"{reference} true":
        return
    if found.code != 0:
        check(node, *_PLUGIN, "install", _GRANTED, "--disable", "--alias", PLUGIN, reference)
    elif not found.output.startswith(f"{reference} "):
        if found.output.endswith(" true"):
            check(node, *_PLUGIN, "disable", "--force", PLUGIN)
        check(node, *_PLUGIN, "upgrade", _GRANTED, "--skip-remote-check", PLUGIN, reference)
    # Apart from the installation: after a failure the next `up` needs only this.
    check(node, *_PLUGIN, "enable", "--timeout", _PLUGIN_SECONDS, PLUGIN)


def pull(node: Container, images: dict[str, str]) -> None:
    """Pull images (the nodes' name to image ID) that the node does not have in this version."""
    listing = check(node, "docker", "image", "ls", "--no-trunc", "--format",
                    "{{.Repository}}:{{.Tag}} {{.ID}}")  # fmt: skip
    present = dict(line.split() for line in listing.splitlines())
    for name, identity in images.items():
        if present.get(name) != identity:
            check(node, "docker", "pull", "--quiet", name)


def start_cluster(node: Container, host: str, plan: LabPlan) -> None:
    """Put the cluster's directory on the node and bring its compose project up."""
    files = [
        File(f"{_CLUSTER}/{path.relative_to(plan.cluster)}", path.read_bytes(),
             path.stat().st_mode & 0o777)
        for path in sorted(plan.cluster.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]  # fmt: skip
    put(node, [*files, File(f"{_CLUSTER}/.env", _environment(host, plan))])
    check(node, "docker", "compose", "--project-directory", _CLUSTER, "--project-name", "cluster",
          "up", "--detach", "--no-build", "--quiet-pull", "--remove-orphans")  # fmt: skip


def _environment(host: str, plan: LabPlan) -> bytes:
    values = {
        "REGISTRY": REGISTRY,
        "NODE_NAME": host,
        "NODE_ADDRESS": plan.address(host),
        "NODES": ",".join(f"{node}={plan.address(node)}" for node in plan.nodes),
        "APPLICATION_PORTS": APPLICATION_PORTS,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items()).encode()


def wait_for_leader(node: Container, host: str, nodes: Iterable[str]) -> None:
    """Wait until Consul has a leader and every node is a voting member.

    Consul itself holds such a question back while there is no leader; the loop only asks again.
    Raises LabError with Consul's last answer after a minute.
    """
    consul = ["docker", "exec", "cluster_consul_1", "consul", "operator", "raft", "list-peers"]
    deadline = time.monotonic() + _LEADER_SECONDS
    answer = Result(1, "nothing")
    while time.monotonic() < deadline:
        answer = run(node, *consul)
        voters = {line.split()[0] for line in answer.output.splitlines() if line.endswith(" 3")}
        if answer.code == 0 and " leader " in answer.output and set(nodes) <= voters:
            return
    raise LabError(
        f"{host}: Consul has no leader after {_LEADER_SECONDS} s, it says: {answer.output}",
        remedy=f"cluster-tests lab logs {host}",
    )


def host_name(container: Container) -> str:
    """Return the host that a container of the lab stands for."""
    return str(container.name).removeprefix(f"{PREFIX}-")
