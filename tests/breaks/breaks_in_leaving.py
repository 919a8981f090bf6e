"""Breaks of destroys, of masters without a slave, and of versions that follow one another."""

from __future__ import annotations

from breaking import Break

_DESTROY = "specs/destroy_specs.py:WhenAPairIsDestroyed"
_ALONE = "specs/deploy_specs.py:WhenAnApplicationIsDeployedAlone"
_MOVE_ALONE = "specs/move_specs.py:WhenAnApplicationAloneMoves"
_AGAIN = "specs/stay_specs.py:WhenAnApplicationAloneIsDeployedAgain"
_OTHER_VOLUMES = "specs/volume_specs.py:WhenAVolumeIsReplacedWhereThePairStays"

IN_LEAVING = (
    Break(
        name="destroy-ignored",
        how="no node does anything when an application is destroyed",
        spec=_DESTROY,
        sentences=(
            "should_leave_nothing_but_snapshots_on_any_node",
            "should_have_no_record",
            "should_have_no_service",
            "should_be_answered_over_http_as_a_domain_that_nobody_has",
            "should_be_refused_over_ssh",
        ),
        file="plan.py",
        old="        return _SWEEP if before == NOWHERE else _DESTROY[old]",
        new="        return Plan((), ())",
    ),
    Break(
        name="flag-left-at-the-end",
        how="the maintenance flag is up when an application is gone",
        spec=_DESTROY,
        sentences=("should_have_no_maintenance_flag",),
        file="steps/publish.py",
        old='    work.meeting.commit([Operation("delete", key) for key in keys])',
        new=(
            '    work.meeting.commit([Operation("delete", key) for key in keys])\n'
            '    work.tools.consul.put(work.application.maintenance_key, "")'
        ),
    ),
    Break(
        name="last-snapshot-left-out",
        how="a master that is destroyed takes no last snapshot",
        spec=_DESTROY,
        sentences=("should_keep_a_last_snapshot_of_each_volume_on_its_old_master",),
        file="steps/transfer.py",
        old="    work.snapshots = _snapshot(work, work.own_volumes())",
        new="    work.snapshots = {}",
    ),
    Break(
        name="alone-every-61-minutes",
        how="a master without a slave takes snapshots every 61 minutes instead of every 60",
        spec=_ALONE,
        sentences=("should_schedule_purge_and_snapshots_on_the_master",),
        file="schedules.py",
        old="_COPY_MINUTES = 60",
        new="_COPY_MINUTES = 61",
    ),
    Break(
        name="snapshots-removed-alone",
        how="a new master without a slave removes the snapshots it has restored",
        spec=_MOVE_ALONE,
        sentences=("should_hold_the_snapshots_that_the_switch_needed_on_the_master",),
        file="steps/transfer.py",
        old="        replaced = work.plugin.restore(name, volume)\n",
        new=(
            "        replaced = work.plugin.restore(name, volume)\n"
            '        path = "/VolumeDriver.Snapshot.List"\n'
            '        for each in work.plugin.endpoint.require("GET", path).json()["Snapshots"]:\n'
            '            if each.startswith(f"{volume}@"):\n'
            "                work.plugin.remove_snapshot(each)\n"
            "        replaced = None\n"
        ),
        nodes=("core1",),
    ),
    Break(
        name="previous-deploy-forgotten",
        how="the record names no deploy before, whatever there was",
        spec=_AGAIN,
        sentences=("should_name_the_deploy_before_this_one",),
        file="recording.py",
        old="work.record.deploy_id if work.record else None",
        new="None",
    ),
    Break(
        name="removed-volume-kept",
        how="the master keeps the volume that the new version no longer has",
        spec=_OTHER_VOLUMES,
        sentences=("should_have_removed_the_other_volume_from_every_node",),
        file="steps/running.py",
        old="    deployment.remove_volumes(engine, present - set(work.new.volumes))",
        new="    deployment.remove_volumes(engine, present - present)",
    ),
    Break(
        name="removed-volume-scheduled",
        how="no node drops the jobs of the volume that the new version no longer has",
        spec=_OTHER_VOLUMES,
        sentences=("should_schedule_the_volume_that_was_removed_nowhere",),
        file="schedules.py",
        old="    return sorted(drop), sorted(wanted - ours)",
        new="    return [], sorted(wanted - ours)",
    ),
    Break(
        name="added-volume-not-scheduled",
        how="the master schedules the volumes of the version before",
        spec=_OTHER_VOLUMES,
        sentences=("should_schedule_purge_and_copies_of_the_volume_that_was_added",),
        file="steps/publish.py",
        old="        volumes = work.new_volumes\n",
        new="        volumes = work.record.volumes if work.record else work.new_volumes\n",
    ),
    Break(
        name="added-volume-not-empty",
        how="the volume that the new version adds holds something already",
        spec=_OTHER_VOLUMES,
        sentences=("should_find_the_volume_that_was_added_empty",),
        file="steps/running.py",
        old="    work.tools.compose.start(work.checkout)\n",
        new=(
            "    work.tools.compose.start(work.checkout)\n"
            "    if work.record:\n"
            '        stale = ["sh", "-c", "echo stale > /srv/archive/stale"]\n'
            '        run(["docker", "exec", work.containers["app"], *stale], timeout=10)\n'
        ),
    ),
    Break(
        name="old-version-deployed-again",
        how="nodes go on with the version that they have, whatever was published since",
        spec=_OTHER_VOLUMES,
        sentences=(
            "should_create_the_volume_that_was_added_on_the_master",
            "should_have_removed_the_other_volume_from_every_node",
        ),
        file="steps/prepare.py",
        old="    checkout.fetch(work.application, work.checkout)\n",
        new=(
            "    if work.record and work.old_checkout.exists():\n"
            "        shutil.copytree(work.old_checkout, work.checkout)\n"
            "    else:\n"
            "        checkout.fetch(work.application, work.checkout)\n"
        ),
    ),
)
