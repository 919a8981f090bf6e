"""The ledger keeps its connections to the database, and notices the ones that are no good."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from ledger.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server:
    """Opens connections and keeps the other ends, the newest last."""

    def __init__(self) -> None:
        self.ends: list[socket.socket] = []

    def connect(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.ends.append(theirs)
        return ours


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    for end in server.ends:
        end.close()


@pytest.fixture
def pool(server: Server) -> Iterator[Pool[socket.socket]]:
    pool = Pool(server.connect)
    yield pool
    while not pool._idle.empty():
        pool._idle.get_nowait().close()


def test_a_connection_is_used_again(server: Server, pool: Pool[socket.socket]) -> None:
    for _ in range(3):
        with pool.lend() as connection:
            assert connection.fileno() >= 0
    assert len(server.ends) == 1


def test_each_of_two_at_once_has_its_own(server: Server, pool: Pool[socket.socket]) -> None:
    with pool.lend() as one, pool.lend() as other:
        assert one is not other
    with pool.lend(), pool.lend():
        assert len(server.ends) == 2


def test_one_on_which_something_failed_is_closed(server: Server, pool: Pool[socket.socket]) -> None:
    with pytest.raises(ValueError, match="no good"), pool.lend() as connection:
        raise ValueError("no good")
    assert connection.fileno() == -1
    with pool.lend() as another:
        assert another is not connection
    assert len(server.ends) == 2


@pytest.mark.parametrize("last_words", [b"", b"terminating connection"])
def test_those_that_the_server_ended_meanwhile_are_closed(
    server: Server, pool: Pool[socket.socket], last_words: bytes
) -> None:
    with pool.lend() as one, pool.lend() as other:
        pass
    for end in server.ends:
        end.sendall(last_words)
        end.close()
    with pool.lend() as another:
        assert another not in {one, other}
    assert one.fileno() == other.fileno() == -1


def test_only_so_many_are_kept(server: Server, pool: Pool[socket.socket]) -> None:
    lent = [pool.lend() for _ in range(12)]
    connections = [each.__enter__() for each in lent]
    for each in lent:
        each.__exit__(None, None, None)
    assert len(server.ends) == 12
    assert sum(connection.fileno() >= 0 for connection in connections) == 8


def test_what_cannot_connect_says_so(pool: Pool[socket.socket]) -> None:
    def refuse() -> socket.socket:
        raise ConnectionRefusedError

    pool._connect = refuse
    with pytest.raises(ConnectionRefusedError), pool.lend():
        pass
