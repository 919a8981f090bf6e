"""What the tests of reconnection share: short intervals, and waits for what a tunnel becomes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from far_ends import PATIENCE, dial, read_exactly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
