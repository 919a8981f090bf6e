"""Everything that keeps a tunnel from opening: each a clear error of its own, with its remedy."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from typing import TYPE_CHECKING

import pytest
from far_ends import FarEnd, read_all
from opening import refused

from cluster_tests.bench.sshd import free_port, make_key
from tunnels import Tunnel
from tunnels.errors import (
    HandshakeError,
    HostKeyChangedError,
    HostKeyRevokedError,
    HostKeyUnknownError,
    IdentityEncryptedError,
    IdentityExposedError,
    IdentityInvalidError,
    IdentityMissingError,
    KeyRefusedError,
    KnownHostsError,
    SpecError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


# --- the private key


def test_a_key_that_the_server_does_not_know(sshd: Sshd, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    error = refused(sshd.target(identity_file=stranger), KeyRefusedError)
    assert f"{sshd.user}@127.0.0.1:{sshd.port}" in error.message
    assert f"ssh-copy-id -i {stranger}" in error.remedy


def test_a_server_that_asks_for_more_than_a_key(make_sshd: Callable[..., Sshd]) -> None:
    sshd = make_sshd(
        "PermitRootLogin yes",
        "PasswordAuthentication yes",
        "AuthenticationMethods publickey,password",
    )
    error = refused(sshd.target(), KeyRefusedError)
    assert "it also asks for password" in error.message


def test_a_key_file_that_is_missing(sshd: Sshd, tmp_path: Path) -> None:
    error = refused(sshd.target(identity_file=tmp_path / "none"), IdentityMissingError)
    assert f"{tmp_path / 'none'} cannot be read: No such file" in error.message


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read(sshd: Sshd, tmp_path: Path, mode: int) -> None:
    key = tmp_path / "key"
    key.write_bytes(sshd.identity.read_bytes())
    key.chmod(mode)
    error = refused(sshd.target(identity_file=key), IdentityExposedError)
    assert error.remedy == f"chmod 600 {key}"


@pytest.mark.usefixtures("no_terminal")
@pytest.mark.parametrize("form", ["RFC4716", "PEM"])
def test_a_key_with_a_passphrase(sshd: Sshd, tmp_path: Path, form: str) -> None:
    key = make_key(tmp_path / "key", "-t", "ecdsa", "-m", form, "-N", "a secret phrase")
    error = refused(sshd.target(identity_file=key), IdentityEncryptedError)
    assert "there is no terminal to ask on" in error.message
    assert error.remedy.endswith(f"ssh-add {key}")


@pytest.mark.parametrize("content", ["", "no key\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key(sshd: Sshd, tmp_path: Path, content: str) -> None:
    key = tmp_path / "key"
    key.write_text(content)
    key.chmod(0o600)
    refused(sshd.target(identity_file=key), IdentityInvalidError)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_every_kind_of_key_opens(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / "key", "-t", kind)
    authorized = sshd.directory / "authorized_keys"
    before = authorized.read_text()
    authorized.write_text(before + key.with_name("key.pub").read_text())
    with Tunnel(sshd.target(identity_file=key)) as tunnel:
        assert tunnel.is_alive
    authorized.write_text(before)


# --- the host key


def test_a_host_that_is_not_known(sshd: Sshd, tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("# nobody\n")
    error = refused(sshd.target(known_hosts=known_hosts), HostKeyUnknownError)
    assert f"[127.0.0.1]:{sshd.port} is not in {known_hosts}" in error.message
    assert error.remedy.endswith(f"ssh-keyscan -p {sshd.port} 127.0.0.1 >> {known_hosts}")


def test_a_host_that_has_another_key(make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    sshd = make_sshd()
    sshd.know(make_key(tmp_path / "another"))
    error = refused(sshd.target(), HostKeyChangedError)
    assert "(line 1)" in error.message
    assert f"ssh-keygen -f {sshd.known_hosts} -R '[127.0.0.1]:{sshd.port}'" in error.remedy


def test_a_host_that_has_lost_the_kind_of_key_it_is_known_by(
    make_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    sshd = make_sshd()
    sshd.know(make_key(tmp_path / "another", "-t", "rsa"))
    refused(sshd.target(), HostKeyChangedError)


def test_the_server_never_learns_the_user_when_its_key_is_wrong(
    make_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    sshd = make_sshd()
    sshd.know(make_key(tmp_path / "another"))
    refused(sshd.target(), HostKeyChangedError)
    sshd.wait_for("Connection closed by 127.0.0.1")
    assert sshd.count(f"user {sshd.user}") == 0


def test_a_host_whose_key_is_revoked(make_sshd: Callable[..., Sshd]) -> None:
    sshd = make_sshd()
    line = sshd.known_hosts.read_text()
    sshd.known_hosts.write_text(f"{line}@revoked * {line.split(' ', 1)[1]}")
    error = refused(sshd.target(), HostKeyRevokedError)
    assert "(line 2) marks as revoked" in error.message


def test_a_known_hosts_file_that_is_missing(sshd: Sshd, tmp_path: Path) -> None:
    error = refused(sshd.target(known_hosts=tmp_path / "none"), KnownHostsError)
    assert str(tmp_path / "none") in error.message


@pytest.mark.parametrize("known", [0, 1, 2])
def test_a_host_is_asked_for_the_kind_of_key_it_is_known_by(
    make_sshd: Callable[..., Sshd], known: int
) -> None:
    sshd = make_sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    sshd.know(sshd.host_keys[known])
    with Tunnel(sshd.target()) as tunnel:
        assert tunnel.is_alive


# --- the way there


def test_a_port_where_nobody_listens(sshd: Sshd) -> None:
    error = refused(sshd.target(port=free_port()), UnreachableError)
    assert "refuses connections" in error.message


def test_a_host_that_does_not_answer(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        address = deaf.getsockname()
        waiting = [socket.create_connection(address)]  # the queue is full: the next gets no answer
        error = refused(sshd.target(port=address[1], connect_timeout=0.3), UnreachableError)
        for sock in waiting:
            sock.close()
    assert "does not answer within 0.3 s" in error.message


def test_a_name_that_does_not_resolve(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_arguments: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    error = refused(sshd.target(host="no-such-host"), UnreachableError)
    assert "no-such-host" in error.message
    assert "does not resolve" in error.message


def test_a_name_that_cannot_be_one(sshd: Sshd) -> None:
    error = refused(sshd.target(host="a..b"), UnreachableError)
    assert "does not resolve" in error.message


@pytest.fixture
def impostor() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Listen where an sshd should."""
    ends = []

    def make(serve: Callable[[socket.socket], None]) -> int:
        sock = socket.create_server(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        ends.append(FarEnd(sock, serve))
        return port

    yield make
    for end in ends:
        end.close()


def wait_for_the_end(connection: socket.socket) -> None:
    read_all(connection)


def test_a_server_that_says_nothing(
    sshd: Sshd, impostor: Callable[[Callable[[socket.socket], None]], int]
) -> None:
    port = impostor(wait_for_the_end)
    start = time.monotonic()
    error = refused(sshd.target(port=port, connect_timeout=0.3), HandshakeError)
    assert time.monotonic() - start < sshd.target().connect_timeout  # which is larger by itself
    assert f"127.0.0.1:{port}" in error.message


def test_a_server_that_hangs_up(
    sshd: Sshd, impostor: Callable[[Callable[[socket.socket], None]], int]
) -> None:
    port = impostor(socket.socket.close)
    error = refused(sshd.target(port=port), HandshakeError)
    assert "MaxStartups" in error.remedy


def test_a_server_that_speaks_something_else(
    sshd: Sshd, impostor: Callable[[Callable[[socket.socket], None]], int]
) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(1000)

    refused(sshd.target(port=impostor(serve)), HandshakeError)


def test_a_server_that_breaks_off_in_the_middle_of_the_handshake(
    sshd: Sshd, impostor: Callable[[Callable[[socket.socket], None]], int]
) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-impostor\r\n")
        connection.recv(10)

    refused(sshd.target(port=impostor(serve)), HandshakeError)


def test_a_server_without_a_common_algorithm(make_sshd: Callable[..., Sshd]) -> None:
    sshd = make_sshd("Ciphers chacha20-poly1305@openssh.com")
    error = refused(sshd.target(), HandshakeError)
    assert "no algorithm in common" in error.message
    assert "cipher" in error.message


# --- the target as written


@pytest.mark.parametrize(
    "changes",
    [
        {"port": 0},
        {"port": 65536},
        {"host": ""},
        {"user": ""},
        {"connect_timeout": 0},
        {"alive_interval": 0},
        {"alive_count": 0},
        {"identity_file": ()},
        {"known_hosts": ()},
    ],
    ids=str,
)
def test_a_target_that_cannot_be(sshd: Sshd, changes: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        sshd.target(**changes)


def test_a_target_with_two_ways_there(sshd: Sshd) -> None:
    with pytest.raises(SpecError, match="not both"):
        sshd.target(jump=sshd.target(), proxy_command="nc %h %p")


# --- and quietly


def test_a_refusal_prints_nothing_and_tells_no_key(
    make_sshd: Callable[..., Sshd],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    sshd = make_sshd("Ciphers chacha20-poly1305@openssh.com")
    refused(sshd.target(), HandshakeError)
    sshd = make_sshd()
    stranger = make_key(tmp_path / "stranger")
    error = refused(sshd.target(identity_file=stranger), KeyRefusedError)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    told = "".join(traceback.format_exception(error))
    secret = stranger.read_text().splitlines()[2]
    assert len(secret) > 40
    assert secret not in told
    assert capfd.readouterr() == ("", "")


def test_a_broken_key_is_not_shown(sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    lines = key.read_text().splitlines()
    key.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    error = refused(sshd.target(identity_file=key), IdentityInvalidError)
    assert lines[2] not in "".join(traceback.format_exception(error))
    assert error.__cause__ is None
    assert error.__suppress_context__
