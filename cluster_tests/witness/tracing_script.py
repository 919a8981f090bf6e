"""Runs in a container of its own on a node, and tells which snapshots hold which files, as JSON.

``tracing`` sends this file's text through ``python3 -c``, with the beginning of the snapshots'
names and then the files' names: it must get by with the standard library.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PLACE = "/snapshots"  # where the directory of all snapshots is mounted


def holdings(place: Path, prefix: str, names: list[str]) -> dict[str, list[str]]:
    """List, of each snapshot whose name begins with ``prefix``, the files it holds of ``names``."""
    return {
        snapshot.name: [name for name in names if (snapshot / name).is_file()]
        for snapshot in place.iterdir()
        if snapshot.name.startswith(prefix)
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(holdings(Path(PLACE), sys.argv[1], sys.argv[2:])))
