"""What ``lab up`` leaves for the suite: the inventory and the hosts' keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from cluster_tests.lab.images import Recipe
from cluster_tests.lab.keys import OPERATOR, host_key
from cluster_tests.lab.plan import APPLICATION_PORTS, ENGINE_LOG, FORGE, REGISTRY, LabPlan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HEADER = "# Written by `cluster-tests lab up`; the next one writes it anew.\n"


def write(plan: LabPlan, ssh_ports: Mapping[str, int], *, direct: bool) -> Path:
    """Write known_hosts and the inventory, with the loopback port of each host's sshd.

    ``direct`` tells whether the fronts can be reached at the nodes' own addresses.
    """
    known = [f"[127.0.0.1]:{ssh_ports[h]} {host_key(plan.keys, h).public}\n" for h in plan.hosts]
    (plan.state / "known_hosts").write_text("".join(known))
    text = yaml.safe_dump(
        _inventory(plan, ssh_ports, "direct" if direct else "tunnel"), sort_keys=False, width=100
    )
    plan.inventory.write_text(_HEADER + text)
    return plan.inventory


def _inventory(plan: LabPlan, ssh_ports: Mapping[str, int], front: str) -> dict[str, object]:
    key = {"identity_file": f"keys/{OPERATOR}", "known_hosts": "known_hosts"}
    return {
        "name": "lab",
        "may_change": True,
        "version": _version(plan),
        "nodes": {
            node: {
                "address": plan.address(node),
                "ssh": {"host": "127.0.0.1", "port": ssh_ports[node], "user": OPERATOR, **key},
                "front": front,
            }
            for node in plan.nodes
        },
        "forge": {
            "fetch_url": f"http://{FORGE}/git",
            "push_url": f"ssh://git@127.0.0.1:{ssh_ports[FORGE]}/srv/git",
            "ssh": key,
            "registry": REGISTRY,
        },
        "paths": {"engine_log": ENGINE_LOG},
        "applications": {"domain": "cluster.test", "ports": APPLICATION_PORTS},
    }


def _version(plan: LabPlan) -> str:
    """Name what the nodes run by its directory and its content."""
    digest = Recipe(plan.cluster.name, plan.cluster).tag.rpartition(":")[2]
    return f"{plan.cluster.name} {digest}"
