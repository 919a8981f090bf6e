"""Breaks of migrations, and of the scripts of a repository."""

from __future__ import annotations

from breaking import Break

_MIGRATION = "specs/migration_specs.py"
_SCRIPT = "specs/script_specs.py"

IN_MIGRATING = (
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
        alone=True,
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
    Break(
        name="wrong-volumes-adopted",
        how="a migration gives the source's data to all volumes of the target",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedOnTheSameMaster",
        sentences=(
            "should_leave_volumes_alone_that_only_one_of_them_has",
            "should_keep_the_target_s_content_of_a_volume_that_is_not_migrable",
        ),
        file="steps/migrate.py",
        old="    work.touched = True\n",
        new=(
            "    work.touched = True\n"
            "    for volume in set(work.own_volumes()) - set(work.copies):\n"
            "        work.plugin.restore(next(iter(work.copies.values())), volume)\n"
        ),
    ),
    Break(
        name="migration-dated",
        how="a migration writes another day of deploy into the target's record",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedOnTheSameMaster",
        sentences=("should_leave_the_target_where_and_as_it_ran",),
        file="steps/publish.py",
        old="    value = work.old.as_json()\n",
        new='    value = {**work.old.as_json(), "deploy_date": "today"}\n',
    ),
    Break(
        name="migration-is-an-error",
        how="the agents call it an error when an event was handled",
        spec=f"{_MIGRATION}:WhenAnApplicationIsMigratedOnTheSameMaster",
        sentences=("should_log_no_error",),
        file="handler.py",
        old='    journal.info("done" if succeeded else "failed")',
        new='    journal.error("done" if succeeded else "failed")',
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
    Break(
        name="updates-late-elsewhere",
        how="the update script runs once the containers have been started",
        spec=f"{_SCRIPT}:WhenADeployOnAnotherMasterAsksForAnUpdate",
        sentences=("should_run_the_update_script_before_the_containers_start",),
        file="plan.py",
        old="_START = (Step.UPDATE, Step.START,",
        new="_START = (Step.START, Step.UPDATE,",
    ),
    Break(
        name="failing-scripts-pass",
        how="nobody looks at a script's exit code",
        spec=f"{_SCRIPT}:WhenTheUpdateScriptOfADeployFails",
        sentences=(
            "should_leave_the_application_as_it_was",
            "should_log_one_clear_error_on_every_node",
        ),
        file="steps/running.py",
        old="        [*_interpreter(script), *arguments, *about],",
        new=(
            """        ["sh", "-c", '"$@" || true', "sh", *_interpreter(script),"""
            " *arguments, *about],"
        ),
    ),
)
