"""Breaks for what a cluster must refuse, undo, or carry out once."""

from __future__ import annotations

from breaking import Break, Slip

_REFUSED = "specs/refused_requests_specs.py"
_BROKEN = "specs/broken_versions_specs.py"
_TWICE = "specs/twice_specs.py"

IN_REFUSING = (
    # --- what is refused, or cannot be carried out
    *(
        Break(
            name=f"refusals-unsaid-{number}",
            how="the agents do not call a refusal an error",
            spec=f"{_REFUSED}:{case}",
            sentences=("should_log_one_clear_error_on_every_node",),
            file="handler.py",
            old='journal.error(f"{event.name} refused: {error}")',
            new='journal.info(f"{event.name} refused: {error}")',
        )
        for number, case in enumerate(
            (
                "WhenADeployAsksForWhatCannotBe",
                "WhenAFieldHasTheWrongType",
                "WhenAnEventCannotBeRead",
            ),
            start=1,
        )
    ),
    Break(
        name="one-node-twice",
        how="a deploy on one node as master and slave is carried out",
        spec=f"{_REFUSED}:WhenADeployAsksForWhatCannotBe",
        sentences=(
            "should_leave_the_application_as_it_was",
            "should_log_one_clear_error_on_every_node",
        ),
        file="payload.py",
        old="    if master == slave:",
        new="    if not master:",
    ),
    Break(
        name="failures-unsaid",
        how="the agents do not call it an error when a step fails",
        spec=f"{_BROKEN}:WhenAVersionCannotBeStarted",
        sentences=("should_log_one_clear_error_on_every_node",),
        file="switch.py",
        old='        work.journal.error(f"{begun[-1]}: {_told(error)}")',
        new='        work.journal.info(f"{begun[-1]}: {_told(error)}")',
    ),
    Break(
        name="domains-of-others-taken",
        how="a version may ask for a domain that another application has",
        spec=f"{_BROKEN}:WhenAVersionAsksForADomainOfAnotherApplication",
        sentences=(
            "should_leave_the_application_as_it_was",
            "should_log_one_clear_error_on_every_node",
        ),
        file="steps/prepare.py",
        old="        for kind, thing in sorted(claimed & set(_claims(other))):",
        new="        for kind, thing in sorted(claimed - claimed):",
    ),
    Break(
        name="stopped-for-good-by-a-transfer",
        how="what was stopped for a switch that fails is not started again",
        spec=f"{_BROKEN}:WhenATransferFailsHalfWay",
        sentences=(
            "should_leave_the_application_as_it_was",
            "should_serve_everything_as_before_through_every_node",
        ),
        file="steps/running.py",
        old="    if work.was_running and work.record:",
        new="    if work.was_running and work.record is None:",
    ),
    Slip(
        name="snapshots-never-refused",
        how="the suite means to let a transfer fail, and lets all of it pass",
        spec=f"{_BROKEN}:WhenATransferFailsHalfWay",
        sentences=("should_have_refused_snapshots_meanwhile",),
        file="givens/refusals.py",
        old="no_more_snapshots(engine, inventory, after=len(volumes))",
        new="no_more_snapshots(engine, inventory, after=99)",
    ),
    Slip(
        name="too-large-sent",
        how="the suite's client sends what is too large, cut off, and does not tell the limit",
        spec=f"{_REFUSED}:WhenAnEventIsTooLargeForConsul",
        sentences=(
            "should_be_refused_with_the_size_that_consul_carries",
            "should_not_be_sent",
        ),
        file="consul/store.py",
        old=(
            "            raise EventTooLargeError(\n"
            '                f"the event {name} would take {size} bytes, '
            'and Consul carries {EVENT_LIMIT}",\n'
        ),
        new=(
            '            self._consul.event.fire(name, b"{}")\n'
            "            raise EventTooLargeError(\n"
            '                f"the event {name} would take {size} bytes",\n'
        ),
    ),
    Break(
        name="stopped-for-good",
        how="what was stopped for a switch that fails is not started again",
        spec=f"{_BROKEN}:WhenAVersionExitsAtOnceOnAnotherMaster",
        sentences=(
            "should_leave_the_application_as_it_was",
            "should_serve_everything_as_before_through_every_node",
        ),
        file="steps/running.py",
        old="    if work.was_running and work.record:",
        new="    if work.was_running and work.record is None:",
    ),
    Break(
        name="fetched-for-nothing",
        how="what a failed deploy was to fetch into is left there, for half a minute",
        spec=f"{_REFUSED}:WhenTheRepositoryOrTheBranchDoesNotExist",
        sentences=("should_leave_no_trace_of_what_was_asked_for",),
        file="steps/prepare.py",
        old="    shutil.rmtree(work.checkout, ignore_errors=True)",
        new=(
            "    import subprocess\n"
            "    work.checkout.mkdir(parents=True, exist_ok=True)\n"
            """    subprocess.Popen(["sh", "-c", f"sleep 30; rm -rf '{work.checkout}'"])"""
        ),
    ),
    Break(
        name="redeploys-forgotten",
        how="the record of a redeploy does not tell the deploy before it",
        spec=f"{_BROKEN}:WhenAVersionExitsAtOnceOnAnotherMaster",
        sentences=("should_settle_at_the_next_good_deploy",),
        file="recording.py",
        old="work.record.deploy_id if work.record else None",
        new="work.record.previous_deploy_id if work.record else None",
    ),
    Break(
        name="neighbours-flagged",
        how="whoever gives a switch up raises the flags of all applications of specs",
        spec=f"{_BROKEN}:WhenAVersionExitsAtOnceOnAnotherMaster",
        sentences=("should_leave_every_other_application_as_it_was",),
        file="steps/publish.py",
        old="    if not work.was_in_maintenance:\n        lower_maintenance(work)",
        new=(
            # Of those of specs: others may live on this cluster, and nobody would lower theirs.
            '    for key in (k for k in work.tools.consul.tree("app/")[1] if "_spec-" in k):\n'
            '        work.tools.consul.put(key.replace("app/", "maintenance/", 1), "")\n'
            "    if not work.was_in_maintenance:\n        lower_maintenance(work)"
        ),
    ),
    # --- twice
    Break(
        name="known-events-taken",
        how="an event that is known is taken again when it comes by itself",
        spec=f"{_TWICE}:WhenAnEventIsDeliveredTwice",
        sentences=("should_be_handled_once",),
        file="inbox.py",
        old="for event in events if event.id not in known",
        # Consul hands over all that it remembers, the suite the one that it delivers again.
        new="for event in events if event.id not in known or len(list(events)) == 1",
    ),
    Break(
        name="overtaken-forgotten",
        how="the record does not tell the deploy that came just before",
        spec=f"{_TWICE}:WhenADeployComesBeforeTheLastOneHasEnded",
        sentences=("should_carry_out_both_in_turn",),
        file="recording.py",
        old="work.record.deploy_id if work.record else None",
        new="work.record.previous_deploy_id if work.record else None",
    ),
    Slip(
        name="first-deploy-awaited",
        how="the suite means to overtake a deploy, and waits until it was handled",
        spec=f"{_TWICE}:WhenADeployComesBeforeTheLastOneHasEnded",
        sentences=("should_have_been_sent_before_the_first_one_was_decided",),
        file="givens/refusals.py",
        old="        self.first = tenant.ask(first).history.event_id\n",
        new=(
            "        self.first = tenant.ask(first).history.event_id\n"
            "        cluster.await_handled(self.first)\n"
        ),
    ),
    Break(
        name="success-is-an-error",
        how="the agents call it an error when an event was handled",
        spec=f"{_TWICE}:WhenADeployComesBeforeTheLastOneHasEnded",
        sentences=("should_log_no_error_for_the_first_one",),
        file="handler.py",
        old='    journal.info("done" if succeeded else "failed")',
        new='    journal.error("done" if succeeded else "failed")',
    ),
)
