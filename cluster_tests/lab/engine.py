"""This machine's engine: connected once, its errors translated, commands run inside the hosts."""

from __future__ import annotations

import io
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from cluster_tests.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient
    from docker.models.containers import Container

# A pull of all images into one node on a busy machine stays below this many seconds.
_TIMEOUT = 300


def connect() -> DockerClient:
    """Connect to the engine that the environment names.

    Raises LabError when none answers, or when it refuses us.
    """
    try:
        client = docker.from_env(timeout=_TIMEOUT, version="auto")
        client.ping()
    except (DockerException, requests.RequestException) as error:
        raise _no_engine(error) from error
    return client


def _no_engine(error: Exception) -> LabError:
    cause: BaseException | None = error
    while cause is not None:
        if "PermissionError" in repr(cause):
            return LabError(
                "the Docker engine refuses this user",
                remedy='sudo usermod -aG docker "$USER", then log in again',
            )
        cause = cause.__cause__ or cause.__context__
    return LabError(
        f"no Docker engine answers here ({error})",
        remedy="make engine (as root; starts one), or set DOCKER_HOST",
    )


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn the engine's errors into LabError, with what was being done."""
    try:
        yield
    except APIError as error:
        raise LabError(f"{doing}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException) as error:
        raise LabError(f"{doing}: {error}", remedy="cluster-tests lab status") from error


def find(client: DockerClient, name: str) -> Container | None:
    """Return the container called ``name``, or None."""
    try:
        return client.containers.get(name)
    except NotFound:
        return None


@dataclass(frozen=True)
class Result:
    """What a command inside a host ended with."""

    code: int
    output: str


def run(container: Container, *command: str, env: Mapping[str, str] | None = None) -> Result:
    """Run a command inside a host and return its exit code and its output, both streams in one."""
    with translated(f"{container.name}: {' '.join(command)}"):
        result = container.exec_run(list(command), environment=dict(env or {}))
    return Result(result.exit_code, result.output.decode(errors="replace").strip())


def check(container: Container, *command: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command inside a host that must succeed, and return its output.

    Raises LabError with the command's last words otherwise.
    """
    result = run(container, *command, env=env)
    if result.code != 0:
        host = container.name.rsplit("-", 1)[-1]
        raise LabError(
            f"{host}: `{' '.join(command)}` ended with {result.code}: {result.output[-2000:]}",
            remedy=f"cluster-tests lab logs {host}",
        )
    return result.output


@dataclass(frozen=True)
class File:
    """A file or directory to put into a host: ``content`` None makes a directory."""

    path: str
    content: bytes | None
    mode: int = 0o644
    owner: int = 0


def archive(files: list[File]) -> bytes:
    """Pack files with absolute paths, for the engine to unpack at ``/``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.mode, entry.uid, entry.gid = file.mode, file.owner, file.owner
            if file.content is None:
                entry.type = tarfile.DIRTYPE
            else:
                entry.size = len(file.content)
            tar.addfile(entry, io.BytesIO(file.content or b""))
    return buffer.getvalue()


def put(container: Container, files: list[File]) -> None:
    """Put files into a host, running or not."""
    with translated(f"{container.name}: copying files"):
        container.put_archive("/", archive(files))
