"""What the oracle expects, on every node, for every one of the 288 switches."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cluster_tests.expectation.oracle import Expectation
from cluster_tests.expectation.question import History
from cluster_tests.model import (
    NOWHERE,
    Application,
    ComposeService,
    FrontDefinition,
    NodeView,
    Placement,
    Role,
    Route,
    Schedule,
    ServiceDefinition,
    Site,
    SiteDefinition,
    Switch,
    VolumeDefinition,
    switches,
)

if TYPE_CHECKING:
    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["core_fixtures"]

NODES = ("core1", "core2", "core3", "core4")
BTRFS = "anybox/buttervolume:latest"
APPLICATION = Application("http://forge/git/ledger.git", "one")
PREFIX = APPLICATION.volume_prefix
DEFINITION = ServiceDefinition(
    services=(ComposeService("app", "forge:5000/app:1"), ComposeService("files", "")),
    volumes=(
        VolumeDefinition("cache"),
        VolumeDefinition("db", BTRFS),
        VolumeDefinition("docs", BTRFS),
    ),
    sites=(SiteDefinition("http://one.cluster.test", "one.cluster.test", "app", 8000),),
    fronts=(FrontDefinition("files-one", "tcp", ("*:2200",), "", "files", "files", 22, 2200),),
    check_urls=("http://one.cluster.test/health",),
)
OLD = replace(DEFINITION, volumes=(VolumeDefinition("db", BTRFS), VolumeDefinition("gone", BTRFS)))
NAMES = {"app": "x-app-1", "files": "x-files-1"}
ALL = list(switches(NODES))


def expectation(inventory: Inventory, switch: Switch) -> Expectation:
    before = switch.before != NOWHERE
    history = History(
        event_id="new",
        before=switch.before,
        old=OLD if before else None,
        previous_deploy_id="old" if before else None,
    )
    return Expectation(APPLICATION, DEFINITION, switch.after, history, inventory)


def test_there_are_288_switches_and_every_role_change_occurs_as_often_as_it_must() -> None:
    assert len(ALL) == 288
    counted = Counter(
        (switch.before.role_of(node), switch.after.role_of(node))
        for switch in ALL
        for node in NODES
    )
    # In 4 x 4 = 16 of the 17 x 17 pairs a node is master before and master after, and so on; as
    # master it is in 1 + 3 placements, as slave in 3, without a role in 10; nowhere twice is none.
    times = {Role.MASTER: 4, Role.SLAVE: 3, Role.NONE: 10}
    assert counted == {
        (old, new): 4 * (times[old] * times[new] - (old is new is Role.NONE))
        for old in Role
        for new in Role
    }


def test_every_node_of_every_switch_looks_as_its_role_says(inventory: Inventory) -> None:
    looked = Counter[Role]()
    for switch in ALL:
        seen = expectation(inventory, switch).observation(NAMES)
        assert tuple(seen.nodes) == NODES
        for node, view in seen.nodes.items():
            role = switch.after.role_of(node)
            _CHECKS[role](view, switch.after, node)
            looked[role] += 1
    assert looked == {Role.MASTER: 17 * 16, Role.SLAVE: 17 * 12, Role.NONE: 288 * 4 - 17 * 28}


def _master(view: NodeView, after: Placement, node: str) -> None:
    assert {(c.service, c.name, c.state, c.image) for c in view.containers} == {
        ("app", "x-app-1", "running", "forge:5000/app:1"),
        ("files", "x-files-1", "running", ""),
    }
    assert {(v.name, v.driver) for v in view.volumes} == {
        (f"{PREFIX}cache", "local"),
        (f"{PREFIX}db", BTRFS),
        (f"{PREFIX}docs", BTRFS),
    }
    assert view.btrfs_volumes == {f"{PREFIX}db", f"{PREFIX}docs"}
    assert view.checkouts == {f"{APPLICATION.name}-new"}
    copies = f"replicate:10.0.0.{after.slave[-1]}" if after.slave else "snapshot"
    assert view.schedules == {
        Schedule(f"{PREFIX}{volume}", action, minutes)
        for volume in ("db", "docs")
        for action, minutes in (("purge:1h:1d:1w:4w:1y", 1440), (copies, 60))
    }
    assert view.sites == {Site("one.cluster.test", "x-app-1:8000")}
    assert view.routes == _routes("cluster_caddy_1", "x-files-1:22")
    assert node == after.master


def _slave(view: NodeView, after: Placement, node: str) -> None:
    assert view.schedules == {
        Schedule(f"{PREFIX}{volume}", "purge:1h:1d:1w:4w:1y", 1440) for volume in ("db", "docs")
    }
    assert view.checkouts == {f"{APPLICATION.name}-new"}
    assert not (view.containers)
    assert not (view.volumes)
    assert not (view.btrfs_volumes)
    assert not (view.sites)
    assert view.routes == _remote_routes(after)
    assert node == after.slave


def _none(view: NodeView, after: Placement, node: str) -> None:
    assert replace(view, routes=frozenset(), snapshots=frozenset()) == NodeView()
    assert view.routes == (_remote_routes(after) if after.master else frozenset())
    assert node not in (after.master, after.slave)


_CHECKS = {Role.MASTER: _master, Role.SLAVE: _slave, Role.NONE: _none}


def _remote_routes(after: Placement) -> frozenset[Route]:
    assert after.master
    address = f"10.0.0.{after.master[-1]}"
    return _routes(address, f"{address}:2200")


def _routes(caddy: str, files: str) -> frozenset[Route]:
    return frozenset(
        {
            Route("", "http", ("80",), "one.cluster.test", f"{caddy}:80"),
            Route("", "tcp", ("443",), "one.cluster.test", f"{caddy}:443"),
            Route("", "tcp", ("2200",), "", files),
        }
    )


def test_snapshots_are_where_every_switch_must_have_left_them(inventory: Inventory) -> None:
    counted = Counter[tuple[str, ...]]()
    for switch in ALL:
        seen = expectation(inventory, switch).observation(NAMES)
        for node, view in seen.nodes.items():
            held = tuple(sorted(name.removeprefix(PREFIX) for name in view.snapshots))
            counted[held] += 1
            if node == switch.before.master:
                assert held == ("db", "gone"), (switch, node)
            elif node == switch.after.master and switch.before.master:
                assert held == ("db",), (switch, node)
            else:
                assert held == (), (switch, node)
    # 16 placements have a master before, 17 come after; in 16 x 12 the new master is another.
    assert counted["db", "gone"] == 16 * 17
    assert counted[("db",)] == 16 * 12


def test_consul_shows_what_every_switch_says(inventory: Inventory) -> None:
    destroyed = 0
    for switch in ALL:
        seen = expectation(inventory, switch).observation(NAMES)
        assert not seen.maintenance
        if switch.after == NOWHERE:
            assert seen.record is None
            assert not seen.registrations
            destroyed += 1
            continue
        assert seen.record
        master = switch.after.master or ""
        assert seen.record["master"] == master
        assert seen.record["slave"] == switch.after.slave
        assert seen.record["ip"] == f"10.0.0.{master[-1]}"
        assert seen.record["deploy_id"] == "new"
        assert seen.record["previous_deploy_id"] == ("old" if switch.before.master else None)
        assert seen.record["repo_url"] == "http://forge/git/ledger"
        assert seen.record["volumes"] == [f"{PREFIX}db", f"{PREFIX}docs"]
        assert seen.record["ct"] == NAMES
        (registration,) = seen.registrations
        assert registration.node == master
        assert [check.status for check in registration.checks] == ["passing"]
    assert destroyed == 16


def test_the_footprint_covers_the_old_version_too(inventory: Inventory) -> None:
    old = ServiceDefinition(
        services=(ComposeService("app", "x"),),
        sites=(SiteDefinition("old.cluster.test", "old.cluster.test", "app", 80),),
        fronts=(
            FrontDefinition("f", "tcp", ("0.0.0.0:2201 ssl crt x",), "", "b", "app", 22, 2201),
            FrontDefinition("http-in", "http", (), "API.cluster.test", "b", "app", 80, 8080),
        ),
    )
    history = History("new", Placement("core1"), old)
    footprint = Expectation(
        APPLICATION, DEFINITION, Placement("core1"), history, inventory
    ).footprint
    assert footprint.domains == {"one.cluster.test", "old.cluster.test", "api.cluster.test"}
    assert footprint.ports == {"2200", "2201"}


@pytest.mark.parametrize(
    ("front", "mode", "bind", "match"),
    [("http-in", "http", ("80",), "api.cluster.test"), ("https-in", "tcp", ("443",), "x.y")],
)
def test_a_shared_front_listens_where_the_inventory_says(
    inventory: Inventory, front: str, mode: str, bind: tuple[str, ...], match: str
) -> None:
    definition = ServiceDefinition(
        services=(ComposeService("app", "x"),),
        fronts=(FrontDefinition(front, mode, (), match, "b", "app", 80, 8080),),
    )
    expected = Expectation(
        APPLICATION, definition, Placement("core2"), History("new"), inventory
    ).observation({"app": "x-app-1"})
    assert expected.nodes["core2"].routes == {Route("", mode, bind, match, "x-app-1:80")}
    assert expected.nodes["core1"].routes == {Route("", mode, bind, match, "10.0.0.2:8080")}


def test_an_unknown_container_prints_as_what_it_stands_for(inventory: Inventory) -> None:
    expected = expectation(inventory, Switch(NOWHERE, Placement("core1"))).observation()
    assert expected.nodes["core1"].sites == {Site("one.cluster.test", "<container of app>:8000")}
