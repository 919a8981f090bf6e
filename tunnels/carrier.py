"""What an SSH connection travels on: TCP, another SSH connection, or a command's stdin and stdout.

Each gives a connected socket, because paramiko needs one, and so does who waits for it. A jump is
an SSH connection of our own with one channel in it, carried by the same relay as every forward; a
proxy command gets one end of a pair of sockets as stdin and stdout, as from OpenSSH.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Protocol

from tunnels.channel import tcp_destination
from tunnels.diagnosis import explain_tcp
from tunnels.errors import SshError, UnreachableError
from tunnels.health import Meter
from tunnels.loop import Loop
from tunnels.relay import Alone, OpenRefused, Relay

if TYPE_CHECKING:
    from tunnels.specs import Target
    from tunnels.transport import Transport


class Carrier(Protocol):
    """A connected socket, and what keeps it alive."""

    socket: socket.socket

    def close(self) -> None:
        """Release everything but the socket, which belongs to the SSH connection above."""

    def complaint(self) -> str:
        """Say what went wrong underneath, as far as it is known; may be empty."""


class Tcp:
    """A TCP connection to the target itself."""

    def __init__(self, target: Target) -> None:
        """Connect, within ``connect_timeout`` for each address. Raises UnreachableError."""
        self.socket = _dial(target)
        # Nagle's algorithm would hold a small request back until the last is acknowledged: 40 ms.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Do nothing: there is but the socket."""

    def complaint(self) -> str:
        """Say nothing: the socket's own error says it all."""
        return ""


class Jump:
    """A channel of another SSH connection, which this one owns from now on."""

    def __init__(self, below: Transport, target: Target) -> None:
        """Open the channel within the jump host's ``connect_timeout``.

        Raises SshError; ``below`` is ended then.
        """
        self._below = below
        self._loop = Loop(f"jump to {target}")
        self._loop.start()
        self.socket, theirs = socket.socketpair()
        destination = tcp_destination(target.host, target.port)
        relay = Relay(self._loop, theirs, destination, Alone(), Meter())
        self._relay = relay
        try:
            self._loop.call(lambda: relay.open(below))
            _await(relay, target)
        except BaseException:
            self.socket.close()
            self.close()
            raise

    def close(self) -> None:
        """End the channel and the connection below."""
        # The connection first: a loop that waits for a congested server would not end.
        self._below.end()
        self._loop.stop(self._relay.end)

    def complaint(self) -> str:
        """Say whether the connection below has ended."""
        return "" if self._below.is_active() else "the connection to the jump host ended"


def _await(relay: Relay, target: Target) -> None:
    jump = target.jump or target
    try:
        relay.opening.result(jump.connect_timeout)
    except OpenRefused as refusal:
        told = explain_tcp(jump, target.host, target.port, refusal)
        raise UnreachableError(told.message, remedy=told.remedy) from refusal
    except SshError as error:
        error.at(f"from {jump} to {target.where}")
        raise
    except TimeoutError as error:
        raise UnreachableError(
            f"{jump} does not reach {target.where} within {jump.connect_timeout:g} s",
            remedy=f"see whether it can be reached from there: ssh -p {jump.port} "
            f"{jump.user}@{jump.host} nc -vz {target.host} {target.port}",
        ) from error


def _dial(target: Target) -> socket.socket:
    where = target.where
    try:
        return socket.create_connection((target.host, target.port), target.connect_timeout)
    # UnicodeError: not even a name, such as one with two dots in a row.
    except (socket.gaierror, UnicodeError) as error:
        raise UnreachableError(
            f"{where}: the name does not resolve ({error})",
            remedy=f"check the host's name: getent hosts {target.host}",
        ) from error
    except ConnectionRefusedError as error:
        raise UnreachableError(
            f"{where} refuses connections: no sshd listens there",
            remedy=f"start sshd on {target.host}, or correct the port",
        ) from error
    except TimeoutError as error:
        raise UnreachableError(
            f"{where} does not answer within {target.connect_timeout:g} s",
            remedy=f"check that the host is up and no firewall drops the packets: "
            f"nc -vz {target.host} {target.port}",
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"{where} cannot be reached: {error.strerror}",
            remedy=f"check the route: ip route get {target.host}",
        ) from error
