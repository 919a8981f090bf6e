"""When a node's engine counts as listening: what the boot before has logged says nothing."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from cluster_tests.errors import LabError
from cluster_tests.lab import provision
from cluster_tests.lab.plan import ENGINE_LOG

if TYPE_CHECKING:
    from pathlib import Path

    from docker.models.containers import Container

STARTED = "2026-11-21T15:16:24.01"
LISTENS = 'time="{}" level=info msg="API listen on /var/run/docker.sock"\n'
BEFORE = LISTENS.format("2026-11-21T15:16:24.0099Z")
SINCE = LISTENS.format("2026-11-21T15:16:24.0100001Z")


class StartedNode:
    """A node whose commands run here, with ``log`` as its engine's log."""

    name = "cluster-tests-core3"
    status = "running"

    def __init__(self, log: Path, tools: Path | None = None) -> None:
        self.attrs = {"State": {"StartedAt": "of an earlier start"}}
        self._log = str(log)
        self._path = f"{tools}:{os.environ['PATH']}" if tools else os.environ["PATH"]

    def reload(self) -> None:
        self.attrs = {"State": {"StartedAt": f"{STARTED}Z"}}

    def exec_run(self, command: list[str], **_options: object) -> SimpleNamespace:
        words = [self._log if word == ENGINE_LOG else word for word in command]
        environment = os.environ | {"PATH": self._path}
        done = subprocess.run(words, env=environment, capture_output=True, check=False)
        return SimpleNamespace(exit_code=done.returncode, output=done.stdout)


def wait_for(node: StartedNode) -> None:
    provision.wait_for_engine(cast("Container", node), "core3")


@pytest.fixture
def no_more(tmp_path: Path) -> Path:
    """Give tools whose ``tail`` does not follow: what is not in the log now never will be."""
    tools = tmp_path / "tools"
    tools.mkdir()
    tail = tools / "tail"
    tail.write_text('#!/bin/sh\nfor log; do :; done\nexec cat "$log"\n')
    tail.chmod(0o755)
    return tools


@pytest.mark.parametrize(
    "said",
    ["", BEFORE, SINCE.replace("API listen on", "Starting up")],
    ids=["nothing", "before", "something else"],
)
def test_an_engine_that_has_not_said_so_since_the_start_is_waited_for(
    tmp_path: Path, no_more: Path, said: str
) -> None:
    log = tmp_path / "dockerd.log"
    log.write_text(said)
    with pytest.raises(LabError, match="core3: its Docker engine does not listen"):
        wait_for(StartedNode(log, no_more))


@pytest.mark.parametrize("said", [SINCE, BEFORE + SINCE], ids=["since", "before and since"])
def test_an_engine_that_says_so_since_the_start_listens(
    tmp_path: Path, no_more: Path, said: str
) -> None:
    log = tmp_path / "dockerd.log"
    log.write_text(said)
    wait_for(StartedNode(log, no_more))


def test_a_log_is_followed_until_the_engine_listens(tmp_path: Path) -> None:
    log = tmp_path / "dockerd.log"
    log.write_text(BEFORE * 100)  # the boot before said more than this one has yet
    writer = subprocess.Popen(["sh", "-c", 'printf %s "$1" >"$2"', "boot", SINCE, str(log)])
    wait_for(StartedNode(log))
    assert writer.wait() == 0
