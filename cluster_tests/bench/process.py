"""A process that the benchmark starts, speaks with in lines, weighs and ends."""

from __future__ import annotations

import re
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from cluster_tests.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

PATIENCE = 60.0
"""Seconds for a line from a process: 64 handshakes on a busy machine fit into it."""


@dataclass(frozen=True)
class Weight:
    """What a process takes: resident memory (MB) and threads, from ``status`` of proc(5)."""

    resident: float
    threads: int

    def __add__(self, other: Weight) -> Weight:
        """Weigh both together."""
        return Weight(self.resident + other.resident, self.threads + other.threads)

    def __sub__(self, other: Weight) -> Weight:
        """Weigh what came in addition to ``other``."""
        return Weight(self.resident - other.resident, self.threads - other.threads)


class Process:
    """A child process that is spoken with in lines."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start ``command``, the first word being found in PATH."""
        self._command = command
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said
        )
        self._unread = b""

    @classmethod
    def of_module(cls, module: str, *arguments: str) -> Self:
        """Start a program of ours with this very Python."""
        return cls([sys.executable, "-m", module, *arguments])

    def tell(self, line: str) -> None:
        """Write a line to it. Raises HarnessError when it has ended."""
        stdin = cast("IO[bytes]", self._process.stdin)
        try:
            stdin.write(line.encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            raise self._failure("ended") from None

    def line(self) -> str:
        """Wait for its next line. Raises HarnessError with its last words when none comes."""
        deadline = time.monotonic() + PATIENCE
        stdout = cast("IO[bytes]", self._process.stdout)
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise self._failure(f"said nothing for {PATIENCE:g} s")
                data = cast("bytes", stdout.read1(4096))  # type: ignore[attr-defined]
                if not data:
                    raise self._failure("ended")
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    @property
    def weight(self) -> Weight:
        """What it takes now."""
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", text, re.MULTILINE))
        return Weight(int(found["VmRSS"]) / 1024, int(found["Threads"]))

    def stop(self) -> None:
        """Terminate it and wait for its end; one that does not end is killed."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._said.close()

    def _failure(self, what: str) -> HarnessError:
        self._said.seek(0)
        words = self._said.read().decode(errors="replace").strip() or "it said nothing"
        return HarnessError(f"{' '.join(self._command)}\n  {what}: {words}")

    def __enter__(self) -> Self:
        """Nothing more to start."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()
