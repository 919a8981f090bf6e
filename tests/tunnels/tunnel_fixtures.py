"""Fixtures: servers, far ends, and a check that nothing is left behind.

Named in each test file's ``pytest_plugins``.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE, FarEnd, echo

from cluster_tests.bench.sshd import Sshd
from tunnels import passphrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


@pytest.fixture
def make_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Start servers with a configuration of the test's own."""
    number = count()
    with ExitStack() as stack:

        def make(*options: str, **more: Any) -> Sshd:  # noqa: ANN401 - as for Sshd
            directory = tmp_path / f"sshd{next(number)}"
            directory.mkdir()
            return stack.enter_context(Sshd(directory, *options, **more))

        yield make


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server, as it comes, for all tests that only use it."""
    with Sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def no_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have nobody to ask, also where a person runs the tests."""
    monkeypatch.setattr(passphrase, "_TERMINAL", str(tmp_path / "no terminal"))


@pytest.fixture
def tcp_far_end() -> Iterator[Callable[..., tuple[str, int]]]:
    """Serve connections on a TCP port; gives its address."""
    ends: list[FarEnd] = []

    def make(serve: Callable[[socket.socket], None] = echo) -> tuple[str, int]:
        sock = socket.create_server(("127.0.0.1", 0), backlog=256)
        address: tuple[str, int] = sock.getsockname()
        ends.append(FarEnd(sock, serve))
        return address

    yield make
    _close_all(ends)


@pytest.fixture
def socket_far_end(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Serve connections on a UNIX socket; gives its path."""
    ends: list[FarEnd] = []

    def make(serve: Callable[[socket.socket], None] = echo) -> str:
        path = tmp_path / f"far{len(ends)}.sock"
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(str(path))
        sock.listen(256)
        ends.append(FarEnd(sock, serve))
        return str(path)

    yield make
    _close_all(ends)


def _close_all(ends: list[FarEnd]) -> None:
    for end in ends:
        end.close()
    assert [failure for end in ends for failure in end.failures] == []


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """Fail the test that leaves a thread or a file descriptor behind."""
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    left = set(threading.enumerate()) - threads
    for thread in left:
        # Nor a timer that nobody stopped: paramiko's would end by themselves after ten seconds.
        assert not isinstance(thread, threading.Timer) or thread.finished.is_set()
        thread.join(PATIENCE)  # it may just be going
    assert [thread for thread in left if thread.is_alive()] == []
    assert _descriptors() - descriptors == set()


def _descriptors() -> set[tuple[str, str]]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            found.add((entry.name, str(entry.readlink())))
    return found
