"""accept-new: the first key of a new host is written down, and nothing else changes."""

from __future__ import annotations

import fcntl
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from far_ends import PATIENCE
from opening import opens, refused

from cluster_tests.bench.sshd import make_key, public_part
from tunnels import TunnelError, TunnelGroup
from tunnels.errors import (
    HostCertificateError,
    HostKeyChangedError,
    HostKeyRevokedError,
    HostKeyUnknownError,
    KnownHostsError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from cluster_tests.bench.sshd import Sshd

pytest_plugins = ["tunnel_fixtures"]
pytestmark = pytest.mark.usefixtures("leaves_nothing")


def line_for(sshd: Sshd) -> str:
    return f"[127.0.0.1]:{sshd.port} {public_part(sshd.host_keys[0])}\n"


def test_a_new_host_is_written_down_and_known_from_then_on(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "new" / "known_hosts"
    opens(sshd.target(known_hosts=known, accept_new=True))
    assert known.read_text() == line_for(sshd)
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.parent.stat().st_mode) == 0o700
    opens(sshd.target(known_hosts=known))
    opens(sshd.target(known_hosts=known, accept_new=True))
    assert known.read_text() == line_for(sshd)


def test_nobody_is_accepted_who_did_not_ask_for_it(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("")
    refused(sshd.target(known_hosts=known), HostKeyUnknownError)
    assert known.read_text() == ""


def test_openssh_reads_what_was_written(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    opens(sshd.target(known_hosts=known, accept_new=True))
    subprocess.run(
        ["ssh", "-F", "none", "-p", str(sshd.port), "-i", str(sshd.identity),
         "-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=none",
         "-o", "StrictHostKeyChecking=yes", f"{sshd.user}@127.0.0.1", "true"],
        check=True, stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip


@pytest.mark.parametrize("before", ["# a comment\n", "# no end of line", ""])
def test_what_was_there_stays(sshd: Sshd, tmp_path: Path, before: str) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(before)
    known.chmod(0o644)
    opens(sshd.target(known_hosts=known, accept_new=True))
    assert known.read_text().splitlines() == [*before.splitlines(), line_for(sshd).rstrip()]
    assert stat.S_IMODE(known.stat().st_mode) == 0o644


def test_the_first_file_is_written_and_all_are_read(sshd: Sshd, tmp_path: Path) -> None:
    own, system = tmp_path / "own", tmp_path / "system"
    system.write_text(line_for(sshd))
    opens(sshd.target(known_hosts=(own, system), accept_new=True))
    assert not own.exists()
    system.write_text("")
    opens(sshd.target(known_hosts=(own, system), accept_new=True))
    assert [own.read_text(), system.read_text()] == [line_for(sshd), ""]


def test_of_several_files_some_may_be_missing_but_not_all(sshd: Sshd, tmp_path: Path) -> None:
    none, nor_this = tmp_path / "none", tmp_path / "nor this"
    opens(sshd.target(known_hosts=(none, sshd.known_hosts)))
    error = refused(sshd.target(known_hosts=(none, nor_this)), KnownHostsError)
    assert str(none) in error.message
    assert str(nor_this) in error.message


def test_who_comes_second_is_checked_against_what_the_first_wrote(
    make_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    sshd = make_sshd()
    sshd.know(make_key(tmp_path / "another"))
    other = sshd.known_hosts.read_text()
    known = tmp_path / "known_hosts"
    with known.open("a") as first, ThreadPoolExecutor(1) as pool:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = pool.submit(
            refused, sshd.target(known_hosts=known, accept_new=True), HostKeyChangedError
        )
        wait_for_a_waiter(known.stat().st_ino, second)
        first.write(other)
        first.flush()
        fcntl.flock(first, fcntl.LOCK_UN)
        second.result(PATIENCE)
    assert known.read_text() == other


def wait_for_a_waiter(inode: int, waiter: Future[TunnelError]) -> None:
    """Wait until somebody waits for the file's lock: proc(5), /proc/locks, marks them ``->``."""
    deadline = time.monotonic() + PATIENCE
    while not any(
        "->" in line and line.split()[6].endswith(f":{inode}")
        for line in Path("/proc/locks").read_text().splitlines()
    ):
        assert not waiter.done(), waiter.result()
        assert time.monotonic() < deadline


def test_another_key_is_never_accepted(make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    sshd = make_sshd()
    sshd.know(make_key(tmp_path / "another", "-t", "rsa"))  # of another kind, even
    before = sshd.known_hosts.read_text()
    refused(sshd.target(accept_new=True), HostKeyChangedError)
    assert sshd.known_hosts.read_text() == before


@pytest.mark.parametrize(
    ("marker", "kind"),
    [("@revoked", HostKeyRevokedError), ("@cert-authority", HostCertificateError)],
)
def test_neither_is_what_a_marker_speaks_of(
    make_sshd: Callable[..., Sshd], marker: str, kind: type[HostKeyUnknownError]
) -> None:
    sshd = make_sshd()
    line = f"{marker} * {public_part(sshd.host_keys[0])}\n"
    sshd.known_hosts.write_text(line)
    refused(sshd.target(accept_new=True), kind)
    assert sshd.known_hosts.read_text() == line


def test_the_key_of_another_file_counts(make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    sshd = make_sshd()
    sshd.know(make_key(tmp_path / "another"))
    own = tmp_path / "own"
    refused(sshd.target(known_hosts=(own, sshd.known_hosts), accept_new=True), HostKeyChangedError)
    assert not own.exists()


def test_many_connections_to_one_new_host_write_one_line(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    target = sshd.target(known_hosts=known, accept_new=True)
    with TunnelGroup({f"node{n}": (target, []) for n in range(8)}):
        pass
    assert known.read_text() == line_for(sshd)


def test_a_file_that_cannot_be_written(sshd: Sshd) -> None:
    known = Path("/proc/nowhere/known_hosts")
    error = refused(sshd.target(known_hosts=known, accept_new=True), KnownHostsError)
    assert f"cannot be written into {known}" in error.message


def test_an_alias_is_what_is_looked_up_and_written(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    target = sshd.target(known_hosts=known, accept_new=True, host_key_alias="Node-One")
    opens(target)
    assert known.read_text() == line_for(sshd).replace(f"[127.0.0.1]:{sshd.port}", "node-one")
    opens(sshd.target(known_hosts=known, host_key_alias="node-one"))
    refused(sshd.target(known_hosts=known), HostKeyUnknownError)


def test_the_remedy_for_an_unknown_alias_works(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("")
    target = sshd.target(known_hosts=known, host_key_alias="node-one")
    error = refused(target, HostKeyUnknownError)
    command = error.remedy.split("then: ")[1]
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    opens(target)


def test_a_host_known_by_several_kinds_of_key_has_not_changed(
    make_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    sshd = make_sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    gone = make_key(tmp_path / "gone", "-t", "ecdsa", "-b", "521")
    sshd.know(gone, sshd.host_keys[2])
    opens(sshd.target())
    revoked = f"@revoked * {public_part(sshd.host_keys[1])}\n"
    sshd.know(sshd.host_keys[1], sshd.host_keys[2])
    sshd.known_hosts.write_text(sshd.known_hosts.read_text() + revoked)
    opens(sshd.target())  # it is asked for the key that may still be used
