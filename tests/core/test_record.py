"""What a record alone tells of an application."""

from __future__ import annotations

from cluster_tests.expectation.record import footprint_of
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
