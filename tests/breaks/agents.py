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
    from collections.abc import Iterable, Iterator, Sequence
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
        """Start the node's agent anew, and wait until its Consul sees all nodes, and a leader."""
        socket = f"unix://{self._links.engine_socket(node)}"
        with docker.APIClient(base_url=socket, version="auto") as client:
            client.restart(self._container, timeout=_STOP_SECONDS)
        deadline = time.monotonic() + _RESTART_SECONDS
        alive: set[str] = set()
        while time.monotonic() < deadline:
            # Consul's command takes a while by itself: there is no need to wait in between.
            found = self._engines[node].run(self._container, ["consul", "members"])
            alive = {line.split()[0] for line in found.stdout.splitlines() if " alive " in line}
            if self._nodes <= alive and self._has_leader(node):
                return
        raise NodeError(
            node, f"{_RESTART_SECONDS} s later its Consul sees {sorted(alive)}, or no leader"
        )

    def _has_leader(self, node: str) -> bool:
        # The leader itself answers this one; without any it fails.
        command = ["consul", "operator", "raft", "list-peers"]
        return self._engines[node].run(self._container, command).exit_code == 0

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


def apply(agents: Agents, ones: Sequence[Break], kept: Path) -> None:
    """Break the cluster in all these ways; what was there before is in ``kept`` first.

    Raises ``RefusedError`` for an agent that is not the one of this repository, unbroken.
    """
    texts = _broken_texts(ones)
    originals = {one.file: one.source.read_text() for one in ones}
    for node, file in texts:
        if agents.read(node, file) != originals[file]:
            raise RefusedError(
                f"{node}: the agent's {file} is not this repository's",
                remedy="cluster-tests lab up",
            )
    restarted = sorted({node for one in ones if one.restart for node in one.nodes})
    undo = {
        "texts": [(node, file, originals[file]) for node, file in texts],
        "restarted": restarted,
    }
    kept.write_text(json.dumps(undo))
    _write(agents, [(*place, text) for place, text in texts.items()], restarted)


def require_broken(agents: Agents, ones: Sequence[Break]) -> None:
    """Raise ``NodeError`` for a node that was mended behind our back: its green proves nothing."""
    for (node, file), text in _broken_texts(ones).items():
        if agents.read(node, file) != text:
            raise NodeError(
                node,
                f"its agent was replaced while {', '.join(one.name for one in ones)} was tried",
                remedy="see that nobody else uses the cluster, then try again",
            )


def restore(agents: Agents, kept: Path) -> None:
    """Put back what ``kept`` holds; without it, nothing was broken."""
    if kept.exists():
        undo = json.loads(kept.read_text())
        _write(agents, undo["texts"], undo["restarted"])
        kept.unlink()


def _broken_texts(ones: Sequence[Break]) -> dict[tuple[str, str], str]:
    """Give what each file is on each node once all these breaks are applied."""
    texts: dict[tuple[str, str], str] = {}
    for one in ones:
        for node in one.nodes:
            text = texts.get((node, one.file)) or one.source.read_text()
            texts[node, one.file] = one.applied_to(text)
    return texts


def _write(agents: Agents, texts: Iterable[tuple[str, str, str]], restarted: Iterable[str]) -> None:
    for node, file, text in texts:
        agents.write(node, file, text)
    for node in restarted:
        agents.restart(node)
