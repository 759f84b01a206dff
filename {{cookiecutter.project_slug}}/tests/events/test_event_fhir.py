"""Resources of FHIR R4 as events: what is read, and the reason for what is not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from risk_model.signals.events import Event
from risk_model.signals.events_fhir import events_of, events_of_bundle
from risk_model.signals.events_reasons import Reason

from tests.events.made_fhir import (
    CODE,
    ENCOUNTER,
    KEPT,
    LOINC,
    MIDNIGHT,
    NOON,
    OBSERVATION,
    PATIENT,
    REFUSED,
    about,
    changed,
    without_value,
)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_fact_about_one_patient_is_left_out_for_its_reason(case: str) -> None:
    resource, reason = REFUSED[case]
    assert events_of(resource)[:3] == ([], [reason], 0)


def test_a_result_is_an_event_with_its_unit_and_the_time_at_which_it_was_known() -> None:
    [event] = events_of(OBSERVATION, 7).events
    known = NOON + 7_200_000_000
    assert event == Event("p1", NOON, "LOINC/8867-4", 92.0, None, "/min", known, False, 7)


@pytest.mark.parametrize("case", KEPT)
def test_what_is_a_fact_is_read_as_its_source_says(case: str) -> None:
    resource, holds = KEPT[case]
    answer = events_of(resource)
    [event] = answer.events
    assert answer.left_out == []
    assert holds(event)
    assert answer.comparators == (case == "limit")


def test_a_stated_zone_reads_hours_without_one_and_ends_its_days_at_its_midnight() -> None:
    zone = ZoneInfo("America/New_York")
    resource = changed(OBSERVATION, effectiveDateTime="2020-05-01T08:00:00")
    assert events_of(resource, zone=zone).events[0].time == NOON
    resource = changed(OBSERVATION, effectiveDateTime="2020-05-01")
    assert events_of(resource, zone=zone).events[0].time == MIDNIGHT + 4 * 3_600_000_000 - 1


def test_components_are_results_of_their_own_and_codings_of_one_share_its_place() -> None:
    member = {"code": CODE, "valueQuantity": OBSERVATION["valueQuantity"]}
    two = {"coding": [*CODE["coding"], {"system": LOINC, "code": "8889-8"}]}
    absent = {"code": CODE, "dataAbsentReason": {}}
    panel = without_value(component=[member, {**member, "code": two}, absent])
    answer = events_of(panel, 5)
    assert [(e.code, e.row) for e in answer.events] == [
        ("LOINC/8867-4", 5),
        ("LOINC/8867-4", 6),
        ("LOINC/8889-8", 6),
    ]
    assert answer[1:3] == ([Reason.ABSENT], 2)


def test_a_stay_has_a_start_and_once_it_is_finished_an_end() -> None:
    codes = [e.code for e in events_of(ENCOUNTER).events]
    assert codes == ["ENCOUNTER_START/IMP", "ENCOUNTER_END/IMP"]
    unfinished = changed(ENCOUNTER, status="in-progress")
    assert [e.code for e in events_of(unfinished).events] == ["ENCOUNTER_START/IMP"]


def test_a_death_without_a_date_is_counted_and_no_event() -> None:
    answer = events_of(changed(PATIENT, deceasedBoolean=True))
    assert [(e.code, e.time is None) for e in answer.events] == [
        ("MEDS_BIRTH", False),
        ("GENDER/male", True),
    ]
    assert answer.left_out == [Reason.UNDATED_DEATH]
    dead = events_of(changed(PATIENT, deceasedDateTime="2020-05-01"))
    assert ("MEDS_DEATH", MIDNIGHT - 1) in [(e.code, e.time) for e in dead.events]


def test_references_within_a_bundle_lead_to_the_patient_of_that_address() -> None:
    urn = "urn:uuid:d9427379-943a-42c1-b3d0-6b5056a12696"
    entries = [
        {"fullUrl": "urn:x", "resource": about({"reference": urn})},
        {"fullUrl": urn, "resource": PATIENT},
        {"resource": about({"reference": "urn:x"})},
        {"request": {"method": "DELETE"}},
    ]
    answers = events_of_bundle({"resourceType": "Bundle", "entry": entries}, 10)
    assert [[(e.subject_id, e.row) for e in a.events] for a in answers] == [
        [("p1", 10)],
        [("p1", 11), ("p1", 12)],
        [],
    ]
    nameless = [{"fullUrl": urn, "resource": changed(PATIENT, id=None)}, entries[0]]
    answers = events_of_bundle({"resourceType": "Bundle", "entry": nameless})
    assert {e.subject_id for a in answers for e in a.events} == {urn.removeprefix("urn:uuid:")}


def test_what_is_no_bundle_is_malformed() -> None:
    contents: tuple[object, ...] = (None, [], {"resourceType": "Bundle", "entry": {}}, PATIENT)
    for content in contents:
        assert [a.left_out for a in events_of_bundle(content)] == [[Reason.MALFORMED]]


def test_synthea_bundles_are_read_whole(downloaded: Callable[[str], Path]) -> None:
    count, left_out, subjects = 0, Counter[Reason](), set()
    for path in sorted(downloaded("fhir_synthea_r4").glob("*.json")):
        for answer in events_of_bundle(json.loads(path.read_bytes())):
            count += len(answer.events)
            left_out.update(answer.left_out)
            subjects |= {e.subject_id for e in answer.events}
    assert (count, len(subjects)) == (1542, 20)
    assert set(left_out) == {Reason.OTHER_KIND}
