"""The renderer: what is loaded when, and what happens when it cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from a_node import settings_below
from switch_agent import renderer
from switch_agent.errors import BrokenError, CommandError, UnreachableError
from switch_agent.journal import Journal
from switch_agent.rendering import State

if TYPE_CHECKING:
    from pathlib import Path

    from switch_agent.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_below(tmp_path)


def loading(settings: Settings) -> Path:
    return settings.haproxy_config.with_name("loading.cfg")


def lines(settings: Settings) -> list[str]:
    return [line.split(" ", 1)[1] for line in settings.handler_log.read_text().splitlines()]


@dataclass
class Fronts:
    """Stand-ins for HAProxy and Caddy; ``broken`` names the one that refuses."""

    broken: dict[str, Exception] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)

    def load(self, name: str) -> None:
        if name in self.broken:
            raise self.broken[name]
        self.loads.append(name)


@pytest.fixture
def fronts(monkeypatch: pytest.MonkeyPatch) -> Fronts:
    found = Fronts()
    monkeypatch.setattr(renderer, "ask_caddy", lambda *_: found.load("caddy"))
    monkeypatch.setattr(renderer, "check_haproxy", lambda _: found.load("check"))
    monkeypatch.setattr(renderer, "reload_haproxy", lambda _: found.load("haproxy"))
    return found


EMPTY = State((), frozenset())


def test_unchanged_text_is_not_loaded_again(settings: Settings, fronts: Fronts) -> None:
    ours = renderer.Renderer(settings, cast("Any", None), Journal(settings.handler_log))
    assert ours.render(EMPTY)
    assert ours.render(EMPTY)
    assert fronts.loads == ["caddy", "check", "haproxy"]
    assert settings.haproxy_config.read_text().startswith("# Rendered")
    assert settings.caddy_config.read_text().startswith("# Rendered")


def test_haproxy_keeps_a_text_it_can_start_with(settings: Settings, fronts: Fronts) -> None:
    settings.haproxy_config.write_text("before")
    fronts.broken["haproxy"] = BrokenError("HAProxy has not reloaded: cannot bind")
    ours = renderer.Renderer(settings, cast("Any", None), Journal(settings.handler_log))
    assert not ours.render(EMPTY)
    assert settings.haproxy_config.read_text() == "before"
    assert loading(settings).read_text() == "before"
    assert "- ERROR HAProxy is not loaded: HAProxy has not reloaded: cannot bind" in lines(settings)


def test_haproxys_file_is_what_it_has_loaded(
    settings: Settings, fronts: Fronts, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.haproxy_config.write_text("before")

    def reload(_socket: str) -> None:
        assert loading(settings).read_text().startswith("# Rendered")
        assert settings.haproxy_config.read_text() == "before"
        fronts.load("haproxy")

    monkeypatch.setattr(renderer, "reload_haproxy", reload)
    ours = renderer.Renderer(settings, cast("Any", None), Journal(settings.handler_log))
    assert ours.render(EMPTY)
    assert fronts.loads == ["caddy", "check", "haproxy"]
    assert settings.haproxy_config.read_text() == loading(settings).read_text()


def test_a_text_that_does_not_pass_the_check_replaces_nothing(
    settings: Settings, fronts: Fronts
) -> None:
    settings.haproxy_config.write_text("before")
    fronts.broken["check"] = CommandError("unknown keyword")
    ours = renderer.Renderer(settings, cast("Any", None), Journal(settings.handler_log))
    assert not ours.render(EMPTY)
    assert settings.haproxy_config.read_text() == "before"
    assert fronts.loads == ["caddy"]


def test_a_front_that_is_away_is_tried_again_and_told_once(
    settings: Settings, fronts: Fronts
) -> None:
    fronts.broken["caddy"] = UnreachableError("Caddy does not answer")
    ours = renderer.Renderer(settings, cast("Any", None), Journal(settings.handler_log))
    assert not ours.render(EMPTY)
    assert not ours.render(EMPTY)
    assert lines(settings).count("- WARNING Caddy is not loaded: Caddy does not answer") == 1
    del fronts.broken["caddy"]
    assert ours.render(EMPTY)
    assert fronts.loads == ["check", "haproxy", "caddy"]
