"""Files in the containers of one node, out of the engine's archives, each as it was at one moment.

The second choice, for containers that have no shell to ask, or do not run (``shell_files``): it
takes three requests where a shell takes one answer. The engine packs a file by its path: it asks
for the size, writes that down, and opens the path after that. Where another file takes the path
between the two, it sends the first bytes of the new one under the size of the old one, or too few
bytes. So a content counts only if the path shows the same file after it was sent as before (moby,
``pkg/archive``, ``addTarFile``).
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import docker.utils

from cluster_tests.errors import NodeError
from cluster_tests.nodes.engine_connection import EngineConnection
from cluster_tests.way import UNBROKEN, repeated

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

    from cluster_tests.way import Way

# Links followed to a file in a container before it counts as a loop.
_LINKS = 8
# Times that a file is read before it counts as one that is never left alone.
_TRIES = 8
# What the engine tells of a path: name, size, mode, time of change (ns), target of a link.
_STAT = "X-Docker-Container-Path-Stat"

Stat = dict[str, Any]


@dataclass(frozen=True)
class _Packed:
    """What was at a path: a file with its content, a link with its target, or neither."""

    stat: Stat
    content: bytes | None = None
    link: str | None = None


class ArchiveFiles(EngineConnection):
    """Reads files; what has not changed since it was read last is not fetched again."""

    def __init__(self, node: str, socket_path: Path, timeout: float, way: Way = UNBROKEN) -> None:
        """Reach the engine as the connection does; nothing has been read yet."""
        super().__init__(node, socket_path, timeout, way)
        self._packed: dict[tuple[str, PurePosixPath], _Packed] = {}

    def read_archived(self, container: str, path: PurePosixPath) -> bytes:
        """Read a file of a container, following links.

        Raises ``NodeError`` if there is none, or if it is replaced again and again.
        """
        target = path
        for _ in range(_LINKS):
            packed = self._settled(container, target)
            if packed.content is not None:
                return packed.content
            if packed.link is None:
                break
            target = target.parent / packed.link
        raise NodeError(self.node, f"{container}: {path} is no file")

    @repeated
    def _settled(self, container: str, path: PurePosixPath) -> _Packed:
        """Give what is at ``path``, and was there for as long as it took to read it."""
        known = self._packed.get((container, path))
        with self._translated(f"reading {path} in {container}"):
            if known is not None and self._stat(container, path) == known.stat:
                return known
            for _ in range(_TRIES):
                packed = self._fetched(container, path)
                if packed is not None and self._stat(container, path) == packed.stat:
                    self._packed[container, path] = packed
                    return packed
        raise NodeError(
            self.node, f"{container}: {path} was replaced while it was read, {_TRIES} times on end"
        )

    def _fetched(self, container: str, path: PurePosixPath) -> _Packed | None:
        """Fetch what is at ``path``; None where it was replaced by something shorter meanwhile."""
        pieces, stat = self._api.get_archive(container, str(path))
        packed = io.BytesIO(b"".join(pieces))
        try:
            with tarfile.open(fileobj=packed) as archive:
                return _unpacked(archive, stat)
        except tarfile.ReadError:
            return None

    def _stat(self, container: str, path: PurePosixPath) -> Stat | None:
        """Ask what is at ``path`` (Docker's API, ``ContainerArchiveInfo``); None for nothing."""
        api = self._api
        answer = api.head(
            f"{api.base_url}/v{api.api_version}/containers/{container}/archive",
            params={"path": str(path)},
            timeout=self._timeout,
        )
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        stat: Stat = docker.utils.decode_json_header(answer.headers[_STAT])
        return stat


def _unpacked(archive: tarfile.TarFile, stat: Stat) -> _Packed | None:
    member = archive.next()
    if member is None:
        return None
    file = archive.extractfile(member) if member.isfile() else None
    if file is not None:
        return _Packed(stat, content=file.read())
    return _Packed(stat, link=member.linkname if member.issym() else None)
