"""Is each planted truth found, and is a clean cohort left in peace?"""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from risk_model import config
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.findings import Finding
from risk_model.data import load, noise, underdiagnosis
from risk_model.data.leakage import check
from risk_model.data.quality import assess
from risk_model.data.sample_size import required_rows
from risk_model.data.shift import contrasts, holm
from risk_model.data.split import split

from tests.data.made_cohorts import cohort_of

FOUND_BY_LEAKAGE = {"leaking_column": "clinic_contacts", "duplicated_patient": "identical records"}
FOUND_BY_QUALITY = {
    "site_shift": "Hospital C",
    "drift": "medications",
    "underdiagnosis": "ethnicity: Black",
}
KINDS = {
    "leaking_column": "leaking column",
    "duplicated_patient": "duplicated patient",
    "site_shift": "site shift",
    "drift": "drift",
    "underdiagnosis": "under-diagnosis",
}


def serious(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity != "note"]


def made(plant: str, seed: int) -> tuple[Cohort, Splits]:
    settings = config.Synthetic(seed=seed, plant=[plant] if plant else [])
    cohort = load(settings)
    return cohort, split(cohort, config.Split(), settings, seed)


def finds(plant: str, seed: int) -> bool:
    cohort, splits = made(plant, seed)
    findings = (
        check(cohort, splits) if plant in FOUND_BY_LEAKAGE else assess(cohort, splits).findings
    )
    where = (FOUND_BY_LEAKAGE | FOUND_BY_QUALITY)[plant]
    return any(f.kind == KINDS[plant] and where in f.where.split(", ") for f in serious(findings))


@pytest.mark.parametrize("plant", FOUND_BY_QUALITY)
def test_the_planted_truth_is_found_and_nothing_else(plant: str) -> None:
    cohort, splits = made(plant, 1)
    found = serious(assess(cohort, splits).findings)
    assert [f.kind for f in found] == [KINDS[plant]]
    assert FOUND_BY_QUALITY[plant] in found[0].where


def test_a_clean_cohort_raises_nothing() -> None:
    cohort, splits = made("", 1)
    assert serious(assess(cohort, splits).findings) == []


@pytest.mark.slow
@pytest.mark.parametrize("plant", KINDS)
def test_each_planted_truth_is_found_in_eighteen_of_twenty_seeds(plant: str) -> None:
    assert sum(finds(plant, seed) for seed in range(20)) >= 18


@pytest.mark.slow
def test_clean_cohorts_raise_something_in_one_of_twenty_seeds_at_most() -> None:
    loud = 0
    for seed in range(20):
        cohort, splits = made("", seed)
        loud += bool(serious(check(cohort, splits) + assess(cohort, splits).findings))
    assert loud <= 1


def test_every_question_is_answered_in_sentences_and_as_json() -> None:
    cohort, splits = made("drift", 0)
    quality = assess(cohort, splits)
    told = quality.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert len(told["answers"]) == 10
    assert all(sentence.endswith(".") for answer in told["answers"].values() for sentence in answer)
    assert "nan" not in json.dumps(told["answers"])


def test_what_was_not_recorded_is_called_not_assessable() -> None:
    cohort = cohort_of({"x": np.random.default_rng(0).normal(size=500)}, np.arange(500) % 3 == 0)
    answers = assess(cohort, split(cohort, config.Split(), config.Data(name="made"), 0)).answers
    assert sum("ot assessable" in " ".join(answer) for answer in answers.values()) == 5


def test_outcomes_of_test_and_external_rows_are_never_used() -> None:
    cohort, splits = made("underdiagnosis", 2)
    outcome = cohort.labels.copy()
    hidden = np.concatenate([splits.test, splits.set_aside, *splits.external.values()])
    outcome[hidden] = 1 - outcome[hidden]
    changed = dataclasses.replace(cohort, outcome=outcome)
    assert assess(changed, splits).to_dict() == assess(cohort, splits).to_dict()


def test_too_few_rows_are_a_warning_with_the_number_needed() -> None:
    settings = config.HeartDisease()
    cohort = load(settings)
    quality = assess(cohort, split(cohort, config.Split(), settings, 0))
    (finding,) = [f for f in quality.findings if f.kind == "small sample"]
    assert finding.severity == "warning"
    assert max(row["rows needed"] for row in quality.tables["development sample size"]) > 1000


def test_hospitals_that_measure_other_things_stand_out() -> None:
    settings = config.HeartDisease()
    cohort = load(settings)
    found = serious(assess(cohort, split(cohort, config.Split(), settings, 0)).findings)
    (switzerland,) = [f for f in found if f.where == "Switzerland"]
    assert "chol more often missing" in switzerland.message


def test_the_sample_size_is_that_of_the_published_example() -> None:
    assert required_rows(24, 0.174, r2=0.288) == {
        "shrinkage": 623,
        "optimism": 662,
        "overall risk": 221,
    }


def columns_found(values: pd.Series, maximum: float | None = None) -> set[tuple[str, str]]:
    n = len(values)
    cohort = cohort_of({"x": values, "age": np.linspace(20, 90, n)}, np.arange(n) % 3 == 0)
    fields = tuple(
        dataclasses.replace(f, maximum=maximum) if f.name == "x" else f
        for f in cohort.schema.fields
    )
    cohort = dataclasses.replace(cohort, schema=dataclasses.replace(cohort.schema, fields=fields))
    quality = assess(cohort, split(cohort, config.Split(), config.Data(name="made"), 0))
    return {(f.kind, f.severity) for f in quality.findings if f.where == "x"}


