"""How sentences compare, and what they say when something differs: node, expected, found."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import fields
from typing import TYPE_CHECKING

from cluster_tests.model import NodeView
from cluster_tests.nodes.volumes import volume_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from cluster_tests.model import Observation, Placement


def assert_same(
    subject: str, expected: Observation, observed: Observation, *, on: Collection[str]
) -> None:
    """Assert that ``subject``, a field of ``NodeView``, is as expected on the nodes ``on``."""
    assert_each_same(
        subject.replace("_", " "),
        {node: getattr(expected.nodes[node], subject) for node in on},
        {node: getattr(observed.nodes[node], subject) for node in on},
    )


def assert_each_same(
    subject: str, expected: Mapping[str, object], found: Mapping[str, object]
) -> None:
    """Assert that ``found`` is ``expected`` at every place, of which there is one at least."""
    assert expected, f"{subject}: there is no node to compare"  # or the loop would prove nothing
    assert expected.keys() == found.keys(), mismatch("nodes", subject, set(expected), set(found))
    differing = [
        mismatch(place, subject, expected[place], found[place])
        for place in expected
        if expected[place] != found[place]
    ]
    assert not differing, "\n".join(differing)


def mismatch(place: str, subject: str, expected: object, found: object) -> str:
    """Write one difference; of sets only what differs, since what agrees would hide it."""
    if not (isinstance(expected, AbstractSet) and isinstance(found, AbstractSet)):
        return f"{place}: {subject}\n  expected: {expected!r}\n  found:    {found!r}"
    lines = [f"  expected, not found: {item}" for item in sorted(map(str, expected - found))]
    lines += [f"  found, not expected: {item}" for item in sorted(map(str, found - expected))]
    return "\n".join([f"{place}: {subject} ({len(expected & found)} as expected)", *lines])


def master_of(placement: Placement) -> tuple[str]:
    """Return the master, for sentences that make no sense without one."""
    assert placement.master is not None, f"{placement} has no master: not this behaviour's case"
    return (placement.master,)


def slave_of(placement: Placement) -> tuple[str]:
    """Return the slave, for sentences that make no sense without one."""
    assert placement.slave is not None, f"{placement} has no slave: not this behaviour's case"
    return (placement.slave,)


def without_role(placement: Placement, nodes: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes that are neither master nor slave."""
    return tuple(node for node in nodes if node not in (placement.master, placement.slave))


def assert_nothing_changed(whose: str, before: Observation, now: Observation) -> None:
    """Assert that two whole observations agree, but for which snapshots there are of a volume.

    The volume plugin takes and purges them by its own clock, and a switch that fails late has
    taken some: the contract lets them stay. None may be gone without another in its place.
    """
    for field in fields(NodeView):
        if field.name != "snapshots":
            assert_same(field.name, before, now, on=before.nodes)
    lost = {node: _volumes(view) - _volumes(now.nodes[node]) for node, view in before.nodes.items()}
    assert_each_same(
        f"{whose}: volumes without a snapshot now", dict.fromkeys(before.nodes, frozenset()), lost
    )
    for name in ("record", "maintenance", "registrations"):
        expected, found = getattr(before, name), getattr(now, name)
        assert found == expected, mismatch("consul", f"{whose}: {name}", expected, found)


def _volumes(view: NodeView) -> frozenset[str]:
    return frozenset(volume_of(snapshot) for snapshot in view.snapshots)
