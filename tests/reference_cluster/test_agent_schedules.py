"""Jobs of the volume plugin."""

from __future__ import annotations

import pytest
from switch_agent.placement import Role
from switch_agent.schedules import Job, difference, jobs_of

PURGE = "purge:1h:1d:1w:4w:1y"


def test_a_master_with_a_slave_replicates() -> None:
    assert jobs_of(Role.MASTER, ["p_a"], "10.0.0.2") == {
        Job("p_a", PURGE, 1440),
        Job("p_a", "replicate:10.0.0.2", 60),
    }


def test_a_master_alone_takes_snapshots() -> None:
    assert jobs_of(Role.MASTER, ["p_a"], None) == {
        Job("p_a", PURGE, 1440),
        Job("p_a", "snapshot", 60),
    }


def test_a_slave_purges() -> None:
    assert jobs_of(Role.SLAVE, ["p_a", "p_b"], "10.0.0.2") == {
        Job("p_a", PURGE, 1440),
        Job("p_b", PURGE, 1440),
    }


@pytest.mark.parametrize("slave", [None, "10.0.0.2"])
def test_a_node_without_a_role_has_no_job(slave: str | None) -> None:
    assert jobs_of(Role.NONE, ["p_a"], slave) == set()


def test_the_difference_drops_and_adds_what_it_must() -> None:
    kept = Job("p_a", PURGE, 1440)
    present = [kept, Job("p_a", "snapshot", 60), Job("p_gone", PURGE, 1440)]
    wanted = {kept, Job("p_a", "replicate:x", 60)}
    drop, add = difference(present, wanted, "p_")
    assert drop == [Job("p_a", "snapshot", 60), Job("p_gone", PURGE, 1440)]
    assert add == [Job("p_a", "replicate:x", 60)]


def test_other_applications_jobs_are_left_alone() -> None:
    assert difference([Job("pp_a", PURGE, 1440)], [], "p_") == ([], [])


def test_another_period_replaces_and_drops_nothing() -> None:
    drop, add = difference([Job("p_a", PURGE, 5)], [Job("p_a", PURGE, 1440)], "p_")
    assert (drop, add) == ([], [Job("p_a", PURGE, 1440)])
