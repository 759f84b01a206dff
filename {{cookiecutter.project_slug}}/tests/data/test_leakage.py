"""Are columns that know the outcome found, and honest ones left alone?"""

from __future__ import annotations

import dataclasses
import re
import shlex

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from risk_model import config
from risk_model.app.setting_words import accepted
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Field
from risk_model.core.setting_syntax import read_list
from risk_model.data import load
from risk_model.data.leak_signs import column_leaks
from risk_model.data.leakage import check, refuse
from risk_model.data.split import split
from risk_model.data.univariate_association import univariate_association

from tests.data.made_cohorts import cohort_of


def findings_of(settings: config.Data, seed: int = 0) -> list[Finding]:
    cohort = load(settings)
    return check(cohort, split(cohort, config.Split(), settings, seed))


def named(findings: list[Finding], severity: str) -> set[str]:
    return {f.where for f in findings if f.severity == severity}


def one_column(values: np.ndarray, labels: np.ndarray, kind: str = "number") -> list[Finding]:
    cohort = cohort_of(
        {"x": values}, labels, {"subject_id": np.arange(len(labels)).astype(str)}, x=kind
    )
    return column_leaks(cohort)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_support2_without_its_exclusions_is_stopped_and_the_strongest_are_named(seed: int) -> None:
    findings = findings_of(config.Support2(recorded_after=[], compare_with=[]), seed)
    assert {"d.time", "sfdm2", "death"} <= named(findings, "error")
    assert {"surv2m", "dnr"} <= named(findings, "warning")
    assert not {"dzgroup", "age", "scoma", "charges"} & {f.where for f in findings}
    with pytest.raises(UserError, match=r"(?=.*d\.time)(?=.*sfdm2)(?=.*death)"):
        refuse(findings, {})


@pytest.mark.parametrize("settings", [config.Support2(), config.HeartDisease(), config.Synthetic()])
def test_clean_cohorts_pass(settings: config.Data) -> None:
    assert not named(findings_of(settings), "error") | named(findings_of(settings), "warning")


def test_fields_recorded_after_are_told_in_a_note_and_not_judged() -> None:
    notes = [f for f in findings_of(config.Support2()) if f.severity == "note"]
    assert [f.kind for f in notes] == ["recorded after"]
    assert "d.time" in notes[0].where


def test_the_planted_column_is_named() -> None:
    assert named(findings_of(config.Synthetic(plant=["leaking_column"])), "error") == {
        "clinic_contacts"
    }


def test_patients_registered_twice_are_counted_without_their_identifiers() -> None:
    (finding,) = findings_of(config.Synthetic(plant=["duplicated_patient"]))
    assert (finding.severity, finding.kind) == ("error", "duplicated patient")
    assert not re.search(r"P\d{6}", finding.line())


def test_honest_twins_in_a_coarse_table_accuse_nobody() -> None:
    rng = np.random.default_rng(0)
    columns = {f"flag {i}": (rng.random(3000) < 0.2).astype(float) for i in range(10)}
    cohort = cohort_of(columns, rng.random(3000) < 0.3, {"subject_id": np.arange(3000).astype(str)})
    (finding,) = check(cohort, split(cohort, config.Split(), config.Data(name="made"), 0))
    assert (finding.severity, finding.kind) == ("note", "identical records")


def test_alike_patients_of_a_rare_kind_are_no_duplicates() -> None:
    rng = np.random.default_rng(1)
    rare = rng.random(5000) < 0.08  # in whom every test gives one of two results
    columns = {
        f"test {i}": np.where(rare, rng.integers(0, 2, 5000), rng.normal(50, 9, 5000)).round(2)
        for i in range(8)
    }
    cohort = cohort_of(columns, rng.random(5000) < 0.3, {"subject_id": np.arange(5000).astype(str)})
    assert not named(
        check(cohort, split(cohort, config.Split(), config.Data(name="made"), 0)), "error"
    )


def test_subjects_moved_between_parts_are_noticed() -> None:
    settings = config.Synthetic(subjects=2000)
    cohort = load(settings)
    splits = split(cohort, config.Split(), settings, 0)
    moved = dataclasses.replace(splits, test=np.append(splits.test, splits.train[:3]))
    assert "subjects" in named(check(cohort, moved), "error")


