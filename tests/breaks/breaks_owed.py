"""Breaks for what a cluster must refuse, undo, hand over once, or migrate.

They fit the agent, and were not seen to turn their sentences red yet: those are still owed
(``unproved.py``). A break that ``prove.py`` has seen moves to a family of ``breaks.py``.
"""

from __future__ import annotations

from breaking import Break

_REFUSED = "specs/refused_requests_specs.py"
_BROKEN = "specs/broken_versions_specs.py"
_MIGRATION = "specs/migration_specs.py"
_SCRIPT = "specs/script_specs.py"
_TWICE = "specs/twice_specs.py"

OWED = (
    # --- what is refused, or cannot be carried out
    Break(
        name="refusals-unsaid",
        how="the agents do not call a refusal an error",
        spec=f"{_REFUSED}:WhenAFieldHasTheWrongType",
        sentences=("should_log_one_clear_error_on_every_node",),
        file="handler.py",
        old='journal.error(f"{event.name} refused: {error}")',
        new='journal.info(f"{event.name} refused: {error}")',
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
        how="what a failed deploy was to fetch into is left there",
        spec=f"{_REFUSED}:WhenTheRepositoryOrTheBranchDoesNotExist",
        sentences=("should_leave_no_trace_of_what_was_asked_for",),
        file="steps/prepare.py",
        old="    shutil.rmtree(work.checkout, ignore_errors=True)",
        new="    work.checkout.mkdir(parents=True, exist_ok=True)",
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
        how="whoever gives a switch up raises the flags of all applications",
        spec=f"{_BROKEN}:WhenAVersionExitsAtOnceOnAnotherMaster",
        sentences=("should_leave_every_other_application_as_it_was",),
        file="steps/publish.py",
        old="    if not work.was_in_maintenance:\n        lower_maintenance(work)",
        new=(
            '    for key in work.tools.consul.tree("app/")[1]:\n'
            '        work.tools.consul.put(key.replace("app/", "maintenance/", 1), "")\n'
            "    if not work.was_in_maintenance:\n        lower_maintenance(work)"
        ),
    ),
    # --- twice
    Break(
        name="known-events-taken",
        how="an event that is known is taken again",
        spec=f"{_TWICE}:WhenAnEventIsDeliveredTwice",
        sentences=("should_be_handled_once",),
        file="inbox.py",
        old="for event in events if event.id not in known",
        new="for event in events if known or True",
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
    # --- migrations
    Break(
        name="labels-unread",
        how="volumes that are labelled non-migrable are migrated all the same",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedOnTheSameMaster",
        sentences=("should_keep_the_target_s_content_of_a_volume_that_is_not_migrable",),
        file="definition.py",
        old='in {"true", "1"}',
        new='in {"never"}',
    ),
    Break(
        name="copies-unused",
        how="what was sent is not given to the target's volumes",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedToAnotherMaster",
        sentences=("should_have_the_source_s_records_through_every_node",),
        file="steps/migrate.py",
        old="    side_by_side(lambda item: work.plugin.restore(",
        new="    side_by_side(lambda item: (",
    ),
    Break(
        name="source-stopped",
        how="the source is stopped while its snapshots are taken",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedOnTheSameMaster",
        sentences=(
            "should_not_interrupt_the_source",
            "should_leave_the_source_its_records_through_every_node",
            "should_leave_every_other_application_as_it_was",
        ),
        file="steps/migrate.py",
        old="    copies = side_by_side(",
        new="    work.tools.compose.stop(source.project)\n    copies = side_by_side(",
    ),
    Break(
        name="no-way-back",
        how="a migration that fails keeps the source's data in the target",
        spec=f"{_MIGRATION}:WhenAScriptFailsInAMigration",
        sentences=("should_still_have_the_target_s_own_records_through_every_node",),
        file="steps/transfer.py",
        old="    if work.touched:",
        new="    if work.touched and work.source is None:",
    ),
    # --- scripts
    Break(
        name="updates-unasked",
        how="the update script runs at every deploy and migration",
        spec=f"{_SCRIPT}:WhenADeployDoesNotAskForAnUpdate",
        sentences=("should_run_no_script",),
        file="steps/running.py",
        old="    if work.request.update:",
        new="    if work.request:",
    ),
    Break(
        name="updates-unasked-in-migrations",
        how="the update script runs at every deploy and migration",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedOnTheSameMaster",
        sentences=("should_run_the_migration_s_script_alone",),
        file="steps/running.py",
        old="    if work.request.update:",
        new="    if work.request:",
    ),
    Break(
        name="updates-late",
        how="the update script runs once the containers have been started",
        spec=f"{_SCRIPT}:WhenADeployOnTheSameMasterAsksForAnUpdate",
        sentences=("should_run_the_update_script_before_the_containers_start",),
        file="plan.py",
        old="_START = (Step.UPDATE, Step.START,",
        new="_START = (Step.START, Step.UPDATE,",
    ),
    Break(
        name="scripts-unused-in-migrations",
        how="a migration runs no script of its own",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedToAnotherMaster",
        sentences=("should_run_both_scripts_before_the_containers_start",),
        file="steps/running.py",
        old='    _run_script(work, "post_migrate.sh", ',
        new='    _run_script(work, "no.sh", ',
    ),
)
