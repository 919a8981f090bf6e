"""What an engine tells for people to read: all of it but what is secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster_tests.errors import NodeError
from cluster_tests.model import Application
from cluster_tests.nodes.inspecting import (
    described_containers,
    described_volumes,
    processes,
)

if TYPE_CHECKING:
    from http_doubles import HttpOverUnix

    from cluster_tests.nodes.node import Engine

pytest_plugins = ["core_fixtures"]

APPLICATION = Application("http://forge/git/ledger", "one")
CONTAINER = {"Names": ["/db-1"], "Labels": {}, "State": "exited", "Image": "db:1"}


def test_containers_are_told_without_the_values_of_their_environment(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    http_over_unix.answers["GET /containers/json"] = (200, [CONTAINER])
    http_over_unix.answers["GET /containers/db-1/json"] = (
        200,
        {"State": {"ExitCode": 137}, "Config": {"Env": ["POSTGRES_PASSWORD=secret", "HOME=/"]}},
    )
    [told] = described_containers(engine, APPLICATION)
    assert told["State"] == {"ExitCode": 137}
    assert told["Config"]["Env"] == ["POSTGRES_PASSWORD", "HOME"]
    assert "secret" not in str(told)


def test_volumes_are_told_as_the_engine_has_them(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    name = f"{APPLICATION.volume_prefix}db"
    listed = {"Name": name, "Driver": "btrfs", "Labels": None}
    http_over_unix.answers["GET /volumes"] = (200, {"Volumes": [listed]})
    http_over_unix.answers[f"GET /volumes/{name}"] = (200, {"Name": name, "Mountpoint": "/m"})
    assert described_volumes(engine, APPLICATION) == [{"Name": name, "Mountpoint": "/m"}]


def test_processes_are_listed_by_container(engine: Engine, http_over_unix: HttpOverUnix) -> None:
    http_over_unix.answers["GET /containers/json"] = (200, [CONTAINER])
    http_over_unix.answers["GET /containers/db-1/top"] = (
        200,
        {"Titles": ["PID", "CMD"], "Processes": [["17", "postgres"], ["18", "postgres: writer"]]},
    )
    assert processes(engine) == "--- db-1\nPID  CMD\n17  postgres\n18  postgres: writer"


def test_what_the_engine_refuses_is_an_error_of_the_node(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    http_over_unix.answers["GET /containers/json"] = (200, [CONTAINER])
    with pytest.raises(NodeError, match="core3: listing the processes of db-1"):
        processes(engine)
