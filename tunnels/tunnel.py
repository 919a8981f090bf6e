"""One SSH connection to one host, and all that is forwarded over it."""

from __future__ import annotations

import socket
import threading
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, overload

from tunnels.channel import socket_destination, tcp_destination
from tunnels.connection import connect
from tunnels.diagnosis import explain_socket, explain_tcp
from tunnels.errors import ConnectionLostError, NoAnswerError, SpecError
from tunnels.local import SocketListener, TcpListener
from tunnels.log import LOG
from tunnels.loop import READ, Loop
from tunnels.relay import OpenRefused, Relay
from tunnels.specs import SocketForward, TcpForward

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tunnels.channel import Destination
    from tunnels.errors import ForwardError
    from tunnels.specs import Answers, Forward, Target
    from tunnels.transport import Transport

    Address = Path | tuple[str, int]
    Listener = TcpListener | SocketListener


class _State(Enum):
    NEW = "not open yet"
    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"


class Tunnel:
    """One SSH connection that carries all forwards to one host. Any thread may call its methods.

    Two threads serve it, whatever it carries: paramiko's, which reads from the server, and the
    loop, which reads from the local sockets.
    """

    def __init__(self, target: Target) -> None:
        """Prepare a tunnel to ``target``; nothing is opened yet."""
        self.target = target
        self._state = _State.NEW
        self._lock = threading.Lock()  # guards the state, and the listeners' map
        self._loop = Loop(f"tunnel {target}")
        self._transport: Transport | None = None
        self._listeners: dict[Forward, Listener] = {}
        self._relays: set[Relay] = set()  # the loop's thread alone changes it

    def __str__(self) -> str:
        """Print the target and the state."""
        return f"tunnel to {self.target} ({self._state.value})"

    @property
    def is_alive(self) -> bool:
        """Whether the SSH connection stands, as far as is known."""
        transport = self._transport
        return transport is not None and transport.is_active()

    @property
    def addresses(self) -> Mapping[Forward, Address]:
        """The local address of every forward that is open."""
        with self._lock:
            return {spec: listener.address for spec, listener in self._listeners.items()}

    def open(self) -> None:
        """Connect, verify the host key, log in. To be called once.

        Raises IdentityError, HostKeyError or SshError; nothing is left open then.
        """
        with self._lock:
            self._expect(_State.NEW)
            self._state = _State.OPENING
        try:
            transport = connect(self.target)
        except BaseException:
            self.close()
            raise
        with self._lock:
            if self._state is _State.OPENING:
                self._transport = transport
                self._loop.start()
                self._state = _State.OPEN
                return
        transport.end()
        raise ConnectionLostError(f"the {self} was closed while it was being opened")

    @overload
    def forward(self, spec: SocketForward) -> Path: ...
    @overload
    def forward(self, spec: TcpForward) -> tuple[str, int]: ...
    @overload
    def forward(self, spec: Forward) -> Address: ...

    def forward(self, spec: Forward) -> Address:
        """Open a forward, now or at any later time; return its local address.

        It is open once the local side is bound, and the far end was reached and has answered
        ``spec.answers`` if that is given. Raises ForwardError, with nothing left behind,
        ConnectionLostError, or SpecError when the same forward is open already.
        """
        transport = self._running()
        listener = _listen(spec)
        try:
            self._check(transport, spec)
            self._admit(spec, listener)
        except BaseException:
            listener.close()
            raise
        LOG.info("%s: %s is open", self.target, spec)
        return listener.address

    def connect(self, remote_host: str, remote_port: int) -> socket.socket:
        """Connect once to a TCP port that the server can reach; return the connected socket.

        The socket is a local one, to be used and closed like any other; the tunnel carries what
        is written. Raises ForwardError or ConnectionLostError.
        """
        return self._connect(self._running(), TcpForward(remote_host, remote_port))

    def close(self) -> None:
        """Close connections, forwards, socket files and threads. Calling it again does nothing.

        Connections that are still open are reset.
        """
        with self._lock:
            if self._state is _State.CLOSED:
                return
            self._state = _State.CLOSED
        try:
            # The connection first: a loop that waits for a congested server would not end.
            if self._transport is not None:
                self._transport.end()
            self._loop.stop(self._end_relays)
        finally:
            for listener in self._listeners.values():
                listener.close()
            self._listeners.clear()

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

    def _expect(self, state: _State) -> None:
        if self._state is not state:
            raise ConnectionLostError(
                f"this cannot be done: the {self}",
                remedy="open each Tunnel once, and use it before it is closed",
            )

    def _running(self) -> Transport:
        self._expect(_State.OPEN)
        if self._transport is None or not self._transport.is_active():
            raise ConnectionLostError(
                f"the connection to {self.target} has ended",
                remedy=f"see that {self.target.host} and its sshd are up, then open a new Tunnel",
            )
        return self._transport

    def _check(self, transport: Transport, spec: Forward) -> None:
        """Reach the far end once, and let it answer."""
        with self._connect(transport, spec) as probe:
            if spec.answers is not None:
                probe.settimeout(self.target.connect_timeout)
                _ask(probe, spec.answers, f"{_destination(spec)} behind {self.target}")

    def _admit(self, spec: Forward, listener: Listener) -> None:
        """Let clients in, unless the tunnel was closed meanwhile."""
        accept = partial(self._accept, listener, _destination(spec))
        with self._lock:
            self._expect(_State.OPEN)
            if spec in self._listeners:
                raise SpecError(
                    f"{spec} is open already", remedy="take its address from Tunnel.addresses"
                )
            self._listeners[spec] = listener
        self._loop.call(lambda: self._loop.watch(listener.socket, READ, accept))

    def _connect(self, transport: Transport, spec: Forward) -> socket.socket:
        ours, theirs = socket.socketpair()
        relay = Relay(self._loop, theirs, self._relays.discard)
        if not self._loop.call(partial(self._start, relay, _destination(spec))):
            ours.close()
            theirs.close()
            raise ConnectionLostError(f"the {self}: it was closed meanwhile")
        try:
            self._await(relay, transport, spec)
        except BaseException:
            ours.close()
            self._loop.call(relay.end)
            raise
        return ours

    def _await(self, relay: Relay, transport: Transport, spec: Forward) -> None:
        """Wait until the far end is reached, or say why it is not."""
        try:
            relay.opening.result(self.target.connect_timeout)
        except OpenRefused as refusal:
            raise _explain(transport, self.target, spec, refusal) from refusal
        except TimeoutError as error:
            raise NoAnswerError(
                f"{self.target} does not open {_destination(spec)} within "
                f"{self.target.connect_timeout:g} s",
                remedy=f"see whether {_destination(spec)} answers on {self.target.host} itself",
            ) from error

    # --- on the loop's thread

    def _accept(self, listener: Listener, destination: Destination, _events: int) -> None:
        local = listener.accept()
        if local is not None:
            self._start(Relay(self._loop, local, self._relays.discard), destination)

    def _start(self, relay: Relay, destination: Destination) -> None:
        self._relays.add(relay)
        if self._transport is None:
            relay.end()
        else:
            relay.open(self._transport, destination)

    def _end_relays(self) -> None:
        for relay in tuple(self._relays):
            relay.end(reset=True)


def _listen(spec: Forward) -> Listener:
    if isinstance(spec, SocketForward):
        return SocketListener(spec.local_path)
    return TcpListener(spec.local_port)


def _destination(spec: Forward) -> Destination:
    if isinstance(spec, SocketForward):
        return socket_destination(spec.remote_path)
    return tcp_destination(spec.remote_host, spec.remote_port)


def _ask(probe: socket.socket, answers: Answers, where: str) -> None:
    try:
        answers(probe)
    except (OSError, ValueError) as error:
        raise NoAnswerError(
            f"{where} can be reached but does not answer as it must: {error}",
            remedy="see that the right service runs there, and look at its log",
        ) from error


def _explain(
    transport: Transport, target: Target, spec: Forward, refusal: OpenRefused
) -> ForwardError:
    if isinstance(spec, SocketForward):
        return explain_socket(transport, target, spec.remote_path, refusal)
    return explain_tcp(target, spec.remote_host, spec.remote_port, refusal)
