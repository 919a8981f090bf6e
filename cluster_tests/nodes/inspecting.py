"""What an engine tells of containers, volumes and processes in its own words, for people to read.

Values of environment variables are left out: services get passwords that way.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import NodeError

if TYPE_CHECKING:
    from cluster_tests.model import Application
    from cluster_tests.nodes.node import Engine

# What is read of a log's end; who reads it for people has less patience than that.
_LINES = 4000
_BYTES = 256 * 1024
_TAIL = (
    f"import sys; file = open('/log', 'rb'); file.seek(max(0, file.seek(0, 2) - {_BYTES}));"
    " sys.stdout.buffer.write(file.read())"
)


def container_log(engine: Engine, container: str, since: float) -> str:
    """Give what a container said since then (seconds since 1970), with times, both streams."""
    output: bytes = engine.ask(
        f"reading the log of {container}",
        lambda api: api.logs(container, since=int(since), timestamps=True, tail=_LINES),
    )
    return output.decode(errors="replace")


def application_log(engine: Engine, application: Application, since: float) -> str:
    """Give what the application's containers said since then, one after another."""
    names = sorted(container.name for container in engine.containers(application))
    return "\n".join(f"--- {name}\n{container_log(engine, name, since)}" for name in names)


def described_containers(engine: Engine, application: Application) -> list[Any]:
    """Inspect the application's containers (Docker's API, ``ContainerInspect``)."""
    names = sorted(container.name for container in engine.containers(application))
    return [_without_values(_inspected(engine, name)) for name in names]


def described_volumes(engine: Engine, application: Application) -> list[Any]:
    """Inspect the application's volumes (Docker's API, ``VolumeInspect``)."""
    return [
        engine.ask(f"inspecting the volume {name}", partial(_inspect_volume, name=name))
        for name in sorted(volume.name for volume in engine.volumes(application))
    ]


def processes(engine: Engine) -> str:
    """List the processes of all running containers, as ``ps`` on the node shows them."""
    tables = {
        name: engine.ask(f"listing the processes of {name}", partial(_top, name=name))
        for name in sorted(engine.running())
    }
    return "\n".join(f"--- {name}\n{_table(found)}" for name, found in tables.items())


def end_of_file(engine: Engine, like: str, path: PurePosixPath) -> str:
    """Give the end of a file on the node, read in a container like ``like``; NodeError if none."""
    done = engine.run_apart(like, ["python3", "-c", _TAIL], {"/log": PurePosixPath(path)})
    if done.exit_code:
        raise NodeError(engine.node, f"{path} cannot be read: {done.stderr.strip()}")
    return done.stdout


def _inspected(engine: Engine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.ask(
        f"inspecting {name}", lambda api: api.inspect_container(name)
    )
    return found


def _inspect_volume(api: Any, name: str) -> Any:  # noqa: ANN401 - the SDK is untyped
    return api.inspect_volume(name)


def _top(api: Any, name: str) -> Any:  # noqa: ANN401 - the SDK is untyped
    return api.top(name)


def _table(found: dict[str, Any]) -> str:
    rows = [found["Titles"], *(found["Processes"] or ())]
    return "\n".join("  ".join(row) for row in rows)


def _without_values(found: dict[str, Any]) -> dict[str, Any]:
    names = [variable.partition("=")[0] for variable in found["Config"]["Env"] or ()]
    return {**found, "Config": {**found["Config"], "Env": names}}
