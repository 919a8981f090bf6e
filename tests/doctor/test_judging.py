"""What must be true of what was read: each judgement seen to hold, and seen to fail."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from cluster_tests.doctor import judging
from cluster_tests.errors import HarnessError
from cluster_tests.foundation.facts import LEAST_FREE_BYTES, Inside, Room
from cluster_tests.inventory.entries import Names
from cluster_tests.inventory.secrets import without_secrets
from cluster_tests.timeline.clocks import Offset

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster_tests.inventory.entries import Inventory

ADDRESSES = {"core1": "10.0.0.1", "core2": "two.example"}
INVENTORY = cast(
    "Inventory",
    SimpleNamespace(
        node_names=tuple(ADDRESSES), nodes=ADDRESSES, address_of=ADDRESSES.get, names=Names()
    ),
)
INSIDE = Inside(
    hostname="core1",
    versions={},
    leader="10.0.0.1:8300",
    alive=frozenset({"core1", "core2", "guest"}),
    addresses={"core1": "10.0.0.1", "core2": "10.0.0.2", "guest": "10.0.0.9"},
    resolved={"10.0.0.1": frozenset({"10.0.0.1"}), "two.example": frozenset({"10.0.0.2"})},
)
NAMES = Names()
BOTH = frozenset({NAMES.haproxy, NAMES.caddy})
FULL = Room(LEAST_FREE_BYTES - 1, 1.0)
FREE = Room(2_000_000_000, 1.0)


def test_what_is_right_holds() -> None:
    assert judging.judged_network("core1", NAMES, BOTH) == ""
    assert judging.judged_plugin("core1", "driver", enabled=True) == ""
    assert judging.judged_name("core1", INSIDE) == ""
    assert judging.judged_members(INVENTORY, INSIDE) == ""
    assert judging.judged_addresses(INVENTORY, INSIDE) == ""
    assert judging.judged_rooms("core1", {"btrfs": FREE}) == "btrfs 2.0 GB"
    close = {"core1": Offset(-0.1, 0.1), "core2": Offset(0.2, 0.3)}
    assert judging.judged_clocks(close) == "at most 0.400 s apart"
    assert judging.judged_leaders({"core1": "a", "core2": "a"}) == "a"


@pytest.mark.parametrize(
    ("judge", "told", "remedy"),
    [
        (
            lambda: judging.judged_network("core1", NAMES, None),
            "there is no network cluster_default",
            "docker network create cluster_default",
        ),
        (
            lambda: judging.judged_network("core1", NAMES, BOTH - {NAMES.caddy}),
            "not in cluster_default: cluster_caddy_1",
            "docker network connect cluster_default cluster_caddy_1",
        ),
        (
            lambda: judging.judged_plugin("core1", "driver", enabled=False),
            "driver is disabled",
            "on core1: docker plugin enable driver",
        ),
        (
            lambda: judging.judged_name("core2", INSIDE),
            "it calls itself core1",
            "hostnamectl hostname core2",
        ),
        (
            lambda: judging.judged_members(
                INVENTORY, replace(INSIDE, alive=frozenset({"core1", "guest"}))
            ),
            "does not see alive: core2",
            "consul members",
        ),
        (
            lambda: judging.judged_addresses(
                INVENTORY, replace(INSIDE, addresses={"core1": "10.0.0.7", "core2": "10.0.0.2"})
            ),
            "core1 has 10.0.0.7 and not 10.0.0.1",
            "correct 'address'",
        ),
        (
            lambda: judging.judged_addresses(
                INVENTORY, replace(INSIDE, resolved={**INSIDE.resolved, "two.example": frozenset()})
            ),
            "core2 has 10.0.0.2 and not two.example",
            "correct 'address'",
        ),
        (
            lambda: judging.judged_rooms("core1", {"btrfs": FREE, "deploy": FULL}),
            "too little is free: deploy 0.5 GB",
            "df -h",
        ),
        (
            lambda: judging.judged_rooms("core1", {"engine": replace(FREE, inodes=0.04)}),
            "4% of inodes",
            "df -i",
        ),
        (lambda: judging.judged_rooms("core1", {}), "no file system", ""),
        (
            lambda: judging.judged_clocks({"a": Offset(-0.5, -0.4), "b": Offset(0.4, 0.5)}),
            "up to 1.000 s apart",
            "timedatectl",
        ),
        (
            lambda: judging.judged_leaders({"core1": "a", "core2": "b"}),
            "core1 follows a, core2 follows b",
            "consul join",
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_mends_it(
    judge: Callable[[], Any], told: str, remedy: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        judge()
    assert told in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at http://forge/git:", "at http://forge/git:"),
        ("ssh://git@forge:22/srv", "ssh://git@forge:22/srv"),
        ("ssh://git:sesame@forge/srv", "ssh://git:***@forge/srv"),
        ("see 'https://user:sesame@forge/x'", "see 'https://***@forge/x'"),
        ("https://ghp_sesame@forge/x and http://a:b@c", "https://***@forge/x and http://***@c"),
    ],
)
def test_credentials_in_urls_are_hidden(text: str, told: str) -> None:
    assert without_secrets(text) == told
