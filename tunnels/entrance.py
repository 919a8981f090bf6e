"""The near end of one forward: where its clients come in, for as long as the tunnel lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunnels.errors import LocalAddressError
from tunnels.health import Meter
from tunnels.local import SocketListener, TcpListener
from tunnels.log import LOG
from tunnels.loop import READ
from tunnels.relay import Relay
from tunnels.specs import TcpForward

if TYPE_CHECKING:
    from pathlib import Path

    from tunnels.channel import Destination
    from tunnels.gate import Gate
    from tunnels.loop import Loop
    from tunnels.specs import Forward

    Address = Path | tuple[str, int]


class Entrance:
    """Listens for a forward's clients. Its methods belong to the loop's thread, ``close`` excepted.

    The socket's file is looked at with every keepalive rather than by inotify, which Python's
    library lacks: it costs one lstat, and who removed the file can spare the seconds.
    """

    def __init__(self, spec: Forward, loop: Loop, gate: Gate) -> None:
        """Listen; nobody is let in before ``let_in``. Raises LocalAddressError."""
        self.spec = spec
        self.meter = Meter()
        self._loop = loop
        self._gate = gate
        self._destination: Destination | None = None
        self._listener = _listen(spec)
        self._told = False

    @property
    def address(self) -> Address:
        """Where clients connect to."""
        return self._listener.address

    def let_in(self, destination: Destination) -> None:
        """Accept clients from now on, and connect them with ``destination``."""
        self._destination = destination
        self._watch()

    def look_after(self) -> None:
        """Make the socket's file again if it is gone; tell it once."""
        if self._destination is None or self._listener.is_in_place():
            return
        try:
            listener = _listen(self.spec)
        except LocalAddressError as error:
            if not self._told:
                LOG.error("%s is gone, and cannot be made again: %s", self.address, error)
            self._told = True
            return
        old, self._listener = self._listener, listener
        self._loop.watch(old.socket, 0, self._accept)
        old.close()
        self._watch()
        self._told = False
        LOG.warning("%s was removed by somebody; it is made again", self.address)

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _watch(self) -> None:
        self._loop.watch(self._listener.socket, READ, self._accept)

    def _accept(self, _events: int) -> None:
        local = self._listener.accept()
        if local is not None and self._destination is not None:
            gate = self._gate
            gate.admit(Relay(self._loop, local, self._destination, gate, self.meter))


def _listen(spec: Forward) -> SocketListener | TcpListener:
    if isinstance(spec, TcpForward):
        return TcpListener(spec.local_port)
    return SocketListener(spec.local_path)