def test_only_the_train_rows_are_looked_at() -> None:
    settings = config.Synthetic(plant=["leaking_column"], subjects=3000)
    cohort = load(settings)
    splits = split(cohort, config.Split(), settings, 0)
    outcome = cohort.labels.copy()
    outside = np.setdiff1d(np.arange(len(cohort)), splits.train)
    outcome[outside] = 1 - outcome[outside]
    changed: Cohort = dataclasses.replace(cohort, outcome=outcome)
    assert check(changed, splits) == check(cohort, splits)


def test_the_auroc_of_a_number_is_that_of_scikit_learn_in_the_better_direction() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random(800) < 0.3).astype(np.int8)
    values = (-labels + rng.normal(size=800)).round(1)
    association = univariate_association(Field("x", "number"), cohort_of({"x": values}, labels))
    assert association.auroc == pytest.approx(1 - roc_auc_score(labels, values))


def test_a_number_whose_absence_tells_the_outcome_is_found() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random(1000) < 0.3).astype(np.int8)
    values = np.where(labels == 1, np.nan, rng.normal(size=1000))
    assert [f.kind for f in one_column(values, labels)] == ["copy of the outcome"]


def test_a_missing_value_counts_as_the_highest_or_the_lowest() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random(1000) < 0.3).astype(np.int8)
    values = np.where(
        rng.random(1000) < np.where(labels == 1, 0.6, 0.05), np.nan, rng.normal(size=1000)
    )
    filled = [
        roc_auc_score(labels, np.where(np.isnan(values), extreme, values)) for extreme in (-9, 9)
    ]
    association = univariate_association(Field("x", "number"), cohort_of({"x": values}, labels))
    assert association.auroc == pytest.approx(max(max(f, 1 - f) for f in filled))


def test_an_identifier_learns_nothing_out_of_fold() -> None:
    labels = (np.random.default_rng(0).random(2000) < 0.3).astype(np.int8)
    ids = np.array([f"id {i}" for i in range(2000)], dtype=object)
    assert one_column(ids, labels, "category") == []


def test_a_recoded_outcome_is_called_a_copy() -> None:
    labels = (np.random.default_rng(0).random(500) < 0.3).astype(np.int8)
    words = np.where(labels == 1, "deceased", "alive").astype(object)
    (finding,) = one_column(words, labels, "category")
    assert (finding.severity, finding.kind) == ("error", "copy of the outcome")


@pytest.mark.parametrize("flip", [False, True])
def test_a_value_that_never_or_always_has_the_outcome_is_an_error(flip: bool) -> None:
    rng = np.random.default_rng(0)
    ward = rng.choice(["a", "b", "c", "d"], 4000, p=[0.1, 0.3, 0.3, 0.3]).astype(object)
    labels = ((rng.random(4000) < 0.5) & (ward != "a")).astype(np.int8)
    (finding,) = one_column(ward, 1 - labels if flip else labels, "category")
    assert finding.severity == "error"
    assert f"{'always' if flip else 'never'} have the outcome" in finding.message


def test_columns_of_noise_in_a_small_table_raise_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(40) < 4).astype(np.int8)
    assert not [f for _ in range(400) for f in one_column(rng.normal(size=40), labels)]


def test_an_accepted_error_comes_back_as_a_warning_with_its_reason() -> None:
    error = Finding("error", "leaking column", "d.time", "AUROC .97")
    (warning,) = refuse([error], {"d.time": "known at triage"})
    assert warning.severity == "warning"
    assert "known at triage" in warning.message
    with pytest.raises(UserError, match="needs a reason"):
        refuse([error], {"d.time": " "})


@pytest.mark.parametrize(
    "column",
    [
        "d.time",
        "Na (mmol/l)",
        "a=b, c",
        "ratio: x",
        "x[0]{1}",
        "identical records",
        "back\\slash",
        'O\'Neil "score"',
        "Größe",
    ],
)
def test_what_an_error_says_to_write_is_read_as_the_column_it_names(column: str) -> None:
    with pytest.raises(UserError) as refused:
        refuse([Finding("error", "leaking column", column, "AUROC .97")], {})
    *_, hide, _, _, accept = shlex.split(str(refused.value).partition("only later: ")[2])
    assert read_list("data.recorded_after", hide.removesuffix(";").partition("=")[2]) == [column]
    assert list(accepted([accept])) == [column]


def test_what_is_no_column_is_accepted_and_not_hidden() -> None:
    with pytest.raises(UserError, match=r"'data.accept=\{\"identical records\": ") as refused:
        refuse([Finding("error", "duplicated patient", "identical records", "2")], {})
    assert "recorded_after" not in str(refused.value)
