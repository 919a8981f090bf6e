"""The breaks of the cases beyond the plain switch."""

from __future__ import annotations

from breaking import Break

RAISED = "specs/maintenance_specs.py:WhenTheMaintenanceFlagIsRaisedByHand"
LOWERED = "specs/maintenance_specs.py:WhenTheMaintenanceFlagIsLoweredByHand"
UNDER_WAY = "specs/maintenance_specs.py:WhenASwitchIsUnderWay"
FOUR = "specs/neighbours_specs.py:WhenOneOfFourApplicationsIsSwitched"
BINDS = "specs/definition_specs.py:WhenAServiceBindsFilesOfItsRepository"
DOORS = "specs/definition_specs.py:WhenServicesNameHaproxyAlone"
QUIET = "specs/definition_specs.py:WhenAnApplicationWithoutUrlIsBuiltOnItsNode"
TAG = "specs/version_specs.py:WhenATagIsDeployed"
SPELLED = "specs/version_specs.py:WhenARepositoryIsNamedInAnotherWay"
SPELLED_AGAIN = "specs/version_specs.py:WhenAnApplicationIsRedeployedByAnotherSpelling"

_FETCHED = '    _write_environment(application, directory / ".env")'

IN_CASES = (
    # --- maintenance
    Break(
        name="haproxy-ignores-maintenance",
        how="HAProxy keeps the entries of an application in maintenance",
        spec=RAISED,
        sentences=(
            "should_lose_its_haproxy_entries_on_every_node_and_nothing_else",
            "should_refuse_ssh_through_every_node_where_it_answered",
            "should_show_nothing_else_that_changed",
        ),
        file="haproxy.py",
        old="        if record.name not in maintained:",
        new="        if record.name:",
        restart=True,
    ),
    Break(
        name="maintenance-page-is-200",
        how="Caddy's maintenance page says that all is well",
        spec=RAISED,
        sentences=("should_be_answered_by_the_maintenance_page_of_caddy_through_every_node",),
        file="templates/Caddyfile.j2",
        old='moment." 503',
        new='moment." 200',
        restart=True,
    ),
    Break(
        name="maintenance-of-all",
        how="a flag takes all applications of the node away",
        spec=RAISED,
        sentences=("should_not_be_noticed_by_its_neighbour",),
        file="caddyfile.py",
        old="if record.name not in maintained and record.caddyfile]",
        new="if not maintained and record.caddyfile]",
        restart=True,
    ),
    Break(
        name="maintenance-for-ever",
        how="a node never forgets that an application was in maintenance",
        spec=LOWERED,
        sentences=(
            "should_show_what_it_showed_before",
            "should_answer_as_before_through_every_node",
            "should_still_have_every_record_and_file",
        ),
        file="rendering.py",
        old="    return State(tuple(records), frozenset(flags), tuple(unreadable))",
        new=(
            "    _SEEN.update(flags)\n"
            "    return State(tuple(records), frozenset(_SEEN), tuple(unreadable))\n\n\n"
            "_SEEN: set[str] = set()"
        ),
        restart=True,
    ),
    Break(
        name="flag-raised-twice",
        how="the old master raises the flag, lowers it and raises it again at once",
        spec=UNDER_WAY,
        sentences=(
            "should_have_raised_the_flag_exactly_once",
            "should_have_lowered_the_flag_exactly_once",
        ),
        file="steps/publish.py",
        old="        work.tools.consul.put(key, work.event.id)",
        new=(
            "        work.tools.consul.put(key, work.event.id)\n"
            "        work.tools.consul.delete(key)\n"
            "        work.tools.consul.put(key, work.event.id)"
        ),
    ),
    # --- side by side
    Break(
        name="neighbours-unrouted",
        how="while one application is in maintenance, HAProxy knows no other",
        spec=FOUR,
        sentences=("should_answer_every_request_of_the_others",),
        file="haproxy.py",
        old="    for record in sorted(records, key=lambda record: record.name):",
        new="    for record in [] if maintained else sorted(records, key=lambda each: each.name):",
        restart=True,
    ),
    Break(
        name="neighbours-unscheduled",
        how="a node that drops one application's jobs drops those of all",
        spec=FOUR,
        sentences=("should_leave_the_others_as_they_were",),
        file="steps/publish.py",
        old="    _schedule(work, Placement(), [])",
        new="    work.plugin.reschedule(work.plugin.jobs(), [])",
    ),
    # --- definitions
    Break(
        name="bound-files-altered",
        how="the checkout holds other files than the repository",
        spec=BINDS,
        sentences=(
            "should_see_the_file_with_its_content",
            "should_see_the_files_of_the_directory_with_their_content",
        ),
        file="checkout.py",
        old=_FETCHED,
        new=(
            f'{_FETCHED}\n    for each in directory.rglob("*.txt"):\n'
            '        each.write_text("other")'
        ),
    ),
    Break(
        name="check-urls-ignored",
        how="CONSUL_CHECK_URLS is not registered",
        spec=BINDS,
        sentences=(
            "should_be_checked_at_the_url_that_it_asks_for",
            "should_have_been_asked_there_by_consul",
        ),
        file="steps/publish.py",
        old="for address in definition.addresses] + definition.check_urls",
        new="for address in definition.addresses]",
    ),
    Break(
        name="echo-at-a-wrong-address",
        how="the master of an echo writes an address into the record that is no node's",
        spec=BINDS,
        sentences=("should_answer_with_what_it_kept_through_every_node",),
        file="recording.py",
        old="ip=work.settings.address",
        new='ip="172.30.77.99"',
    ),
    Break(
        name="fronts-not-merged",
        how="of two services that name one front, the last one has it alone",
        spec=DOORS,
        sentences=("should_answer_from_both_services_that_name_one_front",),
        file="fronts.py",
        old='            front["backends"] += [',
        new='            front["backends"] = [',
    ),
    Break(
        name="peer-port-ignored",
        how="other nodes ask the master's address at the container's port",
        spec=DOORS,
        sentences=(
            "should_answer_over_tcp_at_its_own_front",
            "should_answer_over_the_shared_http_front_by_host",
            "should_answer_over_the_shared_https_front_by_name_with_its_own_certificate",
        ),
        file="haproxy.py",
        old='(record.ip, each["peer_port"])',
        new='(record.ip, each["port"])',
        restart=True,
    ),
    Break(
        name="links-followed",
        how="the build gets no symbolic link, and another file",
        spec=QUIET,
        sentences=(
            "should_keep_a_link_that_is_copied_with_its_directory",
            "should_follow_a_link_that_is_copied_by_itself",
        ),
        file="checkout.py",
        old=_FETCHED,
        new=(
            f'{_FETCHED}\n    for each in directory.glob("image/content/link.txt"):\n'
            '        each.unlink()\n        each.write_text("other")'
        ),
    ),
    Break(
        name="service-json-ignored",
        how="service.json replaces nothing",
        spec=QUIET,
        sentences=("should_be_checked_as_its_service_json_says_and_in_no_other_way",),
        file="steps/publish.py",
        old="declared.read_text() if declared.exists() else None",
        new="None",
    ),
    # --- versions
    Break(
        name="tag-not-recorded",
        how="the record names another version",
        spec=TAG,
        sentences=("should_be_known_by_the_tag",),
        file="recording.py",
        old="branch=work.application.branch",
        new='branch="main"',
    ),
    Break(
        name="suffix-recorded",
        how="the record holds the URL with its suffix",
        spec=SPELLED,
        sentences=("should_remember_the_url_less_its_suffix",),
        file="recording.py",
        old="repo_url=work.application.url",
        new="repo_url=work.application.source",
    ),
    Break(
        name="previous-deploy-forgotten-by-spelling",
        how="the record knows of no deploy before",
        spec=SPELLED_AGAIN,
        sentences=("should_be_the_same_application_with_a_deploy_before_this_one",),
        file="recording.py",
        old="previous_deploy_id=work.record.deploy_id if work.record else None",
        new="previous_deploy_id=None",
    ),
)
