"""Runs a command, and stops a node in the middle of the first switch that the command makes.

    python tests/breaks/node_stopper.py [--node NAME] [--hang] COMMAND [ARGUMENT…]

A switch is in its middle once an application is in maintenance. Then the node's container is
killed, or with ``--hang`` paused, which is a machine that answers nothing any more. Specs must end
with "unknown", with evidence of all that the other nodes still tell:

    python tests/breaks/node_stopper.py --node core2 run-contexts specs/exchange_specs.py -v -s

Once the command has ended the node comes back; what it left is removed by ``cluster-tests clean``.
Exit code: the command's own; 2 when it ended before the node was stopped, which proves nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from lab_nodes import do

from cluster_tests.inventory.file import load_inventory
from cluster_tests.lab.plan import PREFIX, LabPlan
from cluster_tests.report import say

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROVES_NOTHING = 2
# What becomes of the node's container, and what brings it back.
_STOP, _HANG = ("kill", "start"), ("pause", "unpause")
# Keys that the suite's own recorders put and delete among the flags (timeline/recorder.py).
_MARKS = ".cluster-tests"
# https://developer.hashicorp.com/consul/commands/watch: runs a handler with each change on stdin.
# Ended by itself some time: who kills the client of an exec does not kill what it runs.
_WATCH = (
    "timeout",
    "600",
    "consul",
    "watch",
    "-type=keyprefix",
    "-prefix=maintenance/",
    "sh",
    "-c",
    "cat; echo",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command to its end; return the exit code."""
    parser = argparse.ArgumentParser(description="Stops a node in the middle of a switch.")
    parser.add_argument("--node", default="core2", help="which node (default: core2)")
    parser.add_argument("--hang", action="store_true", help="pause it instead of killing it")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run meanwhile")
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error("there is no command to run")
    return _run(options.command, options.node, *(_HANG if options.hang else _STOP))


def _run(command: list[str], node: str, stop: str, bring_back: str) -> int:
    inventory = load_inventory(LabPlan().inventory)
    other = next(name for name in inventory.node_names if name != node)
    container, stopped = f"{PREFIX}-{node}", False
    try:
        with subprocess.Popen(command) as running:
            for flags in _flags(other, inventory.names.consul, running):
                if flags:
                    do("docker", stop, container)
                    stopped = True
                    say(f"{node}: {stop} while in maintenance: {', '.join(flags)}", indent=0)
                    break
            code = running.wait()
    finally:
        if stopped:
            do("docker", bring_back, container)
    say(f"{node} was stopped: {stopped}; exit code {code}", indent=0)
    return code if stopped else _PROVES_NOTHING


def _flags(node: str, consul: str, running: subprocess.Popen[bytes]) -> Iterator[list[str]]:
    """Yield the flags that are up, now and at each change, as ``node`` knows it, to the end."""
    command = ["docker", "exec", f"{PREFIX}-{node}", "docker", "exec", consul, *_WATCH]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None

        def end_with_it() -> None:
            running.wait()
            watching.kill()

        threading.Thread(target=end_with_it, daemon=True).start()
        try:
            for line in watching.stdout:
                if line.strip():
                    keys = [flag["Key"] for flag in json.loads(line) or ()]
                    yield [key for key in keys if not key.endswith(_MARKS)]
        finally:
            watching.kill()


if __name__ == "__main__":
    sys.exit(main())
