"""The switch agents inside the nodes: their files read, replaced and put back, by exact content.

What is replaced is on this machine's disk before: a run that was killed is undone by the next.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import docker

from cluster_tests.errors import NodeError, RefusedError
from cluster_tests.nodes.node import Engine
from cluster_tests.session.links import Links

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from breaking import Break

    from cluster_tests.inventory.entries import Inventory

_PACKAGE = "/usr/local/lib/switch-agent/switch_agent"
_READ = "import pathlib, sys; print(pathlib.Path(sys.argv[1]).read_text(), end='')"
_WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
_STOP_SECONDS = 3
_RESTART_SECONDS = 60


class Agents:
    """Every node's agent, over the nodes' engines."""

    def __init__(self, inventory: Inventory, links: Links, engines: dict[str, Engine]) -> None:
        """Use what ``opened`` has opened."""
        self._container = inventory.names.consul
        self._nodes = set(inventory.nodes)
        self._links = links
        self._engines = engines

    def read(self, node: str, file: str) -> str:
        """Read a file of the agent."""
        return self._run(node, _READ, file)

    def write(self, node: str, file: str, text: str) -> None:
        """Replace a file of the agent, and make sure that it is replaced."""
        self._run(node, _WRITE, file, text)
        if self.read(node, file) != text:
            raise NodeError(node, f"the agent's {file} is not what was written")

    def restart(self, node: str) -> None:
        """Start the node's agent anew, and wait until all nodes see each other in Consul again."""
        socket = f"unix://{self._links.engine_socket(node)}"
        with docker.APIClient(base_url=socket, version="auto") as client:
            client.restart(self._container, timeout=_STOP_SECONDS)
        deadline = time.monotonic() + _RESTART_SECONDS
        alive: set[str] = set()
        while time.monotonic() < deadline:
            # Consul's command takes a while by itself: there is no need to wait in between.
            found = self._engines[node].run(self._container, ["consul", "members"])
            alive = {line.split()[0] for line in found.stdout.splitlines() if " alive " in line}
            if self._nodes <= alive:
                return
        raise NodeError(node, f"{_RESTART_SECONDS} s later its Consul sees {sorted(alive)} alone")

    def _run(self, node: str, script: str, file: str, *arguments: str) -> str:
        command = ["python3", "-c", script, f"{_PACKAGE}/{file}", *arguments]
        done = self._engines[node].run(self._container, command)
        if done.exit_code != 0:
            raise NodeError(node, f"the agent's {file}: {done.stderr}")
        return done.stdout


@contextmanager
def opened(inventory: Inventory) -> Iterator[Agents]:
    """Open the way to all agents."""
    with ExitStack() as stack:
        links = Links(inventory)
        stack.callback(links.close)
        links.open()
        engines = {}
        for node in inventory.nodes:
            engine = Engine(node, links.engine_socket(node), inventory.deadlines.answer)
            stack.callback(engine.close)
            engine.open()
            engines[node] = engine
        yield Agents(inventory, links, engines)


def apply(agents: Agents, one: Break, kept: Path) -> None:
    """Break the cluster; what was there before is in ``kept`` first.

    Raises ``RefusedError`` for an agent that is not the one of this repository, unbroken.
    """
    original = one.source.read_text()
    for node in one.nodes:
        if agents.read(node, one.file) != original:
            raise RefusedError(
                f"{node}: the agent's {one.file} is not this repository's",
                remedy="cluster-tests lab up",
            )
    undo = {"file": one.file, "text": original, "nodes": one.nodes, "restart": one.restart}
    kept.write_text(json.dumps(undo))
    _write(agents, one.nodes, one.file, one.applied_to(original), restart=one.restart)


def require_broken(agents: Agents, one: Break) -> None:
    """Raise ``NodeError`` for a node that was mended behind our back: its green proves nothing."""
    broken = one.applied_to(one.source.read_text())
    for node in one.nodes:
        if agents.read(node, one.file) != broken:
            raise NodeError(
                node,
                f"its agent was replaced while {one.name} was tried",
                remedy="see that nobody else uses the cluster, then try again",
            )


def restore(agents: Agents, kept: Path) -> None:
    """Put back what ``kept`` holds; without it, nothing was broken."""
    if kept.exists():
        undo = json.loads(kept.read_text())
        _write(agents, undo["nodes"], undo["file"], undo["text"], restart=undo["restart"])
        kept.unlink()


def _write(agents: Agents, nodes: tuple[str, ...], file: str, text: str, *, restart: bool) -> None:
    for node in nodes:
        agents.write(node, file, text)
        if restart:
            agents.restart(node)
