"""The breaks: how the cluster is broken, and which sentences must then be red.

Each is a mutation of the switch agent inside its container, on the nodes where it matters: a text
that occurs once in a file of ``fixtures/cluster`` is replaced by another. What is not switched
must go on to work: where a class deploys in its given, the break strikes at its switch alone.
"""

from __future__ import annotations

from breaking import AGENT, ALL_NODES, Break
from case_breaks import CASE_BREAKS

__all__ = ["AGENT", "ALL_NODES", "BREAKS", "Break"]

DEPLOY_PAIR = "specs/deploy_specs.py:WhenAnApplicationIsDeployedOnAPair"
SWAP = "specs/exchange_specs.py:WhenMasterAndSlaveSwapTheirRoles"
REPLACED = "specs/volume_specs.py:WhenAVolumeIsReplacedWhereThePairStays"
DESTROYED = "specs/destroy_specs.py:WhenAPairIsDestroyed"
ALONE = "specs/deploy_specs.py:WhenAnApplicationIsDeployedAlone"
AGAIN = "specs/stay_specs.py:WhenAnApplicationAloneIsDeployedAgain"
KEEP_SLAVE = "specs/exchange_specs.py:WhenTheMasterMovesAndTheSlaveStays"

BREAKS = (
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
    # --- where requests go
    Break(
        name="route-to-nowhere",
        how="core3's HAProxy leads to a port where nobody listens",
        spec=DEPLOY_PAIR,
        sentences=("should_route_to_the_master_on_every_node",),
        file="templates/haproxy.cfg.j2",
        old="{{ backend.server }} {{ backend.address }}",
        new="{{ backend.server }} 127.0.0.1:9",
        nodes=("core3",),
    ),
    Break(
        name="haproxy-file-spoilt",
        how="core3's HAProxy gets a line into its file, after the reload, that it does not know",
        spec=DEPLOY_PAIR,
        sentences=("should_have_a_configuration_that_haproxy_accepts_on_every_node",),
        file="renderer.py",
        old="            reload_haproxy(self.settings.haproxy_socket)",
        new=(
            "            reload_haproxy(self.settings.haproxy_socket)\n"
            '            _replace(path, text + "    nonsense\\n")'
        ),
        nodes=("core3",),
        restart=True,
    ),
    Break(
        name="sites-everywhere",
        how="core3's Caddy carries the sites of all applications, whoever is the master",
        spec=DEPLOY_PAIR,
        sentences=("should_have_its_sites_in_the_caddy_of_the_master_alone",),
        file="rendering.py",
        old=" if record.master == settings.node]",
        new="]",
        nodes=("core3",),
        restart=True,
    ),
    # --- what is served
    Break(
        name="writes-refused",
        how="core2's HAProxy refuses every POST",
        spec=DEPLOY_PAIR,
        sentences=("should_accept_a_write_through_every_node",),
        file="templates/haproxy.cfg.j2",
        old="{% for front in fronts %}\n\nfrontend {{ front.name }}\n    mode {{ front.mode }}\n",
        new=(
            "{% for front in fronts %}\n\nfrontend {{ front.name }}\n    mode {{ front.mode }}\n"
            '{% if front.mode == "http" %}\n'
            "    http-request deny if METH_POST\n"
            "{% endif %}\n"
        ),
        nodes=("core2",),
    ),
    Break(
        name="reads-refused",
        how="core2's HAProxy refuses to show the list of records",
        spec=DEPLOY_PAIR,
        sentences=("should_show_all_records_over_http_through_every_node",),
        file="templates/haproxy.cfg.j2",
        old="{% for front in fronts %}\n\nfrontend {{ front.name }}\n    mode {{ front.mode }}\n",
        new=(
            "{% for front in fronts %}\n\nfrontend {{ front.name }}\n    mode {{ front.mode }}\n"
            '{% if front.mode == "http" %}\n'
            "    http-request deny if METH_GET { path /records }\n"
            "{% endif %}\n"
        ),
        nodes=("core2",),
    ),
    Break(
        name="ssh-refused",
        how="core2's HAProxy closes every connection that goes past Caddy",
        spec=DEPLOY_PAIR,
        sentences=("should_show_all_files_over_ssh_through_every_node",),
        file="templates/haproxy.cfg.j2",
        old="{% for front in fronts %}\n\nfrontend {{ front.name }}\n    mode {{ front.mode }}\n",
        new=(
            "{% for front in fronts %}\n\nfrontend {{ front.name }}\n    mode {{ front.mode }}\n"
            '{% if front.name.startswith("ssh-") %}\n'
            "    tcp-request connection reject\n"
            "{% endif %}\n"
        ),
        nodes=("core2",),
    ),
    # --- what is kept
    Break(
        name="database-not-restored",
        how="the new master starts with an empty database volume",
        spec=SWAP,
        sentences=(
            "should_have_every_record_from_before_the_switch",
            "should_show_all_records_over_http_through_every_node",
        ),
        file="steps/transfer.py",
        old="if item[0] in wanted])",
        new='if item[0] in wanted and not item[0].endswith("_db")])',
    ),
    Break(
        name="files-not-restored",
        how="the new master starts with an empty volume of files",
        spec=SWAP,
        sentences=(
            "should_have_every_file_from_before_the_switch",
            "should_show_all_files_over_ssh_through_every_node",
        ),
        file="steps/transfer.py",
        old="if item[0] in wanted])",
        new='if item[0] in wanted and not item[0].endswith("_files")])',
    ),
    Break(
        name="last-transfer-skipped",
        how="the old master sends nothing after its stop, only what it sent while it ran",
        spec=SWAP,
        sentences=(
            "should_have_every_record_from_before_the_switch",
            "should_have_every_file_from_before_the_switch",
        ),
        file="steps/transfer.py",
        old=(
            "    _send(work, work.old.volumes)\n\n\n"
            "def send_stopped(work: Work) -> None:\n"
            '    """Send what the new version wants; '
            'of anything else only keep a last snapshot."""\n'
            "    wanted = set(work.wanted)\n"
            "    sent = _send(work, [volume for volume in work.old.volumes if volume in wanted])\n"
        ),
        new=(
            "    work.snapshots = _send(work, work.old.volumes)\n\n\n"
            "def send_stopped(work: Work) -> None:\n"
            "    wanted = set(work.wanted)\n"
            "    sent = work.snapshots\n"
        ),
    ),
    Break(
        name="cache-not-empty",
        how="the new master's cache volume holds what an earlier time left there",
        spec=KEEP_SLAVE,
        sentences=("should_keep_the_cache_where_the_master_stays_and_lose_it_elsewhere",),
        file="steps/running.py",
        old="    work.tools.compose.start(work.checkout)\n",
        new=(
            "    work.tools.compose.start(work.checkout)\n"
            "    if work.record:\n"
            '        stale = ["sh", "-c", "echo stale > /srv/cache/content"]\n'
            '        command = ["docker", "exec", work.containers["app"], *stale]\n'
            "        run(command, timeout=10)\n"
        ),
    ),
    # --- volumes that come and go, destroys, masters alone
    Break(
        name="added-volume-forgotten",
        how="the node drops a volume of the new version from the compose file",
        spec=REPLACED,
        sentences=(
            "should_create_the_volume_that_was_added_on_the_master",
            "should_schedule_purge_and_copies_of_the_volume_that_was_added",
        ),
        file="checkout.py",
        old='    _write_environment(application, directory / ".env")',
        new=(
            '    compose = directory / "docker-compose.yml"\n'
            "    text = compose.read_text()\n"
            '    text = text.replace("    - archive:/srv/archive\\n", "")\n'
            '    volume = "  archive:\\n    driver: \'anybox/buttervolume:latest\'\\n"\n'
            '    text = text.replace(volume, "")\n'
            "    compose.write_text(text)\n"
            '    _write_environment(application, directory / ".env")'
        ),
    ),
    Break(
        name="added-volume-not-empty",
        how="something writes into every volume while the application is started",
        spec=REPLACED,
        sentences=("should_find_the_volume_that_was_added_empty",),
        file="steps/running.py",
        old="    work.tools.compose.start(work.checkout)",
        new=(
            "    work.tools.compose.start(work.checkout)\n"
            '    if work.before.master:\n'
            '        name = work.containers["app"]\n'
            '        run(["docker", "exec", name, "touch", "/srv/archive/x"], '
            "cwd=work.checkout, timeout=5)"
        ),
    ),
    Break(
        name="removed-volumes-kept",
        how="a master that stays keeps the volumes that the new version has not",
        spec=REPLACED,
        sentences=("should_have_removed_the_other_volume_from_every_node",),
        file="steps/running.py",
        old="    deployment.remove_volumes(engine, present - set(work.new.volumes))",
        new="    deployment.remove_volumes(engine, present & set())",
    ),
    Break(
        name="removed-volumes-scheduled",
        how="a master goes on to replicate what the new version has not",
        spec=REPLACED,
        sentences=("should_schedule_the_volume_that_was_removed_nowhere",),
        file="steps/publish.py",
        old="        volumes = work.new_volumes\n",
        new=(
            "        old = work.record.volumes if work.record else []\n"
            "        volumes = [*work.new_volumes, *old]\n"
        ),
    ),
    Break(
        name="checkout-kept-by-destroy",
        how="a destroy leaves the checkouts",
        spec=DESTROYED,
        sentences=("should_leave_nothing_but_snapshots_on_any_node",),
        file="steps/running.py",
        old="    has_role = work.after.role_of",
        new="    if not work.after.master:\n        return\n    has_role = work.after.role_of",
    ),
    Break(
        name="no-last-snapshot",
        how="a destroy takes no last snapshot",
        spec=DESTROYED,
        sentences=("should_keep_a_last_snapshot_of_each_volume_on_its_old_master",),
        file="steps/transfer.py",
        old="    work.snapshots = _snapshot(work, work.own_volumes())",
        new="    work.snapshots = _snapshot(work, work.own_volumes()) if work.after.master else {}",
    ),
    Break(
        name="flag-left-by-destroy",
        how="a destroy leaves the maintenance flag up",
        spec=DESTROYED,
        sentences=("should_have_no_maintenance_flag",),
        file="steps/publish.py",
        old='    work.meeting.commit([Operation("delete", key) for key in keys])',
        new=(
            '    work.meeting.commit([Operation("delete", key) for key in keys])\n'
            '    work.tools.consul.put(keys[1], "left")'
        ),
    ),
    Break(
        name="destroy-refused",
        how="the master gives every destroy up at its last moment, and serves again",
        spec=DESTROYED,
        sentences=(
            "should_have_no_record",
            "should_have_no_service",
            "should_leave_nothing_but_snapshots_on_any_node",
            "should_be_answered_over_http_as_a_domain_that_nobody_has",
            "should_be_refused_over_ssh",
        ),
        file="steps/publish.py",
        old='    work.meeting.commit([Operation("delete", key) for key in keys])',
        new='    raise RuntimeError(f"broken on purpose: {keys}")',
    ),
    Break(
        name="alone-without-snapshots",
        how="a master without a slave schedules no snapshots",
        spec=ALONE,
        sentences=("should_schedule_purge_and_snapshots_on_the_master",),
        file="schedules.py",
        old="    if role is Role.MASTER:",
        new="    if role is Role.MASTER and slave_address:",
    ),
    Break(
        name="no-snapshot-before-the-new-version",
        how="a master that stays starts the new version without a snapshot of the old one's data",
        spec=AGAIN,
        sentences=("should_hold_the_snapshots_that_the_switch_needed_on_the_master",),
        file="steps/transfer.py",
        old="    work.snapshots = _snapshot(work, work.own_volumes())",
        new="    work.snapshots = {}",
    ),
    *CASE_BREAKS,
)  # fmt: skip
