"""Breaks of where an application is, of its replication, and of what Consul says of it."""

from __future__ import annotations

from breaking import DEPLOY_PAIR, KEEP_SLAVE, SWAP, Break, Damage

IN_PLACING = (
    # --- where the application is
    Break(
        name="containers-stopped",
        how="the master stops the containers again once everything is recorded",
        spec=DEPLOY_PAIR,
        sentences=("should_run_its_containers_on_the_master",),
        file="steps/running.py",
        old="    has_role = work.after.role_of",
        new=(
            "    if work.after.master == work.settings.node:\n"
            "        work.tools.compose.stop(work.application.project)\n"
            "    has_role = work.after.role_of"
        ),
    ),
    Break(
        name="local-volumes",
        how="the master creates all volumes with the local driver",
        spec=DEPLOY_PAIR,
        sentences=(
            "should_have_its_volumes_on_the_master_with_their_drivers",
            "should_have_its_btrfs_volumes_on_the_master",
        ),
        file="checkout.py",
        old='    _write_environment(application, directory / ".env")',
        new=(
            '    compose = directory / "docker-compose.yml"\n'
            "    text = compose.read_text()\n"
            '    compose.write_text(text.replace("anybox/buttervolume:latest", "local"))\n'
            '    _write_environment(application, directory / ".env")'
        ),
        nodes=("core1",),
    ),
    Break(
        name="old-checkouts-kept",
        how="nodes that have a role keep the checkouts of earlier deploys",
        spec=SWAP,
        sentences=(
            "should_have_the_checkout_of_this_deploy_alone_on_the_master",
            "should_have_the_checkout_of_this_deploy_alone_on_the_slave",
        ),
        file="checkout.py",
        old="        if application.is_checkout(name) and name != kept:",
        new="        if application.is_checkout(name) and kept is None:",
    ),
    Break(
        name="slave-without-checkout",
        how="the slave removes the checkout of this deploy, too",
        spec=DEPLOY_PAIR,
        sentences=("should_have_the_checkout_of_this_deploy_alone_on_the_slave",),
        file="steps/running.py",
        old="is not Role.NONE",
        new="is Role.MASTER",
        nodes=("core2",),
    ),
    Break(
        name="old-master-keeps-its-checkout",
        how="the old master keeps its checkout when it loses its role",
        spec=KEEP_SLAVE,
        sentences=("should_leave_nothing_on_nodes_without_a_role",),
        file="steps/running.py",
        old="    has_role = work.after.role_of",
        new=(
            "    if work.before.master == work.settings.node != work.after.master:\n"
            "        return\n"
            "    has_role = work.after.role_of"
        ),
        nodes=("core4",),
    ),
    Break(
        name="old-master-removes-nothing",
        how="the old master stops, but removes neither containers nor volumes",
        spec=SWAP,
        sentences=("should_run_nothing_on_the_slave", "should_have_no_volume_on_the_slave"),
        file="steps/running.py",
        old='    """Remove everything of the application that is no checkout."""',
        new="    if work.after.master:\n        return",
        nodes=("core3",),
    ),
    # --- replication
    Break(
        name="wrong-period",
        how="the master replicates every 61 minutes instead of every 60",
        spec=DEPLOY_PAIR,
        sentences=("should_schedule_purge_and_replication_on_the_master",),
        file="schedules.py",
        old="_COPY_MINUTES = 60",
        new="_COPY_MINUTES = 61",
    ),
    Break(
        name="jobs-never-dropped",
        how="no node drops the jobs of a role it no longer has",
        spec=SWAP,
        sentences=(
            "should_schedule_purge_alone_on_the_slave",
            "should_replicate_in_the_other_direction",
        ),
        file="schedules.py",
        old="    return sorted(drop), sorted(wanted - ours)",
        new="    return [], sorted(wanted - ours)",
    ),
    Break(
        name="snapshots-removed",
        how="the new master removes the snapshots it has restored",
        spec=KEEP_SLAVE,
        sentences=(
            "should_hold_the_snapshots_that_the_switch_needed",
            "should_have_brought_its_volumes_to_the_new_master_as_snapshots",
        ),
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
    Damage(
        name="slave-without-keys",
        how="core2 no longer knows the keys of the other nodes, so that no snapshot is let in",
        spec=DEPLOY_PAIR,
        sentences=("should_deliver_a_snapshot_taken_now_that_restores_to_the_same_content",),
        node="core2",
        script="mv /root/.ssh/authorized_keys /root/.ssh/authorized_keys.away",
        undo="mv /root/.ssh/authorized_keys.away /root/.ssh/authorized_keys",
    ),
    # --- what Consul says
    Break(
        name="wrong-address",
        how="the master writes an address into the record that is no node's",
        spec=DEPLOY_PAIR,
        sentences=(
            "should_have_a_record_of_this_deploy",
            "should_route_to_the_master_on_every_node",
        ),
        file="recording.py",
        old="ip=work.settings.address",
        new='ip="172.30.77.99"',
    ),
    Break(
        name="previous-deploy-invented",
        how="the record of a first deploy names itself as the deploy before",
        spec=DEPLOY_PAIR,
        sentences=(
            "should_know_of_no_deploy_before_this_one",
            "should_have_a_record_of_this_deploy",
        ),
        file="recording.py",
        old="if work.record else None",
        new="if work.record else work.event.id",
    ),
    Break(
        name="maintenance-kept",
        how="the new master leaves the maintenance flag raised",
        spec=SWAP,
        sentences=("should_have_left_maintenance",),
        file="steps/publish.py",
        old="    work.tools.consul.delete(work.application.maintenance_key)",
        new="    work.journal.info(work.application.maintenance_key)",
    ),
    Break(
        name="old-master-stays-registered",
        how="the old master leaves the service registered at its own Consul agent",
        spec=SWAP,
        sentences=("should_be_registered_on_its_master_alone",),
        file="steps/publish.py",
        old="    work.tools.consul.deregister(work.application.name)",
        new="    work.journal.info(work.application.name)",
        nodes=("core3",),
    ),
    Break(
        name="checks-ask-amiss",
        how="the service's health checks ask for a page that is not there",
        spec=DEPLOY_PAIR,
        sentences=("should_pass_its_health_checks",),
        file="checks.py",
        old='            "HTTP": url,',
        new='            "HTTP": f"{url}/nowhere",',
    ),
)
