"""Is it told when rows go, and when one number stands for several people?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.data.quality import assess
from risk_model.data.set_aside import contradicting_subjects, set_aside_findings
from risk_model.data.split import split

from tests.data.made_cohorts import cohort_of, hospital_cohort

DEFAULT = config.Data(name="made", held_out_period=0.0)


def numbered(own: int, others: int = 300) -> Cohort:
    """Hospital A with so many patients of its own, B and C with 300 each; all count from 0."""
    rng = np.random.default_rng(0)
    counts = {"A": own, "B": others, "C": others}
    number = np.concatenate([np.arange(count) for count in counts.values()])
    n = len(number)
    index = {
        "subject_id": number.astype(str),
        "site": np.repeat(list(counts), list(counts.values())),
        "sex": rng.choice(["F", "M"], n),
        "age": rng.normal(60, 15, n).round(),
    }
    return cohort_of({"x": rng.normal(size=n)}, rng.random(n) < 0.3, index)


def kinds(cohort: Cohort, held_out: list[str]) -> dict[str, Finding]:
    settings = dataclasses.replace(DEFAULT, held_out_sites=held_out)
    found = set_aside_findings(cohort, split(cohort, config.Split(), settings, 0))
    return {f.kind: f for f in found}


@pytest.mark.parametrize("numbers", [300, 301, 600])
def test_a_held_out_site_that_takes_every_subject_is_refused_with_the_reason(numbers: int) -> None:
    settings = dataclasses.replace(DEFAULT, held_out_sites=["A"])
    with pytest.raises(UserError, match=r"leaves no subject; .*data\.subject"):
        split(numbered(numbers), config.Split(), settings, 0)


@pytest.mark.parametrize("own", [30, 100, 150])
def test_many_rows_set_aside_are_counted_and_the_numbers_are_doubted(own: int) -> None:
    found = kinds(numbered(own), ["A"])
    assert list(found) == ["rows set aside", "shared numbers"]
    assert f"{2 * own} of {own + 600} rows" in found["rows set aside"].message
    assert "data.subject" in found["rows set aside"].remedy


@pytest.mark.parametrize("own", [5, 14])
def test_a_few_rows_set_aside_are_no_warning(own: int) -> None:
    assert "rows set aside" not in kinds(numbered(own), ["A"])


@pytest.mark.parametrize("only", ["sex", "age"])
def test_shared_numbers_are_told_although_nothing_is_held_out(only: str) -> None:
    cohort = numbered(300)
    other = {"sex": "age", "age": "sex"}[only]
    cohort = dataclasses.replace(cohort, index=cohort.index.drop(columns=other))
    assert list(kinds(cohort, [])) == ["shared numbers"]


def test_patients_who_go_from_one_hospital_to_another_are_one_person() -> None:
    cohort = hospital_cohort(2000)
    assert contradicting_subjects(cohort)[0] > 100
    assert "shared numbers" not in kinds(cohort, ["D"])


def test_slips_in_sex_are_no_shared_numbers() -> None:
    cohort = hospital_cohort(2000)
    slips = np.random.default_rng(0).random(2000) < 0.03
    sex = np.where(slips, "F", cohort.index["sex"])
    cohort = dataclasses.replace(cohort, index=cohort.index.assign(sex=sex))
    assert contradicting_subjects(cohort)[1] > 0
    assert "shared numbers" not in kinds(cohort, ["D"])


def test_the_quality_report_shows_them() -> None:
    cohort = numbered(100)
    settings = dataclasses.replace(DEFAULT, held_out_sites=["A"])
    quality = assess(cohort, split(cohort, config.Split(), settings, 0))
    assert {"rows set aside", "shared numbers"} <= {f.kind for f in quality.findings}
