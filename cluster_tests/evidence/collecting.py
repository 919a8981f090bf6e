"""Reads all parts side by side until a deadline; a node that hangs costs its own parts only.

The threads are our own daemons and not the session's: one that hangs in a node that has stopped
must neither keep the others waiting, nor the run from ending.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from cluster_tests.results.place import INDEX
from cluster_tests.results.values import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cluster_tests.evidence.parts import Part

SECONDS = 9.0  # for all parts together; the goal for one failure's evidence is 10
# Bytes kept of a part, its end, and of all together: the goal for one failure is 20 MB. The fifty
# parts of four nodes and one application stay below; those of more get less room each.
LIMIT = 256 * 1024
WHOLE = 19_000_000


def collect(
    parts: Iterable[Part],
    directory: Path,
    *,
    seconds: float = SECONDS,
) -> list[Kept]:
    """Keep all ``parts`` in ``directory``; tell what was kept, and what was not.

    ``directory`` is made, with ``index.json``: the list that is returned. Raises ``OSError`` when
    it cannot be written; whatever a part raises is told of that part alone.
    """
    directory.mkdir(parents=True, exist_ok=True)
    kept = _read_all(list(parts), directory, seconds)
    index = json.dumps([asdict(each) for each in kept], indent=1)
    (directory / INDEX).write_text(index + "\n", encoding="utf-8")
    return kept


def _read_all(parts: list[Part], directory: Path, seconds: float) -> list[Kept]:
    began = time.monotonic()
    answers: SimpleQueue[tuple[Part, str, str, float]] = SimpleQueue()
    waiting = {part.path: part for part in parts}
    limit = min(LIMIT, WHOLE // max(1, len(parts)))
    for part in parts:
        threading.Thread(
            target=_read, args=(part, began, answers), name=f"evidence {part.path}", daemon=True
        ).start()
    kept = []
    while waiting:
        try:
            left = began + seconds - time.monotonic()
            part, text, missing, took = answers.get(timeout=max(0.0, left))
        except Empty:
            break
        del waiting[part.path]
        if missing:
            kept.append(Kept(part.where, part.name, 0, took, missing))
        else:
            kept.append(_keep(directory, part, text, took, limit))
    late = f"no answer within {seconds:g} s"
    return kept + [Kept(part.where, part.name, 0, seconds, late) for part in waiting.values()]


def _read(part: Part, began: float, answers: SimpleQueue[tuple[Part, str, str, float]]) -> None:
    text, missing = "", ""
    try:
        text = part.read()
    except Exception as error:  # noqa: BLE001 - told of this part; the failure itself comes first
        missing = f"{type(error).__name__}: {error}"
    answers.put((part, text, missing, round(time.monotonic() - began, 3)))


def _keep(directory: Path, part: Part, text: str, took: float, limit: int) -> Kept:
    content = text.encode(errors="replace")
    shortened = len(content) > limit
    if shortened:
        content = b"(the beginning is left out)\n" + content[-limit:]
    path = directory / part.path.lstrip("/")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return Kept(part.where, part.name, len(content), took, shortened=shortened)
