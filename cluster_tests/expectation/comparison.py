"""Compares what is observed with what is expected, and prints the difference by node.

What cannot be predicted is taken out of an observation in one place, ``comparable``:

- snapshots' names, because they hold the time they were taken: reduced to the volumes of which
  there must be one;
- the record's ``deploy_date``, the order of its lists and how it writes sites (``record``);
- images of services that the node builds, because compose names them;
- the status of a site that answers by itself, because the definition does not tell it, unless it
  is the maintenance page;
- checks beyond ``CONSUL_CHECK_URLS``, because the contract does not say what they ask: whatever
  they are, they must pass, and where there is something to ask there must be one;
- volumes off btrfs that the new version no longer declares, on a master that stays: the contract
  neither keeps nor removes them;
- containers' names, which the contract leaves to the cluster: whatever they are, record, routes
  and sites must use the same.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cluster_tests.expectation.oracle import ITSELF
from cluster_tests.expectation.record import comparable_record
from cluster_tests.model import Check, Container, NodeView, Observation, Registration, Site
from cluster_tests.nodes.volumes import volume_of
from cluster_tests.proxies.caddy import MAINTENANCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from cluster_tests.expectation.oracle import Expectation

PASSING = "passing"


@dataclass(frozen=True, order=True)
class Discrepancy:
    """One subject on one node (or in Consul) that is not as expected."""

    where: str
    subject: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        """Print as lines of a diff: ``-`` is missing, ``+`` unexpected."""
        lines = [f"    - {item}" for item in self.missing]
        lines += [f"    + {item}" for item in self.unexpected]
        return "\n".join([f"  {self.subject}:", *lines])


@dataclass(frozen=True)
class Difference:
    """All discrepancies; false when there is none."""

    discrepancies: tuple[Discrepancy, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.discrepancies)

    @property
    def places(self) -> tuple[str, ...]:
        """The nodes that differ, and ``consul`` if it does."""
        return tuple(dict.fromkeys(item.where for item in self.discrepancies))

    def __str__(self) -> str:
        """Print by node."""
        if not self:
            return "no difference"
        blocks = []
        for place in self.places:
            items = [str(item) for item in self.discrepancies if item.where == place]
            blocks.append("\n".join([f"{place}:   (- missing, + unexpected)", *items]))
        return "\n".join(blocks)


def difference(expectation: Expectation, observed: Observation) -> Difference:
    """Compare all that can be predicted."""
    expected = expectation.observation(container_names(expectation, observed))
    found = comparable(expectation, observed)
    return Difference(tuple(_discrepancies(expected, found)))


def difference_of_registrations(
    expectation: Expectation, observed: Iterable[Registration]
) -> Difference:
    """Compare what ``difference`` compares of Consul's services, and nothing else."""
    found = _comparable_registrations(expectation, observed)
    return Difference(tuple(_of_sets("consul", "registrations", expectation.registrations, found)))


def container_names(expectation: Expectation, observed: Observation) -> dict[str, str]:
    """Tell what the cluster calls the container of each service."""
    view = observed.nodes.get(expectation.placement.master or "", NodeView())
    return {container.service: container.name for container in sorted(view.containers)}


# --- what can be compared -------------------------------------------------------------------


def comparable(expectation: Expectation, observed: Observation) -> Observation:
    """Take out of ``observed`` what the module's list says."""
    nodes = {
        node: _comparable_view(expectation, node, observed.nodes[node]) for node in observed.nodes
    }
    return replace(
        observed,
        nodes=nodes,
        record=comparable_record(observed.record),
        registrations=_comparable_registrations(expectation, observed.registrations),
    )


def _comparable_view(expectation: Expectation, node: str, view: NodeView) -> NodeView:
    held = {volume_of(snapshot) for snapshot in view.snapshots}
    left = _volumes_left_behind(expectation, node)
    return replace(
        view,
        snapshots=expectation.snapshots_of(node) & held,
        containers=frozenset(_comparable_containers(expectation, view.containers)),
        volumes=frozenset(volume for volume in view.volumes if volume.name not in left),
        sites=frozenset(_comparable_sites(expectation, view.sites)),
    )


def _comparable_containers(
    expectation: Expectation, containers: Iterable[Container]
) -> Iterator[Container]:
    built = {service.name for service in expectation.definition.services if not service.image}
    for container in containers:
        yield replace(container, image="") if container.service in built else container


def _volumes_left_behind(expectation: Expectation, node: str) -> set[str]:
    history, driver = expectation.history, expectation.inventory.names.volume_driver
    if history.old is None or not node == history.before.master == expectation.placement.master:
        return set()
    now = {volume.name for volume in expectation.definition.volumes}
    old = {volume.name for volume in history.old.volumes_off(driver)}
    return {expectation.application.volume_prefix + name for name in old - now}


def _comparable_sites(expectation: Expectation, sites: Iterable[Site]) -> Iterator[Site]:
    own = {site.domain.lower() for site in expectation.definition.sites if site.port is None}
    for site in sites:
        answers_itself = site.upstream.startswith("status ") and site.upstream != MAINTENANCE
        yield replace(site, upstream=ITSELF) if site.domain in own and answers_itself else site


def _comparable_registrations(
    expectation: Expectation, observed: Iterable[Registration]
) -> frozenset[Registration]:
    return frozenset(_comparable_registration(expectation, item) for item in observed)


def _comparable_registration(expectation: Expectation, found: Registration) -> Registration:
    asked = set(expectation.definition.check_urls)
    checks = [check for check in found.checks if check.target in asked or check.status != PASSING]
    if expectation.definition.urls and not found.checks:
        checks = [Check("any", "absent")]
    return replace(found, checks=tuple(sorted(checks)))


# --- the difference -------------------------------------------------------------------------


def _discrepancies(expected: Observation, found: Observation) -> Iterator[Discrepancy]:
    for node in dict.fromkeys((*expected.nodes, *found.nodes)):
        yield from _of_node(node, expected.nodes.get(node), found.nodes.get(node))
    yield from _of_record(expected.record, found.record)
    if found.maintenance != expected.maintenance:
        yield _one("consul", "maintenance flag", expected.maintenance, found.maintenance)
    yield from _of_sets("consul", "registrations", expected.registrations, found.registrations)


def _of_node(node: str, expected: NodeView | None, found: NodeView | None) -> Iterator[Discrepancy]:
    if expected is None or found is None:
        yield _one(
            node, "node", "in the inventory" if expected else "", "observed" if found else ""
        )
        return
    for field in dataclasses.fields(NodeView):
        yield from _of_sets(
            node,
            field.name.replace("_", " "),
            getattr(expected, field.name),
            getattr(found, field.name),
        )


def _of_sets(
    where: str, subject: str, expected: Collection[Any], found: Collection[Any]
) -> Iterator[Discrepancy]:
    missing = tuple(str(item) for item in sorted(set(expected) - set(found)))
    unexpected = tuple(str(item) for item in sorted(set(found) - set(expected)))
    if missing or unexpected:
        yield Discrepancy(where, subject, missing, unexpected)


def _of_record(
    expected: Mapping[str, object] | None, found: Mapping[str, object] | None
) -> Iterator[Discrepancy]:
    if expected is None or found is None:
        if expected is not found:
            yield _one("consul", "record", expected and dict(expected), found and dict(found))
        return
    for field, value in expected.items():
        if found.get(field) != value:
            yield _one("consul", f"record, {field}", value, found.get(field))


def _one(where: str, subject: str, expected: object, found: object) -> Discrepancy:
    return Discrepancy(where, subject, (repr(expected),), (repr(found),))
