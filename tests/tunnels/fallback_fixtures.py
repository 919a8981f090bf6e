"""Fixtures: a server that forbids the forwarding of sockets, and a command that carries them."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tunnels import SocketForward

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

# What `docker system dial-stdio` does: stdin to the socket, the socket to stdout, each to its end.
DIAL = """
import socket, sys, threading, os
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
def up():
    while data := os.read(0, 65536): s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536):
    while data: data = data[os.write(1, data):]
"""


@pytest.fixture
def forbidding(make_sshd: Callable[..., Sshd]) -> Sshd:
    return make_sshd("AllowStreamLocalForwarding no", "MaxSessions 2")


@pytest.fixture
def spec_to(tmp_path: Path) -> Callable[[str], SocketForward]:
    def make(far: str) -> SocketForward:
        command = shlex.join([sys.executable, "-c", DIAL, far])
        return SocketForward(far, tmp_path / "near" / "s.sock", fallback_command=command)

    return make
