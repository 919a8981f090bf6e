"""Closed to everyone else: other users, exchanged paths, other machines, and whoever reads logs."""

from __future__ import annotations

import logging
import os
import re
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from another_user import tries_of_another_user
from far_ends import dial, echo, read_all

from tunnels import (
    SocketForward,
    TcpAsSocketForward,
    TcpForward,
    Tunnel,
    TunnelError,
    TunnelGroup,
    local,
)
from tunnels.errors import LocalAddressError
from tunnels.local import SocketListener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.bench.sshd import Sshd
    from tunnels import Forward, Target

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")

LISTENING = "0A"  # TCP_LISTEN of the kernel's net/tcp_states.h, as /proc/net/tcp has it
LOOPBACKS = {"0100007F", "00000000000000000000000001000000"}  # 127.0.0.1 and ::1, as it has them


@pytest.fixture
def near() -> Iterator[Path]:
    """A path whose directory, to be made yet, is below one that all users can enter."""
    with TemporaryDirectory(prefix="closed-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory) / "private" / "near.sock"


@pytest.fixture(params=["socket", "tcp as socket"])
def open_socket(
    request: pytest.FixtureRequest,
    sshd: Sshd,
    near: Path,
    socket_far_end: Callable[..., str],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> Iterator[Path]:
    """A forward's UNIX socket, of each kind in turn, while it is open."""
    with Tunnel(sshd.target()) as tunnel:
        if request.param == "socket":
            yield tunnel.forward(SocketForward(socket_far_end(), near))
        else:
            yield tunnel.forward(TcpAsSocketForward(*tcp_far_end(), near))


# --- other users


def test_another_user_reaches_neither_socket_nor_directory(open_socket: Path) -> None:
    told = tries_of_another_user(open_socket, open_socket.parent)
    # As of any directory: it tells nothing of what is inside.
    assert told.pop(f"stat {open_socket.parent}") == "done"
    assert len(told) == 9
    assert set(told.values()) == {"PermissionError"}, told
    dial(open_socket).close()


def test_the_sockets_mode_alone_keeps_another_user_out(open_socket: Path) -> None:
    open_socket.parent.chmod(0o711)
    told = tries_of_another_user(open_socket)
    assert told[f"stat {open_socket}"] == "done"
    assert told[f"connect {open_socket}"] == "PermissionError"


def test_another_user_would_reach_what_is_open(open_socket: Path) -> None:
    """The tests above could not fail if the other user were kept out of everything."""
    open_socket.parent.chmod(0o755)
    open_socket.chmod(0o666)
    told = tries_of_another_user(open_socket, open_socket.parent)
    assert told[f"connect {open_socket}"] == told[f"listdir {open_socket.parent}"] == "done"


# --- exchanged paths


def exchange_when(monkeypatch: pytest.MonkeyPatch, name: str, exchange: Callable[[], None]) -> None:
    """Run ``exchange`` in the moment before ``os.name`` is called, once."""
    original = getattr(os, name)

    def meanwhile(*args: object, **more: object) -> object:
        monkeypatch.setattr(os, name, original)
        exchange()
        return original(*args, **more)

    monkeypatch.setattr(os, name, meanwhile)


def test_a_directory_that_becomes_a_link_before_it_is_opened(
    near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near.parent.mkdir(mode=0o700)
    elsewhere = near.parent.with_name("elsewhere")

    def exchange() -> None:
        near.parent.rename(elsewhere)
        near.parent.symlink_to(elsewhere)

    exchange_when(monkeypatch, "open", exchange)
    with pytest.raises(LocalAddressError, match="a symbolic link, and is not followed"):
        SocketListener(near)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_a_directory_that_is_exchanged_before_the_socket_is_made(
    near: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """In the directory that came in its place nobody ever listens."""
    near.parent.mkdir(mode=0o700)
    ours, theirs = near.parent.with_name("ours"), near.parent.with_name("theirs")

    def exchange() -> None:
        near.parent.rename(ours)
        if kind == "link":
            theirs.mkdir(mode=0o777)
            near.parent.symlink_to(theirs)
        else:
            near.parent.mkdir(mode=0o777)

    exchange_when(monkeypatch, "fchmod", exchange)
    with pytest.raises(LocalAddressError, match="was replaced by another directory"):
        SocketListener(near)
    assert list(ours.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        dial(near)


def test_an_exchanged_directorys_files_are_no_leftovers(
    near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that nobody listens on is removed where we looked, and nowhere else."""
    near.parent.mkdir(mode=0o700)
    ours = near.parent.with_name("ours")
    _leave_a_socket(near)

    def exchange() -> None:
        near.parent.rename(ours)
        near.parent.mkdir(mode=0o700)
        _leave_a_socket(near)

    exchange_when(monkeypatch, "unlink", exchange)
    with pytest.raises(LocalAddressError):
        SocketListener(near)
    assert near.is_socket()


def _leave_a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


@pytest.mark.parametrize("kind", ["link", "dangling link", "socket", "file"])
def test_a_path_that_is_taken_between_the_look_and_the_making(
    near: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    near.parent.mkdir(mode=0o700)
    aim = near.with_name("aim")

    def take() -> None:
        if kind == "socket":
            _leave_a_socket(near)
        elif kind == "file":
            near.write_text("precious")
        else:
            near.symlink_to(aim)

    if kind == "link":
        aim.write_text("precious")
    exchange_when(monkeypatch, "fchmod", take)
    with pytest.raises(LocalAddressError, match="Address already in use"):
        SocketListener(near)
    assert os.path.lexists(near)
    assert aim.exists() == (kind == "link")


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o702])
def test_a_directory_below_one_that_others_may_write(near: Path, mode: int) -> None:
    near.parent.mkdir()
    near.parent.chmod(mode)
    with pytest.raises(LocalAddressError, match=f"{near.parent} belongs .* mode 0{mode:o}"):
        SocketListener(near.parent / "private" / "near.sock")


def test_a_directory_behind_a_link_in_one_that_others_may_write(near: Path) -> None:
    near.parent.mkdir(mode=0o700)
    (near.parent / "open").mkdir()
    (near.parent / "open").chmod(0o777)
    (near.parent / "open" / "private").mkdir(mode=0o700)
    (near.parent / "link").symlink_to(near.parent / "open" / "private")
    with pytest.raises(LocalAddressError, match="others could replace"):
        SocketListener(near.parent / "link" / "inner" / "near.sock")


def test_a_directory_below_one_of_another_user(near: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    near.parent.mkdir(mode=0o700)
    inner = near.parent / "inner"
    inner.mkdir(mode=0o700)
    owner = near.parent.stat().st_uid
    # Whoever owns the tests' files, it is neither root nor us from here on.
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(local, "_ROOT", owner + 2)
    with pytest.raises(LocalAddressError, match=f"belongs to user {owner}"):
        local._check_above(inner)


# --- other machines


def test_nothing_listens_beyond_loopback(
    sshd: Sshd,
    near: Path,
    socket_far_end: Callable[..., str],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> None:
    before = listeners_of_ours()
    far, tcp = socket_far_end(), tcp_far_end()
    port = TcpForward(*tcp)
    plan: dict[str, tuple[Target, list[Forward]]] = {
        "a": (sshd.target(), [port, SocketForward(far, near.with_name("a.sock"))]),
        "b": (sshd.target(), [port, TcpAsSocketForward(*tcp, near)]),
    }
    with TunnelGroup(plan) as group:
        opened = listeners_of_ours() - before
        addresses = {tunnel.addresses[port] for tunnel in group.values()}
    assert len(addresses) == 2
    assert {("127.0.0.1", number) for _, number in opened} == addresses | {tcp}
    assert {address for address, _ in opened} <= LOOPBACKS
    assert listeners_of_ours() - before <= {("0100007F", tcp[1])}


def test_a_listener_beyond_loopback_would_be_seen() -> None:
    with socket.create_server(("0.0.0.0", 0)) as sock:  # noqa: S104 - on purpose
        assert ("00000000", sock.getsockname()[1]) in listeners_of_ours()


def listeners_of_ours() -> set[tuple[str, int]]:
    """Read address (hexadecimal) and port of each TCP socket on which this process listens."""
    ours = {link for fd in Path("/proc/self/fd").iterdir() if (link := _link(fd))}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/self/net", table).read_text().splitlines()[1:]:
            fields = line.split()  # proc(5): sl, local address, remote address, state, …, inode
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in ours:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


def _link(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # that of the listing itself
        return ""


# --- whoever reads logs


def test_no_key_and_nothing_that_travels_is_logged(
    sshd: Sshd,
    near: Path,
    socket_far_end: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = b"X-Consul-Token: 8c5c-secret"
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "tunnels.ssh"):
        with Tunnel(sshd.target()) as tunnel:
            with dial(tunnel.forward(SocketForward(socket_far_end(echo), near))) as client:
                client.sendall(token)
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == token
            with pytest.raises(TunnelError) as caught:
                tunnel.forward(SocketForward("/nowhere.sock", near.with_name("no.sock")))
        told = caplog.text + repr(tunnel) + repr(tunnel.target) + repr(caught.value)
    assert "tunnels.ssh" in caplog.text  # the chattiest of them was heard
    assert "secret" not in told
    assert secrets_of(sshd.identity)
    assert not [line for line in secrets_of(sshd.identity) if line in told]


def secrets_of(key: Path) -> list[str]:
    """List the lines of a private key file that hold the key."""
    return [line for line in key.read_text().splitlines() if re.fullmatch(r"[\w+/=]{16,}", line)]
