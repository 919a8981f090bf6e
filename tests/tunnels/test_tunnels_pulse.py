"""When a connection counts as dead, and how long to wait before the next try: on made up clocks."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, cast

import pytest
from far_ends import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from tunnels import backoff, pulse
from tunnels.loop import Loop
from tunnels.pulse import Pulse
from tunnels.specs import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tunnels.transport import Transport


class Patient:
    """A server that answers as long as it lives, and the clock by which it does."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.heard = 1000.0
        self.alive = True
        self.loop_takes = True
        self.gone = False
        self.pings = 0

    def monotonic(self) -> float:
        return self.now

    def call(self, callback: Callable[[], None]) -> bool:
        if self.loop_takes:
            callback()
        return True

    def ping(self, answered: Callable[[], None]) -> None:
        self.pings += 1
        if self.gone:
            raise EOFError
        if self.alive:
            self.now += 0.01
            self.heard = self.now
            answered()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Patient:
    patient = Patient()
    monkeypatch.setattr(pulse, "time", patient)
    return patient


def taken(patient: Patient, interval: float = 3.0, count: int = 3) -> Pulse:
    return Pulse(cast("Transport", patient), cast("Loop", patient), interval, count)


def seconds_until_dead(patient: Patient, pulse: Pulse) -> float:
    begin = patient.now
    for _ in range(1000):
        wait = pulse.look()
        if wait is None:
            return patient.now - begin
        patient.now += wait
    pytest.fail("it never dies")


def test_who_answers_lives(patient: Patient) -> None:
    pulse = taken(patient)
    for _ in range(100):
        wait = pulse.look()
        assert wait == 3.0
        patient.now += wait
    assert patient.pings == 100
    assert pulse.round_trip == pytest.approx(0.01)


@given(st.floats(0.01, 2.9), st.integers(2, 5))
def test_who_falls_silent_is_dead_after_as_many_intervals(after: float, count: int) -> None:
    patient = Patient()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pulse, "time", patient)
        pulse_ = taken(patient, count=count)
        assert pulse_.look()
        died = patient.now = patient.now + after
        patient.alive = False
        patient.now += 3.0 - after
        seconds_until_dead(patient, pulse_)
        assert patient.now - died <= 3.0 * count + 0.1


def test_the_default_notices_in_less_than_ten_seconds(patient: Patient, tmp_path: Path) -> None:
    target = Target("host", 22, "user", tmp_path, tmp_path)
    pulse = taken(patient, target.alive_interval, target.alive_count)
    assert pulse.look()
    patient.alive = False
    patient.now += 3.0
    assert seconds_until_dead(patient, pulse) + 3.0 < 10


def test_one_interval_is_time_enough_to_answer(patient: Patient) -> None:
    pulse = taken(patient, count=1)
    for _ in range(10):
        wait = pulse.look()
        assert wait is not None
        patient.now += wait
    patient.alive = False
    assert 3.0 <= seconds_until_dead(patient, pulse) <= 6.1


def test_who_sends_anything_lives_though_the_question_hangs(patient: Patient) -> None:
    """A full connection holds the question back; what arrives tells that the server is there."""
    patient.loop_takes = False
    pulse = taken(patient)
    for _ in range(100):
        wait = pulse.look()
        assert wait is not None
        patient.now += wait
        patient.heard = patient.now - 0.5
    assert patient.pings == 0
    assert seconds_until_dead(patient, pulse) <= 9.0


def test_what_ends_while_it_is_asked_is_no_defect(patient: Patient) -> None:
    """It would be logged as one, by the loop: whoever watches sees that it has ended."""
    pulse = taken(patient)
    patient.gone = True
    assert pulse.look() == 3.0
    assert patient.pings == 1


def test_it_is_no_fault_of_the_servers_that_we_were_suspended(patient: Patient) -> None:
    pulse = taken(patient)
    assert pulse.look()
    patient.alive = False  # it would answer, but had no time to
    patient.now += 3600
    assert pulse.look() is not None
    patient.alive = True
    patient.now += 3
    patient.heard = patient.now
    assert pulse.look() is not None


def test_pauses_grow_to_their_limit_and_differ() -> None:
    rows = [list(itertools.islice(backoff.delays(), 40)) for _ in range(50)]
    for number in range(40):
        longest = min(backoff.FIRST * 2**number, backoff.LONGEST)
        column = [row[number] for row in rows]
        assert all(longest / 2 <= delay <= longest for delay in column)
        assert len(set(column)) > 40


def test_the_loop_calls_later_in_the_order_of_the_times() -> None:
    loop = Loop("test")
    loop.start()
    called: list[str] = []
    done = threading.Event()

    def end() -> None:
        called.append("second")
        done.set()

    def plan() -> None:
        loop.call_later(0.02, end)
        loop.call_later(0.01, lambda: called.append("first"))
        loop.call_later(60.0, lambda: called.append("never"))

    loop.call(plan)
    assert done.wait(PATIENCE)
    loop.stop(lambda: None)
    assert called == ["first", "second"]
