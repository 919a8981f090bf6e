"""No flag is missed, however brief: what each pair of answers counts as."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from cluster_tests.consul import flag_history
from cluster_tests.consul.flag_history import FlagHistory, FlagRecorder, Sighting
from cluster_tests.consul.store import ConsulStore
from cluster_tests.consul.watch import Answer
from cluster_tests.errors import HarnessError
from cluster_tests.waiting.waiter import Bell

KEY = "maintenance/ledger_main.0ca1d"
DOWN = Sighting(10, 0)


@pytest.mark.parametrize(
    ("sightings", "raised", "lowered", "merged"),
    [
        ([DOWN, DOWN], 0, 0, 0),
        ([DOWN, Sighting(11, 11)], 1, 0, 0),
        ([DOWN, Sighting(11, 11), Sighting(12, 0)], 1, 1, 0),
        # Its value was written again: the same flag.
        ([DOWN, Sighting(11, 11), Sighting(12, 11), Sighting(13, 0)], 1, 1, 0),
        # It was up and down between two answers: only the index tells.
        ([DOWN, Sighting(12, 0)], 1, 1, 1),
        # It was down and up between two answers: only its birth tells.
        ([DOWN, Sighting(11, 11), Sighting(13, 13), Sighting(14, 0)], 2, 2, 1),
        ([DOWN, Sighting(11, 11), Sighting(12, 0), Sighting(14, 0)], 2, 2, 1),
    ],
)
def test_each_change_is_counted(
    sightings: list[Sighting], raised: int, lowered: int, merged: int
) -> None:
    history = FlagHistory()
    for before, now in pairwise(sightings):
        history = history.after(before, now)
    assert (history.raised, history.lowered, history.merged) == (raised, lowered, merged)


@pytest.fixture
def recorder() -> FlagRecorder:
    return FlagRecorder(ConsulStore("127.0.0.1", 1, timeout=1), KEY, Bell())


def answer(index: int, *keys: tuple[str, int]) -> Answer:
    items = [{"Key": key, "CreateIndex": created, "Value": None} for key, created in keys]
    return Answer(index, json.dumps(items).encode() if items else b"")


def test_only_the_key_itself_is_the_flag(recorder: FlagRecorder) -> None:
    recorder.heard(answer(10, (f"{KEY}/recorder", 10)))
    assert not recorder.history.up
    recorder.heard(answer(11, (KEY, 11)))
    assert (recorder.history.raised, recorder.history.up) == (1, True)


def test_a_flag_that_is_up_already_was_not_raised_meanwhile(recorder: FlagRecorder) -> None:
    recorder.heard(answer(10, (KEY, 7)))
    recorder.heard(answer(12))
    assert (recorder.history.raised, recorder.history.lowered) == (0, 1)


def test_a_recorder_that_broke_has_no_history(recorder: FlagRecorder) -> None:
    recorder.broken = True
    with pytest.raises(HarnessError, match="gap"):
        _ = recorder.history


def test_what_was_not_heard_yet_is_waited_for(
    recorder: FlagRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flag_history, "_PATIENCE", 0.01)
    recorder.heard(answer(10))
    recorder.catch_up(10)
    with pytest.raises(HarnessError, match="did not reach index 11"):
        recorder.catch_up(11)
