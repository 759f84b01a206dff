"""Whom a resource of FHIR is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from risk_model.signals.events_reasons import LeftOut, Reason

# a logical id has at most 64 of these characters (datatypes.html#id of FHIR R4)
ID = r"[A-Za-z0-9.\-]{1,64}"
REFERENCE = re.compile(rf"(?:(https?://[^?#]+)/)?Patient/({ID})(?:/_history/{ID})?", re.ASCII)
UUID = re.compile(r"urn:uuid:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})", re.ASCII)
NOBODY: Mapping[str, str] = {}


class Subject(NamedTuple):
    """A patient's id, and the address of the server where the reference has one."""

    id: str
    server: str


def subject_of(reference: Any, patients: Mapping[str, str]) -> Subject:
    """The patient of a reference.

    Args:
        reference: as FHIR has it, or None.
        patients: ids by the full address that a Bundle's references use; "" for no patient.

    Raises:
        LeftOut: it is missing, or names a group, a contained patient or an identifier.
    """
    text = reference.get("reference") if reference else None
    if not isinstance(text, str) or reference.get("type", "Patient") != "Patient":
        raise LeftOut(Reason.NO_SUBJECT)
    if text in patients:
        if not patients[text]:
            raise LeftOut(Reason.NO_SUBJECT)
        return Subject(patients[text], "")
    if match := REFERENCE.fullmatch(text):
        return Subject(match[2], match[1] or "")
    if match := UUID.fullmatch(text):
        return Subject(match[1], "")
    raise LeftOut(Reason.NO_SUBJECT)


def patient_id(patient: Mapping[str, Any]) -> str:
    """The id of a Patient; LeftOut when it has none."""
    name = patient.get("id")
    if not isinstance(name, str) or not re.fullmatch(ID, name):
        raise LeftOut(Reason.NO_SUBJECT)
    return name


def source_of(resource: object) -> str | None:
    """The kind and id of a resource, by which one that occurs again is known; None without an id.

    >>> source_of({"resourceType": "Observation", "id": "7"})
    'Observation/7'
    """
    if not isinstance(resource, dict) or not resource.get("id"):
        return None
    return f"{resource.get('resourceType')}/{resource['id']}"


class BundleContent(NamedTuple):
    """The resources of a Bundle, and its patients by the full address that references use.

    What has an address and is no patient is "".
    """

    resources: list[Any]
    patients: dict[str, str]


def bundle_content(bundle: object) -> BundleContent:
    """What is in a Bundle; None is the one resource of what is no Bundle.

    A patient without an id is called by the UUID of its entry's address.
    """
    whole = isinstance(bundle, dict) and bundle.get("resourceType") == "Bundle"
    entries = bundle.get("entry", []) if whole and isinstance(bundle, dict) else None
    content = BundleContent([], {})
    if not isinstance(entries, list):
        content.resources.append(None)
        return content
    for entry in entries:
        if not isinstance(entry, dict):
            content.resources.append(None)
        elif "resource" in entry:  # a deletion, or the answer to a request, has none
            _add_entry(entry, content)
    return content


def _add_entry(entry: Mapping[str, Any], content: BundleContent) -> None:
    resource, address = entry["resource"], entry.get("fullUrl")
    is_patient = isinstance(resource, dict) and resource.get("resourceType") == "Patient"
    uuid = UUID.fullmatch(address) if isinstance(address, str) else None
    if is_patient and "id" not in resource and uuid:
        resource = {**resource, "id": uuid[1]}
    if isinstance(address, str):
        name = resource.get("id") if is_patient else ""
        content.patients[address] = name if isinstance(name, str) else ""
    content.resources.append(resource)
