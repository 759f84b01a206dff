"""Resources of FHIR R4 as events: what is read, and the reason for what is not."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from risk_model.signals.events import Event
from risk_model.signals.events_fhir import events_of, events_of_bundle
from risk_model.signals.events_reasons import Reason

Json = dict[str, Any]
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
NOON = int(datetime(2020, 5, 1, 12, tzinfo=UTC).timestamp() * 1e6)
MIDNIGHT = int(datetime(2020, 5, 2, tzinfo=UTC).timestamp() * 1e6)
SUBJECT = {"reference": "Patient/p1"}
CODE = {"coding": [{"system": LOINC, "code": "8867-4"}], "text": "Heart rate"}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": CODE,
    "subject": SUBJECT,
    "effectiveDateTime": "2020-05-01T12:00:00Z",
    "issued": "2020-05-01T14:00:00.000+00:00",
    "valueQuantity": {"value": 92, "unit": "beats/minute", "system": UCUM, "code": "/min"},
}
CONDITION: Json = {
    "resourceType": "Condition",
    "verificationStatus": {"coding": [{"code": "confirmed"}]},
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.9"}]},
    "subject": SUBJECT,
    "onsetDateTime": "2020-05-01T12:00:00Z",
    "recordedDate": "2020-05-01T14:00:00Z",
}
PROCEDURE: Json = {
    "resourceType": "Procedure",
    "status": "completed",
    "code": CODE,
    "subject": SUBJECT,
    "performedDateTime": "2020-05-01T12:00:00Z",
}
ENCOUNTER: Json = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": SUBJECT,
    "period": {"start": "2020-05-01T12:00:00Z", "end": "2020-05-01T18:00:00Z"},
}
DRUG = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "316049"}]}
ORDER: Json = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": DRUG,
    "subject": SUBJECT,
    "authoredOn": "2020-05-01T12:00:00Z",
}
IMMUNIZATION: Json = {
    "resourceType": "Immunization",
    "status": "completed",
    "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "140"}]},
    "patient": SUBJECT,
    "occurrenceDateTime": "2020-05-01T12:00:00Z",
}
PATIENT: Json = {"resourceType": "Patient", "id": "p1", "birthDate": "1950-01-01", "gender": "male"}


def changed(resource: Json, **members: Any) -> Json:
    """A copy with other members; one that is None is taken out."""
    whole = {**copy.deepcopy(resource), **members}
    return {name: value for name, value in whole.items() if value is not None}


def quantity(**members: Any) -> Json:
    value = {**OBSERVATION["valueQuantity"], **members}
    return changed(OBSERVATION, valueQuantity={k: v for k, v in value.items() if v is not None})


def without_value(**members: Any) -> Json:
    return changed(OBSERVATION, valueQuantity=None, **members)


def about(reference: Any) -> Json:
    return changed(OBSERVATION, subject=reference)


REFUSED: dict[str, tuple[Json, Reason]] = {
    "preliminary result": (changed(OBSERVATION, status="preliminary"), Reason.STATUS),
    "registered result": (changed(OBSERVATION, status="registered"), Reason.STATUS),
    "cancelled result": (changed(OBSERVATION, status="cancelled"), Reason.STATUS),
    "result by mistake": (changed(OBSERVATION, status="entered-in-error"), Reason.STATUS),
    "result without status": (changed(OBSERVATION, status=None), Reason.STATUS),
    "refuted diagnosis": (
        changed(CONDITION, verificationStatus={"coding": [{"code": "refuted"}]}),
        Reason.STATUS,
    ),
    "diagnosis by mistake": (
        changed(CONDITION, verificationStatus={"coding": [{"code": "entered-in-error"}]}),
        Reason.STATUS,
    ),
    "procedure not done": (changed(PROCEDURE, status="not-done"), Reason.STATUS),
    "planned stay": (changed(ENCOUNTER, status="planned"), Reason.STATUS),
    "cancelled stay": (changed(ENCOUNTER, status="cancelled"), Reason.STATUS),
    "proposed drug": (changed(ORDER, intent="proposal"), Reason.STATUS),
    "forbidden drug": (changed(ORDER, doNotPerform=True), Reason.STATUS),
    "draft order": (changed(ORDER, status="draft"), Reason.STATUS),
    "vaccine not given": (changed(IMMUNIZATION, status="not-done"), Reason.STATUS),
    "no zone": (changed(OBSERVATION, effectiveDateTime="2020-05-01T12:00:00"), Reason.NO_ZONE),
    "result known without zone": (
        changed(OBSERVATION, issued="2020-05-01T14:00:00"),
        Reason.NO_ZONE,
    ),
    "leap second": (
        changed(OBSERVATION, effectiveDateTime="2016-12-31T23:59:60Z"),
        Reason.BAD_TIME,
    ),
    "30th of February": (changed(OBSERVATION, effectiveDateTime="2020-02-30"), Reason.BAD_TIME),
    "hour 24": (changed(OBSERVATION, effectiveDateTime="2020-05-01T24:00:00Z"), Reason.BAD_TIME),
    "another format": (changed(OBSERVATION, effectiveDateTime="01.05.2020"), Reason.BAD_TIME),
    "basic ISO format": (changed(OBSERVATION, effectiveDateTime="20200501"), Reason.BAD_TIME),
    "time as number": (changed(OBSERVATION, effectiveDateTime=1588334400), Reason.BAD_TIME),
    "no time": (changed(OBSERVATION, effectiveDateTime=None), Reason.NO_TIME),
    "schedule": (
        changed(OBSERVATION, effectiveDateTime=None, effectiveTiming={"event": []}),
        Reason.NO_TIME,
    ),
    "reversed period": (
        changed(
            PROCEDURE, performedDateTime=None, performedPeriod={"start": "2020", "end": "2019"}
        ),
        Reason.PERIOD,
    ),
    "empty period": (changed(ENCOUNTER, period={}), Reason.NO_TIME),
    "contained patient": (about({"reference": "#p"}), Reason.NO_SUBJECT),
    "group": (about({"reference": "Group/g1"}), Reason.NO_SUBJECT),
    "group by type": (about({"reference": "Patient/1", "type": "Group"}), Reason.NO_SUBJECT),
    "identifier only": (about({"identifier": {"value": "17"}}), Reason.NO_SUBJECT),
    "words only": (about({"display": "Jane"}), Reason.NO_SUBJECT),
    "conditional reference": (about({"reference": "Patient?identifier=7"}), Reason.NO_SUBJECT),
    "bad urn": (about({"reference": "urn:uuid:p1"}), Reason.NO_SUBJECT),
    "nobody": (about(None), Reason.NO_SUBJECT),
    "patient without id": (changed(PATIENT, id=None), Reason.NO_SUBJECT),
    "NaN": (quantity(value=float("nan")), Reason.BAD_VALUE),
    "infinite": (quantity(value=float("inf")), Reason.BAD_VALUE),
    "text for a number": (quantity(value="92"), Reason.BAD_VALUE),
    "truth for a number": (quantity(value=True), Reason.BAD_VALUE),
    "unknown comparator": (quantity(comparator="~"), Reason.BAD_VALUE),
    "no number": (quantity(value=None), Reason.NO_VALUE),
    "two values": (changed(OBSERVATION, valueInteger=3), Reason.BAD_VALUE),
    "half an integer": (without_value(valueInteger=2.5), Reason.BAD_VALUE),
    "text for a truth": (without_value(valueBoolean="true"), Reason.BAD_VALUE),
    "range": (without_value(valueRange={}), Reason.OTHER_VALUE),
    "no value": (without_value(), Reason.NO_VALUE),
    "blank text": (without_value(valueString=" "), Reason.NO_VALUE),
    "reason for no value": (
        without_value(dataAbsentReason={"coding": [{"code": "unknown"}]}),
        Reason.ABSENT,
    ),
    "only words": (changed(OBSERVATION, code={"text": "Heart rate"}), Reason.NO_CODE),
    "empty code": (changed(OBSERVATION, code={"coding": [{"code": ""}]}), Reason.NO_CODE),
    "no code": (changed(CONDITION, code=None), Reason.NO_CODE),
    "code as number": (
        changed(OBSERVATION, code={"coding": [{"system": LOINC, "code": 88674}]}),
        Reason.MALFORMED,
    ),
    "code as list": (changed(OBSERVATION, code=[CODE]), Reason.MALFORMED),
    "drug elsewhere": (
        changed(
            ORDER,
            medicationCodeableConcept=None,
            medicationReference={"reference": "Medication/m"},
        ),
        Reason.BY_REFERENCE,
    ),
    "another kind": ({"resourceType": "Claim"}, Reason.OTHER_KIND),
    "no kind": ({"id": "x"}, Reason.MALFORMED),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_fact_about_one_patient_is_left_out_for_its_reason(case: str) -> None:
    resource, reason = REFUSED[case]
    assert events_of(resource)[:3] == ([], [reason], 0)


def test_a_result_is_an_event_with_its_unit_and_the_time_at_which_it_was_known() -> None:
    [event] = events_of(OBSERVATION, 7).events
    known = NOON + 7_200_000_000
    assert event == Event("p1", NOON, "LOINC/8867-4", 92.0, None, "/min", known, False, 7)


KEPT: dict[str, tuple[Json, Callable[[Event], bool]]] = {
    "amended": (changed(OBSERVATION, status="amended"), lambda e: e.numeric_value == 92),
    "corrected": (changed(OBSERVATION, status="corrected"), lambda e: e.numeric_value == 92),
    "day": (
        changed(OBSERVATION, effectiveDateTime="2020-05-01"),
        lambda e: (e.time, e.day_only) == (MIDNIGHT - 1, True),
    ),
    "month": (
        changed(OBSERVATION, effectiveDateTime="2020-04"),
        lambda e: (e.time, e.day_only) == (MIDNIGHT - 86_400_000_000 - 1, True),
    ),
    "year": (
        changed(OBSERVATION, effectiveDateTime="1969"),
        lambda e: (e.time, e.day_only) == (-1, True),
    ),
    "period": (
        changed(
            OBSERVATION,
            effectiveDateTime=None,
            effectivePeriod={"start": "2020-05-01T09:00:00Z", "end": "2020-05-01T12:00:00Z"},
        ),
        lambda e: (e.time, e.day_only) == (NOON, False),
    ),
    "other zone": (
        changed(OBSERVATION, effectiveDateTime="2020-05-01T14:00:00.0000001+02:00"),
        lambda e: e.time == NOON,
    ),
    "versioned": (
        about({"reference": "https://a.org/fhir/Patient/p2/_history/3"}),
        lambda e: e.subject_id == "p2",
    ),
    "urn": (
        about({"reference": "urn:uuid:d9427379-943a-42c1-b3d0-6b5056a12696"}),
        lambda e: e.subject_id == "d9427379-943a-42c1-b3d0-6b5056a12696",
    ),
    "integer": (without_value(valueInteger=3), lambda e: e.numeric_value == 3),
    "truth": (without_value(valueBoolean=True), lambda e: e.numeric_value == 1),
    "words": (without_value(valueString="clear"), lambda e: e.text_value == "clear"),
    "concept": (
        without_value(valueCodeableConcept={"text": "Never smoker"}),
        lambda e: e.text_value == "Never smoker",
    ),
    "limit": (
        quantity(comparator="<"),
        lambda e: (e.numeric_value, e.text_value) == (92, "<"),
    ),
    "local unit": (quantity(system=None, code=None), lambda e: e.unit == "beats/minute"),
    "diagnosis": (
        CONDITION,
        lambda e: (e.code, e.time, e.known) == ("ICD10CM/E11.9", NOON, NOON + 7_200_000_000),
    ),
    "diagnosis without onset": (
        changed(CONDITION, onsetDateTime=None),
        lambda e: e.time == NOON + 7_200_000_000,
    ),
    "contained drug": (
        changed(
            ORDER,
            medicationCodeableConcept=None,
            medicationReference={"reference": "#m"},
            contained=[{"resourceType": "Medication", "id": "m", "code": DRUG}],
        ),
        lambda e: e.code == "RXNORM/316049",
    ),
    "vaccine": (IMMUNIZATION, lambda e: (e.code, e.subject_id) == ("CVX/140", "p1")),
    "unlisted system": (
        changed(OBSERVATION, code={"coding": [{"system": "http://lab", "code": "GLU"}]}),
        lambda e: e.code == "http://lab/GLU",
    ),
}


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
    two = {"coding": [*CODE["coding"], {"system": LOINC, "code": "8889-8"}]}  # type: ignore[misc]
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
    for content in (None, [], {"resourceType": "Bundle", "entry": {}}, PATIENT):
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
