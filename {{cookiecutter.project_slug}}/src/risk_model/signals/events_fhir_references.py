"""Whom a resource of FHIR is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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


def bundle_patients(entries: Sequence[Any]) -> dict[str, str]:
    """The ids of the patients of a Bundle by the full address of their entry.

    A patient without an id is called by the address's UUID; whatever else has an address is "".
    """
    found: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(url := entry.get("fullUrl"), str):
            resource = entry.get("resource")
            match = UUID.fullmatch(url)
            if not isinstance(resource, dict) or resource.get("resourceType") != "Patient":
                found[url] = ""
            elif isinstance(resource.get("id"), str) or match:
                found[url] = resource.get("id") or (match[1] if match else "")
    return found
