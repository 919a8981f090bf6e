"""What the ledger's file server does for a client that it let in, and what it does not."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko
import pytest
from sftp_server import sftp_server

from cluster_tests.fronts.keys import generate_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def logged_in(root: Path) -> Iterator[paramiko.Transport]:
    keys = generate_keys()
    with sftp_server(root, keys, keys) as address, paramiko.Transport(address) as transport:
        transport.connect(hostkey=keys.host, username="files", pkey=keys.client)
        yield transport


@contextmanager
def sftp(transport: paramiko.Transport) -> Iterator[paramiko.SFTPClient]:
    client = transport.open_sftp_client()
    assert client is not None
    with client:
        yield client


def test_what_is_written_while_a_client_is_there_is_shown(tmp_path: Path) -> None:
    with logged_in(tmp_path) as transport, sftp(transport) as client:
        assert client.listdir("/") == []
        (tmp_path / "1").write_bytes(b"one")
        assert client.listdir("/") == ["1"]
        with client.open("/1") as file:
            assert file.read() == b"one"


def test_nothing_above_the_directory_is_shown(tmp_path: Path) -> None:
    root = tmp_path / "shown"
    root.mkdir()
    (tmp_path / "hidden").write_bytes(b"")
    (root / "1").write_bytes(b"")
    with logged_in(root) as transport, sftp(transport) as client:
        assert client.listdir("/..") == client.listdir("/") == ["1"]
        with pytest.raises(FileNotFoundError):
            client.stat("/../hidden")


def test_no_command_is_run(tmp_path: Path) -> None:
    with logged_in(tmp_path) as transport:
        session = transport.open_session()
        with pytest.raises(paramiko.SSHException):
            session.exec_command(f"touch {tmp_path}/made")
    assert not list(tmp_path.iterdir())


def test_no_connection_is_forwarded(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        logged_in(tmp_path) as transport,
        pytest.raises(paramiko.ChannelException),
    ):
        transport.open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 1))
