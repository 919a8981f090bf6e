"""Damages to the nodes of the local lab, undone in any case.

What undoes one is on this machine's disk before it is done: a run that was killed is made good by
the next. So scripts that undo must work for a damage that was done only in part.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lab_nodes import in_node

if TYPE_CHECKING:
    from pathlib import Path

    from breaking import Damage


def damage(one: Damage, kept: Path) -> None:
    """Do it; what undoes it is in ``kept`` first."""
    kept.write_text(json.dumps({"node": one.node, "script": one.undo}))
    in_node(one.node, "sh", "-euc", one.script)


def repair(kept: Path) -> None:
    """Undo what ``kept`` tells; without it, nothing was damaged."""
    if kept.exists():
        undo = json.loads(kept.read_text())
        in_node(undo["node"], "sh", "-uc", undo["script"])
        kept.unlink()
