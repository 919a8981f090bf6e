"""The way to every node: one SSH connection each, with all that the suite needs forwarded over it.

Errors of the tunnels are translated here: above this room a tunnel that broke is a ``NodeError``.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cluster_tests.errors import FrontError, HarnessError, NodeError, SeveralErrors
from cluster_tests.report import say
from cluster_tests.way import UNBROKEN, Way
from tunnels import SocketForward, TcpForward, TunnelError, TunnelGroup, http_answers
from tunnels.errors import FarEndError, GroupError, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.inventory.entries import Inventory
    from tunnels import Target

_ENGINE_SOCKET = "/var/run/docker.sock"  # Docker's own default, which the contract keeps
# Where sshd forbids the forwarding of sockets: what Docker's own client runs for ssh:// addresses.
_FALLBACK = "docker system dial-stdio"
# Seconds before a request in which the tunnel's break may still be why the request broke: a pooled
# connection is reset a moment after the break is noted.
_SIMULTANEOUS = 0.1
_LOOPBACK = "127.0.0.1"


_TOLD = logging.getLogger("tunnels")


class _Teller(logging.Handler):
    """Tells what the tunnels warn of: reconnections, above all."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it among what the run tells."""
        say(f"tunnels: {record.getMessage()}")


class Links:
    """Tunnels to all nodes of an inventory: the engines' sockets, Consul, and the fronts."""

    def __init__(self, inventory: Inventory) -> None:
        """Plan the tunnels; nothing is opened yet. Raises NodeError for an ssh_config."""
        self._inventory = inventory
        targets = {node: self._target(node) for node in inventory.nodes}
        self._teller = _Teller(logging.WARNING)
        # It is made 0700: whoever reaches an engine's socket is root on that node.
        self._directory = TemporaryDirectory(prefix="cluster-tests-")
        self._engines = {node: self._engine_forward(node) for node in inventory.nodes}
        self._consul = TcpForward(
            _LOOPBACK, inventory.consul.port, answers=http_answers("/v1/status/leader")
        )
        self._consul_node = inventory.node_names[0]
        self._group = TunnelGroup(
            {node: (target, self._forwards(node)) for node, target in targets.items()}
        )

    def open(self) -> None:
        """Open all side by side, or raise ``HarnessError`` for all nodes that cannot be reached."""
        _TOLD.addHandler(self._teller)
        try:
            self._group.open()
        except GroupError as error:
            _TOLD.removeHandler(self._teller)
            self._directory.cleanup()
            raise _by_node(error) from error

    def close(self) -> None:
        """Close all connections and remove the sockets. Calling it again does nothing."""
        try:
            self._group.close()
        except GroupError as error:
            raise _by_node(error) from error
        finally:
            _TOLD.removeHandler(self._teller)
            self._directory.cleanup()

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
        with _translated(node):
            return tunnel.forward(forward)

    def way(self, node: str) -> Way:
        """Tell whether the tunnel to a node broke under a request."""
        tunnel = self._group[node]
        return Way(node, lambda moment: tunnel.broke_since(moment - _SIMULTANEOUS))

    def front_way(self, node: str) -> Way:
        """Tell it for a node's front, which may be reached without the tunnel."""
        return UNBROKEN if self._inventory.nodes[node].front == "direct" else self.way(node)

    def _target(self, node: str) -> Target:
        deadlines = self._inventory.deadlines
        ssh = self._inventory.nodes[node].ssh
        # A default of ours must not win over what the user's ssh_config says.
        given = ssh.config is None or "connect" in deadlines.model_fields_set
        with _translated(node):
            return ssh.target(deadlines.connect if given else None)

    def _engine_forward(self, node: str) -> SocketForward:
        return SocketForward(
            _ENGINE_SOCKET,
            Path(self._directory.name) / f"{node}.sock",
            answers=http_answers("/_ping"),
            fallback_command=_FALLBACK,
        )

    def _forwards(self, node: str) -> list[SocketForward | TcpForward]:
        engine = self._engines[node]
        return [engine, self._consul] if node == self._consul_node else [engine]


@contextmanager
def _translated(node: str) -> Iterator[None]:
    try:
        yield
    except FarEndError as error:  # the way is there, and nobody answers at its end
        raise FrontError(node, error.message, remedy=error.remedy) from error
    except TunnelError as error:
        raise NodeError(node, error.message, remedy=error.remedy) from error


def _by_node(error: GroupError) -> HarnessError:
    errors = [
        NodeError(node, failure.message, remedy=_remedy(node, failure))
        for node, failure in error.failures.items()
    ]
    return errors[0] if len(errors) == 1 else SeveralErrors(errors)


def _remedy(node: str, failure: TunnelError) -> str:
    """Tell what mends it: the tunnels do not know what it is that should answer."""
    if isinstance(failure, NoAnswerError) and _ENGINE_SOCKET in failure.message:
        return f"on {node}: systemctl restart docker, and see its log (lab: cluster-tests lab up)"
    return failure.remedy
