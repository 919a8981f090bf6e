"""A node's settings, with every path below a directory of the test's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from switch_agent.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {"NODE_NAME": "core1", "NODES": "core1=10.0.0.1,core2=10.0.0.2"}


def settings_below(directory: Path) -> Settings:
    (directory / "deploy").mkdir()
    (directory / "hosts").write_text("127.0.0.1 localhost\n")
    return replace(
        Settings.from_environment(ENVIRONMENT),
        deploy=directory / "deploy",
        run=directory / "run",
        haproxy_config=directory / "haproxy.cfg",
        caddy_config=directory / "Caddyfile",
        hosts=directory / "hosts",
    )
