"""Codes of FHIR as one text each: the code system's short name, a slash and the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from risk_model.signals.events_reasons import LeftOut, Reason

# terminologies-systems.html of FHIR R4, and the identifiers of the same systems as OIDs
SYSTEMS = {
    "http://fhir.de/CodeSystem/bfarm/atc": "ATC",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm": "ICD10GM",
    "http://fhir.de/CodeSystem/bfarm/ops": "OPS",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://hl7.org/fhir/sid/icd-10": "ICD10",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "http://hl7.org/fhir/sid/icd-9-cm": "ICD9CM",
    "http://hl7.org/fhir/sid/ndc": "NDC",
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED",
    "http://www.ama-assn.org/go/cpt": "CPT",
    "http://www.cms.gov/Medicare/Coding/ICD10": "ICD10PCS",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "http://www.whocc.no/atc": "ATC",
    "urn:oid:2.16.840.1.113883.6.1": "LOINC",
    "urn:oid:2.16.840.1.113883.6.88": "RXNORM",
    "urn:oid:2.16.840.1.113883.6.90": "ICD10CM",
    "urn:oid:2.16.840.1.113883.6.96": "SNOMED",
    "urn:oid:2.16.840.1.113883.6.103": "ICD9CM",
    "urn:oid:2.16.840.1.113883.12.292": "CVX",
}
Concept = Mapping[str, Any]


def codes_of(concept: Concept | None) -> list[str]:
    """A CodeableConcept's codes, each once; that of an unlisted system has its whole address.

    Raises:
        LeftOut: there is none, but words at most, or a code is not text.

    >>> codes_of({"coding": [{"system": "http://loinc.org", "code": "8867-4"}]})
    ['LOINC/8867-4']
    """
    codes: list[str] = []
    for coding in (concept.get("coding") or ()) if concept else ():
        code, system = coding.get("code"), coding.get("system")
        if code is None or code == "":
            continue
        if not isinstance(code, str) or not isinstance(system, str | None):
            raise LeftOut(Reason.MALFORMED)
        name = f"{SYSTEMS.get(system, system)}/{code}" if system else code
        if name not in codes:
            codes.append(name)
    if not codes:
        raise LeftOut(Reason.NO_CODE)
    return codes


def text_of(concept: Concept) -> str:
    """A CodeableConcept as a value: its first code, or its words where it has none.

    Raises:
        LeftOut: it has neither.
    """
    try:
        return codes_of(concept)[0]
    except LeftOut as error:
        words = concept.get("text")
        if error.reason is not Reason.NO_CODE or not isinstance(words, str) or not words.strip():
            raise LeftOut(Reason.NO_VALUE) from None
        return words
