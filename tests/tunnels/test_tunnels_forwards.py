from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE, dial, echo, read_all, read_exactly

from tunnels import SocketForward, TcpAsSocketForward, TcpForward, Tunnel
from tunnels.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster_tests.bench.sshd import Sshd

    Serve = Callable[[socket.socket], None]
    Open = Callable[[Serve], Path | tuple[str, int]]

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")

MEGABYTE = 1024 * 1024


@pytest.fixture
def tunnel(leaves_nothing: None, sshd: Sshd) -> Iterator[Tunnel]:  # noqa: ARG001 - the order
    with Tunnel(sshd.target()) as tunnel:
        yield tunnel


@pytest.fixture(params=["socket", "tcp", "tcp as socket"])
def open_forward(
    request: pytest.FixtureRequest,
    tunnel: Tunnel,
    tmp_path: Path,
    socket_far_end: Callable[[Serve], str],
    tcp_far_end: Callable[[Serve], tuple[str, int]],
) -> Open:
    """Open a forward to a far end that serves connections as told; of each kind in turn."""

    def open_it(serve: Serve) -> Path | tuple[str, int]:
        if request.param == "tcp":
            return tunnel.forward(TcpForward(*tcp_far_end(serve)))
        near = tmp_path / "near" / "s.sock"
        if request.param == "tcp as socket":
            return tunnel.forward(TcpAsSocketForward(*tcp_far_end(serve), near))
        return tunnel.forward(SocketForward(socket_far_end(serve), near))

    return open_it


def unless_probed(serve: Serve) -> Serve:
    """Serve connections on which something is sent: opening a forward makes one that is not."""

    def check_first(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK):
            serve(connection)

    return check_first


def test_a_forward_carries_data_both_ways(open_forward: Open) -> None:
    with dial(open_forward(echo)) as client:
        client.sendall(b"ping")
        assert read_exactly(client, 4) == b"ping"
        client.sendall(b"again")
        assert read_exactly(client, 5) == b"again"


def test_the_far_end_may_speak_first(open_forward: Open) -> None:
    with dial(open_forward(lambda connection: connection.sendall(b"220 ready"))) as client:
        assert read_all(client) == b"220 ready"


def test_the_answer_arrives_after_the_client_has_finished_sending(open_forward: Open) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(hashlib.sha256(read_all(connection)).digest())

    data = os.urandom(3 * MEGABYTE)
    with dial(open_forward(serve)) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == hashlib.sha256(data).digest()


def test_the_client_may_go_on_after_the_far_end_has_finished_sending(open_forward: Open) -> None:
    received: list[bytes] = []
    done = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"that is all")
        connection.shutdown(socket.SHUT_WR)
        received.append(read_all(connection))
        done.set()

    with dial(open_forward(unless_probed(serve))) as client:
        client.sendall(b"hello, ")
        assert read_all(client) == b"that is all"
        client.sendall(b"and a late word")
    assert done.wait(PATIENCE)
    assert received == [b"hello, and a late word"]


def test_fifty_megabytes_arrive_unharmed_in_both_directions_at_once(open_forward: Open) -> None:
    data = os.urandom(MEGABYTE) * 50
    with dial(open_forward(echo)) as client, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(client.sendall, data)
        assert read_exactly_hashed(client, len(data)) == hashlib.sha256(data).hexdigest()
        sending.result(PATIENCE)


def read_exactly_hashed(sock: socket.socket, count: int) -> str:
    digest = hashlib.sha256()
    while count:
        part = sock.recv(min(count, MEGABYTE))
        assert part, f"the end of file came {count} bytes too early"
        digest.update(part)
        count -= len(part)
    return digest.hexdigest()


def send_until_it_stalls(sock: socket.socket) -> int:
    """Send until nothing is taken for half a second; give the number of bytes that were taken."""
    sock.settimeout(0.5)
    total = 0
    while total < 200 * MEGABYTE:  # far more than all buffers on the way hold
        try:
            total += sock.send(bytes(MEGABYTE))
        except TimeoutError:
            sock.settimeout(PATIENCE)
            return total
    pytest.fail("it never stalls: somebody takes everything, and must be keeping it")


def test_a_client_that_does_not_read_stops_the_far_end(open_forward: Open) -> None:
    stalled = threading.Event()
    sent: list[int] = []

    def serve(connection: socket.socket) -> None:
        assert connection.recv(2) == b"go"
        sent.append(send_until_it_stalls(connection))
        stalled.set()

    with dial(open_forward(unless_probed(serve))) as client:
        client.sendall(b"go")
        assert stalled.wait(PATIENCE)
        assert len(read_all(client)) == sent[0]


def test_a_far_end_that_does_not_read_stops_the_client(open_forward: Open) -> None:
    read_on = threading.Event()
    received: list[int] = []

    def serve(connection: socket.socket) -> None:
        assert read_on.wait(PATIENCE)
        received.append(len(read_all(connection)))

    with dial(open_forward(unless_probed(serve))) as client:
        total = send_until_it_stalls(client)
        read_on.set()
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
    assert received == [total]


def test_a_stalled_connection_does_not_hold_up_another(open_forward: Open) -> None:
    address = open_forward(echo)
    with dial(address) as stalled, dial(address) as other:
        total = send_until_it_stalls(stalled)
        other.sendall(b"still here")
        assert read_exactly(other, 10) == b"still here"
        stalled.shutdown(socket.SHUT_WR)
        assert len(read_all(stalled)) == total


