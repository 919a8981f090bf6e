"""The probe's script, run as the probe runs it, against a plugin that is made up."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_tests.nodes import probe_script
from cluster_tests.nodes.probe import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from http_doubles import HttpOverUnix

pytest_plugins = ["core_fixtures"]

# Other runs of these tests may be under way on this machine, and are visible from here.
HANDLER = f"agent-of-{os.getpid()} handle"
ASK = {"name": "ledger_one.12345", "prefix": "ledgerone12345_", "event": "an-id", "lines": 2}


class Running:
    """The script as a process, one line in and one line out."""

    def __init__(self, tmp_path: Path, socket: Path) -> None:
        self.deploy = tmp_path / "deploy"
        self.deploy.mkdir()
        module = tmp_path / "modules" / "buttervolume"
        module.mkdir(parents=True)
        (module / "__init__.py").touch()
        (module / "plugin.py").write_text(f"USOCKET = {str(socket)!r}\n")
        self.process = subprocess.Popen(
            [sys.executable, *COMMAND[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(module.parent)},
        )
        self.write(
            {
                "deploy": str(self.deploy),
                "events_log": str(self.deploy / "events.log"),
                "handler_log": str(self.deploy / "handler.log"),
                "handler": HANDLER,
            }
        )

    def write(self, message: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        assert self.process.stdout
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def ask(self, *parts: str, **more: object) -> dict[str, Any]:
        self.write({"id": 1, "read": parts, **ASK, **more})
        while "signal" in (message := self.line()):
            continue
        return message

    def values(self, part: str, **more: object) -> Any:  # noqa: ANN401 - JSON
        return self.ask(part, **more)["values"][part]


@pytest.fixture
def running(tmp_path: Path, http_over_unix: HttpOverUnix) -> Iterator[Running]:
    http_over_unix.answers.update(
        {
            "POST /VolumeDriver.List": (
                200,
                {"Volumes": [{"Name": "ledgerone12345_db"}, {"Name": "other_db"}], "Err": ""},
            ),
            "GET /VolumeDriver.Snapshot.List": (
                200,
                {"Snapshots": ["ledgerone12345_db@2026", "other_db@2026"], "Err": ""},
            ),
            "GET /VolumeDriver.Schedule.List": (
                200,
                {
                    "Err": "",
                    "Schedule": [
                        {"Name": "ledgerone12345_db", "Action": "snapshot", "Timer": "60"},
                        {"Name": "other_db", "Action": "snapshot", "Timer": "60"},
                    ],
                },
            ),
        }
    )
    running = Running(tmp_path, http_over_unix.path)
    assert running.line() == {"ready": True}
    yield running
    running.process.communicate(timeout=5)


def test_it_lists_the_applications_own_volumes_snapshots_and_jobs(running: Running) -> None:
    answer = running.ask("btrfs_volumes", "snapshots", "schedules")
    assert answer == {
        "id": 1,
        "values": {
            "btrfs_volumes": ["ledgerone12345_db"],
            "snapshots": ["ledgerone12345_db@2026"],
            "schedules": [{"Name": "ledgerone12345_db", "Action": "snapshot", "Timer": "60"}],
        },
    }


def test_it_removes_the_applications_own_snapshots(
    running: Running, http_over_unix: HttpOverUnix, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = snapshots_of(
        http_over_unix, monkeypatch, {"ledgerone12345_db@2026": [], "other_db@2026": []}
    )
    assert running.values("removed") == ["ledgerone12345_db@2026"]
    assert kept == {"other_db@2026"}


def test_snapshots_that_a_job_takes_and_removes_meanwhile_are_gone_as_well(
    running: Running, http_over_unix: HttpOverUnix, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, late = (f"ledgerone12345_db@{year}" for year in (2026, 2027, 2028))
    # When one is removed, the job has removed another, and taken a third.
    kept = snapshots_of(http_over_unix, monkeypatch, {one: [f"-{two}", late], two: []})
    assert running.values("removed") == [one, two, late]
    assert kept == set()


def test_a_snapshot_that_stays_is_an_error(running: Running, http_over_unix: HttpOverUnix) -> None:
    http_over_unix.answers["POST /VolumeDriver.Snapshot.Remove"] = (200, {"Err": "No such"})
    error = running.ask("removed")["error"]
    assert "Snapshot.Remove: No such (ledgerone12345_db@2026)" in error
    http_over_unix.answers["POST /VolumeDriver.Snapshot.Remove"] = (200, {"Err": ""})
    assert (
        "come back as they are removed: ledgerone12345_db@2026" in running.ask("removed")["error"]
    )


def snapshots_of(
    server: HttpOverUnix, patch: pytest.MonkeyPatch, held: dict[str, list[str]]
) -> set[str]:
    """Have a plugin hold snapshots; with each removed one, what happens then: ``-NAME`` goes."""
    kept, listed = set(held), server.reply

    def reply(request: str, body: bytes) -> tuple[int, object]:
        if request.endswith("/VolumeDriver.Snapshot.List"):
            return 200, {"Snapshots": sorted(kept), "Err": ""}
        if not request.endswith("/VolumeDriver.Snapshot.Remove"):
            return listed(request, body)
        name = json.loads(body)["Name"]
        if name not in kept:
            return 200, {"Err": "No such snapshot"}
        kept.remove(name)
        for happens in held.get(name, []):
            (kept.discard if happens.startswith("-") else kept.add)(happens.removeprefix("-"))
        return 200, {"Err": ""}

    patch.setattr(server, "reply", reply)
    return kept


def test_it_lists_the_applications_own_checkouts(running: Running) -> None:
    for name in ("ledger_one.12345-a", "ledger_one.12345-b", "ledger_one.1234-a"):
        (running.deploy / name).mkdir()
    (running.deploy / "ledger_one.12345-file").touch()
    assert sorted(running.values("checkouts")) == ["ledger_one.12345-a", "ledger_one.12345-b"]


def test_an_event_is_handled_once_its_id_is_in_the_log(running: Running) -> None:
    assert running.values("handled") is False
    (running.deploy / "events.log").write_text("another\nan-id\n")
    assert running.values("handled") is True


def test_it_gives_the_end_of_the_handlers_log(running: Running) -> None:
    assert running.values("log") == []
    (running.deploy / "handler.log").write_text("1\n2\n3\n")
    assert running.values("log") == ["2", "3"]


def test_it_gives_what_was_logged_since_a_moment(running: Running) -> None:
    assert running.values("log_size") == 0
    log = running.deploy / "handler.log"
    log.write_text("1\n2\n")
    begin = running.values("log_size")
    assert running.values("log", begin=begin) == []
    log.write_text("1\n2\n3\n")
    assert running.values("log", begin=begin) == ["3"]
    log.write_text("4\n")  # begun anew
    assert running.values("log", begin=begin) == ["4"]


def test_it_gives_all_that_was_told_of_an_event_however_long_ago(running: Running) -> None:
    assert running.values("told") == []
    others = "12:00 another INFO at work\n" * 20_000  # more than any end of the log that is read
    text = f"12:00 an-id INFO begun\n{others}12:01 an-id INFO done"
    (running.deploy / "handler.log").write_text(text)
    assert running.values("told") == ["12:00 an-id INFO begun", "12:01 an-id INFO done"]


@contextlib.contextmanager
def process(*arguments: str) -> Iterator[str]:
    """Run a process with these arguments; gives its command line."""
    line = [sys.executable, "-c", "print(flush=True); input()", *arguments]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout
        running.stdout.readline()  # a process that has only just begun has no command line yet
        yield " ".join(line)
        running.communicate(b"\n")


def test_it_finds_the_processes_that_handle(running: Running) -> None:
    assert running.values("handling") == []
    with process(*HANDLER.split()) as line:
        assert running.values("handling") == [line]
    assert running.line() == {"signal": ["the end of a handler"]}
    assert running.values("handling") == []


def test_it_tells_when_a_handler_that_was_seen_has_ended(running: Running) -> None:
    with process(*HANDLER.split()):
        assert running.values("handling")
    assert running.line() == {"signal": ["the end of a handler"]}


def test_another_probe_is_no_handler(running: Running) -> None:
    with process(probe_script.MARK, HANDLER):
        assert running.values("handling") == []


def test_it_tells_what_changes_below_the_deploy_directory(running: Running) -> None:
    (running.deploy / "handler.log").write_text("x")
    assert running.line() == {"signal": ["handler.log"]}


def test_what_the_plugin_refuses_is_an_error(
    running: Running, http_over_unix: HttpOverUnix
) -> None:
    paused = {"Err": "Schedule is globally paused"}
    http_over_unix.answers["GET /VolumeDriver.Schedule.List"] = (200, paused)
    assert "Schedule is globally paused" in running.ask("schedules")["error"]


def test_a_plugin_that_fails_is_an_error(running: Running, http_over_unix: HttpOverUnix) -> None:
    http_over_unix.answers["POST /VolumeDriver.List"] = (500, {})
    assert "answers 500 to List" in running.ask("btrfs_volumes")["error"]


def test_it_ends_when_its_stdin_does(running: Running) -> None:
    assert running.process.stdin
    running.process.stdin.close()
    assert running.process.wait(5) == 0
    running.process.stdin = None


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)))
def test_names_are_read_out_of_a_block_of_events(names: list[bytes]) -> None:
    block = b""
    for name in names:
        padded = name + b"\0" * (16 - len(name) % 16)  # the kernel pads to its own taste
        block += probe_script._EVENT.pack(1, 2, 0, len(padded)) + padded
    assert [
        n.encode("utf-8", "surrogateescape") for n in probe_script.changed_names(block)
    ] == names


def test_it_takes_sends_and_restores_snapshots(
    running: Running, http_over_unix: HttpOverUnix
) -> None:
    http_over_unix.answers["POST /VolumeDriver.Snapshot"] = (200, {"Err": "", "Snapshot": "v@1"})
    http_over_unix.answers["POST /VolumeDriver.Snapshot.Send"] = (200, {"Err": ""})
    http_over_unix.answers["POST /VolumeDriver.Snapshot.Restore"] = (200, {"Err": "No such"})
    assert running.values("taken", volume="v") == "v@1"
    assert running.values("sent", snapshot="v@1", address="10.0.0.2") == ""
    objection = running.values("restored", snapshot="v@1", volume="w")
    assert objection == "the volume plugin answers to Snapshot.Restore: No such"
