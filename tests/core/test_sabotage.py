"""What is broken for a spec: proved, counted and mended, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.cluster.sabotage import no_more_snapshots
from cluster_tests.errors import NodeError
from cluster_tests.nodes.engine_processes import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

INVENTORY: Any = SimpleNamespace(
    names=SimpleNamespace(consul="consul_1"), schedules=SimpleNamespace(transfer_port=1122)
)


@dataclass
class PaperEngine:
    """Keeps the scripts that are run on the node; the one numbered ``fails`` fails."""

    fails: int = 0
    node: str = "core3"
    scripts: list[str] = field(default_factory=list)

    def image_of(self, _container: str) -> str:
        return "forge:5000/consul"

    def run_once(self, container: str, command: Sequence[str]) -> Output:
        assert container == "consul_1"
        assert "forge:5000/consul" in command
        self.scripts.append(command[-1])
        if len(self.scripts) == self.fails:
            return Output(1, "", "iptables: no such rule")
        return Output(0, "7\n" if "--delete" in command[-1] else "2026-01-01T00:00:00\n", "")


def rules_of(script: str, action: str) -> list[str]:
    return [line.split()[-1] for line in script.splitlines() if f"iptables --{action}" in line]


def test_all_that_was_inserted_is_deleted_and_what_was_refused_is_counted() -> None:
    engine: Any = PaperEngine()
    with no_more_snapshots(engine, INVENTORY, after=2) as refusals:
        assert len(engine.scripts) == 1
    begin, end = engine.scripts
    assert sorted(rules_of(begin, "insert")) == sorted(rules_of(end, "delete"))
    assert "--dport 1122" in begin
    assert "--limit-burst 2" in begin
    assert "until=2026-01-01T00:00:00" in end
    assert refusals.count == 7


def test_it_is_mended_when_the_spec_fails() -> None:
    engine: Any = PaperEngine()
    with pytest.raises(ZeroDivisionError), no_more_snapshots(engine, INVENTORY, after=2):
        raise ZeroDivisionError
    assert "--delete" in engine.scripts[-1]


@pytest.mark.parametrize("fails", [1, 2])
def test_what_cannot_be_set_up_or_mended_is_told_with_the_node(fails: int) -> None:
    engine: Any = PaperEngine(fails)
    with (
        pytest.raises(NodeError, match=r"core3: .*no such rule") as caught,
        no_more_snapshots(engine, INVENTORY, after=2),
    ):
        assert fails > 1
    assert "iptables --list" in caught.value.remedy
