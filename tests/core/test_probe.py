"""The harness's end, talking to the real script in a local process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, cast

import pytest

from cluster_tests.errors import HarnessError, NodeError
from cluster_tests.model import Application
from cluster_tests.nodes.exec_stream import STDERR, STDOUT, ExecStream
from cluster_tests.nodes.probe import COMMAND, Probe
from cluster_tests.waiting.waiter import Bell
from cluster_tests.way import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["core_fixtures"]

APPLICATION = Application("http://forge/git/ledger", "one")


class Process:
    """A local process with ``ExecStream``'s methods."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def frames(self) -> Iterator[tuple[int, bytes]]:
        assert self.process.stdout
        assert self.process.stderr
        for line in self.process.stdout:
            yield STDOUT, line[:5]
            yield STDOUT, line[5:]
        yield STDERR, self.process.stderr.read()

    def write(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def shutdown(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def close(self) -> None:
        self.shutdown()
        self.process.wait(5)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe
            pipe.close()


class Bench:
    """A probe of a made up node; ``process`` is its newest process."""

    def __init__(self, tmp_path: Path, inventory: Inventory) -> None:
        self.deploy = tmp_path / "deploy"
        self.deploy.mkdir()
        self.bell = Bell()
        self.command = [sys.executable, *COMMAND[1:]]
        self.process: Process | None = None
        paths = inventory.paths.model_copy(
            update={
                "deploy": self.deploy,
                "events_log": self.deploy / "events.log",
                "handler_log": self.deploy / "handler.log",
            }
        )
        deadlines = inventory.deadlines.model_copy(update={"answer": 5.0})
        # Not a real handler's: this machine's lab runs those, and the script sees them from here.
        names = inventory.names.model_copy(update={"handler": f"agent-of-{os.getpid()} handle"})
        local = inventory.model_copy(
            update={"paths": paths, "deadlines": deadlines, "names": names}
        )
        self.probe = Probe("core1", local, self.bell, self.start)

    def start(self) -> ExecStream:
        self.process = Process(self.command)
        return cast("ExecStream", self.process)


@pytest.fixture
def bench(tmp_path: Path, inventory: Inventory) -> Iterator[Bench]:
    bench = Bench(tmp_path, inventory)
    bench.probe.open()
    yield bench
    bench.probe.close()


def test_it_tells_how_far_an_event_is(bench: Bench) -> None:
    assert not bench.probe.handling("an-id").handled
    (bench.deploy / "events.log").write_text("an-id\n")
    assert bench.probe.handling("an-id").handled
    assert bench.probe.handling("an-id").done


def test_it_reads_the_log(bench: Bench) -> None:
    (bench.deploy / "handler.log").write_text("1\n2\n")
    assert bench.probe.log(1) == ["2"]
    assert bench.probe.log_size() == 4
    assert bench.probe.log(2, begin=2) == ["2"]
    assert bench.probe.lines_about("1") == ["1"]


def test_a_change_rings(bench: Bench) -> None:
    before = bench.bell.rung
    (bench.deploy / "handler.log").write_text("x")
    assert bench.bell.wait(before, 5)


def test_what_cannot_be_read_names_the_node(bench: Bench) -> None:
    with pytest.raises(NodeError, match=r"core1: .*buttervolume"):
        bench.probe.observed(APPLICATION)


def test_a_plugin_that_does_not_answer_comes_with_its_remedy(bench: Bench) -> None:
    with pytest.raises(NodeError, match="core1: ") as raised:
        bench.probe.require_plugin()
    assert raised.value.remedy == "on core1: docker plugin enable anybox/buttervolume:latest"


def test_threads_get_their_own_answers(bench: Bench) -> None:
    (bench.deploy / "events.log").write_text("\n".join(f"id-{n}!" for n in range(0, 40, 2)))
    found: dict[int, bool] = {}

    def ask(number: int) -> None:
        found[number] = bench.probe.handling(f"id-{number}!").handled

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number % 2 == 0 for number in range(40)}


def test_a_probe_that_dies_fails_the_wait_and_says_why(bench: Bench) -> None:
    assert bench.process
    bench.process.write(b"no JSON\n")
    with pytest.raises(HarnessError, match=r"(?s)core1: the probe.*ended.*JSONDecodeError"):
        bench.bell.wait(bench.bell.rung, 5)
    with pytest.raises(NodeError, match="core1: the probe"):
        bench.probe.handling("x")


def test_a_probe_that_died_can_be_opened_again(bench: Bench) -> None:
    assert bench.process
    bench.process.write(b"no JSON\n")
    with pytest.raises(HarnessError):
        bench.bell.wait(bench.bell.rung, 5)
    bench.probe.close()
    bench.probe.open()
    assert not bench.probe.handling("x").handled
    assert bench.bell.wait(bench.bell.rung - 1, 0)


@pytest.mark.parametrize(
    "ask",
    [lambda probe: probe.handling("an-id").handled, lambda probe: probe.log(1) == ["a line"]],
    ids=["handling", "log"],
)
def test_a_question_that_broke_with_the_way_is_put_to_the_next_process(
    tmp_path: Path, inventory: Inventory, ask: Callable[[Probe], bool]
) -> None:
    bench = Bench(tmp_path, inventory)
    bench.probe.way = Way("core1", lambda _: True)
    bench.probe.open()
    (bench.deploy / "events.log").write_text("an-id\n")
    (bench.deploy / "handler.log").write_text("a line\n")
    first = bench.process
    assert first
    before = bench.bell.rung
    first.process.kill()
    assert ask(bench.probe)
    assert bench.process is not first
    assert not bench.probe.broken
    assert bench.bell.wait(before, 5)
    bench.probe.close()
    assert not [t for t in threading.enumerate() if t.name == bench.probe.name]


def test_one_that_is_not_open_says_so(tmp_path: Path, inventory: Inventory) -> None:
    with pytest.raises(NodeError, match="core1: the probe is not open"):
        Bench(tmp_path, inventory).probe.clock()


def test_one_that_cannot_start_says_what_python_said(tmp_path: Path, inventory: Inventory) -> None:
    bench = Bench(tmp_path, inventory)
    # It takes its settings: a pipe would break under the question otherwise, where a socket holds.
    said = "input(); raise SystemExit('no such module')"
    bench.command = [sys.executable, "-c", said]
    with pytest.raises(NodeError, match=r"(?s)core1: the probe.*no such module"):
        bench.probe.open()
    assert not [t for t in threading.enumerate() if t.name == bench.probe.name]


def test_closing_ends_process_and_thread(bench: Bench) -> None:
    bench.probe.close()
    assert bench.process
    assert bench.process.process.returncode == 0
    assert not [t for t in threading.enumerate() if t.name == bench.probe.name]
