"""Commands inside the nodes of the local lab."""

from __future__ import annotations

import subprocess

from cluster_tests.errors import HarnessError
from cluster_tests.lab.plan import PREFIX

_PATIENCE = 120  # seconds


def in_node(node: str, *command: str) -> str:
    """Run a command inside a node, as root; give its output."""
    return do("docker", "exec", f"{PREFIX}-{node}", *command)


def do(*command: str) -> str:
    """Run a command on this machine; raise ``HarnessError`` with its last words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise HarnessError(f"{' '.join(command)[:200]}: exit code {done.returncode}: {said}")
    return done.stdout
