"""What leads to a node: its SSH account, what is forwarded from there, and where sockets may lie.

Errors of the tunnels are translated here: above this room a tunnel that broke is a ``NodeError``.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cluster_tests.errors import FrontError, HarnessError, NodeError, SeveralErrors
from tunnels import SocketForward, TcpAsSocketForward, TcpForward, http_answers
from tunnels.errors import FarEndError, NoAnswerError, TunnelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.inventory.entries import Inventory
    from tunnels import Target
    from tunnels.errors import GroupError

_ENGINE_SOCKET = "/var/run/docker.sock"  # Docker's own default, which the contract keeps
# Where sshd forbids the forwarding of sockets: what Docker's own client runs for ssh:// addresses.
FALLBACK = "docker system dial-stdio"
_CONSUL_SOCKET = "consul.sock"
_LOOPBACK = "127.0.0.1"
_CONSUL_ANSWERS = http_answers("/v1/status/leader")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def target_of(inventory: Inventory, node: str) -> Target:
    """Tell how a node is logged in to; raises ``NodeError`` where that cannot work as written."""
    deadlines, ssh = inventory.deadlines, inventory.nodes[node].ssh
    # A default of ours must not win over what the user's ssh_config says.
    given = ssh.config is None or "connect" in deadlines.model_fields_set
    with translated(node):
        return ssh.target(deadlines.connect if given else None)


def engine_forward(node: str, directory: Path) -> SocketForward:
    """Bring a node's engine out as a socket in ``directory``.

    Raises ``NodeError`` when the socket's path would be too long.
    """
    with translated(node):
        return SocketForward(
            _ENGINE_SOCKET,
            directory / f"{node}.sock",
            answers=http_answers("/_ping"),
            fallback_command=FALLBACK,
        )


def consul_forward(inventory: Inventory) -> TcpForward:
    """Bring a node's Consul out on a free port of the loopback address."""
    return TcpForward(_LOOPBACK, inventory.consul.port, answers=_CONSUL_ANSWERS)


def consul_socket_forward(inventory: Inventory, directory: Path) -> TcpAsSocketForward:
    """Bring a node's Consul out as a socket in ``directory``: no other user can reach it there."""
    return TcpAsSocketForward(
        _LOOPBACK, inventory.consul.port, directory / _CONSUL_SOCKET, answers=_CONSUL_ANSWERS
    )


def sockets_directory() -> TemporaryDirectory[str]:
    """Make a directory that only this user can enter: whoever reaches an engine is root there.

    It is below $XDG_RUNTIME_DIR (XDG Base Directory Specification) where that is this user's own
    and closed to others, else among the temporary files.
    """
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    parent = runtime if runtime.is_absolute() and _is_private(runtime) else None
    return TemporaryDirectory(prefix="cluster-tests-", dir=parent)


def _is_private(directory: Path) -> bool:
    try:
        status = directory.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return ours and not status.st_mode & _OTHERS and os.access(directory, os.W_OK)


@contextmanager
def translated(node: str) -> Iterator[None]:
    """Translate what a tunnel to ``node`` raises."""
    try:
        yield
    except FarEndError as error:  # the way is there, and nobody answers at its end
        raise FrontError(node, error.message, remedy=error.remedy) from error
    except TunnelError as error:
        raise NodeError(node, error.message, remedy=error.remedy) from error


def by_node(error: GroupError) -> HarnessError:
    """Give the errors of a group's tunnels as errors of their nodes."""
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
