"""Sentences that no break has turned red yet: a debt, written down by the family that owes it.

A sentence leaves this list when ``breaks.py`` gets a break for it, and never comes back.
"""

from __future__ import annotations

UNPROVED = frozenset(
    {
        # changing
        "should_create_the_volume_that_was_added_on_the_master",
        "should_find_the_volume_that_was_added_empty",
        "should_have_removed_the_other_volume_from_every_node",
        "should_schedule_purge_and_copies_of_the_volume_that_was_added",
        "should_schedule_the_volume_that_was_removed_nowhere",
        # echoing
        "should_answer_with_what_it_kept_through_every_node",
        # leaving
        "should_leave_nothing_but_snapshots_on_any_node",
        "should_keep_a_last_snapshot_of_each_volume_on_its_old_master",
        "should_have_no_record",
        "should_have_no_maintenance_flag",
        "should_have_no_service",
        "should_be_answered_over_http_as_a_domain_that_nobody_has",
        "should_be_refused_over_ssh",
        # placement
        "should_deliver_a_snapshot_taken_now_that_restores_to_the_same_content",
        "should_schedule_purge_and_snapshots_on_the_master",
        "should_hold_the_snapshots_that_the_switch_needed_on_the_master",
        # definition specs
        "should_see_the_file_with_its_content",
        "should_see_the_files_of_the_directory_with_their_content",
        "should_be_checked_at_the_url_that_it_asks_for",
        "should_have_been_asked_there_by_consul",
        "should_answer_over_tcp_at_its_own_front",
        "should_answer_over_the_shared_http_front_by_host",
        "should_answer_over_the_shared_https_front_by_name_with_its_own_certificate",
        "should_answer_from_both_services_that_name_one_front",
        "should_have_no_site_in_any_caddy",
        "should_keep_a_link_that_is_copied_with_its_directory",
        "should_follow_a_link_that_is_copied_by_itself",
        "should_be_built_by_a_client_and_an_engine_of_one_api_level",
        "should_have_no_url_and_no_way_in",
        "should_be_checked_as_its_service_json_says_and_in_no_other_way",
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
        # stay specs
        "should_name_the_deploy_before_this_one",
        # version specs
        "should_be_known_by_the_tag",
        "should_remember_the_url_less_its_suffix",
        "should_be_the_same_application_with_a_deploy_before_this_one",
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
        # maintenance specs
        "should_answer_as_before_through_every_node",
        "should_be_answered_by_the_maintenance_page_of_caddy_through_every_node",
        "should_have_lowered_the_flag_exactly_once",
        "should_have_raised_the_flag_exactly_once",
        "should_lose_its_haproxy_entries_on_every_node_and_nothing_else",
        "should_not_be_noticed_by_its_neighbour",
        "should_refuse_ssh_through_every_node_where_it_answered",
        "should_show_nothing_else_that_changed",
        "should_show_what_it_showed_before",
        "should_still_have_every_record_and_file",
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
        "should_answer_every_request_of_the_others",
        "should_have_asked_each_of_the_others_through_every_node_meanwhile",
        "should_leave_the_others_as_they_were",
        # script specs
        "should_run_no_script",
        "should_run_the_update_script_before_the_containers_start",
        # version specs
        "should_take_its_name_from_the_path_in_lower_case",
    }
)
