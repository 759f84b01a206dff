"""Resources of FHIR R4 for tests: one right one of each kind, and copies with one thing changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from risk_model.signals.events import Event
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
