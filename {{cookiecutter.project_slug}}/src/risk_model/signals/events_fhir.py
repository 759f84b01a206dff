"""Resources of FHIR R4 as events, by the same function for bulk files and for requests.

A resource that is not a fact about one patient at a known time is left out, and the reason said;
nothing is guessed. Plain Python: a server needs no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

from risk_model.signals.events import Event
from risk_model.signals.events_fhir_codes import codes_of
from risk_model.signals.events_fhir_references import (
    NOBODY,
    Subject,
    bundle_content,
    patient_id,
    subject_of,
)
from risk_model.signals.events_fhir_values import Value, value_of
from risk_model.signals.events_reasons import LeftOut, Reason
from risk_model.signals.events_time import Moment, moment_of

Resource = Mapping[str, Any]
BIRTH, DEATH, GENDER = "MEDS_BIRTH", "MEDS_DEATH", "GENDER"  # the first two are MEDS's
START, END = "ENCOUNTER_START", "ENCOUNTER_END"


class FhirEvents(NamedTuple):
    """The events of a resource, why parts of it are left out, and what else is counted.

    Events of one result under several codings have the same `row`. `results` says how many rows
    were taken; `comparators` how many values are limits, whose sign is the event's `text_value`;
    `server` the address of the patient's server, where the reference has one.
    """

    events: list[Event]
    left_out: list[Reason]
    results: int
    comparators: int = 0
    server: str = ""


class Kind(NamedTuple):
    """Where a kind of resource has its code, its time and the time at which it was known.

    The first of `times` that is there counts; a period counts from its end. Without `statuses` none
    is asked for.
    """

    code: str
    times: tuple[str, ...]
    statuses: frozenset[str] = frozenset()
    known: str = ""
    subject: str = "subject"


def _statuses(words: str) -> frozenset[str]:
    return frozenset(words.split())


MEDICATION = "medicationCodeableConcept"
EFFECTIVE = ("effectiveDateTime", "effectivePeriod", "effectiveInstant")
KINDS = {
    "Condition": Kind(
        "code", ("onsetDateTime", "onsetPeriod", "recordedDate"), known="recordedDate"
    ),
    "Immunization": Kind(
        "vaccineCode", ("occurrenceDateTime",), _statuses("completed"), "recorded", "patient"
    ),
    "MedicationAdministration": Kind(
        MEDICATION, EFFECTIVE, _statuses("completed in-progress on-hold stopped")
    ),
    "MedicationDispense": Kind(MEDICATION, ("whenHandedOver",), _statuses("completed")),
    "MedicationRequest": Kind(
        MEDICATION, ("authoredOn",), _statuses("active completed on-hold stopped")
    ),
    "MedicationStatement": Kind(
        MEDICATION,
        (*EFFECTIVE, "dateAsserted"),
        _statuses("active completed on-hold stopped"),
        "dateAsserted",
    ),
    "Observation": Kind("code", EFFECTIVE, _statuses("final amended corrected"), "issued"),
    "Procedure": Kind(
        "code",
        ("performedDateTime", "performedPeriod"),
        _statuses("completed in-progress on-hold stopped"),
    ),
}
ENCOUNTERS = _statuses("arrived triaged in-progress onleave finished")
ORDERS = _statuses("order original-order reflex-order filler-order instance-order")
REFUTED = _statuses("refuted entered-in-error")


def events_of(
    resource: object,
    row: int = 0,
    zone: tzinfo | None = None,
    patients: Mapping[str, str] = NOBODY,
) -> FhirEvents:
    """The events of one resource; never raises for what it holds.

    Args:
        resource: as JSON gives it.
        row: the place in the source of its first result; the next have the next numbers.
        zone: of dates, UTC for None, and of times without a zone, which are refused for None.
        patients: ids by the full address that references use within a Bundle; "" for what is no
            patient.
    """
    try:
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            return FhirEvents([], [Reason.MALFORMED], 0)
        if resource["resourceType"] in KINDS:
            return _happened(resource, KINDS[resource["resourceType"]], row, zone, patients)
        read = OTHERS.get(resource["resourceType"])
        if read is None:
            return FhirEvents([], [Reason.OTHER_KIND], 0)
        return read(resource, row, zone, patients)
    except LeftOut as error:
        return FhirEvents([], [error.reason], 0)
    except (AttributeError, TypeError):  # a list where FHIR has an object, and the like
        return FhirEvents([], [Reason.MALFORMED], 0)


def events_of_bundle(bundle: object, row: int = 0, zone: tzinfo | None = None) -> list[FhirEvents]:
    """What each resource of a Bundle holds; one that is no Bundle is left out as malformed.

    The arguments are those of `events_of`.
    """
    content = bundle_content(bundle)
    answers = []
    for resource in content.resources:
        answers.append(events_of(resource, row, zone, content.patients))
        row += answers[-1].results
    return answers


def _happened(
    resource: Resource,
    kind: Kind,
    row: int,
    zone: tzinfo | None,
    patients: Mapping[str, str],
) -> FhirEvents:
    """The events of a resource that says what was found, done or given at one time."""
    _check_status(resource, kind)
    subject = subject_of(resource.get(kind.subject), patients)
    when = _time(resource, kind.times, zone)
    known = moment_of(resource[kind.known], zone).time if kind.known in resource else when.time
    if kind.known == "issued":
        return _results(resource, subject, when, known, row)
    codes = _medication(resource) if kind.code == MEDICATION else codes_of(resource.get(kind.code))
    events = _events(subject.id, when, known, codes, Value(), row)
    return FhirEvents(events, [], 1, 0, subject.server)


def _check_status(resource: Resource, kind: Kind) -> None:
    """LeftOut when it did not happen, is not over yet, or was an error."""
    if kind.statuses and resource.get("status") not in kind.statuses:
        raise LeftOut(Reason.STATUS)
    verified = resource.get("verificationStatus")
    if verified and any(coding.get("code") in REFUTED for coding in verified.get("coding", ())):
        raise LeftOut(Reason.STATUS)
    if resource.get("doNotPerform") or (
        resource["resourceType"] == "MedicationRequest" and resource.get("intent") not in ORDERS
    ):
        raise LeftOut(Reason.STATUS)


def _medication(resource: Resource) -> list[str]:
    """The codes of a drug, which may stand in a contained resource."""
    if MEDICATION in resource or "medicationReference" not in resource:
        return codes_of(resource.get(MEDICATION))
    name = resource["medicationReference"].get("reference")
    for contained in resource.get("contained", ()):
        if name == f"#{contained.get('id')}":
            return codes_of(contained.get("code"))
    raise LeftOut(Reason.BY_REFERENCE)


def _results(
    resource: Resource, subject: Subject, when: Moment, known: int, row: int
) -> FhirEvents:
    """The events of an Observation: its own value, and those of its components."""
    events: list[Event] = []
    left_out: list[Reason] = []
    components = resource.get("component") or ()
    panel = bool(components or resource.get("hasMember"))
    comparators, end = 0, row
    for result in (resource, *components):
        try:
            value = value_of(result)
            if value is None:
                if result is resource and panel:
                    continue  # only the members of a panel have values
                raise LeftOut(Reason.NO_VALUE)
            events += _events(subject.id, when, known, codes_of(result.get("code")), value, end)
            comparators += value.number is not None and value.text is not None
            end += 1
        except LeftOut as error:
            left_out.append(error.reason)
    return FhirEvents(events, left_out, end - row, comparators, subject.server)


def _events(
    subject: str, when: Moment, known: int, codes: Sequence[str], value: Value, row: int
) -> list[Event]:
    number, text, unit = value
    return [
        Event(subject, when.time, code, number, text, unit, known, when.day_only, row)
        for code in codes
    ]


def _time(resource: Resource, names: Sequence[str], zone: tzinfo | None) -> Moment:
    for name in names:
        if name in resource:
            value = resource[name]
            return _end(value, zone) if isinstance(value, dict) else moment_of(value, zone)
    raise LeftOut(Reason.NO_TIME)


def _end(period: Resource, zone: tzinfo | None) -> Moment:
    """The end of a period, or its start while it has no end."""
    moments = [moment_of(period[name], zone) for name in ("start", "end") if name in period]
    if not moments:
        raise LeftOut(Reason.NO_TIME)
    if moments[-1].time < moments[0].time:
        raise LeftOut(Reason.PERIOD)
    return moments[-1]


def _encounter(
    resource: Resource, row: int, zone: tzinfo | None, patients: Mapping[str, str]
) -> FhirEvents:
    """The start of a stay, and its end once it is finished."""
    status = resource.get("status")
    if status not in ENCOUNTERS:
        raise LeftOut(Reason.STATUS)
    subject = subject_of(resource.get("subject"), patients)
    period = resource.get("period") or {}
    _end(period, zone)  # there is one, and its order is right
    kind = (resource.get("class") or {}).get("code")
    if kind is not None and not isinstance(kind, str):
        raise LeftOut(Reason.MALFORMED)
    events: list[Event] = []
    for name, code in (("start", START), ("end", END)):
        if name in period and (name == "start" or status == "finished"):
            when = moment_of(period[name], zone)
            codes = [f"{code}/{kind}" if kind else code]
            events += _events(subject.id, when, when.time, codes, Value(), row + len(events))
    return FhirEvents(events, [], len(events), 0, subject.server)


def _patient(
    resource: Resource, row: int, zone: tzinfo | None, patients: Mapping[str, str]
) -> FhirEvents:
    """Birth, sex, which has no time, and death where its date is known."""
    subject = patient_id(resource)
    events: list[Event] = []
    left_out: list[Reason] = []
    for name, code in (("birthDate", BIRTH), ("deceasedDateTime", DEATH)):
        try:
            if name in resource:
                when = moment_of(resource[name], zone)
                events += _events(subject, when, when.time, [code], Value(), row + len(events))
        except LeftOut as error:
            left_out.append(error.reason)
    if resource.get("deceasedBoolean"):
        left_out.append(Reason.UNDATED_DEATH)
    if gender := resource.get("gender"):
        code, place = f"{GENDER}/{gender}", row + len(events)
        events.append(Event(subject, None, code, None, None, "", None, False, place))
    return FhirEvents(events, left_out, len(events))


OTHERS = {"Encounter": _encounter, "Patient": _patient}
