"""Why TCP forwards are not left to sshtunnel: what it does with the same server, beside ours.

Each test states a fact about sshtunnel. One that fails after an update is good news: read
tunnels/__init__.py again then.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest
import sshtunnel
from far_ends import dial, read_all

from cluster_tests.bench.sshd import free_port
from tunnels import TcpForward, Tunnel
from tunnels.errors import FarEndError, HostKeyUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures"]


@pytest.fixture
def forwarder(sshd: Sshd) -> Iterator[Callable[[tuple[str, int]], tuple[str, int]]]:
    """Forward with sshtunnel, as its documentation has it; gives the local address."""
    started = []
    logging.getLogger("sshtunnel").addHandler(logging.NullHandler())

    def start(far: tuple[str, int]) -> tuple[str, int]:
        forwarder = sshtunnel.SSHTunnelForwarder(
            ("127.0.0.1", sshd.port),
            ssh_config_file=None,
            ssh_username=sshd.user,
            ssh_pkey=str(sshd.identity),
            host_pkey_directories=[],
            allow_agent=False,
            local_bind_address=("127.0.0.1", 0),
            remote_bind_address=far,
            logger=logging.getLogger("sshtunnel"),  # its own would take over the warnings module
        )
        started.append(forwarder)
        forwarder.start()
        address: tuple[str, int] = forwarder.local_bind_address
        return address

    yield start
    for forwarder in started:
        forwarder.stop(force=True)


def answer_at_the_end(connection: socket.socket) -> None:
    connection.sendall(b"%d bytes" % len(read_all(connection)))


def ask(address: tuple[str, int]) -> bytes:
    """Send, say that this was all, and read the answer, as ``nc`` and ``git`` do."""
    with dial(address) as client:
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def test_sshtunnel_loses_the_answer_once_the_client_has_finished_sending(
    sshd: Sshd,
    forwarder: Callable[[tuple[str, int]], tuple[str, int]],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> None:
    far = tcp_far_end(answer_at_the_end)
    assert ask(forwarder(far)) == b""
    with Tunnel(sshd.target()) as tunnel:
        assert ask(tunnel.forward(TcpForward(*far))) == b"8 bytes"


def test_sshtunnel_counts_a_forward_as_open_that_leads_nowhere(
    sshd: Sshd, forwarder: Callable[[tuple[str, int]], tuple[str, int]]
) -> None:
    nowhere = ("127.0.0.1", free_port())
    assert forwarder(nowhere)
    with Tunnel(sshd.target()) as tunnel, pytest.raises(FarEndError):
        tunnel.forward(TcpForward(*nowhere))


def test_sshtunnel_trusts_any_host_by_itself(
    sshd: Sshd,
    forwarder: Callable[[tuple[str, int]], tuple[str, int]],
    tcp_far_end: Callable[..., tuple[str, int]],
    tmp_path: Path,
) -> None:
    assert forwarder(tcp_far_end())
    (tmp_path / "known_hosts").write_text("")
    with pytest.raises(HostKeyUnknownError):
        Tunnel(sshd.target(known_hosts=tmp_path / "known_hosts")).open()


def test_sshtunnel_reaches_no_unix_socket() -> None:
    with pytest.raises(AssertionError, match="UNIX domain sockets not allowed"):
        sshtunnel.check_addresses(["/var/run/docker.sock"], is_remote=True)
