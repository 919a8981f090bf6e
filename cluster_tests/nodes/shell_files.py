"""Files in the containers of one node, asked of a shell that is kept in each container.

A shell is begun at the first read and ends with the engine's connection. One that has served and is
found ended (its container was restarted, the tunnel was opened again) is begun anew, once a read.
Where no shell or no ``cat`` is in the container, and where it does not run, the engine's archives
are read instead.
"""

from __future__ import annotations

import contextlib
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import docker.errors

from cluster_tests.errors import NodeError
from cluster_tests.nodes import file_shell
from cluster_tests.nodes.archive_files import ArchiveFiles
from cluster_tests.nodes.engine_processes import EngineProcesses
from cluster_tests.nodes.file_shell import FileShell
from cluster_tests.way import UNBROKEN, repeated

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

    from cluster_tests.nodes.file_shell import Answer
    from cluster_tests.way import Way

# How an exec ends whose program cannot be run or is not there: the engine's codes are the shells'
# (POSIX, "Shell Command Language", 2.8.2), so a shell without ``cat`` answers with the same. Where
# the engine means something else by them, archives are read without need, which only costs time.
_NOT_THERE = (126, 127)
# Who reads: a configuration need not be the proxy's own user's to read, and archives are root's.
_ROOT = "0"


class ShellFiles(ArchiveFiles, EngineProcesses):
    """Reads files of containers, for several threads at once."""

    def __init__(self, node: str, socket_path: Path, timeout: float, way: Way = UNBROKEN) -> None:
        """Reach the engine as the connection does; no shell is begun yet."""
        super().__init__(node, socket_path, timeout, way)
        self._keeping = threading.Lock()
        self._kept: dict[str, _Kept] | None = None  # by container; None while not open

    def open(self) -> None:
        """Connect; raise ``NodeError`` if the engine does not answer."""
        super().open()
        with self._keeping:
            self._kept = self._kept or {}

    def close(self) -> None:
        """End all shells, and drop the connections."""
        with self._keeping:
            kept, self._kept = self._kept, None
        for each in (kept or {}).values():
            each.end()
        super().close()

    def read_file(self, container: str, path: PurePosixPath) -> bytes:
        """Read a file of a container, following links, as it was at one moment.

        Raises ``NodeError`` if it cannot be read; a shell is asked for no path that has a newline
        in it (``ValueError``).
        """
        content = self._read_by_shell(container, path)
        return self.read_archived(container, path) if content is None else content

    @repeated
    def _read_by_shell(self, container: str, path: PurePosixPath) -> bytes | None:
        """Give what a file holds; None where there is no shell that could tell."""
        kept = self._kept_in(container)
        with kept.lock:
            answer = None if kept.lacking else self._answered(kept, container, path)
            if answer is None:
                return None
            if answer.code in _NOT_THERE:
                kept.lack()
                return None
        if answer.code:
            raise self._unread(container, path, answer.said.decode(errors="replace").strip())
        return answer.said

    def _kept_in(self, container: str) -> _Kept:
        with self._keeping:
            if self._kept is None:
                raise NodeError(self.node, f"reading files of {container}: the engine is not open")
            return self._kept.setdefault(container, _Kept())

    def _answered(self, kept: _Kept, container: str, path: PurePosixPath) -> Answer | None:
        """Let the shell that is there answer, or a new one; None where there can be none."""
        try:
            with contextlib.suppress(EOFError):
                return kept.ask(path, self._timeout)
            return self._answered_by_new(kept, container, path)
        except OSError as error:  # a timeout among them
            message = f"its shell did not answer ({error}; due in {self._timeout:g} s)"
            raise self._unread(container, path, message) from error

    def _answered_by_new(self, kept: _Kept, container: str, path: PurePosixPath) -> Answer | None:
        if kept.over:
            raise self._unread(container, path, "the engine's connection was closed meanwhile")
        with self._translated(f"reading {path} in {container}"):
            kept.shell = shell = self._begun(container)
            if shell is None:
                return None
        try:
            return kept.ask(path, self._timeout)
        except EOFError as error:
            with self._translated(f"reading {path} in {container}"):
                code = self._exit_code(shell.exec_id, "sh")
            if code not in _NOT_THERE:
                message = f"its shell ended with code {code}: {error}"
                raise self._unread(container, path, message) from error
            kept.lack()
            return None

    def _begun(self, container: str) -> FileShell | None:
        """Begin a shell; None where the container does not run (Docker Engine API, ExecCreate)."""
        token = file_shell.new_token()
        try:
            stream = self._start(container, file_shell.command(token), _ROOT)
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            return None
        return FileShell(stream, token)

    def _unread(self, container: str, path: PurePosixPath, message: str) -> NodeError:
        return NodeError(self.node, f"{container}: reading {path}: {message}")


class _Kept:
    """One container's shell; whoever asks it, or puts another there, holds the lock."""

    def __init__(self) -> None:
        """Begin without one."""
        self.lock = threading.Lock()
        self.shell: FileShell | None = None
        self.lacking = False  # there is no shell, or no ``cat``, in the container
        self.over = False  # nobody would end a shell that is begun from now on

    def ask(self, path: PurePosixPath, patience: float) -> Answer:
        """Ask the shell, which is forgotten unless it answers, whatever the reason is.

        Raises what ``FileShell.read`` does, and ``EOFError`` where there is no shell.
        """
        if self.shell is None:
            raise EOFError
        try:
            return self.shell.read(path, time.monotonic() + patience)
        except BaseException:
            self._forget()
            raise

    def lack(self) -> None:
        """Note that no shell can answer here."""
        self.lacking = True
        self._forget()

    def end(self) -> None:
        """End the shell for good, also if somebody waits for its answer right now."""
        self.over = True
        shell = self.shell
        if shell is not None:
            shell.shutdown()
        with self.lock:
            self._forget()

    def _forget(self) -> None:
        shell, self.shell = self.shell, None
        if shell is not None:
            shell.close()
