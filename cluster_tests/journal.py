"""What was created on a cluster and is not removed yet: written down before it is created.

A run that is killed leaves its journal behind, with the exact names of what it left. One JSON
object a line: ``{"id", "at", "left": {…}}`` before creating, ``{"id", "at", "removed": true}``
after removing.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cluster_tests.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """One application that the suite created: all that is needed to remove it.

    ``process`` is that of the run, on the machine of the journal; 0 where it is not known.
    ``run`` is the ID of the run, as its results have it; "" where none were written.
    """

    inventory: str
    repo_url: str
    branch: str
    process: int = field(default_factory=os.getpid)
    run: str = ""

    @property
    def is_held(self) -> bool:
        """Whether a process lives that may be the run: it removes what it made, or was told not to.

        A number that went to another process since makes this true for one that is gone.
        """
        if self.process <= 0:
            return False
        try:
            os.kill(self.process, 0)  # kill(2): nothing is sent, it is only looked for
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


class Journal:
    """Appends to one file; every line is on the disk before the call returns."""

    def __init__(self, path: Path) -> None:
        """Keep the journal in ``path``, which is made when first needed.

        ``run``, once it is set, is what everything belongs to that is claimed from then on.
        """
        self.path = path
        self.run = ""
        self._appending = threading.Lock()  # applications come and go side by side

    def claim(self, claim: Claim) -> str:
        """Write down what is about to be created, and return the entry's ID."""
        entry = uuid.uuid4().hex
        self._append({"id": entry, "left": asdict(replace(claim, run=self.run))})
        return entry

    def release(self, entry: str) -> None:
        """Write down that all of an entry is removed."""
        self._append({"id": entry, "removed": True})

    def left(self) -> dict[str, Claim]:
        """Return what was created and not removed, by ID, oldest first."""
        claims: dict[str, Claim] = {}
        for line in self._lines():
            if "left" in line:
                claims[line["id"]] = Claim(**{"process": 0, **line["left"]})
            else:
                claims.pop(line["id"], None)
        return claims

    def _lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        try:
            return [json.loads(line) for line in self._whole().splitlines()]
        except ValueError as error:
            raise UsageError(
                f"{self.path} is no journal of ours: {error}", remedy="move it out of the way"
            ) from error

    def _append(self, line: dict[str, object]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._appending:
            self._append_alone(line)

    def _append_alone(self, line: dict[str, object]) -> None:
        if self.path.exists():
            os.truncate(self.path, len(self._whole()))
        with self.path.open("ab") as file:
            text = json.dumps({"at": datetime.now(UTC).isoformat(), **line})
            file.write(f"{text}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def _whole(self) -> bytes:
        # A last line that a crash cut short is none: what it announced was not begun.
        content = self.path.read_bytes()
        return content[: content.rfind(b"\n") + 1]
