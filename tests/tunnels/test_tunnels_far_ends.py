"""A forward that does not open, though the connection stands: what failed, and what mends it."""

from __future__ import annotations

import os
import resource
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from far_ends import dial, read_all

from cluster_tests.bench.sshd import free_port
from tunnels import (
    SocketForward,
    TcpAsSocketForward,
    TcpForward,
    Tunnel,
    diagnosis,
    http_answers,
    local,
)
from tunnels.errors import (
    FarEndError,
    ForwardError,
    ForwardingForbiddenError,
    LocalAddressError,
    NoAnswerError,
    SpecError,
)
from tunnels.local import SocketListener, TcpListener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.bench.sshd import Sshd
    from tunnels.specs import Forward

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def tunnel(leaves_nothing: None, sshd: Sshd) -> Iterator[Tunnel]:  # noqa: ARG001 - the order
    with Tunnel(sshd.target()) as tunnel:
        yield tunnel


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return tmp_path / "near" / "s.sock"


def refused(tunnel: Tunnel, spec: Forward, kind: type[ForwardError]) -> ForwardError:
    """Open a forward that must be refused; give the error. Nothing of it may be left."""
    with pytest.raises(kind) as caught:
        tunnel.forward(spec)
    assert type(caught.value) is kind
    assert tunnel.addresses == {}
    if isinstance(spec, SocketForward) and kind is not LocalAddressError:
        assert not spec.local_path.exists()
    return caught.value


# --- the far end


def test_a_port_where_nobody_listens(tunnel: Tunnel) -> None:
    port = free_port()
    error = refused(tunnel, TcpForward("127.0.0.1", port), FarEndError)
    assert f"cannot reach 127.0.0.1:{port}: Connection refused" in error.message
    assert f"nc -vz 127.0.0.1 {port}" in error.remedy


def test_a_single_connection_is_refused_alike(tunnel: Tunnel) -> None:
    with pytest.raises(FarEndError, match="Connection refused"):
        tunnel.connect("127.0.0.1", free_port())


def test_a_socket_that_is_missing(tunnel: Tunnel, near: Path, tmp_path: Path) -> None:
    error = refused(tunnel, SocketForward(f"{tmp_path}/none.sock", near), FarEndError)
    assert "does not exist" in error.message


def test_a_socket_that_nobody_listens_on(tunnel: Tunnel, near: Path, tmp_path: Path) -> None:
    path = tmp_path / "it's stopped.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    error = refused(tunnel, SocketForward(str(path), near), FarEndError)
    assert "nobody listens on it: the service is stopped" in error.message


