"""What the volume plugin says, as values."""

from __future__ import annotations

import pytest

from cluster_tests.errors import NodeError
from cluster_tests.model import Schedule
from cluster_tests.nodes.volumes import read_schedules

JOB = {"Name": "one_db", "Action": "purge:2h", "Timer": "60", "Active": "True"}


def test_a_job_is_read() -> None:
    paused = {**JOB, "Active": "False"}
    assert read_schedules("core3", [JOB]) == {Schedule("one_db", "purge:2h", 60, active=True)}
    assert read_schedules("core3", [paused]) == {Schedule("one_db", "purge:2h", 60, active=False)}


@pytest.mark.parametrize("wrong", [{"Timer": "soon"}, {"Timer": None, "Active": None}])
def test_a_job_of_another_shape_is_told(wrong: dict[str, str]) -> None:
    with pytest.raises(NodeError, match="core3: the volume plugin lists a job of unknown shape"):
        read_schedules("core3", [{**JOB, **wrong}])
