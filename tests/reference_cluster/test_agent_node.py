"""What the agent does on one node: settings, journal, refusals, commands, checkouts."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from a_node import ENVIRONMENT, settings_below
from fake_consul import FakeConsul
from switch_agent import checkout, handler
from switch_agent.command import run
from switch_agent.errors import BrokenError, CommandError
from switch_agent.journal import Journal
from switch_agent.names import Application
from switch_agent.payload import read_events, read_request
from switch_agent.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ID = "c1ef723e-073b-44d6-b9ad-b26ea25d57d6"
OTHER = "00000000-073b-44d6-b9ad-b26ea25d57d6"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_below(tmp_path)


def test_settings_come_from_the_environment(settings: Settings) -> None:
    assert settings.address == "10.0.0.1"
    assert settings.switch_deadline == 900
    assert Settings.from_environment({**ENVIRONMENT, "WATCH_START": "0.1"}).watch_start == 0.1


# --- the journal ----------------------------------------------------------------------------


def test_a_line_of_the_journal_is_one_line(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    journal = Journal(tmp_path / "log", ID, now=lambda: moment)
    journal.info("one\n  two")
    journal.error("three")
    assert (tmp_path / "log").read_text() == (
        f"2026-01-02T03:04:05.678Z {ID} INFO one two\n2026-01-02T03:04:05.678Z {ID} ERROR three\n"
    )


# --- handling -------------------------------------------------------------------------------


def watch_output(name: str, payload: object) -> str:
    encoded = base64.b64encode(json.dumps(payload).encode()).decode()
    return json.dumps([{"ID": ID, "Name": name, "Payload": encoded, "LTime": 1}])


def lines(settings: Settings) -> list[str]:
    return [line.split(" ", 1)[1] for line in settings.handler_log.read_text().splitlines()]


def test_a_refused_event_is_noted_and_told_once(settings: Settings) -> None:
    text = watch_output("deploy", {"repo": "http://f/x", "branch": "b", "master": "core9"})
    handler.handle(settings, text)
    handler.handle(settings, text)
    assert settings.events_log.read_text() == f"{ID}\n"
    assert lines(settings) == [
        f"{ID} ERROR deploy refused: the master 'core9' is no node of this cluster",
        f"{ID} INFO failed",
    ]


def test_a_good_event_is_queued_and_left_to_a_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Callable[[], None]] = []
    monkeypatch.setattr(handler, "_in_the_background", started.append)
    handler.handle(settings, watch_output("destroy", {"repo": "http://f/x", "branch": "b"}))
    assert len(started) == 1
    first = handler.inbox_of(settings).first(Application("http://f/x", "b"))
    assert first is not None
    assert first.id == ID


def test_an_event_older_than_the_record_is_left_alone(settings: Settings) -> None:
    tools: Any = SimpleNamespace(
        settings=settings, consul=SimpleNamespace(get=lambda _: SimpleNamespace(flags=9))
    )
    (event,) = read_events(watch_output("destroy", {"repo": "http://f/x", "branch": "b"}))
    handler.handle_event(tools, event, read_request(event, settings.nodes))
    assert lines(settings)[1:] == [
        f"{ID} WARNING the record is of a later event: nothing to do",
        f"{ID} INFO done",
    ]


@pytest.mark.parametrize("happening", ["no plugin", "a restart"])
def test_a_node_that_cannot_take_part_lets_the_switch_fail_for_all(
    settings: Settings, happening: str
) -> None:
    consul = FakeConsul(settings.nodes)

    def plugin() -> None:
        raise BrokenError("the plugin is disabled")

    tools: Any = SimpleNamespace(settings=settings, consul=consul, plugin=plugin)
    payload = {"repo": "http://f/x", "branch": "b", "master": "core2"}
    (event,) = read_events(watch_output("deploy", payload))
    if happening == "a restart":
        handler.abandon(tools, event)
    else:
        handler.handle_event(tools, event, read_request(event, settings.nodes))
    words = {key.rsplit("/", 1)[-1] for key in consul.entries}
    assert words == {"failure", "core1"}  # the latter is done/core1; core2 closes the meeting
    assert [line for line in lines(settings) if " ERROR " in line]
    assert lines(settings)[-1] == f"{ID} INFO failed"


# --- commands and checkouts -----------------------------------------------------------------


def test_a_failed_command_tells_what_it_said() -> None:
    with pytest.raises(CommandError, match="exit code 3: oops"):
        run(["sh", "-c", "echo oops >&2; exit 3"], timeout=10)


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match="no-such-command"):
        run(["no-such-command"], timeout=10)


def test_a_command_that_takes_too_long_is_told() -> None:
    with pytest.raises(CommandError, match=re.escape("not done after 0.05 s")):
        run(["sleep", "10"], timeout=0.05)


def test_commands_do_not_see_the_agents_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_NAME", "core1")
    assert "NODE_NAME" not in run(["env"], timeout=10)


@pytest.fixture
def repository(tmp_path: Path) -> Application:
    path = tmp_path / "git" / "shop.git"
    work = tmp_path / "work"
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.test"]
    for command in (
        ["init", "--quiet", "--bare", "--initial-branch=main", str(path)],
        ["clone", "--quiet", str(path), str(work)],
        ["-C", str(work), "checkout", "--quiet", "-b", "feature/x"],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True)
    (work / ".env").write_text("OWN=1")
    for command in (
        ["add", "."],
        [*identity, "commit", "--quiet", "-m", "x"],
        ["push", "--quiet", "origin", "feature/x"],
    ):
        subprocess.run(["git", "-C", str(work), *command], check=True, capture_output=True)
    return Application(f"file://{path}", "feature/x")


def test_a_checkout_is_ready_for_compose(repository: Application, tmp_path: Path) -> None:
    directory = tmp_path / "deploy" / repository.checkout(ID)
    checkout.fetch(repository, directory)
    assert (directory / ".env").read_text() == (
        f"OWN=1\nCOMPOSE_PROJECT_NAME={repository.project}\nCONTAINER='$CONTAINER'\n"
    )


def test_a_branch_that_is_not_there_is_gits_error(repository: Application, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nope"):
        checkout.fetch(replace(repository, branch="nope"), tmp_path / "x")


def test_other_checkouts_of_the_application_are_removed(
    repository: Application, tmp_path: Path
) -> None:
    directories = [
        tmp_path / repository.checkout(ID),
        tmp_path / repository.checkout(OTHER),
        tmp_path / Application(repository.repo, "feature/xy").checkout(OTHER),
    ]
    for directory in directories:
        directory.mkdir(parents=True)
    assert checkout.remove_others(repository, tmp_path, ID) == [repository.checkout(OTHER)]
    assert [directory.exists() for directory in directories] == [True, False, True]
    assert checkout.remove_others(repository, tmp_path, None) == [repository.checkout(ID)]
    assert checkout.remove_others(repository, tmp_path / "nowhere", None) == []
