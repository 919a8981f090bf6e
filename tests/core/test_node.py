from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

import pytest

from cluster_tests.errors import NodeError
from cluster_tests.model import Application, Container, Volume
from cluster_tests.nodes import engine_processes
from cluster_tests.nodes.engine_processes import Output
from cluster_tests.nodes.node import Engine

if TYPE_CHECKING:
    from http_doubles import HttpOverUnix

pytest_plugins = ["core_fixtures"]

APPLICATION = Application("http://forge/git/ledger", "one")
PREFIX = APPLICATION.volume_prefix


def test_containers_are_read_with_their_service(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    http_over_unix.answers["GET /containers/json"] = (
        200,
        [
            {
                "Names": ["/other/alias", "/ledger-app-1"],
                "Labels": {"com.docker.compose.service": "app"},
                "State": "running",
                "Image": "app:1",
            }
        ],
    )
    assert engine.containers(APPLICATION) == {Container("app", "ledger-app-1", "running", "app:1")}


def test_infrastructure_that_does_not_run_is_named_with_its_remedy(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    states = {"caddy": "running", "consul": "exited", "haproxy": "created"}
    http_over_unix.answers["GET /containers/json"] = (
        200,
        [{"Names": [f"/{name}"], "State": state} for name, state in states.items()],
    )
    engine.require_running(["caddy"])
    with pytest.raises(NodeError, match=r"core3: .*do not run: consul, haproxy\n") as raised:
        engine.require_running(["consul", "haproxy", "caddy"])
    assert raised.value.remedy == "on core3: docker start consul haproxy"


def test_infrastructure_that_is_not_there_is_no_matter_of_starting(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    http_over_unix.answers["GET /containers/json"] = (200, [])
    with pytest.raises(NodeError, match=r"do not run: consul; there is no consul\n") as raised:
        engine.require_running(["consul"])
    assert "docker start" not in raised.value.remedy
    assert "correct 'names' in the inventory" in raised.value.remedy


def test_an_image_is_asked_for_at_its_registry(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    http_over_unix.answers["GET /distribution/forge:5000/app:1/json"] = (200, {"Descriptor": {}})
    engine.require_image("forge:5000/app:1")
    with pytest.raises(NodeError, match="core3: asking the registry for forge:5000/app:2"):
        engine.require_image("forge:5000/app:2")


def test_volumes_are_those_of_the_prefix_without_composes_labels(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    labels = {"com.docker.compose.project": "x", "keep": "yes"}
    http_over_unix.answers["GET /volumes"] = (
        200,
        {
            "Volumes": [
                {"Name": f"{PREFIX}db", "Driver": "btrfs", "Labels": labels},
                {"Name": f"{PREFIX}cache", "Driver": "local", "Labels": None},
                {"Name": f"not-{PREFIX}db", "Driver": "local", "Labels": None},
            ],
            "Warnings": None,
        },
    )
    assert engine.volumes(APPLICATION) == {
        Volume(f"{PREFIX}db", "btrfs", (("keep", "yes"),)),
        Volume(f"{PREFIX}cache", "local"),
    }


def test_volumes_the_engine_only_warns_of_are_an_error(
    engine: Engine, http_over_unix: HttpOverUnix
) -> None:
    http_over_unix.answers["GET /volumes"] = (200, {"Volumes": [], "Warnings": ["plugin is down"]})
    with pytest.raises(NodeError, match=r"core3: .*plugin is down"):
        engine.volumes(APPLICATION)


def test_a_missing_container_is_named(engine: Engine, http_over_unix: HttpOverUnix) -> None:
    http_over_unix.answers["POST /containers/consul/exec"] = (
        404,
        {"message": "No such container: consul"},
    )
    with pytest.raises(NodeError, match="core3: reading /x in consul: No such container: consul"):
        engine.read_file("consul", PurePosixPath("/x"))


def test_an_error_of_the_engine_is_told(engine: Engine, http_over_unix: HttpOverUnix) -> None:
    http_over_unix.answers["GET /volumes"] = (500, {"message": "out of order"})
    with pytest.raises(NodeError, match="core3: listing volumes: out of order"):
        engine.volumes(APPLICATION)


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_an_engine_that_is_not_there_is_told_with_its_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NodeError, match="core4: connecting: the engine does not answer") as raised:
        Engine("core4", tmp_path / name, 1).open()
    assert "start the Docker engine" in raised.value.remedy


class SlowApi:
    """An engine that does not know at once how a process ended."""

    def __init__(self, *codes: int | None) -> None:
        self.codes = list(codes)

    def exec_create(self, _container: str, _command: list[str]) -> dict[str, str]:
        return {"Id": "e"}

    def exec_inspect(self, _process: str) -> dict[str, int | None]:
        return {"ExitCode": self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]}


class Said:
    """A process's stream that has ended."""

    def __init__(self, *_: object) -> None:
        """Whatever it is told to follow."""

    def output(self, _patience: float) -> tuple[bytes, bytes]:
        return b"said", b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


@pytest.fixture
def ended(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - the order
    monkeypatch.setattr(engine_processes, "ExecStream", Said)


@pytest.mark.usefixtures("ended")
def test_the_exit_code_is_awaited(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_api", SlowApi(None, None, 3))
    assert engine.run("consul", ["true"]) == Output(3, "said", "")


@pytest.mark.usefixtures("ended")
def test_a_process_that_never_ends_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_api", SlowApi(None))
    monkeypatch.setattr(engine, "_timeout", 0.05)
    with pytest.raises(NodeError, match="true has closed its output, and does not end"):
        engine.run("consul", ["true"])


def test_an_exec_the_engine_refuses_is_told(engine: Engine, http_over_unix: HttpOverUnix) -> None:
    http_over_unix.answers["POST /containers/consul/exec"] = (201, {"Id": "e"})
    http_over_unix.answers["POST /exec/e/start"] = (409, {"message": "container is paused"})
    with pytest.raises(
        NodeError, match=r"core3: starting python3 in consul: .*container is paused"
    ):
        engine.start("consul", ["python3"])
