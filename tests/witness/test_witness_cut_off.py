"""A witness whose own tunnel breaks: what that did is none of the application's outages."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from paper_ledger import PATIENCE, UNFINISHED, Stage, stores, watching

from cluster_tests.bench.sshd import Sshd
from cluster_tests.fronts.front import Front
from cluster_tests.way import Way
from cluster_tests.witness.attempts import Outcome, Route
from cluster_tests.witness.downtime import downtimes
from cluster_tests.witness.witness import Witness
from tunnels import TcpForward, Tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["paper_ledger_fixtures"]


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path) as sshd:
        yield sshd


def test_what_the_tunnel_cut_off_is_no_outage(stage: Stage, sshd: Sshd) -> None:
    reading, writing, go_on = threading.Event(), threading.Event(), threading.Event()

    def holds(handler: Any, record: dict[str, Any] | None) -> None:  # noqa: ANN401 - a handler
        (reading if record is None else writing).set()
        go_on.wait(PATIENCE)
        stores(handler, record)

    with Tunnel(sshd.target()) as tunnel:
        ports = {port: tunnel.forward(TcpForward(*stage.address_of(port))) for port in (80, 2201)}
        front = Front("core1", ports.__getitem__, PATIENCE, Way("core1", tunnel.broke_since))
        with Witness(replace(watching(stage, front), rate=20, linger=PATIENCE)) as witness:
            await_served(stage, 20)
            stage.say = holds
            assert reading.wait(PATIENCE)
            assert writing.wait(PATIENCE)
            sshd.stop()
            stage.say = stores
            go_on.set()
            sshd.start()
            await_served(stage, 20)
    attempts = [each for each in witness.statement.attempts if each.answer.reason != UNFINISHED]
    lost = [each for each in attempts if each.cut_off]
    assert {each.answer.outcome for each in lost} >= {Outcome.FAILED, Outcome.UNKNOWN}
    # However busy the machine is: nobody is to be late here.
    away = downtimes(attempts, patience=math.inf)
    assert {route: (each.seconds, each.over) for route, each in away.items()} == dict.fromkeys(
        Route, (0, True)
    )


def await_served(stage: Stage, number: int) -> None:
    for _ in range(number):
        assert stage.asked.acquire(timeout=PATIENCE)
