"""git comes to a forge over one ssh connection, which ends with whoever kept it."""

from __future__ import annotations

import os
import select
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from cluster_tests.bench.sshd import Sshd
from cluster_tests.errors import NodeError
from cluster_tests.inventory.entries import KeyAccess
from cluster_tests.services.git import RemoteBranch, work_tree
from cluster_tests.services.kept_ssh import kept_connection

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGIN = "Accepted publickey"
PATIENCE = 10.0  # seconds


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    (tmp_path / "sshd").mkdir()
    with Sshd(tmp_path / "sshd") as server:
        yield server


@pytest.fixture
def sockets() -> Iterator[Path]:
    with TemporaryDirectory(prefix="100 % sockets ") as directory:
        yield Path(directory)


def remote_of(sshd: Sshd, tmp_path: Path, kept: tuple[str, ...]) -> RemoteBranch:
    repository = tmp_path / "repository.git"
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    access = KeyAccess.model_construct(identity_file=sshd.identity, known_hosts=sshd.known_hosts)
    url = f"ssh://{sshd.user}@{sshd.address}:{sshd.port}{repository}"
    return RemoteBranch(url, "one", access, 30, kept=kept)


def push_thrice(remote: RemoteBranch) -> None:
    tip = ""
    for number in range(3):
        with work_tree() as tree:
            (tree.directory / "file").write_text(str(number))
            commit = tree.commit_all(str(number))
            tree.push(remote, tip)
            assert tree.tip(remote) == commit
            tip = commit


def test_all_calls_of_git_share_one_login(sshd: Sshd, sockets: Path, tmp_path: Path) -> None:
    with kept_connection(sockets) as options:
        push_thrice(remote_of(sshd, tmp_path, options))
        sshd.wait_for(LOGIN)
        assert sshd.count(LOGIN) == 1
        [socket] = sockets.iterdir()
        assert socket.stat().st_mode & 0o077 == 0
        [session] = sshd.serving
        ending = os.pidfd_open(session)
    # ssh was told to end, and does so in its own time.
    assert select.select([ending], [], [], PATIENCE)[0]
    os.close(ending)


def test_without_them_each_call_logs_in(sshd: Sshd, tmp_path: Path) -> None:
    push_thrice(remote_of(sshd, tmp_path, ()))
    sshd.wait_for(LOGIN, times=6)


def test_one_that_was_lost_is_made_anew(sshd: Sshd, sockets: Path, tmp_path: Path) -> None:
    with kept_connection(sockets) as options:
        remote = remote_of(sshd, tmp_path, options)
        push_thrice(remote)
        sshd.stop()
        with pytest.raises(NodeError, match="Connection refused"), work_tree() as tree:
            tree.tip(remote)
        sshd.start()
        with work_tree() as tree:
            assert tree.tip(remote)


def test_a_path_too_long_for_a_socket_keeps_nothing(sshd: Sshd, tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 30)
    directory.mkdir(mode=0o700)
    with kept_connection(directory) as options:
        push_thrice(remote_of(sshd, tmp_path, options))
    sshd.wait_for(LOGIN, times=6)


def test_nothing_is_ended_where_nothing_was_kept(sockets: Path) -> None:
    with kept_connection(sockets) as options:
        assert len(options) == 3
    assert list(sockets.iterdir()) == []
