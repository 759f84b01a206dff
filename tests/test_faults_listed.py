"""Every fault that the service was planned against: the test of a running server that shows it.

The numbers are those of the plan's table of faults; what waits for the routes of a ward system
(FHIR, CDS Hooks, feedback) is not built, and has no row here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent / "{{cookiecutter.project_slug}}" / "tests"
# what shows in a test that a server process runs: a fixture, or a call
SERVERS = {"running", "start", "server", "gated", "told", "serve", "alone", "served"}
FAULTS = {
    "1 NaN, Infinity, 1e999": """
        deployment/test_hostile_requests.py::test_a_number_that_is_not_finite_is_named_with_its_place""",
    "2 lone surrogate, NUL, byte order mark, UTF-16": """
        deployment/test_hostile_requests.py::test_what_two_parsers_could_read_differently_is_refused""",
    "3 duplicate keys": """
        deployment/test_hostile_requests.py::test_what_two_parsers_could_read_differently_is_refused""",
    "4 text or true for a number": """
        deployment/test_hostile_requests.py::test_a_wrong_value_is_refused_at_its_place_and_never_turned_into_a_right_one""",
    "5 wrong unit, impossible value": """
        deployment/test_hostile_requests.py::test_a_wrong_value_is_refused_at_its_place_and_never_turned_into_a_right_one""",
    "6 missing required input": """
        deployment/test_input_policy.py::test_a_server_gives_one_field_no_risk""",
    "7 two patients in one request": """
        deployment/test_hostile_requests.py::test_a_wrong_value_is_refused_at_its_place_and_never_turned_into_a_right_one
        deployment/test_predict_batch.py::test_each_patient_of_a_batch_has_an_answer_and_a_record""",
    "8 large, endless, nested and packed bodies": """
        deployment/test_hostile_requests.py::test_large_bodies_are_refused_within_bounded_memory
        deployment/test_hostile_requests.py::test_a_coding_of_the_transfer_that_is_not_chunked_is_refused
        deployment/recordings/test_recording_server.py::test_an_endless_recording_is_refused_within_bounded_memory""",
    "9 large head, no Host, two lengths": """
        deployment/test_limits.py::test_a_head_that_breaks_a_rule_is_refused_once_and_leaves_the_others_served""",
    "10 slow and half-open connections": """
        deployment/test_limits.py::test_whoever_is_slow_is_ended_and_nobody_waits_for_them
        deployment/test_limits.py::test_a_head_that_drips_is_ended_however_often_a_byte_comes
        deployment/test_limits.py::test_slow_senders_hold_no_place
        deployment/test_serve.py::test_half_open_connections_and_hostile_headers_leave_the_others_served""",
    "11 overload": """
        deployment/test_limits.py::test_beyond_the_places_a_request_is_refused_at_once_and_health_is_told""",
    "12 tokens": """
        deployment/test_tokens.py::test_a_valid_token_is_answered_once_and_any_other_is_refused_with_one_text""",
    "17 line ends, names in paths and queries": """
        deployment/test_hostile_requests.py::test_line_ends_in_a_request_make_no_line_of_an_answer_or_a_log
        deployment/test_canaries.py::test_no_word_of_a_request_comes_out_again""",
    "18 echoes of values": """
        deployment/test_canaries.py::test_no_word_of_a_request_comes_out_again
        deployment/test_canaries.py::test_no_value_of_a_patient_is_kept_or_told
        deployment/test_canaries.py::test_a_model_that_fails_with_the_patient_in_its_message_tells_nobody""",
    "26 full disk": """
        deployment/test_serve.py::test_a_full_audit_disk_stops_predictions_and_nothing_else_until_there_is_room
        deployment/audit/test_faults.py::test_no_answer_is_given_once_its_record_would_be_lost""",
    "26 locked log": """
        deployment/audit/test_disk_faults.py::test_a_log_that_somebody_locks_stops_answers_until_it_is_let_go""",
    "26 read-only log": """
        deployment/audit/test_disk_faults.py::test_a_log_on_a_disk_that_became_read_only_stops_answers_until_it_can_be_written""",
    "26 corrupt log": """
        deployment/audit/test_disk_faults.py::test_a_start_on_a_corrupt_log_is_one_line_and_changes_nothing""",
    "27 kill -9 and SIGTERM": """
        deployment/test_serve.py::test_no_answered_prediction_lacks_its_record_after_kill_9
        deployment/test_serve.py::test_sigterm_lets_a_request_on_its_way_finish_and_records_the_stop
        deployment/test_limits.py::test_at_the_signal_health_says_so_and_what_is_on_its_way_is_finished""",
    "29 weights from answers": """
        deployment/test_input_policy.py::test_rounded_answers_tell_weights_only_roughly""",
    "31 the same request again": """
        deployment/test_repeats.py::test_a_repeated_request_has_one_prediction_and_one_answer""",
    "32 any script, long names, zones": """
        deployment/test_hostile_requests.py::test_any_script_and_length_of_a_name_is_served_under_one_pseudonym
        deployment/test_hostile_requests.py::test_the_zone_of_the_machine_changes_no_record""",
    "33 an artefact that is not signed": """
        deployment/test_signing.py::test_a_server_refuses_what_is_not_signed_or_not_pinned_in_one_line""",
    "the service calls nobody": """
        test_outside_world.py::test_the_server_opens_no_socket_but_the_listeners_it_states_and_writes_its_log_alone""",
    "a log under load verifies": """
        deployment/audit/test_faults.py::test_a_live_log_under_load_verifies_every_time""",
    "a trigger, a deleted or replaced log, a second place that is gone": """
        deployment/audit/test_faults.py::test_no_answer_is_given_once_its_record_would_be_lost""",
    "two servers on one log": """
        deployment/audit/test_faults.py::test_no_second_server_writes_to_the_log_under_another_name""",
    "a log cut, restored, forged or deleted between two starts": """
        deployment/audit/test_faults.py::test_a_start_refuses_a_log_that_does_not_go_on_from_its_last_checkpoint
        deployment/audit/test_faults.py::test_a_log_that_was_deleted_while_running_is_put_back_with_every_answered_record""",
    "one request blocks everybody": """
        deployment/test_limits.py::test_thousands_of_unknown_names_are_counted_and_not_compared
        deployment/test_limits.py::test_a_model_that_hangs_costs_its_request_alone_and_not_the_process
        imaging/test_served.py::test_a_server_refuses_a_picture_of_36_megapixels_before_it_takes_the_memory""",
    "a loop that stands still": """
        deployment/test_limits.py::test_a_loop_that_stands_still_is_told_and_does_not_keep_the_process""",
    "a patient sent to another address": """
        deployment/test_hostile_requests.py::test_nobody_is_sent_to_another_address
        deployment/test_limits.py::test_only_names_of_this_server_are_answered_and_nobody_is_sent_elsewhere""",
    "keys that are empty, missing or beside the log": """
        deployment/audit/test_faults.py::test_a_server_asks_for_its_keys_and_makes_none_where_they_were_named""",
    "a log that others can read, a copy that nobody can write": """
        deployment/audit/test_disk_faults.py::test_what_a_server_writes_is_for_its_owner_alone_and_a_copy_verifies""",
    "a package with a fault, a card that is swapped": """
        deployment/test_package_checks.py::test_a_server_ends_with_one_line_on_a_faulty_package
        deployment/test_package_checks.py::test_a_card_that_is_swapped_while_the_server_runs_is_not_served""",
    "an error that nobody foresaw": """
        deployment/test_limits.py::test_an_error_that_nobody_foresaw_leaves_no_traceback_and_no_value""",
}  # fmt: skip
# of files that are read, not of a server
OF_FILES = {
    "33 a dependency with a known vulnerability": """
        test_packaging.py::test_the_workflow_lists_what_is_installed_and_fails_on_a_known_vulnerability
        test_packaging.py::test_every_wheel_of_the_image_is_known_by_its_hash_and_nothing_is_built""",
    "the image": """
        test_packaging.py::test_the_image_runs_as_a_number_that_is_not_root
        test_packaging.py::test_the_builder_sees_only_what_the_image_copies
        deployment/test_container.py::test_the_image_holds_the_champion_and_no_candidate""",
}  # fmt: skip


def function(node_id: str) -> ast.FunctionDef | None:
    """The test of that name, None when there is none."""
    path, name = node_id.split("::")
    file = TESTS / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[0] if found else None


def names(test: ast.FunctionDef) -> Iterator[str]:
    """What a test asks for, and what it calls."""
    yield from (argument.arg for argument in test.args.args)
    for node in ast.walk(test):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", ""))


@pytest.mark.parametrize("fault", [*FAULTS, *OF_FILES])
def test_each_fault_has_its_tests(fault: str) -> None:
    tests = {node_id: function(node_id) for node_id in (FAULTS | OF_FILES)[fault].split()}
    assert tests
    assert [node_id for node_id, test in tests.items() if test is None] == []
    if fault in FAULTS:
        assert [name for name, test in tests.items() if test and not SERVERS & {*names(test)}] == []
