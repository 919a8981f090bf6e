"""One SSH connection to one host, and all that is forwarded over it."""

from __future__ import annotations

import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, overload

from tunnels.channel import socket_destination, tcp_destination
from tunnels.command import command_destination
from tunnels.diagnosis import explain_socket, explain_tcp
from tunnels.entrance import Entrance
from tunnels.errors import (
    ConnectionLostError,
    ForwardError,
    ForwardingForbiddenError,
    NoAnswerError,
    SpecError,
)
from tunnels.gate import Gate
from tunnels.health import Meter, State
from tunnels.line import Line
from tunnels.log import FALLBACK_LOG, LOG
from tunnels.loop import Loop
from tunnels.relay import OpenRefused, Relay
from tunnels.spares import Spares
from tunnels.specs import SocketForward, TcpForward

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tunnels.channel import Destination
    from tunnels.entrance import Address
    from tunnels.health import Health, Traffic
    from tunnels.specs import Forward, Target, TcpAsSocketForward
    from tunnels.transport import Transport


class Tunnel:
    """One SSH connection that carries all forwards to one host. Any thread may call its methods.

    Three threads serve it, whatever it carries: paramiko's, which reads from the server, the loop,
    which reads from the local sockets, and one that watches over the connection and opens it again
    when it is lost. Forwards and their addresses outlive a lost connection: what was under way is
    reset, and what comes next waits up to ``target.reconnect_wait`` seconds. Where a forward's
    ``fallback_command`` needs more sessions than sshd allows one connection, further connections
    are opened for them (``spares.LIMIT``), with two threads each.
    """

    def __init__(self, target: Target) -> None:
        """Prepare a tunnel to ``target``; nothing is opened yet."""
        self.target = target
        self._lock = threading.Lock()  # guards the map of entrances
        self._loop = Loop(f"tunnel {target}")
        self._line = Line(target, self._loop, changed=self._review, tick=self._tick)
        self._spares = Spares(target, self._loop)
        self._gate = Gate(self._loop, self._line, self._spares, target.reconnect_wait)
        self._entrances: dict[Forward, Entrance] = {}
        self._fallbacks: list[Forward] = []

    def __str__(self) -> str:
        """Print the target and the state."""
        return str(self._line)

    @property
    def is_alive(self) -> bool:
        """Whether the SSH connection stands, as far as is known."""
        return self._line.transport is not None

    @property
    def health(self) -> Health:
        """How the connection is just now."""
        return self._line.health

    @property
    def addresses(self) -> Mapping[Forward, Address]:
        """The local address of every forward that is open."""
        with self._lock:
            return {spec: entrance.address for spec, entrance in self._entrances.items()}

    @property
    def fallbacks(self) -> tuple[Forward, ...]:
        """The forwards that sshd forbids, and that are carried by their fallback command."""
        with self._lock:
            return tuple(self._fallbacks)

    def traffic(self, spec: Forward) -> Traffic:
        """Tell what an open forward carried so far. Raises KeyError for one that is not open."""
        with self._lock:
            return self._entrances[spec].meter.read()

    def broke_since(self, moment: float) -> bool:
        """Tell whether connections may have ended for the tunnel's sake after ``moment``.

        ``moment`` is of ``time.monotonic``. So whoever sees a connection through the tunnel end can
        tell whether the far end did it: a connection that the tunnel has to end, because it was
        lost or waited in vain, is noted here before its client can notice.
        """
        ended = self._gate.last_break
        return self._line.was_down_since(moment) or (ended is not None and ended >= moment)

    def open(self) -> None:
        """Connect, verify the host key, log in. To be called once.

        Raises IdentityError, HostKeyError or SshError; nothing is left open then.
        """
        try:
            self._line.open(ready=self._loop.start)
        except BaseException:
            self.close()
            raise

    @overload
    def forward(self, spec: SocketForward | TcpAsSocketForward) -> Path: ...
    @overload
    def forward(self, spec: TcpForward) -> tuple[str, int]: ...
    @overload
    def forward(self, spec: Forward) -> Address: ...

    def forward(self, spec: Forward) -> Address:
        """Open a forward, now or at any later time; return its local address.

        It is open once the local side is bound, and the far end was reached and has answered
        ``spec.answers`` if that is given. Raises ForwardError, with nothing left behind, SpecError
        when the same forward is open already, ConnectionLostError when the connection is not back
        in time, or the error for which it was given up.
        """
        entrance = Entrance(spec, self._loop, self._gate)
        try:
            self._admit(entrance, self._way_to(spec, entrance.meter))
        except BaseException:
            entrance.close()
            raise
        LOG.info("%s: %s is open", self.target, spec)
        return entrance.address

    def connect(self, remote_host: str, remote_port: int) -> socket.socket:
        """Connect once to a TCP port that the server can reach; return the connected socket.

        The socket is a local one, to be used and closed like any other; the tunnel carries what
        is written. Raises as ``forward`` does.
        """
        spec = TcpForward(remote_host, remote_port)
        return self._connect(spec, _destination(spec), Meter())[0]

    def close(self) -> None:
        """Close connections, forwards, socket files and threads. Calling it again does nothing.

        Connections that are still open are reset.
        """
        try:
            # The connections first: a loop that waits for a congested server would not end.
            if not self._line.close():
                return
            self._spares.close()
            self._loop.stop(self._gate.end_all)
        finally:
            for entrance in self._entrances.values():
                entrance.close()
            self._entrances.clear()

    def __enter__(self) -> Self:
        """Open the tunnel."""
        self.open()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close the tunnel."""
        self.close()

    # --- opening

    def _way_to(self, spec: Forward, meter: Meter) -> Destination:
        """Reach the far end once, and let it answer; tell by which way."""
        destination = _destination(spec)
        try:
            self._check(spec, destination, meter)
        except ForwardingForbiddenError as forbidden:
            if not isinstance(spec, SocketForward) or spec.fallback_command is None:
                raise
            destination = command_destination(spec.fallback_command, spec.remote_path)
            self._check_fallback(spec, destination, meter, forbidden)
            FALLBACK_LOG.warning(
                "%s forbids the forwarding of sockets: %s is reached by running '%s' instead, once "
                "for each connection",
                *(self.target, spec.remote_path, spec.fallback_command),
            )
        return destination

    def _check_fallback(
        self,
        spec: Forward,
        destination: Destination,
        meter: Meter,
        forbidden: ForwardingForbiddenError,
    ) -> None:
        try:
            self._check(spec, destination, meter)
        except ForwardError as error:
            raise ForwardingForbiddenError(
                f"{forbidden.message}, and the other way does not serve: {error.message}",
                remedy=forbidden.remedy,
            ) from error

    def _check(self, spec: Forward, destination: Destination, meter: Meter) -> None:
        probe, relay = self._connect(spec, destination, meter)
        with probe:
            if spec.answers is not None:
                probe.settimeout(self.target.connect_timeout)
                try:
                    # HTTP clients close what does not answer, and so would end the relay before
                    # the far end has told what is wrong: they get a duplicate.
                    with probe.dup() as asked:
                        spec.answers(asked)
                except (OSError, ValueError) as error:
                    why = relay.complaint(self.target.connect_timeout) or error
                    raise _no_answer(f"{destination} behind {self.target}", why) from error

    def _admit(self, entrance: Entrance, destination: Destination) -> None:
        """Let clients in, unless the tunnel was closed meanwhile."""
        spec = entrance.spec
        with self._lock:
            if not self._line.hopes:
                self._line.expect(State.OPEN)
            if spec in self._entrances:
                raise SpecError(
                    f"{spec} is open already", remedy="take its address from Tunnel.addresses"
                )
            self._entrances[spec] = entrance
            if destination.command:
                self._fallbacks.append(spec)
        self._loop.call(partial(entrance.let_in, destination))

    def _connect(
        self, spec: Forward, destination: Destination, meter: Meter
    ) -> tuple[socket.socket, Relay]:
        transport = self._line.wait(self.target.reconnect_wait)
        ours, theirs = socket.socketpair()
        relay = Relay(self._loop, theirs, destination, self._gate, meter)
        if not self._loop.call(partial(self._gate.admit, relay)):
            ours.close()
            theirs.close()
            raise ConnectionLostError(f"the {self}: it was closed meanwhile")
        try:
            self._await(relay, transport, spec)
        except BaseException:
            ours.close()
            self._loop.call(relay.end)
            raise
        return ours, relay

    def _await(self, relay: Relay, transport: Transport, spec: Forward) -> None:
        """Wait until the far end is reached, or say why it is not."""
        try:
            relay.opening.result(self.target.connect_timeout)
        except OpenRefused as refusal:
            raise _explain(transport, self.target, spec, refusal) from refusal
        except TimeoutError as error:
            raise NoAnswerError(
                f"{self.target} does not open {relay.destination} within "
                f"{self.target.connect_timeout:g} s",
                remedy=f"see whether {relay.destination} answers on {self.target.host} itself",
            ) from error

    # --- on the line's thread

    def _review(self) -> None:
        self._loop.call(self._gate.review)

    def _tick(self) -> None:
        self._loop.call(self._look_after_entrances)

    # --- on the loop's thread

    def _look_after_entrances(self) -> None:
        with self._lock:
            entrances = tuple(self._entrances.values())
        for entrance in entrances:
            entrance.look_after()


def _destination(spec: Forward) -> Destination:
    if isinstance(spec, SocketForward):
        return socket_destination(spec.remote_path)
    return tcp_destination(spec.remote_host, spec.remote_port)


def _no_answer(where: str, why: object) -> NoAnswerError:
    return NoAnswerError(
        f"{where} can be reached but does not answer as it must: {why}",
        remedy="see that the right service runs there, and look at its log",
    )


def _explain(
    transport: Transport, target: Target, spec: Forward, refusal: OpenRefused
) -> ForwardError:
    if isinstance(spec, SocketForward):
        return explain_socket(transport, target, spec.remote_path, refusal)
    return explain_tcp(target, spec.remote_host, spec.remote_port, refusal)
