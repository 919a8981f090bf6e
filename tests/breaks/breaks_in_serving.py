"""Breaks of where requests go, of what is served, and of what is kept."""

from __future__ import annotations

from breaking import DEPLOY_PAIR, KEEP_SLAVE, STAY, SWAP, Break

IN_SERVING = (
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
        old="        _replace(path, text)",
        new='        _replace(path, text + "    nonsense\\n")',
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
    Break(
        name="past-caddy-through-caddy",
        how="the master's HAProxy leads to Caddy what asks to go past it",
        spec="specs/move_specs.py:WhenAPairMovesPastCaddy",
        sentences=("should_lead_past_caddy_on_every_node",),
        file="haproxy.py",
        old='host, port = (each["ct"], each["port"]) if local',
        new='host, port = ("caddy", 80) if local',
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
    # --- what clients go through meanwhile
    Break(
        name="last-files-lost",
        how="the new master loses the three files that were written last",
        spec=SWAP,
        sentences=("should_lose_no_write_that_was_acknowledged_meanwhile",),
        file="steps/running.py",
        old="    work.tools.compose.start(work.checkout)\n",
        new=(
            "    work.tools.compose.start(work.checkout)\n"
            "    if work.record:\n"
            '        lose = ["sh", "-c", "cd /srv/files && ls -t | head -n 3 | xargs rm"]\n'
            '        run(["docker", "exec", work.containers["app"], *lose], timeout=10)\n'
        ),
    ),
    Break(
        name="stray-file",
        how="the new master finds a file on the volume that nobody has written",
        spec=SWAP,
        sentences=("should_hold_nothing_that_was_refused_or_never_written",),
        file="steps/running.py",
        old="    work.tools.compose.start(work.checkout)\n",
        new=(
            "    work.tools.compose.start(work.checkout)\n"
            "    if work.record:\n"
            '        stray = ["sh", "-c", "echo stray > /srv/files/987654321"]\n'
            '        run(["docker", "exec", work.containers["app"], *stray], timeout=10)\n'
        ),
    ),
    Break(
        name="slow-start",
        how="the master waits for sixteen seconds before it starts the containers again",
        spec=STAY,
        sentences=("should_be_away_no_longer_than_its_budget",),
        file="steps/running.py",
        old="    work.tools.compose.start(work.checkout)\n",
        new=(
            "    if work.record:\n"
            '        run(["sleep", "16"], timeout=17)\n'
            "    work.tools.compose.start(work.checkout)\n"
        ),
    ),
)
