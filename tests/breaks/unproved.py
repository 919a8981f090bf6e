"""Sentences that were not seen red yet: a debt.

A sentence leaves this list when ``prove.py`` has seen it red, and never comes back.
"""

from __future__ import annotations

UNPROVED = frozenset(
    {
        "should_answer_as_before_through_every_node",
        "should_answer_every_request_of_the_others",
        "should_answer_from_both_services_that_name_one_front",
        "should_answer_over_tcp_at_its_own_front",
        "should_answer_over_the_shared_http_front_by_host",
        "should_answer_over_the_shared_https_front_by_name_with_its_own_certificate",
        "should_answer_with_what_it_kept_through_every_node",
        "should_be_answered_by_the_maintenance_page_of_caddy_through_every_node",
        "should_be_built_by_a_client_and_an_engine_of_one_api_level",
        "should_be_checked_at_the_url_that_it_asks_for",
        "should_be_handled_once",
        "should_be_known_by_the_tag",
        "should_be_the_same_application_with_a_deploy_before_this_one",
        "should_find_nobody_after_a_destroy",
        "should_have_asked_each_of_the_others_through_every_node_meanwhile",
        "should_have_been_asked_there_by_consul",
        "should_have_been_sent_before_the_first_one_was_decided",
        "should_have_lowered_the_flag_exactly_once",
        "should_have_no_site_in_any_caddy",
        "should_have_raised_the_flag_exactly_once",
        "should_keep_the_target_s_content_of_a_volume_that_is_not_migrable",
        "should_leave_every_other_application_as_it_was",
        "should_leave_the_others_as_they_were",
        "should_leave_the_source_its_records_through_every_node",
        "should_leave_the_target_where_and_as_it_ran",
        "should_leave_volumes_alone_that_only_one_of_them_has",
        "should_log_no_error",
        "should_lose_its_haproxy_entries_on_every_node_and_nothing_else",
        "should_lose_the_cache_with_its_node",
        "should_not_be_noticed_by_its_neighbour",
        "should_not_interrupt_the_source",
        "should_refuse_ssh_through_every_node_where_it_answered",
        "should_remember_the_url_less_its_suffix",
        "should_run_no_script",
        "should_run_the_migration_s_script_alone",
        "should_run_the_update_script_before_the_containers_start",
        "should_see_the_file_with_its_content",
        "should_see_the_files_of_the_directory_with_their_content",
        "should_settle_as_the_oracle_says",
        "should_show_nothing_else_that_changed",
        "should_show_what_it_showed_before",
        "should_still_have_every_record_and_file",
        "should_still_have_the_target_s_own_records_through_every_node",
        "should_take_its_name_from_the_path_in_lower_case",
    }
)
