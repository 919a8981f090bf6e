"""One node's Docker engine, over its forwarded socket.

Foreign exceptions stop here: whatever the SDK or the socket raises becomes a ``NodeError`` that
says what was asked of which node, and what mends it.
"""

from __future__ import annotations

import contextlib
import io
import secrets
import socket
import tarfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import docker
import docker.errors
import docker.types
import requests

from cluster_tests.errors import NodeError
from cluster_tests.model import Container, Volume
from cluster_tests.nodes.exec_stream import ExecStream
from cluster_tests.way import UNBROKEN, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path, PurePosixPath

    from cluster_tests.model import Application
    from cluster_tests.way import Way

# An observation reads containers, volumes and two files at once; one more for whoever looks in.
CONNECTIONS = 6
_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_COMPOSE = "com.docker.compose."
# Links followed to a file in a container before it counts as a loop.
_LINKS = 8
T = TypeVar("T")


@dataclass(frozen=True)
class Output:
    """What a command in a container gave."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Plugin:
    """A managed plugin: whether it is enabled, and the digests of what it consists of."""

    enabled: bool
    content: str


class Engine:
    """Thin readers of one node's engine. Safe to use from several threads.

    What changes nothing is asked again when the way to the node breaks under the request.
    """

    def __init__(self, node: str, socket_path: Path, timeout: float, way: Way = UNBROKEN) -> None:
        """Reach the engine of ``node`` at ``socket_path``; every answer is due in ``timeout`` s."""
        self.node = node
        self.way = way
        self._socket_path = str(socket_path)
        self._timeout = timeout
        self._api: Any = None

    @repeated
    def open(self) -> None:
        """Agree on an API version; raise ``NodeError`` if the engine does not answer."""
        with self._translated("connecting"):
            self._reach()
            self._api = docker.APIClient(
                base_url=f"unix://{self._socket_path}",
                version="auto",
                timeout=self._timeout,
                max_pool_size=CONNECTIONS,
                num_pools=1,
            )
            self._api.trust_env = False  # no proxy is on the way to a socket: do not look for one

    def _reach(self) -> None:
        # The SDK leaves a socket behind each time it finds nobody there.
        with socket.socket(socket.AF_UNIX) as reached:
            reached.settimeout(self._timeout)
            reached.connect(self._socket_path)

    def close(self) -> None:
        """Drop the connections."""
        api, self._api = self._api, None
        if api is not None:
            api.close()

    # --- readers

    @repeated
    def version(self) -> dict[str, Any]:
        """Give the engine's version, API and kernel, as the engine names them."""
        with self._translated("asking its version"):
            answer: dict[str, Any] = self._api.version(api_version=False)
            return answer

    @repeated
    def require_running(self, names: Sequence[str]) -> None:
        """Raise ``NodeError`` unless the containers ``names`` run; all that do not are named."""
        with self._translated("listing containers"):
            states = {_name(item): item["State"] for item in self._api.containers(all=True)}
        missing = [name for name in names if states.get(name) != "running"]
        if missing:
            absent = [name for name in missing if name not in states]
            never = f"; there is no {' and no '.join(absent)}" if absent else ""
            raise NodeError(
                self.node,
                f"infrastructure containers do not run: {', '.join(missing)}{never}",
                remedy=_restart(self.node, missing, absent),
            )

    @repeated
    def running(self) -> frozenset[str]:
        """List the names of the containers that run, whoever's they are."""
        with self._translated("listing containers"):
            return frozenset(_name(item) for item in self._api.containers())

    @repeated
    def require_image(self, image: str) -> None:
        """Raise ``NodeError`` unless the engine finds ``image`` at its registry; pulls nothing."""
        with self._translated(f"asking the registry for {image}"):
            self._api.inspect_distribution(image)

    @repeated
    def root_directory(self) -> str:
        """Tell where the engine keeps images and volumes on the node."""
        with self._translated("asking for its directory"):
            return str(self._api.info()["DockerRootDir"])

    @repeated
    def plugin(self, name: str) -> Plugin:
        """Read a managed plugin; raise ``NodeError`` if there is none of that name."""
        with self._translated(f"reading the plugin {name}"):
            found = self._api.inspect_plugin(name)
        layers = found["Config"]["rootfs"]["diff_ids"]
        return Plugin(bool(found["Enabled"]), " ".join(layers))

    @repeated
    def attached(self, network: str) -> frozenset[str] | None:
        """List the containers in a network; None when there is no such network."""
        with self._translated(f"reading the network {network}"):
            # The engine's filter takes a part of a name for the whole.
            found = self._api.networks(names=[network])
            ids = [item["Id"] for item in found if item["Name"] == network]
            if not ids:
                return None
            containers = self._api.inspect_network(ids[0])["Containers"] or {}
        return frozenset(item["Name"] for item in containers.values())

    @repeated
    def containers(self, application: Application) -> frozenset[Container]:
        """List the application's containers, stopped ones included."""
        with self._translated("listing containers"):
            labels = {"label": f"{_PROJECT}={application.project}"}
            found = self._api.containers(all=True, filters=labels)
        return frozenset(
            Container(item["Labels"].get(_SERVICE, ""), _name(item), item["State"], item["Image"])
            for item in found
        )

    @repeated
    def volumes(self, application: Application) -> frozenset[Volume]:
        """List the volumes that start with the application's prefix, labels less compose's own.

        The engine only warns when a volume plugin does not answer, and leaves its volumes out:
        that would be a volume less where there is none, so it is an error here.
        """
        with self._translated("listing volumes"):
            answer = self._api.volumes(filters={"name": application.volume_prefix})
        if answer.get("Warnings"):
            raise NodeError(
                self.node,
                f"the engine does not see all volumes: {'; '.join(answer['Warnings'])}",
                remedy=f"on {self.node}: docker plugin ls, and enable the volume plugin",
            )
        return frozenset(
            Volume(item["Name"], item["Driver"], _own_labels(item["Labels"]))
            for item in answer["Volumes"] or ()
            if item["Name"].startswith(application.volume_prefix)
        )

    @repeated
    def images(self) -> frozenset[str]:
        """List the tags of the node's images."""
        with self._translated("listing images"):
            return frozenset(tag for image in self._api.images() for tag in image["RepoTags"] or ())

    @repeated
    def image_of(self, container: str) -> str:
        """Tell the image that a container was made from."""
        with self._translated(f"inspecting {container}"):
            image: str = self._api.inspect_container(container)["Config"]["Image"]
            return image

    def read_file(self, container: str, path: PurePosixPath) -> bytes:
        """Read a file of a container, following links; raise ``NodeError`` if there is none."""
        target = path
        for _ in range(_LINKS):
            member, content = self._archived(container, target)
            if member.isfile():
                return content
            if not member.issym():
                break
            target = target.parent / member.linkname
        raise NodeError(self.node, f"{container}: {path} is no file")

    @repeated
    def _archived(self, container: str, path: PurePosixPath) -> tuple[tarfile.TarInfo, bytes]:
        with self._translated(f"reading {path} in {container}"):
            pieces, _ = self._api.get_archive(container, str(path))
            with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
                member = archive.next()
                if member is None:
                    raise NodeError(self.node, f"{container}: {path}: an empty archive")
                file = archive.extractfile(member) if member.isfile() else None
                return member, file.read() if file else b""

    def remove_volume(self, name: str) -> None:
        """Remove a volume, whatever its driver; raise ``NodeError`` if it is not there."""
        # The second time it may be gone because the first request has arrived.
        self.way.repeat(
            lambda: self._remove_volume(name), again=lambda: self._remove_volume(name, gone=True)
        )

    def _remove_volume(self, name: str, *, gone: bool = False) -> None:
        with self._translated(f"removing the volume {name}"):
            try:
                self._api.remove_volume(name)
            except docker.errors.NotFound:
                if not gone:
                    raise

    # --- processes

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
            created = self._api.exec_create(container, list(command), stdin=True)
            return ExecStream(self._socket_path, created["Id"], self._timeout)

    @repeated
    def events(self, filters: dict[str, list[str]]) -> Any:  # noqa: ANN401 - the SDK is untyped
        """Open the engine's events: an iterator whose ``close`` ends it from any thread."""
        with self._translated("following its events"):
            return self._api.events(filters=filters, decode=True)

    @repeated
    def ask(self, doing: str, question: Callable[[Any], T]) -> T:
        """Put ``question`` to the SDK's client, as the readers here do; it may change nothing."""
        with self._translated(doing):
            return question(self._api)

    def _exit_code(self, process: str, program: str) -> int:
        """Ask how a process ended: its output ends a moment before the engine knows."""
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            code: int | None = self._api.exec_inspect(process)["ExitCode"]
            if code is not None:
                return code
        raise NodeError(self.node, f"{program} has closed its output, and does not end")

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except docker.errors.NotFound as error:
            raise NodeError(
                self.node,
                f"{doing}: {error.explanation}",
                remedy=f"on {self.node}: docker ps --all",
            ) from error
        except docker.errors.APIError as error:
            raise NodeError(self.node, f"{doing}: {error.explanation or error}") from error
        except requests.Timeout as error:
            message = f"{doing}: the engine gave no answer in {self._timeout:g} s"
            raise NodeError(self.node, message, remedy=self._remedy()) from error
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            message = f"{doing}: the engine does not answer ({_root(error)})"
            raise NodeError(self.node, message, remedy=self._remedy()) from error
        except tarfile.TarError as error:
            raise NodeError(self.node, f"{doing}: {error}") from error

    def _remedy(self) -> str:
        return f"on {self.node}: start the Docker engine (for the lab: cluster-tests lab up)"


def _read_only(target: str, source: str | PurePosixPath) -> docker.types.Mount:
    kind = "volume" if isinstance(source, str) else "bind"
    return docker.types.Mount(target, str(source), type=kind, read_only=True)


def _restart(node: str, missing: Sequence[str], absent: Sequence[str]) -> str:
    if absent:
        return (
            f"on {node}: docker ps --all, then start the infrastructure's compose project, or "
            "correct 'names' in the inventory"
        )
    return f"on {node}: docker start {' '.join(missing)}"


def _name(item: dict[str, Any]) -> str:
    # A linked container has several names; its own has one slash, the leading one.
    return next((n.lstrip("/") for n in item["Names"] if n.count("/") == 1), "")


def _own_labels(labels: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, v) for k, v in (labels or {}).items() if not k.startswith(_COMPOSE)))


def _text(output: bytes) -> str:
    return output.decode(errors="replace")


def _root(error: BaseException) -> str:
    """Give the innermost reason: the libraries wrap one error several times."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"
