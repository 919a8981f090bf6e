"""Where an application is, and the switches from one place to another."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Role(StrEnum):
    """What a node is to one application."""

    MASTER = "master"
    SLAVE = "slave"
    NONE = "none"


@dataclass(frozen=True, order=True)
class Placement:
    """Where an application is: nowhere, on a master, or on a master and a slave."""

    master: str | None = None
    slave: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no cluster can have: a slave alone, or one node with both roles."""
        if self.slave is not None and self.master is None:
            raise ValueError(f"a slave ({self.slave}) needs a master")
        if self.slave is not None and self.slave == self.master:
            raise ValueError(f"{self.slave} cannot be master and slave at once")

    def role_of(self, node: str) -> Role:
        """Tell what ``node`` is in this placement."""
        if node == self.master:
            return Role.MASTER
        return Role.SLAVE if node == self.slave else Role.NONE

    def __str__(self) -> str:
        """Print as operators write it: ``core1/core2``, ``core1`` or ``nowhere``."""
        return "/".join(node for node in (self.master, self.slave) if node) or "nowhere"


NOWHERE = Placement()


class Kind(StrEnum):
    """The 19 kinds of switch that are left when the nodes' names do not matter.

    With m, s the old master and slave, and x, y nodes not in use before.
    """

    DEPLOY_ALONE = "deploy-alone"  # nowhere => x
    DEPLOY_PAIR = "deploy-pair"  # nowhere => x/y
    REDEPLOY_ALONE = "redeploy-alone"  # m => m
    MOVE_ALONE = "move-alone"  # m => x
    GAIN_SLAVE = "gain-slave"  # m => m/x
    HAND_OVER = "hand-over"  # m => x/m
    SPREAD = "spread"  # m => x/y
    DESTROY_ALONE = "destroy-alone"  # m => nowhere
    REDEPLOY_PAIR = "redeploy-pair"  # m/s => m/s
    SWAP = "swap"  # m/s => s/m
    KEEP_MASTER = "keep-master"  # m/s => m/x
    KEEP_SLAVE = "keep-slave"  # m/s => x/s
    MOVE_PAIR = "move-pair"  # m/s => x/y
    DEMOTE = "demote"  # m/s => x/m
    PROMOTE = "promote"  # m/s => s/x
    DROP_SLAVE = "drop-slave"  # m/s => m
    PROMOTE_ALONE = "promote-alone"  # m/s => s
    LEAVE_PAIR = "leave-pair"  # m/s => x
    DESTROY_PAIR = "destroy-pair"  # m/s => nowhere


# (old placement, new placement) written with the letters of Kind's comments.
_KINDS = {
    ("", "x"): Kind.DEPLOY_ALONE,
    ("", "xy"): Kind.DEPLOY_PAIR,
    ("m", "m"): Kind.REDEPLOY_ALONE,
    ("m", "x"): Kind.MOVE_ALONE,
    ("m", "mx"): Kind.GAIN_SLAVE,
    ("m", "xm"): Kind.HAND_OVER,
    ("m", "xy"): Kind.SPREAD,
    ("m", ""): Kind.DESTROY_ALONE,
    ("ms", "ms"): Kind.REDEPLOY_PAIR,
    ("ms", "sm"): Kind.SWAP,
    ("ms", "mx"): Kind.KEEP_MASTER,
    ("ms", "xs"): Kind.KEEP_SLAVE,
    ("ms", "xy"): Kind.MOVE_PAIR,
    ("ms", "xm"): Kind.DEMOTE,
    ("ms", "sx"): Kind.PROMOTE,
    ("ms", "m"): Kind.DROP_SLAVE,
    ("ms", "s"): Kind.PROMOTE_ALONE,
    ("ms", "x"): Kind.LEAVE_PAIR,
    ("ms", ""): Kind.DESTROY_PAIR,
}


@dataclass(frozen=True, order=True)
class Switch:
    """A placement before and one after; nowhere to nowhere is none."""

    before: Placement
    after: Placement

    def __post_init__(self) -> None:
        """Refuse the one pair that is no switch."""
        if self.before == self.after == NOWHERE:
            raise ValueError("from nowhere to nowhere is no switch")

    @property
    def kind(self) -> Kind:
        """The kind, found by writing both placements without the nodes' names."""
        letters = dict(zip(_nodes(self.before), "ms", strict=False))
        fresh = iter("xy")
        after = ""
        for node in _nodes(self.after):
            if node not in letters:
                letters[node] = next(fresh)
            after += letters[node]
        return _KINDS["ms"[: len(_nodes(self.before))], after]

    def __str__(self) -> str:
        """Print as ``core4/core2 => core1/core2``."""
        return f"{self.before} => {self.after}"


def _nodes(placement: Placement) -> list[str]:
    return [node for node in (placement.master, placement.slave) if node is not None]


def placements(nodes: Sequence[str]) -> list[Placement]:
    """List every placement on ``nodes``: 17 for four nodes, nowhere first."""
    alone = [Placement(node) for node in nodes]
    pairs = [Placement(*pair) for pair in itertools.permutations(nodes, 2)]
    return [NOWHERE, *alone, *pairs]


def short(place: Placement, nodes: Sequence[str]) -> str:
    """Write a placement without what all nodes' names begin with: ``core1/core2`` as ``1/2``."""
    shared = len(os.path.commonprefix(list(nodes)))  # noqa: RUF071 - names, not paths
    names = [name[shared:] or name for name in (place.master, place.slave) if name]
    return "/".join(names) or "-"


def switches(nodes: Sequence[str]) -> Iterator[Switch]:
    """Yield every switch between the placements on ``nodes``: 288 for four nodes."""
    for before, after in itertools.product(placements(nodes), repeat=2):
        if (before, after) != (NOWHERE, NOWHERE):
            yield Switch(before, after)
