"""Breaks of maintenance, and of applications side by side."""

from __future__ import annotations

from breaking import Break, Slip

RAISED = "specs/maintenance_specs.py:WhenTheMaintenanceFlagIsRaisedByHand"
LOWERED = "specs/maintenance_specs.py:WhenTheMaintenanceFlagIsLoweredByHand"
UNDER_WAY = "specs/maintenance_specs.py:WhenASwitchIsUnderWay"
FOUR = "specs/neighbours_specs.py:WhenOneOfFourApplicationsIsSwitched"

IN_COMPANY = (
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
        how="a node that drops one application's jobs drops those of all applications of specs",
        spec=FOUR,
        sentences=("should_leave_the_others_as_they_were",),
        file="steps/publish.py",
        old="    _schedule(work, Placement(), [])",
        # Of those of specs: others may live on this cluster, and nobody would set theirs again.
        new=(
            '    work.plugin.reschedule([j for j in work.plugin.jobs() if "spec" in j.volume], [])'
        ),
    ),
    Slip(
        name="others-asked-too-late",
        how="the suite counts only the requests that come once the switch is over",
        spec=FOUR,
        sentences=("should_have_asked_each_of_the_others_through_every_node_meanwhile",),
        file="givens/neighbours.py",
        old=(
            "            earlier = asking.asked\n"
            "            self._moved = self._neighbours.switch(self.before, self.after)\n"
        ),
        new=(
            "            self._moved = self._neighbours.switch(self.before, self.after)\n"
            "            earlier = asking.asked\n"
        ),
    ),
)
