"""The evidence of a failure as the page lists it: by node, with what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cluster_tests.results.values import Kept

_SHARED = "all nodes"  # of what no single node has told


@dataclass(frozen=True)
class Shelf:
    """What was kept of one node, Consul or all: the files' paths by name, and what is missing."""

    where: str
    files: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]


def shelves(directory: str, kept: Iterable[Kept]) -> list[Shelf]:
    """Sort what was kept by where it is from; paths begin with ``directory``."""
    in_order = sorted(kept, key=lambda each: (each.where, each.name))
    groups = groupby(in_order, key=lambda each: each.where)
    return [_shelf(directory, where, list(found)) for where, found in groups]


def _shelf(directory: str, where: str, found: Sequence[Kept]) -> Shelf:
    below = f"{directory}/{where}" if where else directory
    files = [(each.name, f"{below}/{each.name}") for each in found if not each.missing]
    reasons: dict[str, list[str]] = {}
    for each in found:
        if each.missing:
            reasons.setdefault(each.missing.partition("\n")[0], []).append(each.name)
    # A node that is down gives the same reason for each of its files: it is told once.
    missing = [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]
    return Shelf(where or _SHARED, tuple(files), tuple(missing))
