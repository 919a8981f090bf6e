"""Networks that drop packets or reset connections, made for real where nobody else is disturbed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

# A namespace of networks, and for whoever is not root one of users, in which that is allowed.
_APART = ["unshare", "--net"]
_AS_OURSELVES = ["--user", "--map-current-user", "--keep-caps"]
_TESTS = Path(__file__).with_name("cut_off.py")


@pytest.mark.parametrize(
    "name",
    [
        "test_packets_that_are_dropped",
        "test_packets_that_are_dropped_for_a_moment",
        "test_a_connection_that_is_reset",
        "test_packets_that_are_dropped_on_a_way_with_a_jump_host",
    ],
)
def test_it_survives(name: str) -> None:
    for tool in ("unshare", "ip", "iptables"):
        if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            pytest.fail(f"{tool} is missing; to mend it: cluster_tests/lab/prepare.sh tools")
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    apart = _APART if os.getuid() == 0 else [*_APART, *_AS_OURSELVES]
    # Not tmp_path: with another below it, the paths of sockets would be too long.
    with TemporaryDirectory(prefix="apart-") as directory:
        done = _run(apart, [*pytest_, f"--basetemp={directory}/t", f"{_TESTS}::{name}"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^[1-9]\d* passed in ", done.stdout, re.MULTILINE), done.stdout


def _run(apart: list[str], command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*apart, "sh", "-c", 'ip link set lo up && exec "$@"', "apart", *command],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"},
    )


def test_all_of_them_are_run() -> None:
    """None that is added there is forgotten here."""
    parameters = {mark for mark in _names(Path(__file__)) if mark.startswith('"test_')}
    assert {f'"{name}"' for name in _defined(_TESTS)} == parameters


def _names(path: Path) -> set[str]:
    return {line.strip().rstrip(",") for line in path.read_text().splitlines()}


def _defined(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line[4:].partition("(")[0] for line in lines if line.startswith("def test_")]
