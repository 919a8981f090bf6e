"""Runs a command while every node's SSH connections are killed, again and again.

    python tests/breaks/sshd_killer.py [--every SECONDS] COMMAND [ARGUMENT…]

Every 60 seconds, or as often as told, each node of the local lab kills the processes of its sshd
that serve connections (SIGKILL); new connections are accepted all along. Specs must end with the
same verdicts as undisturbed ones:

    python tests/breaks/sshd_killer.py run-contexts specs/

Exit code: the command's own; 2 when it ended before anything was killed, which proves nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from lab_nodes import in_node

from cluster_tests.inventory.file import load_inventory
from cluster_tests.lab.plan import LabPlan
from cluster_tests.report import say

_PROVES_NOTHING = 2

# The listener's descendants, whatever they are called: names differ between sshd's versions.
_KILL = """
below() { for c in $(cat /proc/$1/task/$1/children 2>/dev/null); do below $c; echo $c; done; }
for pid in $(below $(cat /run/sshd.pid)); do kill -KILL $pid && echo $pid; done
:
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command to its end; return the exit code."""
    parser = argparse.ArgumentParser(description="Runs a command while SSH connections are killed.")
    parser.add_argument("--every", type=float, default=60.0, help="seconds (default: 60)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run meanwhile")
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error("there is no command to run")
    return _run(options.command, options.every)


def _run(command: list[str], every: float) -> int:
    nodes = load_inventory(LabPlan().inventory).node_names
    rounds = 0
    with subprocess.Popen(command) as running:
        while True:
            try:
                code = running.wait(every)
                break
            except subprocess.TimeoutExpired:
                killed = {node: _kill(node) for node in nodes}
                rounds += any(killed.values())
                say(f"{time.strftime('%X')} killed SSH processes: {killed}", indent=0)
    say(f"the connections were killed {rounds} times; exit code {code}", indent=0)
    return code if rounds else _PROVES_NOTHING


def _kill(node: str) -> int:
    """Kill what serves connections on a node; tell how many processes that were."""
    return len(in_node(node, "sh", "-c", _KILL).split())


if __name__ == "__main__":
    sys.exit(main())
