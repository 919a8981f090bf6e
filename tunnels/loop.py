"""One thread that waits for sockets and runs short callbacks.

A tunnel has one, whatever it carries: a thread for each connection would cost two hundred of them
for two hundred connections, and a hand-over between threads for each packet.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from tunnels.errors import TunnelError
from tunnels.log import LOG

if TYPE_CHECKING:
    from collections.abc import Callable

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

_LAST_WORD = 10.0
"""Seconds that the callback which is running when the loop is stopped may still take."""


class Loop:
    """Waits for sockets and for times, and runs callbacks, all on one thread.

    ``watch`` and ``call_later`` belong to that thread.
    """

    def __init__(self, name: str) -> None:
        """Prepare a loop whose thread will carry ``name``; nothing is opened yet."""
        self._calls: deque[Callable[[], None]] = deque()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()  # callbacks of one time run in order
        self._lock = threading.Lock()
        # The selector's own map is slow to ask: it writes an error message for what is not in it.
        self._watched: set[socket.socket] = set()
        self._accepts_calls = False
        # A daemon: a program that ends without closing its tunnels must not hang.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; to be called once."""
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.settimeout(0)
        self._wake_out.settimeout(0)
        self._selector.register(self._wake_in, READ, self._woken)
        self._accepts_calls = True
        self._thread.start()

    def call(self, callback: Callable[[], None]) -> bool:
        """Run ``callback`` on the loop's thread, soon; from any thread, without waiting.

        Returns False, and forgets the callback, unless the loop runs and is not stopping.
        """
        with self._lock:
            if self._accepts_calls:
                self._add(callback)
            return self._accepts_calls

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Run ``callback`` after so many seconds, unless the loop is stopped before."""
        when = time.monotonic() + seconds
        heapq.heappush(self._later, (when, next(self._numbers), callback))

    def watch(self, sock: socket.socket, events: int, ready: Callable[[int], None]) -> None:
        """Call ``ready`` with the events, of those asked for, that have come; 0 asks for none."""
        watched = sock in self._watched
        if events and watched:
            self._selector.modify(sock, events, ready)
        elif events:
            self._selector.register(sock, events, ready)
            self._watched.add(sock)
        elif watched:
            self._selector.unregister(sock)
            self._watched.discard(sock)

    def stop(self, last: Callable[[], None]) -> None:
        """Run ``last`` as the last callback, end the thread and wait for it.

        Does nothing to a loop that does not run. Raises TunnelError when a callback hangs.
        """
        with self._lock:
            if not self._accepts_calls:
                return
            self._add(last)
            self._accepts_calls = False
        self._thread.join(_LAST_WORD)
        if self._thread.is_alive():
            raise TunnelError(f"the thread {self._thread.name} did not end in {_LAST_WORD} s")
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _add(self, callback: Callable[[], None]) -> None:
        self._calls.append(callback)
        if len(self._calls) == 1:
            self._wake_out.send(b"!")

    def _run(self) -> None:
        while self._accepts_calls or self._calls:
            for key, events in self._selector.select(self._until_next()):
                self._guard(key.data, events)
            while self._later and self._later[0][0] <= time.monotonic():
                self._guard(heapq.heappop(self._later)[2])

    def _until_next(self) -> float | None:
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def _woken(self, _events: int) -> None:
        self._wake_in.recv(64)
        with self._lock:
            calls, self._calls = self._calls, deque()
        for call in calls:
            self._guard(call)

    @staticmethod
    def _guard(callback: Callable[..., None], *arguments: int) -> None:
        """Keep one connection's mistake from ending all the others of the tunnel."""
        try:
            callback(*arguments)
        except Exception:  # noqa: BLE001 - whatever it was, it is told with its traceback
            LOG.exception("a callback of the tunnel failed; the connection it served is lost")
