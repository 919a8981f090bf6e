"""What a record alone tells of an application."""

from __future__ import annotations

from typing import Any

import pytest

from cluster_tests.expectation.record import binds_of, footprint_of
from cluster_tests.model import Application, Footprint

RECORD = {
    "repo_url": "http://forge/git/shop",
    "branch": "main",
    "domains": ["Shop.test"],
    "haproxy": {
        "ssh": {"frontend": {"mode": "tcp", "bind": ["*:2201"]}, "backends": [{"port": 22}]},
        "one": {"frontend": {"mode": "tcp", "bind": "*:7,:8 ssl"}, "backends": []},
        "http-in": {
            "frontend": {},
            "backends": [{"use_backend_option": "if { hdr(host) -i Door.test }"}],
        },
    },
}


def test_a_record_tells_by_what_the_traces_are_found() -> None:
    assert footprint_of(RECORD) == Footprint(
        Application("http://forge/git/shop", "main"),
        frozenset({"shop.test", "door.test"}),
        frozenset({"2201", "7", "8"}),
    )


@pytest.mark.parametrize(
    ("record", "binds"),
    [
        (RECORD, {"2201", "7", "8"}),
        ({"haproxy": None}, set()),
        ({"haproxy": {"http-in": {"backends": []}}}, set()),
        ({}, set()),
    ],
)
def test_a_record_tells_what_addresses_it_claims(record: dict[str, Any], binds: set[str]) -> None:
    assert binds_of(record) == binds
