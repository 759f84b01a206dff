"""Is an age in a header's comments read in its own unit, and told where it is not understood?"""

from __future__ import annotations

import pytest

from risk_model.signals.waveform_header import patient_fields

AGES = {
    "age: 63": 63,
    "<age>: 25  <sex>: M  <diagnoses>: (none)": 25,
    "Age: 63 years": 63,
    "Age 63 y": 63,
    "age=63yo": 63,
    "Age (years): 55": 55,
    "Age(yrs) 55": 55,
    "Age in months: 8": 8 / 12,
    "Age (months): 8": 8 / 12,
    "age_months: 8": 8 / 12,
    "age: 4 months": 4 / 12,
    "age: 4mo": 4 / 12,
    "age: 6 weeks": 6 * 7 / 365.25,
    "Age: 6 wks sex: F": 6 * 7 / 365.25,
    "age: 12 days": 12 / 365.25,
    "age: 36 hours": 1.5 / 365.25,
    "age: 2 years 3 months": 2.25,
    "age: 1 year and 6 months, 9 kg": 1.5,
    "age: 0.5": 0.5,
    "age: 0,5 years": 0.5,
    "age: 120": 120,
    "Age: 63 F": 63,
    "Age: 63 M": 63,
    "age: 63, 4 weeks after surgery": 63,
}
# told that they are not used
NOT_UNDERSTOOD = [
    "age: 300",
    "age: 1500 months",
    "age: >89",
    "age: 90+",
    "age: 45-50",
    "age: 45.5-50",
    "age: -1",
    "age: 25M",
    "age: 4 m  sex: male",
    "age at onset: 61",
]
ABSENT = ["<age>: ??  <sex>: ?", "age: unknown", "dosage: 30", "image 5", "average: 70", "stage 4"]


def read(comment: str) -> tuple[object, list[str]]:
    """The age, and the kinds of remarks."""
    fields, remarks = patient_fields(f"r 1 250 2500\nr.dat 16 200 12 0 0 0 0 I\n# {comment}\n")
    return fields.get("age"), [remark.kind for remark in remarks]


@pytest.mark.parametrize("comment", AGES)
def test_an_age_is_read_in_years_whatever_its_unit(comment: str) -> None:
    assert read(comment) == (pytest.approx(AGES[comment]), [])


@pytest.mark.parametrize("comment", NOT_UNDERSTOOD)
def test_an_age_that_is_no_number_of_years_is_told_and_not_used(comment: str) -> None:
    assert read(comment) == (None, ["age"])


@pytest.mark.parametrize("comment", ABSENT)
def test_where_no_age_is_told_none_is_missed(comment: str) -> None:
    assert read(comment) == (None, [])


def test_numbers_outside_of_comments_are_no_age() -> None:
    assert patient_fields("r 1 250 2500\nr.dat 16 200 12 0 0 0 0 age 63\n") == ({}, [])


def test_sex_is_read_beside_the_age() -> None:
    fields, _ = patient_fields("r 1 250\n# Age: 70\n# Sex: Female\n")
    assert fields == {"age": 70, "sex": "F"}
