"""Breaks one thing on one node for a while, proves that it is broken, and mends it exactly.

The only thing here so far: a node that takes no more snapshots from others. Snapshots come over SSH
to the port of the volume plugin (Buttervolume, ``SSH_PORT``), a connection for each.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster_tests.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster_tests.inventory.entries import Inventory
    from cluster_tests.nodes.node import Engine

# In the node's own name spaces, with the node's own tools; the infrastructure's image will do.
_ON_THE_NODE = (
    *("docker", "run", "--rm", "--network=host", "--cap-add=NET_ADMIN", "--volume=/:/host"),
    *("--entrypoint=chroot", "{image}", "/host", "sh", "-euc"),
)
# iptables(8), iptables-extensions(8): the first connections pass, as "limit" lets a burst pass;
# nothing of it works any more after some minutes, should nobody come to remove it.
_RULES = """
new="--protocol tcp --dport {port} --syn --match comment --comment cluster-tests"
refuse="$new --match time --datestop $until --jump REJECT --reject-with tcp-reset"
passing="$new --match limit --limit 1/day --limit-burst {passing} --jump ACCEPT"
"""
_BEGIN = """
until=$(date --utc --date '+10 minutes' +%Y-%m-%dT%H:%M:%S)
{rules}
iptables --insert INPUT $refuse
iptables --insert INPUT $passing
iptables --check INPUT $refuse
echo $until
"""
_END = """
until={until}
{rules}
counted=$(iptables --list INPUT --numeric --exact --verbose | grep REJECT.*cluster-tests)
iptables --delete INPUT $passing
iptables --delete INPUT $refuse
! iptables --list INPUT --numeric | grep --quiet cluster-tests
set -- $counted
echo $1
"""


@dataclass
class Refusals:
    """What was refused: ``count`` connections, known once it is mended."""

    count: int = 0


@contextlib.contextmanager
def no_more_snapshots(engine: Engine, inventory: Inventory, *, after: int) -> Iterator[Refusals]:
    """Let a node take ``after`` more snapshots, and refuse all further ones until the end.

    Raises ``NodeError`` when that cannot be set up, or cannot be undone.
    """
    names = inventory.names
    rules = _RULES.format(port=inventory.schedules.transfer_port, passing=after)
    refusals = Refusals()
    until = _run(engine, names.consul, _BEGIN.format(rules=rules))
    try:
        yield refusals
    finally:
        refusals.count = int(_run(engine, names.consul, _END.format(rules=rules, until=until)))


def _run(engine: Engine, container: str, script: str) -> str:
    image = engine.image_of(container)
    command = [word.format(image=image) for word in _ON_THE_NODE]
    done = engine.run_once(container, [*command, script])
    if done.exit_code != 0:
        raise NodeError(
            engine.node,
            f"refusing snapshots: exit code {done.exit_code}: {done.stderr.strip()}",
            remedy=f"on {engine.node}: iptables --list INPUT, and delete what cluster-tests left",
        )
    return done.stdout.strip()
