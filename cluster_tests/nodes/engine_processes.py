"""Processes in the containers of one node: run to their end, or started and spoken with."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker.errors
import docker.types

from cluster_tests.errors import NodeError
from cluster_tests.nodes.engine_connection import EngineConnection
from cluster_tests.nodes.exec_stream import ExecStream
from cluster_tests.way import repeated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import PurePosixPath


@dataclass(frozen=True)
class Output:
    """What a command in a container gave."""

    exit_code: int
    stdout: str
    stderr: str


class EngineProcesses(EngineConnection):
    """Runs and starts commands in containers that are there, or in one made for the purpose."""

    @repeated
    def run(self, container: str, command: Sequence[str]) -> Output:
        """Run a command that changes nothing, as ``run_once`` does, or again if the way broke."""
        return self.run_once(container, command)

    def run_once(self, container: str, command: Sequence[str]) -> Output:
        """Run ``command`` in a container to its end; each piece of output is due in time."""
        doing = f"running {command[0]} in {container}"
        with self._translated(doing):
            created = self._api.exec_create(container, list(command))
            began = time.monotonic()
            # Not by the SDK: it loses what comes together with the head of the engine's answer.
            with ExecStream(self._socket_path, created["Id"], self._timeout) as stream:
                stdout, stderr = stream.output(self._timeout)
            if self.way.broke_under(began):  # it ends the output as the process does
                raise NodeError(self.node, f"{doing}: the tunnel broke, some output may be lost")
            code = self._exit_code(created["Id"], command[0])
        return Output(code, _text(stdout), _text(stderr))

    @repeated
    def run_apart(
        self, like: str, command: Sequence[str], mounts: Mapping[str, str | PurePosixPath]
    ) -> Output:
        """Run ``command`` in a container of its own, made from the image of the container ``like``.

        ``mounts`` maps paths in it to volumes or to paths on the node, all read-only. It has no
        network and no label, so that no compose project and no observation sees it; it is gone
        when this returns.
        """
        with self._translated(f"running {command[0]} in a container like {like}"):
            image = self._api.inspect_container(like)["Image"]
            # Not binds, which are written with colons: snapshots' names hold some.
            mounted = [_read_only(target, source) for target, source in mounts.items()]
            # A name of our own: it can be removed even if the answer to its creation is lost.
            name = f"cluster-tests-{secrets.token_hex(6)}"
            try:
                self._api.create_container(
                    image,
                    name=name,
                    entrypoint=list(command),
                    command=[],
                    host_config=self._api.create_host_config(mounts=mounted, network_mode="none"),
                )
                self._api.start(name)
                code = self._api.wait(name, timeout=self._timeout)["StatusCode"]
                stdout = self._api.logs(name, stderr=False)
                stderr = self._api.logs(name, stdout=False)
            finally:
                self._remove_container(name)
        return Output(code, _text(stdout), _text(stderr))

    @repeated
    def _remove_container(self, name: str) -> None:
        with (
            self._translated(f"removing the container {name}"),
            contextlib.suppress(docker.errors.NotFound),
        ):
            self._api.remove_container(name, force=True)

    @repeated
    def start(self, container: str, command: Sequence[str]) -> ExecStream:
        """Start ``command`` in a container; it lives until its stream is closed.

        One whose stream broke before it was in use ends by the end of its input.
        """
        with self._translated(f"starting {command[0]} in {container}"):
            return self._start(container, command)

    def _start(self, container: str, command: Sequence[str], user: str = "") -> ExecStream:
        """Start ``command`` as ``user``; "" for the container's own."""
        created = self._api.exec_create(container, list(command), stdin=True, user=user)
        return ExecStream(self._socket_path, created["Id"], self._timeout)

    def _exit_code(self, process: str, program: str) -> int:
        """Ask how a process ended: its output ends a moment before the engine knows."""
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            code: int | None = self._api.exec_inspect(process)["ExitCode"]
            if code is not None:
                return code
        raise NodeError(self.node, f"{program} has closed its output, and does not end")


def _read_only(target: str, source: str | PurePosixPath) -> docker.types.Mount:
    kind = "volume" if isinstance(source, str) else "bind"
    return docker.types.Mount(target, str(source), type=kind, read_only=True)


def _text(output: bytes) -> str:
    return output.decode(errors="replace")