def test_a_file_that_is_no_socket(tunnel: Tunnel, near: Path, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    error = refused(tunnel, SocketForward(str(path), near), FarEndError)
    assert error.message.endswith("is no socket")


def test_a_socket_that_the_user_may_not_write(
    tunnel: Tunnel, near: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faked: root, which may be running this, may write everything."""
    path = f"{tmp_path}/docker.sock"
    monkeypatch.setattr(diagnosis, "_look", lambda *_: f"closed\ndocker\n{path}\n")
    error = refused(tunnel, SocketForward(path, near), FarEndError)
    assert "its group is docker" in error.message
    assert f"usermod -aG docker {tunnel.target.user}" in error.remedy


def test_where_no_command_may_be_run_every_cause_is_named(
    make_sshd: Callable[..., Sshd], near: Path, tmp_path: Path
) -> None:
    with Tunnel(make_sshd("ForceCommand /bin/false").target()) as tunnel:
        error = refused(tunnel, SocketForward(f"{tmp_path}/none.sock", near), FarEndError)
    assert "AllowStreamLocalForwarding" in error.remedy
    assert "may write it" in error.remedy


# --- the server's configuration


def test_a_server_that_forbids_tcp(
    make_sshd: Callable[..., Sshd], tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    with Tunnel(make_sshd("AllowTcpForwarding no").target()) as tunnel:
        error = refused(tunnel, TcpForward(*tcp_far_end()), ForwardingForbiddenError)
    assert "AllowTcpForwarding" in error.remedy


def test_a_server_that_forbids_sockets(
    make_sshd: Callable[..., Sshd], near: Path, socket_far_end: Callable[..., str]
) -> None:
    with Tunnel(make_sshd("AllowStreamLocalForwarding no").target()) as tunnel:
        error = refused(tunnel, SocketForward(socket_far_end(), near), ForwardingForbiddenError)
    assert "AllowStreamLocalForwarding" in error.remedy


def test_a_server_that_forbids_sockets_reached_by_a_symbolic_link(
    make_sshd: Callable[..., Sshd], near: Path, tmp_path: Path, socket_far_end: Callable[..., str]
) -> None:
    link = tmp_path / "link.sock"
    link.symlink_to(socket_far_end())
    with Tunnel(make_sshd("AllowStreamLocalForwarding no").target()) as tunnel:
        refused(tunnel, SocketForward(str(link), near), ForwardingForbiddenError)


def test_a_key_that_may_not_forward(
    make_sshd: Callable[..., Sshd], tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    sshd = make_sshd()
    authorized = sshd.directory / "authorized_keys"
    authorized.write_text(f"restrict {authorized.read_text()}")
    with Tunnel(sshd.target()) as tunnel:
        error = refused(tunnel, TcpForward(*tcp_far_end()), ForwardingForbiddenError)
    assert "restrict" in error.remedy


# --- the answer


def serve_http(answer: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        if connection.recv(65536).startswith(b"GET /health HTTP/1.1\r\n"):
            connection.sendall(answer)

    return serve


def test_a_far_end_that_answers(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    far = socket_far_end(serve_http(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    assert tunnel.forward(SocketForward(far, near, http_answers("/health"))) == near


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", "status 503"),
        (b"220 mail.example\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
    ],
)
def test_a_far_end_that_answers_wrongly(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str], answer: bytes, told: str
) -> None:
    spec = SocketForward(socket_far_end(serve_http(answer)), near, http_answers("/health"))
    assert told in refused(tunnel, spec, NoAnswerError).message


def test_a_far_end_that_never_answers(
    sshd: Sshd, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    def serve(connection: socket.socket) -> None:
        read_all(connection)

    with Tunnel(sshd.target(connect_timeout=2)) as tunnel:
        spec = TcpForward(*tcp_far_end(serve), answers=http_answers("/"))
        start = time.monotonic()
        assert "timed out" in refused(tunnel, spec, NoAnswerError).message
        assert time.monotonic() - start < sshd.target().connect_timeout  # which is larger by itself


def test_a_far_end_that_is_never_reached(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        address = deaf.getsockname()
        with (
            socket.create_connection(address),  # the queue is full: the next gets no answer
            Tunnel(sshd.target(connect_timeout=2)) as tunnel,
        ):
            error = refused(tunnel, TcpForward(*address), NoAnswerError)
    assert "within 2 s" in error.message


def test_the_tunnel_goes_on_after_a_refusal(
    tunnel: Tunnel, near: Path, tmp_path: Path, socket_far_end: Callable[..., str]
) -> None:
    refused(tunnel, SocketForward(f"{tmp_path}/none.sock", near), FarEndError)
    assert tunnel.forward(SocketForward(socket_far_end(), near)) == near


# --- the near end


def test_the_directory_is_private_and_the_socket_too(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    tunnel.forward(SocketForward(socket_far_end(), near))
    assert near.parent.stat().st_mode & 0o7777 == 0o700
    assert near.stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701, 0o770])
def test_a_directory_that_others_can_enter(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str], mode: int
) -> None:
    near.parent.mkdir()
    near.parent.chmod(mode)
    error = refused(tunnel, SocketForward(socket_far_end(), near), LocalAddressError)
    assert error.remedy.startswith(f"chmod 700 {near.parent}")
    assert list(near.parent.iterdir()) == []


def test_a_directory_of_somebody_else(
    tunnel: Tunnel,
    near: Path,
    socket_far_end: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    near.parent.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    error = refused(tunnel, SocketForward(socket_far_end(), near), LocalAddressError)
    assert f"belongs to user {os.getuid()}" in error.message


def test_a_directory_that_is_a_symbolic_link(
    tunnel: Tunnel, near: Path, tmp_path: Path, socket_far_end: Callable[..., str]
) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    near.parent.symlink_to(real)
    error = refused(tunnel, SocketForward(socket_far_end(), near), LocalAddressError)
    assert "symbolic link" in error.message
    assert list(real.iterdir()) == []


def test_a_leftover_socket_of_ours_is_replaced(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    near.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(near))
        sock.listen()
    with dial(tunnel.forward(SocketForward(socket_far_end(), near))) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"hello"


def test_a_socket_in_use_is_left_alone(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    near.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(near))
        sock.listen()
        error = refused(tunnel, SocketForward(socket_far_end(), near), LocalAddressError)
        assert "somebody listens on it" in error.message
        dial(near).close()


def test_the_same_socket_cannot_be_opened_twice(
    tunnel: Tunnel, near: Path, socket_far_end: Callable[..., str]
) -> None:
    far = socket_far_end()
    tunnel.forward(SocketForward(far, near))
    with pytest.raises(LocalAddressError, match="somebody listens on it"):
        tunnel.forward(SocketForward(far, near))
    dial(near).close()


@pytest.mark.parametrize("kind", ["file", "directory", "link", "link to a socket"])
def test_what_is_not_our_socket_is_left_alone(
    tunnel: Tunnel, near: Path, tmp_path: Path, socket_far_end: Callable[..., str], kind: str
) -> None:
    near.parent.mkdir(mode=0o700)
    if kind == "file":
        near.write_text("precious")
    elif kind == "directory":
        near.mkdir()
    elif kind == "link":
        near.symlink_to(tmp_path / "nowhere")
    else:
        near.symlink_to(socket_far_end())
    before = near.lstat()
    error = refused(tunnel, SocketForward(socket_far_end(), near), LocalAddressError)
    assert "is left alone" in error.message
    assert near.lstat() == before


def test_a_socket_of_somebody_else_is_left_alone(
    near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(near))
    directory = os.open(near.parent, os.O_DIRECTORY)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(LocalAddressError, match="is left alone"):
        local._remove_leftover(near, directory)
    os.close(directory)
    assert near.is_socket()


def test_closing_leaves_alone_what_somebody_put_in_the_sockets_place(
    sshd: Sshd, near: Path, socket_far_end: Callable[..., str]
) -> None:
    with Tunnel(sshd.target()) as tunnel:
        tunnel.forward(SocketForward(socket_far_end(), near))
        near.unlink()
        near.write_text("precious")
    assert near.read_text() == "precious"


def test_a_socket_file_that_somebody_removed_does_not_trouble_closing(
    sshd: Sshd, near: Path, socket_far_end: Callable[..., str]
) -> None:
    with Tunnel(sshd.target()) as tunnel:
        tunnel.forward(SocketForward(socket_far_end(), near))
        near.unlink()
        near.parent.rmdir()
    assert not near.parent.exists()


def test_a_port_that_is_taken(tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        spec = TcpForward(*tcp_far_end(), local_port=port)
        error = refused(tunnel, spec, LocalAddressError)
    assert f"port {port} of 127.0.0.1 cannot be had: Address already in use" in error.message


@pytest.mark.parametrize("kind", ["socket", "tcp"])
def test_without_a_file_descriptor_a_client_is_turned_away_and_the_next_one_served(
    near: Path, kind: str
) -> None:
    listener = TcpListener(0) if kind == "tcp" else SocketListener(near)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with dial(listener.address) as client:
        lowest_free = os.dup(client.fileno())
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
        try:
            assert listener.accept() is None
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert client.recv(1) == b""
    with dial(listener.address):
        accepted = listener.accept()
        assert accepted is not None
        accepted.close()
    listener.close()


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    longest = Path("/" + "x" * 106)
    assert SocketForward("/far.sock", longest).local_path == longest
    with pytest.raises(SpecError, match="has 108 bytes"):
        SocketForward("/far.sock", Path("/" + "x" * 107))
    with pytest.raises(SpecError, match="at most 107"):
        SocketForward("/far.sock", tmp_path / ("é" * 54))
    with pytest.raises(SpecError, match="has 108 bytes"):
        TcpAsSocketForward("host", 80, Path("/" + "x" * 107))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SocketForward("relative", Path("/near.sock")),
        lambda: SocketForward("/far.sock", Path("near.sock")),
        lambda: SocketForward("/far\0.sock", Path("/near.sock")),
        lambda: TcpForward("", 80),
        lambda: TcpForward("host", 0),
        lambda: TcpForward("host", 65536),
        lambda: TcpForward("host", 80, -1),
        lambda: TcpAsSocketForward("", 80, Path("/near.sock")),
        lambda: TcpAsSocketForward("host", 0, Path("/near.sock")),
        lambda: TcpAsSocketForward("host", 80, Path("near.sock")),
    ],
)
def test_a_forward_that_cannot_be(make: Callable[[], Forward]) -> None:
    with pytest.raises(SpecError):
        make()