def test_two_hundred_connections_at_once_need_no_further_thread(open_forward: Open) -> None:
    address = open_forward(echo)
    threads = threading.active_count()
    clients = [dial(address) for _ in range(200)]
    for number, client in enumerate(clients):
        client.sendall(f"client {number:03}".encode() * 1000)
    answers = [read_exactly(client, 10_000) for client in clients]
    # The far end, in this process too, has one thread for each.
    assert threading.active_count() - threads <= 200
    for client in clients:
        client.close()
    assert answers == [f"client {number:03}".encode() * 1000 for number in range(200)]


def test_connections_one_after_another_leave_nothing(tunnel: Tunnel, open_forward: Open) -> None:
    address = open_forward(echo)
    descriptors = count_descriptors()
    for number in range(300):
        with dial(address) as client:
            client.sendall(b"%d" % number)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"%d" % number
    # The last one or two may just be going.
    assert count_descriptors() <= descriptors + 4
    assert len(tunnel._gate.relays) <= 2
    assert tunnel._line.transport is not None
    assert tunnel._line.transport._asked == {}


def count_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_short_connection_does_not_wait_for_delayed_acknowledgements(
    open_forward: Open,
) -> None:
    """Linux delays an acknowledgement by 40 ms, and most of these would wait for one.

    A busy machine may hold up any of them, but not a quarter of them in each round.
    """
    address = open_forward(echo)
    rounds = (sorted(echo_time(address) for _ in range(32)) for _ in range(3))
    assert any(times[24] < 0.030 for times in rounds)


def echo_time(address: Path | tuple[str, int]) -> float:
    """Give the seconds for a connection that asks, is answered, and ends."""
    start = time.perf_counter()
    with dial(address) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"hello"
    return time.perf_counter() - start


def test_the_connection_is_made_for_small_answers_and_fast_ciphers(tunnel: Tunnel) -> None:
    transport = tunnel._line.transport
    assert transport is not None
    assert transport._stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert transport.local_cipher == "aes128-gcm@openssh.com"


def test_a_client_that_breaks_off_ends_the_connection_at_the_far_end(open_forward: Open) -> None:
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_all(connection)
        ended.set()

    client = dial(open_forward(unless_probed(serve)))
    client.sendall(b"hello")
    if client.family == socket.AF_INET:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
    client.close()
    assert ended.wait(PATIENCE)


def test_a_far_end_that_hangs_up_ends_the_connection_of_a_client_that_is_sending(
    open_forward: Open,
) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1)

    with dial(open_forward(serve)) as client, pytest.raises(ConnectionError):
        client.sendall(bytes(200 * MEGABYTE))


def test_keys_are_renewed_in_the_middle_of_a_transfer(
    make_sshd: Callable[..., Sshd], tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    data = os.urandom(MEGABYTE) * 20
    sshd = make_sshd("RekeyLimit 1M", "LogLevel DEBUG1")
    with (
        Tunnel(sshd.target()) as tunnel,
        dial(tunnel.forward(TcpForward(*tcp_far_end()))) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        sending = pool.submit(client.sendall, data)
        assert read_exactly_hashed(client, len(data)) == hashlib.sha256(data).hexdigest()
        sending.result(PATIENCE)
    sshd.wait_for("rekey", times=11)


def test_forwards_can_be_added_and_all_share_one_connection(
    make_sshd: Callable[..., Sshd],
    tmp_path: Path,
    socket_far_end: Callable[..., str],
    tcp_far_end: Callable[..., tuple[str, int]],
) -> None:
    sshd = make_sshd()
    far = tcp_far_end()
    with Tunnel(sshd.target()) as tunnel:
        addresses: list[Path | tuple[str, int]] = [
            tunnel.forward(TcpForward(*far)),
            tunnel.forward(SocketForward(socket_far_end(), tmp_path / "near" / "a.sock")),
        ]
        later = tunnel.forward(TcpForward("localhost", far[1]))
        for address in [*addresses, later]:
            with dial(address) as client:
                client.sendall(b"hello")
                assert read_exactly(client, 5) == b"hello"
        assert list(tunnel.addresses.values()) == [*addresses, later]
    sshd.wait_for("Closing connection to 127.0.0.1")
    assert sshd.counted("Accepted publickey", 1) == 1


def test_a_single_connection_needs_no_forward(
    tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    with tunnel.connect(*tcp_far_end()) as client:
        client.settimeout(PATIENCE)
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"hello"


def test_the_same_forward_is_opened_once(
    tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    spec = TcpForward(*tcp_far_end())
    address = tunnel.forward(spec)
    with pytest.raises(SpecError, match="is open already"):
        tunnel.forward(spec)
    assert tunnel.addresses == {spec: address}
    dial(address).close()


def test_a_tcp_forward_takes_the_port_it_is_told(
    tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    assert tunnel.forward(TcpForward(*tcp_far_end(), local_port=port)) == ("127.0.0.1", port)


def test_a_tcp_forward_listens_on_loopback_alone(
    tunnel: Tunnel, tcp_far_end: Callable[..., tuple[str, int]]
) -> None:
    host, port = tunnel.forward(TcpForward(*tcp_far_end()))
    assert host == "127.0.0.1"
    with socket.create_server(("127.0.0.2", port)):  # fails if we had taken every address
        pass
