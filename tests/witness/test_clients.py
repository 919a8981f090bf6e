"""A client that gives up: what the other side sees of it."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from cluster_tests.witness.clients import greeting

PATIENCE = 10.0


def test_whoever_waits_no_longer_resets_the_connection() -> None:
    seen: list[str] = []

    def accept(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            try:
                seen.append(f"read {connection.recv(1)!r}")
            except OSError as error:
                seen.append(type(error).__name__)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = threading.Thread(target=accept, args=(listener,), daemon=True)
        other.start()
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(greeting(listener.getsockname()), 0.05))
        other.join(PATIENCE)
    assert seen == ["ConnectionResetError"]
