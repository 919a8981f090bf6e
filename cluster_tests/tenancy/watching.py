"""A switch that is watched: who writes meanwhile, and what is made of it afterwards."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cluster_tests.tenancy.served import Unavailable
from cluster_tests.tenancy.visit import record
from cluster_tests.witness.statement import judge_writes
from cluster_tests.witness.tracing import read_holdings, trace
from cluster_tests.witness.witness import RATE, Watched, Witness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cluster_tests.effort import Effort
    from cluster_tests.fronts.ledger import Ledger, Record
    from cluster_tests.model import Placement, Switch
    from cluster_tests.session.session import Session
    from cluster_tests.tenancy.served import Served
    from cluster_tests.tenancy.tenant import Tenant
    from cluster_tests.witness.statement import Statement, Writes
    from cluster_tests.witness.tracing import Trace

_VOLUME = "files"  # of the ledger: one file a record
# Seconds after a switch in which every way through every node should be served again.
_LINGER = 2.0


@dataclass(frozen=True)
class Earlier:
    """What was written before a switch: a record that is there, and the next one's number."""

    known: Record
    next_number: int


def witness_of(
    tenant: Tenant,
    ledgers: Mapping[str, Ledger],
    after: Placement,
    earlier: Earlier,
    rate: float = RATE,
) -> Witness:
    """Prepare to watch how a running ledger goes to ``after``; for ``rate`` see ``turns``."""
    ports = {str(ledger.port) for ledger in ledgers.values()}
    past_caddy = bool(tenant.footprint.ports & ports)
    comes_back = after.master is not None
    return Witness(
        Watched(
            ledgers,
            record,
            earlier.next_number,
            earlier.known,
            tenant.foresight(after),
            rate,
            ssh=past_caddy,
            linger=_LINGER if comes_back else 0.0,
        )
    )


@contextmanager
def watching(witness: Witness, effort: Effort) -> Iterator[None]:
    """Have ``witness`` look on during a block, and wait for the answers it still expects then.

    That wait is the cluster's time: it ends when all ways are served and nothing is under way.
    """
    with ExitStack() as stack:
        stack.enter_context(witness)
        yield
        with effort.cluster("answering"):
            stack.close()


def judged(
    statement: Statement,
    served: Mapping[str, Served],
    *,
    promised: Iterable[Record],
    possible: Iterable[Record],
) -> Writes | None:
    """Judge by what the first node shows whose fronts can be read; None where none can be."""
    for each in served.values():
        if not (isinstance(each.records, Unavailable) or isinstance(each.files, Unavailable)):
            return judge_writes(
                statement, promised=promised, possible=possible, rows=each.records, files=each.files
            )
    return None


def traced(session: Session, tenant: Tenant, switch: Switch, writes: Writes) -> tuple[Trace, ...]:
    """Tell where each lost record was: nothing is asked where none is lost."""
    lost = sorted({difference.name for difference in writes.lost}, key=int)
    if not lost:
        return ()
    volume = f"{tenant.application.volume_prefix}{_VOLUME}"
    masters = {node for node in (switch.before.master, switch.after.master) if node}
    holdings = session.side_by_side(
        {
            node: partial(
                read_holdings, session.cluster.nodes[node].engine, session.inventory, volume, lost
            )
            for node in masters
        }
    )
    return trace(switch, lost, holdings)
