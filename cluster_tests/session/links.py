"""The way to every node: one SSH connection each, with all that the suite needs forwarded over it.

Above this room a tunnel that broke is a ``NodeError``.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from cluster_tests.errors import NodeError
from cluster_tests.report import say
from cluster_tests.session.access import (
    FALLBACK,
    by_node,
    consul_forward,
    engine_forward,
    sockets_directory,
    target_of,
    translated,
)
from cluster_tests.way import UNBROKEN, Way
from tunnels import SocketForward, TcpForward, TunnelGroup
from tunnels.errors import GroupError, SpecError
from tunnels.log import FALLBACK_LOG

if TYPE_CHECKING:
    from cluster_tests.inventory.entries import Inventory

_TOLD = logging.getLogger("tunnels")


class _Teller(logging.Handler):
    """Tells what the tunnels warn of: reconnections, above all. ``fallbacks`` tells of those."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it among what the run tells."""
        say(f"tunnels: {record.getMessage()}")


class Links:
    """Tunnels to all nodes of an inventory: the engines' sockets, Consul, and the fronts."""

    def __init__(self, inventory: Inventory) -> None:
        """Plan the tunnels; nothing is opened yet. Raises ``NodeError`` where none can be."""
        self._inventory = inventory
        self._teller = _Teller(logging.WARNING)
        self._teller.addFilter(lambda record: record.name != FALLBACK_LOG.name)
        self._directory = sockets_directory()
        directory = Path(self._directory.name)
        self._consul = consul_forward(inventory)
        self._consul_node = inventory.node_names[0]
        try:
            self._engines = {node: engine_forward(node, directory) for node in inventory.nodes}
            self._group = TunnelGroup(
                {node: (target_of(inventory, node), self._forwards(node)) for node in self._engines}
            )
        except NodeError:
            self._directory.cleanup()
            raise

    def open(self) -> None:
        """Open all side by side, or raise ``HarnessError`` for all nodes that cannot be reached."""
        _TOLD.addHandler(self._teller)
        try:
            self._group.open()
        except GroupError as error:
            _TOLD.removeHandler(self._teller)
            self._directory.cleanup()
            raise by_node(error) from error

    def close(self) -> None:
        """Close all connections and remove the sockets. Calling it again does nothing."""
        try:
            self._group.close()
        except GroupError as error:
            raise by_node(error) from error
        finally:
            _TOLD.removeHandler(self._teller)
            self._directory.cleanup()

    @property
    def fallbacks(self) -> str:
        """Tell, on a line, which engines are reached by running a command; "" where none is."""
        nodes = [node for node in self._group if self._group[node].fallbacks]
        if not nodes:
            return ""
        return (
            f"sshd forbids the forwarding of sockets on {', '.join(nodes)}: the engine is reached"
            f" by running '{FALLBACK}' there, once for each connection"
            " (faster: AllowStreamLocalForwarding local, in its sshd_config)"
        )

    def engine_socket(self, node: str) -> Path:
        """Tell the local socket of a node's engine."""
        return self._engines[node].local_path

    def consul_address(self) -> tuple[str, int]:
        """Tell where the first node's Consul agent answers here."""
        address = self._group[self._consul_node].addresses[self._consul]
        assert isinstance(address, tuple)  # noqa: S101 - of a TcpForward it is
        return address

    def front_address(self, node: str, port: int) -> tuple[str, int]:
        """Tell where ``port`` of a node's front answers: itself, or a forward opened on demand."""
        entry = self._inventory.nodes[node]
        if entry.front == "direct":
            return entry.address, port
        forward = TcpForward(entry.address, port)
        tunnel = self._group[node]
        known = tunnel.addresses.get(forward)
        if isinstance(known, tuple):
            return known
        with translated(node):
            try:
                return tunnel.forward(forward)
            except SpecError:
                address = tunnel.addresses.get(forward)
                if not isinstance(address, tuple):
                    raise
                return address  # another thread was faster

    def way(self, node: str) -> Way:
        """Tell whether the tunnel to a node broke under a request."""
        return Way(node, self._group[node].broke_since)

    def front_way(self, node: str) -> Way:
        """Tell it for a node's front, which may be reached without the tunnel."""
        return UNBROKEN if self._inventory.nodes[node].front == "direct" else self.way(node)

    def _forwards(self, node: str) -> list[SocketForward | TcpForward]:
        engine = self._engines[node]
        return [engine, self._consul] if node == self._consul_node else [engine]
