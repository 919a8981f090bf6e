"""Sentences that no break has turned red yet: a debt, written down by the family that owes it.

A sentence leaves this list when ``breaks.py`` gets a break for it, and never comes back.
"""

from __future__ import annotations

UNPROVED = frozenset(
    {
        # placement
        "should_deliver_a_snapshot_taken_now_that_restores_to_the_same_content",
        # definition specs
        "should_have_no_site_in_any_caddy",
        "should_be_built_by_a_client_and_an_engine_of_one_api_level",
        "should_have_no_url_and_no_way_in",
        # infrastructure specs
        "should_answer_under_its_own_name",
        "should_run_the_containers_of_the_infrastructure",
        "should_have_the_volume_plugin_enabled",
        "should_have_both_proxies_in_the_external_network",
        "should_have_a_configuration_that_haproxy_accepts",
        "should_have_a_configuration_that_caddy_accepts",
        "should_see_every_node_alive_in_consul",
        "should_know_a_leader",
        "should_have_room_on_its_disks",
        "should_have_room_for_more_files",
        "should_run_the_same_engine",
        "should_have_the_same_client_and_compose",
        "should_have_the_same_volume_plugin",
        "should_run_the_same_kernel",
        "should_have_the_same_btrfs",
        "should_run_the_same_consul",
        "should_follow_one_leader",
        "should_agree_on_the_time_within_a_second",
        "should_arrive_on_every_other_node",
        # move specs
        "should_lead_past_caddy_on_every_node",
        # refusing
        "should_leave_the_application_as_it_was",
        "should_leave_every_other_application_as_it_was",
        "should_serve_everything_as_before_through_every_node",
        "should_settle_at_the_next_good_deploy",
        "should_log_one_clear_error_on_every_node",
        # broken versions specs
        "should_have_refused_snapshots_meanwhile",
        # refused requests specs
        "should_leave_no_trace_of_what_was_asked_for",
        "should_be_refused_with_the_size_that_consul_carries",
        "should_not_be_sent",
        # twice specs
        "should_have_been_sent_before_the_first_one_was_decided",
        "should_carry_out_both_in_turn",
        "should_log_no_error_for_the_first_one",
        "should_be_handled_once",
        # migration specs
        "should_have_the_source_s_records_through_every_node",
        "should_keep_the_target_s_content_of_a_volume_that_is_not_migrable",
        "should_leave_the_source_its_records_through_every_node",
        "should_leave_the_target_where_and_as_it_ran",
        "should_leave_volumes_alone_that_only_one_of_them_has",
        "should_log_no_error",
        "should_not_interrupt_the_source",
        "should_run_both_scripts_before_the_containers_start",
        "should_run_the_migration_s_script_alone",
        "should_still_have_the_target_s_own_records_through_every_node",
        # neighbours specs
        "should_have_asked_each_of_the_others_through_every_node_meanwhile",
        # script specs
        "should_run_no_script",
        "should_run_the_update_script_before_the_containers_start",
        # version specs
        "should_take_its_name_from_the_path_in_lower_case",
        # destroy specs, also
        "should_have_no_maintenance_flag",
        # volume specs, also
        "should_create_the_volume_that_was_added_on_the_master",
    }
)
