"""Every single thing that can differ must show; what cannot be predicted must not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cluster_tests.expectation.comparison import Difference, difference
from cluster_tests.expectation.oracle import Expectation
from cluster_tests.expectation.question import History
from cluster_tests.model import (
    NOWHERE,
    Application,
    Check,
    ComposeService,
    Container,
    FrontDefinition,
    NodeView,
    Observation,
    Placement,
    Registration,
    Route,
    Schedule,
    ServiceDefinition,
    Site,
    SiteDefinition,
    Volume,
    VolumeDefinition,
)

if TYPE_CHECKING:
    from cluster_tests.inventory.entries import Inventory

pytest_plugins = ["core_fixtures"]

BTRFS = "anybox/buttervolume:latest"
APPLICATION = Application("http://forge/git/ledger", "one")
PREFIX = APPLICATION.volume_prefix
DEFINITION = ServiceDefinition(
    services=(ComposeService("app", "app:1"), ComposeService("files", "")),
    volumes=(VolumeDefinition("cache"), VolumeDefinition("db", BTRFS, (("keep", "yes"),))),
    sites=(
        SiteDefinition("http://one.cluster.test", "one.cluster.test", "app", 8000),
        SiteDefinition("http://www.one.cluster.test", "www.one.cluster.test", "app", None),
    ),
    fronts=(FrontDefinition("files-one", "tcp", ("*:2200",), "", "files", "files", 22, 2200),),
    check_urls=("http://one/health",),
)
RECORD: dict[str, Any] = {
    "repo_url": "http://forge/git/ledger",
    "branch": "one",
    "deploy_date": "2026-01-01T00:00:00",
    "deploy_id": "new",
    "previous_deploy_id": "old",
    "master": "core2",
    "slave": "core1",
    "ip": "10.0.0.2",
    "domains": ["www.one.cluster.test", "one.cluster.test"],
    "urls": ["http://one.cluster.test", "http://www.one.cluster.test"],
    "caddyfile": (
        "http://one.cluster.test {\n  reverse_proxy c-app:8000\n}\n"
        "http://www.one.cluster.test {\n  redir http://one.cluster.test\n}\n"
    ),
    "haproxy": {
        "files-one": {
            "frontend": {"mode": "tcp", "bind": ["*:2200"]},
            "backends": [{"name": "files", "port": 22, "peer_port": "2200", "ct": "c-files"}],
        }
    },
    "ct": {"app": "c-app", "files": "c-files"},
    "volumes": [f"{PREFIX}db"],
    "of_the_clusters_own": 1,
}


def routes(caddy: str, files: str) -> frozenset[Route]:
    domains = ("one.cluster.test", "www.one.cluster.test")
    return frozenset(
        {Route("http-in", "http", ("80",), domain, f"{caddy}:80") for domain in domains}
        | {Route("https-in", "tcp", ("443",), domain, f"{caddy}:443") for domain in domains}
        | {Route("files", "tcp", ("2200",), "", files)}
    )


PURGE = Schedule(f"{PREFIX}db", "purge:1h:1d:1w:4w:1y", 1440)
REMOTE = routes("10.0.0.2", "10.0.0.2:2200")
SETTLED = Observation(
    nodes={
        "core1": NodeView(
            schedules=frozenset({PURGE}),
            checkouts=frozenset({f"{APPLICATION.name}-new"}),
            snapshots=frozenset({f"{PREFIX}db@2026-01-01T00:00:00"}),
            routes=REMOTE,
        ),
        "core2": NodeView(
            containers=frozenset(
                {
                    Container("app", "c-app", "running", "app:1"),
                    Container("files", "c-files", "running", "whatever-compose-calls-it"),
                }
            ),
            volumes=frozenset(
                {
                    Volume(f"{PREFIX}cache", "local"),
                    Volume(f"{PREFIX}db", BTRFS, (("keep", "yes"),)),
                }
            ),
            btrfs_volumes=frozenset({f"{PREFIX}db"}),
            snapshots=frozenset({f"{PREFIX}db@2026-01-01T00:00:00@10.0.0.1"}),
            schedules=frozenset({PURGE, Schedule(f"{PREFIX}db", "replicate:10.0.0.1", 60)}),
            checkouts=frozenset({f"{APPLICATION.name}-new"}),
            routes=routes("cluster_caddy_1", "c-files:22"),
            sites=frozenset(
                {Site("one.cluster.test", "c-app:8000"), Site("www.one.cluster.test", "status 302")}
            ),
        ),
        "core3": NodeView(routes=REMOTE, snapshots=frozenset({f"{PREFIX}db@2020"})),
        "core4": NodeView(routes=REMOTE),
    },
    record=RECORD,
    registrations=frozenset(
        {
            Registration(
                "core2", (Check("http://one/health", "passing"), Check("http://one/", "passing"))
            )
        }
    ),
)


@pytest.fixture
def expectation(inventory: Inventory) -> Expectation:
    history = History("new", Placement("core1", "core2"), DEFINITION, "old")
    return Expectation(APPLICATION, DEFINITION, Placement("core2", "core1"), history, inventory)


def with_node(node: str, **changes: object) -> Observation:
    view = replace(SETTLED.nodes[node], **changes)  # type: ignore[arg-type]
    return replace(SETTLED, nodes={**SETTLED.nodes, node: view})


def with_record(**changes: object) -> Observation:
    return replace(SETTLED, record={**RECORD, **changes})


def test_a_settled_cluster_does_not_differ(expectation: Expectation) -> None:
    found = difference(expectation, SETTLED)
    assert not found
    assert str(found) == "no difference"


MASTER = SETTLED.nodes["core2"]


@pytest.mark.parametrize(
    "field",
    [
        "containers",
        "volumes",
        "btrfs_volumes",
        "snapshots",
        "schedules",
        "checkouts",
        "routes",
        "sites",
    ],
)
def test_whatever_the_master_lacks_shows(expectation: Expectation, field: str) -> None:
    whole = sorted(getattr(MASTER, field))
    assert whole
    for item in whole:
        found = difference(expectation, with_node("core2", **{field: frozenset(whole) - {item}}))
        assert "core2" in found.places, item
        subjects = {d.subject for d in found.discrepancies if d.where == "core2"}
        assert field.replace("_", " ") in subjects, item


@pytest.mark.parametrize("node", ["core1", "core3", "core4"])
@pytest.mark.parametrize(
    "left",
    [
        {"containers": {Container("app", "c", "exited", "app:1")}},
        {"volumes": {Volume(f"{PREFIX}cache", "local")}},
        {"btrfs_volumes": {f"{PREFIX}db"}},
        {"schedules": {PURGE, Schedule(f"{PREFIX}db", "snapshot", 60)}},
        {"checkouts": {f"{APPLICATION.name}-old", f"{APPLICATION.name}-new"}},
        {"sites": {Site("one.cluster.test", "c-app:8000")}},
        {"routes": REMOTE | {Route("old", "tcp", ("2201",), "", "10.0.0.2:2201")}},
    ],
    ids=lambda left: next(iter(left)),
)
def test_whatever_is_left_on_another_node_shows(
    expectation: Expectation, node: str, left: dict[str, set[object]]
) -> None:
    found = difference(expectation, with_node(node, **{k: frozenset(v) for k, v in left.items()}))
    assert found.places == (node,)
    assert [item.subject for item in found.discrepancies] == [
        field.replace("_", " ") for field in left
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("containers", {Container("app", "c-app", "restarting", "app:1")}),
        ("containers", {Container("app", "c-app", "running", "app:2")}),
        ("volumes", {Volume(f"{PREFIX}cache", BTRFS)}),
        ("volumes", {Volume(f"{PREFIX}db", BTRFS)}),
        ("schedules", {replace(PURGE, active=False)}),
        ("schedules", {replace(PURGE, minutes=60)}),
        ("sites", {Site("www.one.cluster.test", "status 503")}),
    ],
)
def test_a_value_that_is_almost_right_shows(
    expectation: Expectation, field: str, value: set[object]
) -> None:
    others = {item for item in getattr(MASTER, field) if item.__class__ is not None} - {
        item for item in getattr(MASTER, field) for new in value if _key(item) == _key(new)
    }
    assert len(others) == len(getattr(MASTER, field)) - 1
    found = difference(expectation, with_node("core2", **{field: frozenset(others | value)}))
    assert [(item.where, item.subject) for item in found.discrepancies] == [("core2", field)]


def _key(item: object) -> object:
    match item:
        case Container():
            return item.service
        case Volume():
            return item.name
        case Schedule():
            return item.volume, item.action
        case Site():
            return item.domain
    raise AssertionError(item)


@pytest.mark.parametrize(
    "change",
    [
        {"repo_url": "http://forge/git/ledger.git"},
        {"branch": "two"},
        {"deploy_id": "old"},
        {"previous_deploy_id": None},
        {"master": "core1"},
        {"slave": None},
        {"ip": "10.0.0.1"},
        {"domains": ["one.cluster.test"]},
        {"urls": []},
        {"volumes": ["db"]},
        {"volumes": None},
        {"caddyfile": ""},
        {"caddyfile": str(RECORD["caddyfile"]).replace("c-app", "$CONTAINER")},
        {"caddyfile": "not a site"},
        {"haproxy": {}},
        {"haproxy": None},
        {"haproxy": {"files-one": {"backends": [{"name": "f", "port": 22, "peer_port": 2200}]}}},
        {"ct": {"app": "c-app"}},
        {"ct": {"app": "c-app", "files": "another"}},
    ],
)
def test_each_field_of_the_record_is_compared(
    expectation: Expectation, change: dict[str, object]
) -> None:
    found = difference(expectation, with_record(**change))
    (field,) = change
    assert [(item.where, item.subject) for item in found.discrepancies] == [
        ("consul", f"record, {field}")
    ]


@pytest.mark.parametrize("none", ["", None])
def test_a_first_deploy_has_none_before_it(inventory: Inventory, none: str | None) -> None:
    after = Placement("core2", "core1")
    first = Expectation(APPLICATION, DEFINITION, after, History("new"), inventory)
    assert not difference(first, with_record(previous_deploy_id=none))
    assert difference(first, SETTLED).places == ("consul",)


def test_a_service_with_sites_must_be_checked_somehow(expectation: Expectation) -> None:
    plain = replace(expectation, definition=replace(DEFINITION, check_urls=()))
    assert not difference(plain, SETTLED)
    unchecked = frozenset({Registration("core2", ())})
    assert difference(plain, replace(SETTLED, registrations=unchecked))


def test_a_field_that_is_absent_shows(expectation: Expectation) -> None:
    record = {key: value for key, value in RECORD.items() if key != "slave"}
    found = difference(expectation, replace(SETTLED, record=record))
    assert "(absent)" in str(found)


@pytest.mark.parametrize(
    "change",
    [
        {"record": None},
        {"maintenance": True},
        {"registrations": frozenset()},
        {"registrations": SETTLED.registrations | {Registration("core1", ())}},
        {"registrations": frozenset({Registration("core2", ())})},
        {
            "registrations": frozenset(
                {Registration("core2", (Check("http://one/health", "critical"),))}
            )
        },
        {
            "registrations": frozenset(
                {
                    Registration(
                        "core2", (Check("http://one/health", "passing"), Check("x", "warning"))
                    )
                }
            )
        },
    ],
)
def test_what_consul_shows_is_compared(expectation: Expectation, change: dict[str, Any]) -> None:
    assert difference(expectation, replace(SETTLED, **change)).places == ("consul",)


def test_a_node_that_was_not_observed_shows(expectation: Expectation) -> None:
    nodes = {name: view for name, view in SETTLED.nodes.items() if name != "core4"}
    assert difference(expectation, replace(SETTLED, nodes=nodes)).places == ("core4",)


@pytest.mark.parametrize(
    "observed",
    [
        with_record(deploy_date="another"),
        with_record(of_the_clusters_own=2),
        with_node("core4", snapshots=frozenset({f"{PREFIX}db@2020"})),
        with_node("core2", snapshots=MASTER.snapshots | {f"{PREFIX}db@2021"}),
        with_node(
            "core2",
            sites={
                Site("one.cluster.test", "c-app:8000"),
                Site("www.one.cluster.test", "status 200"),
            },
        ),
    ],
)
def test_what_cannot_be_predicted_does_not_show(
    expectation: Expectation, observed: Observation
) -> None:
    assert not difference(expectation, observed)


def test_a_local_volume_that_was_dropped_may_stay_with_a_master_that_stays(
    inventory: Inventory,
) -> None:
    old = replace(DEFINITION, volumes=(*DEFINITION.volumes, VolumeDefinition("dropped")))
    left = with_node("core2", volumes=MASTER.volumes | {Volume(f"{PREFIX}dropped", "local")})
    after = Placement("core2", "core1")
    stays = History("new", Placement("core2", "core1"), old, "old")
    moved = History("new", Placement("core1", "core2"), old, "old")
    assert not difference(Expectation(APPLICATION, DEFINITION, after, stays, inventory), left)
    assert difference(Expectation(APPLICATION, DEFINITION, after, moved, inventory), left)


def test_after_a_destroy_nothing_but_snapshots_may_be_left(inventory: Inventory) -> None:
    history = History("gone", Placement("core2", "core1"), DEFINITION, "old")
    expectation = Expectation(APPLICATION, DEFINITION, NOWHERE, history, inventory)
    snapshots = {
        node: replace(NodeView(), snapshots=v.snapshots) for node, v in SETTLED.nodes.items()
    }
    assert not difference(expectation, Observation(snapshots))
    everything = difference(expectation, SETTLED)
    assert everything.places == ("core1", "core2", "core3", "core4", "consul")


def test_it_prints_as_a_diff_by_node(expectation: Expectation) -> None:
    found = difference(
        expectation, with_node("core1", schedules=frozenset(), checkouts=frozenset({"x"}))
    )
    assert str(found).splitlines() == [
        "core1:   (- missing, + unexpected)",
        "  schedules:",
        f"    - {PURGE}",
        "  checkouts:",
        f"    - {APPLICATION.name}-new",
        "    + x",
    ]
    assert not Difference()