def test_columns_that_cannot_help_or_cannot_be_true_are_named() -> None:
    rng = np.random.default_rng(0)
    assert ("constant column", "warning") in columns_found(pd.Series(np.full(400, 7.0)))
    assert ("identifier-like column", "warning") in columns_found(
        pd.Series(rng.permutation(400) + 1e6)
    )
    assert ("implausible values", "warning") in columns_found(
        pd.Series(rng.normal(size=400)), maximum=2.0
    )
    assert ("digit preference", "note") in columns_found(
        pd.Series(rng.normal(13, 3, 400).round() * 10.0)
    )
    assert ("mostly missing", "note") in columns_found(
        pd.Series(np.where(np.arange(400) % 3 > 0, np.nan, 1.5 * np.arange(400)))
    )
    assert columns_found(pd.Series(rng.normal(size=400))) == set()
    assert columns_found(pd.Series(rng.poisson(1, 400) + 0.0)) == set()


def test_holm_multiplies_as_published() -> None:
    assert holm(np.array([0.01, 0.02, 0.03, 0.005])).tolist() == pytest.approx(
        [0.03, 0.04, 0.04, 0.02]
    )
    assert holm(np.array([0.01, np.nan, 0.02, 0.9]))[::2].tolist() == pytest.approx([0.03, 0.04])
    assert np.isnan(holm(np.array([np.nan, 0.5]))[0])


def test_a_trifle_is_no_finding_however_many_rows_show_it() -> None:
    rng = np.random.default_rng(0)
    site = rng.choice(["A", "B"], 200_000)
    cohort = cohort_of(
        {"x": rng.normal(size=200_000) + 0.1 * (site == "A")},
        rng.random(200_000) < 0.2,
        {"site": site},
    )
    (missing, value, *_) = sorted(contrasts(cohort, np.arange(200_000), "site"), key=lambda c: c.p)[
        :2
    ]
    assert value.p < 1e-6 or missing.p < 1e-6
    assert not any(c.found for c in contrasts(cohort, np.arange(200_000), "site"))


def test_repeated_rows_of_one_patient_are_no_evidence_of_a_shift() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(60), 50)
    site = np.where(patient < 24, "A", "B")
    value = rng.normal(size=60)[patient] + (site == "A") * 1.0
    cohort = cohort_of(
        {"x": value}, rng.random(3000) < 0.3, {"site": site, "subject_id": patient.astype(str)}
    )
    (contrast,) = [
        c for c in contrasts(cohort, np.arange(3000), "site") if c.column == "x" and c.group == "A"
    ]
    assert contrast.effect > 0.14
    assert not contrast.found


def test_the_intraclass_correlation_is_that_of_an_analysis_of_variance() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(2000), 2)
    value = rng.normal(size=2000)[patient] + rng.normal(0, 0.5, 4000)
    cohort = cohort_of({"x": value}, patient % 2, {"subject_id": patient.astype(str)})
    (row,) = noise.repeatability(cohort)
    assert row["icc"] == pytest.approx(1 / 1.25, abs=0.02)


def test_identical_records_with_different_outcomes_are_counted_as_label_noise() -> None:
    cohort = cohort_of({"x": np.repeat(np.arange(100.0), 2)}, (np.arange(200) % 4) == 1)
    assert "of 100 groups of identical records 50.0% differ" in noise.label_noise(
        cohort, np.arange(200)
    )


def test_a_group_whose_risk_its_inputs_explain_is_not_called_underdiagnosed() -> None:
    rng = np.random.default_rng(0)
    sex = rng.choice(["F", "M"], 8000)
    severity = rng.normal(size=8000) - 1.0 * (sex == "F")
    events = rng.random(8000) < 1 / (1 + np.exp(1 - severity))
    seen = events & ~((sex == "F") & (rng.random(8000) < 0.5))
    columns = {"severity": severity, "gender": sex.astype(object)}
    explained = underdiagnosis.recorded(cohort_of(columns, events, {"sex": sex}))
    missed = underdiagnosis.recorded(cohort_of(columns, seen, {"sex": sex}))
    assert [f for r in explained for f in r.finding()] == []
    assert [f.where for r in missed for f in r.finding()] == ["sex: F"]


def test_a_field_that_is_the_group_under_another_name_is_hidden_from_the_expectation() -> None:
    group = pd.Series(["F", "M"] * 500, dtype="category")
    assert underdiagnosis._same(pd.Series([0.0, 1.0] * 500), group)
    assert not underdiagnosis._same(pd.Series(np.arange(1000.0)), group)
    assert not underdiagnosis._same(pd.Series([0.0, 0.0, 1.0, 1.0] * 250), group)


def test_the_expectation_is_out_of_fold() -> None:
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=300) for i in range(60)}
    cohort = cohort_of(columns, rng.random(300) < 0.3, {"subject_id": np.arange(300).astype(str)})
    assert abs(roc_auc_score(cohort.labels, underdiagnosis._blind_risk(cohort, [])) - 0.5) < 0.1
