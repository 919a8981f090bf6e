"""What the tests of reconnection share: short intervals, and waits for what a tunnel becomes."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from far_ends import PATIENCE, dial, read_exactly

if TYPE_CHECKING:
    from collections.abc import Callable

    from tunnels import State, Tunnel

QUICK = {"alive_interval": 0.2, "alive_count": 15, "connect_timeout": 3.0}
"""A target's settings with which a silent server is noticed in three seconds.

No sooner: on a busy machine a server that is well may say nothing for a second.
"""


def await_health(tunnel: Tunnel, reached: Callable[[], bool]) -> None:
    """Wait for what the tunnel's health is to show."""
    news = tunnel._line._news
    with news:
        assert news.wait_for(reached, PATIENCE), f"still {tunnel.health}"


def await_state(tunnel: Tunnel, state: State) -> None:
    await_health(tunnel, lambda: tunnel.health.state is state)


def await_reconnection(tunnel: Tunnel, count: int = 1) -> None:
    await_health(tunnel, lambda: tunnel.health.reconnections == count)


def await_relay(tunnel: Tunnel) -> None:
    """Wait until the tunnel has let a client in, and asked the server for its channel."""
    asked = threading.Event()

    def look() -> None:
        if any(not relay._connected for relay in tunnel._gate.relays):
            asked.set()
        else:
            tunnel._loop.call_later(0.01, look)

    tunnel._loop.call(look)
    assert asked.wait(PATIENCE)


def assert_echoes(address: Path | tuple[str, int]) -> None:
    with dial(address) as client:
        client.sendall(b"are you there?")
        assert read_exactly(client, 14) == b"are you there?"


def count_threads() -> int:
    """Count those that are not the far end's, which is in this process too."""
    return sum("far end" not in thread.name for thread in threading.enumerate())


def count_descriptors(tunnel: Tunnel) -> int:
    """Count them once all connections are over: the tunnel's and the far end's."""
    deadline = time.monotonic() + PATIENCE
    while tunnel._gate.relays or any("far end" in t.name for t in serving()):
        assert time.monotonic() < deadline, f"these do not end: {tunnel._gate.relays}"
        threading.Event().wait(0.01)
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def serving() -> list[threading.Thread]:
    """Give the far end's threads that serve a connection; the one that accepts has no arguments."""
    return [t for t in threading.enumerate() if getattr(t, "_args", ())]
