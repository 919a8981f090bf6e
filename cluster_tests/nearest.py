"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALIKE = 0.5  # how alike two names must be, from 0 to 1, to be taken for each other


def suggestion(wanted: str, names: Iterable[str], *, prefix: str = "") -> str:
    """Ask whether the nearest of ``names`` was meant, or list them all; each after ``prefix``."""
    names = sorted(names)
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=_ALIKE)
    if near:
        return f"did you mean {prefix}{near[0]}?"
    return (
        f"there is: {', '.join(prefix + name for name in names)}" if names else "nothing is there"
    )
