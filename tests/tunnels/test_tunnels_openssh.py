"""Our messages beside OpenSSH's: one server hears both clients do the same, and compares."""

from __future__ import annotations

import socket
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE, STARTING, dial, read_all
from paramiko.message import Message
from recording_server import RecordingServer

from cluster_tests.bench.sshd import free_port
from tunnels import SocketForward, TcpForward, Tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recording_server import Session

    from tunnels import Forward

    Address = Path | tuple[str, int]

OPEN, WINDOW_ADJUST, DATA, EOF, CLOSE = 90, 93, 94, 96, 97
ANSWER = 5 << 20
"""Bytes that the far end sends: more than either client's window, so that both must grant more."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RecordingServer]:
    server = RecordingServer(tmp_path)
    yield server
    server.close()


def _talk(address: Address) -> int:
    """Say something and no more, then read the whole answer."""
    with dial(address) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        return len(read_all(client))


def _answer(session: Session) -> None:
    """Be the far end of one channel, from its first to its last message."""
    channel = session.accept(PATIENCE)
    assert channel is not None
    channel.settimeout(PATIENCE)
    assert channel.makefile("rb").read() == b"hello"
    channel.sendall(bytes(ANSWER))
    channel.shutdown_write()
    channel.close()


def _heard(session: Session, address: Address, *, channels_before: int) -> list[bytes]:
    """Let a client talk through ``address``; give the messages that it caused."""
    session.recorder.await_closes(channels_before)
    before = len(session.recorder.heard)
    with ThreadPoolExecutor(1) as pool:
        answering = pool.submit(_answer, session)
        assert _talk(address) == ANSWER
        answering.result(PATIENCE)
    session.recorder.await_closes(channels_before + 1)
    return session.recorder.heard[before:]


def _of_openssh(server: RecordingServer, local: Address, far: str) -> list[bytes]:
    listen = f"{local[0]}:{local[1]}" if isinstance(local, tuple) else str(local)
    command = [
        "ssh", "-F", "none", "-N", "-L", f"{listen}:{far}", "-p", str(server.port),
        "-i", str(server.identity), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "ExitOnForwardFailure=yes",
        "-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo ready", "somebody@127.0.0.1",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ssh:
        try:
            session = server.accept()
            assert ssh.stdout is not None
            assert ssh.stdout.readline() == b"ready\n"
            return _heard(session, local, channels_before=0)
        finally:
            ssh.terminate()
            ssh.wait(STARTING)


def _of_ours(server: RecordingServer, forward: Forward) -> list[bytes]:
    with ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(server.accept)
        with Tunnel(server.target()) as tunnel:
            session = accepted.result(PATIENCE)
            opening = pool.submit(tunnel.forward, forward)
            probe = session.accept(PATIENCE)  # the check that the far end can be reached
            assert probe is not None
            address = opening.result(PATIENCE)
            probe.settimeout(PATIENCE)
            assert probe.recv(1) == b""
            probe.close()
            return _heard(session, address, channels_before=1)


def _opening(messages: list[bytes]) -> tuple[str, bytes]:
    """Give the type of the channel that is asked for, and what this type adds."""
    message = Message(messages[0][1:])
    kind = message.get_text()
    assert messages[0][0] == OPEN
    _number, window, packet = (message.get_int() for _ in range(3))
    assert window >= packet == 32768
    return kind, message.get_remainder()


def _after_opening(messages: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Give the messages that follow, those that grant more apart from the rest."""
    grants = [message for message in messages[1:] if message[0] == WINDOW_ADJUST]
    return [message for message in messages[1:] if message not in grants], grants


def _check_grants(grants: list[bytes], recipient: bytes) -> None:
    assert grants
    assert all(message[1:5] == recipient and len(message) == 9 for message in grants)
    assert sum(struct.unpack(">I", message[5:])[0] for message in grants) <= ANSWER


@pytest.mark.parametrize("kind", ["socket", "port"])
def test_we_say_what_openssh_says(server: RecordingServer, tmp_path: Path, kind: str) -> None:
    if kind == "socket":
        theirs = _of_openssh(server, tmp_path / "theirs.sock", "/far/end.sock")
        (tmp_path / "own").mkdir(mode=0o700)
        forward: Forward = SocketForward("/far/end.sock", tmp_path / "own" / "ours.sock")
        ours = _of_ours(server, forward)
        assert _opening(ours) == _opening(theirs)
    else:
        theirs = _of_openssh(server, ("127.0.0.1", free_port()), "far.example:8500")
        ours = _of_ours(server, TcpForward("far.example", 8500))
        # The last field is the client's port: OpenSSH tells it, and we keep it to ourselves.
        assert _opening(ours)[0] == _opening(theirs)[0]
        assert _opening(ours)[1][:-4] == _opening(theirs)[1][:-4]
    their_rest, their_grants = _after_opening(theirs)
    our_rest, our_grants = _after_opening(ours)
    recipient, ours_recipient = their_rest[0][1:5], our_rest[0][1:5]
    assert [message[0] for message in their_rest] == [DATA, EOF, CLOSE]
    assert [m[:1] + m[5:] for m in our_rest] == [m[:1] + m[5:] for m in their_rest]
    _check_grants(their_grants, recipient)
    _check_grants(our_grants, ours_recipient)
