"""How long an application may be away while it is switched, by the kind of switch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cluster_tests.model import Kind

# Seconds that an application may be away in a switch of a kind: some ten times what the lab was
# seen to take with little else to do. Deploys from nowhere and destroys have none.
_STAYS, _MOVES = 20.0, 30.0
_KEEPING_THE_MASTER = frozenset({
    Kind.REDEPLOY_ALONE, Kind.REDEPLOY_PAIR, Kind.GAIN_SLAVE, Kind.KEEP_MASTER, Kind.DROP_SLAVE,
})  # fmt: skip
_BUDGETS: Mapping[Kind, float] = {
    kind: _STAYS if kind in _KEEPING_THE_MASTER else _MOVES
    for kind in Kind
    if not kind.startswith(("deploy-", "destroy-"))
}


def read_budgets(value: object) -> Mapping[Kind, float]:
    """Read ``{kind: seconds}``; kinds that are not named keep their defaults.

    Raises ``ValueError`` for what is no such mapping, or no kind with an outage.
    """
    if not isinstance(value, Mapping):
        raise ValueError("expected kinds of switches, each with seconds")  # noqa: TRY004 - pydantic collects ValueError alone
    wrong = [
        f"{kind}: {seconds!r}"
        for kind, seconds in value.items()
        if kind not in _BUDGETS
        or isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not seconds > 0
    ]
    if wrong:
        known = ", ".join(_BUDGETS)
        raise ValueError(f"expected seconds for kinds of switches ({known}), not {wrong[0]}")
    return MappingProxyType({**_BUDGETS, **{Kind(kind): float(s) for kind, s in value.items()}})
