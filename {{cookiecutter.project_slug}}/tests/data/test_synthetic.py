"""Is the made-up cohort plausible, reproducible, and wrong only where it was told to be?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from risk_model import config
from risk_model.core.cohort import INDEX, Cohort
from risk_model.core.errors import UserError
from risk_model.data import load
from risk_model.data.sources import synthetic


@pytest.fixture(scope="module")
def clean() -> Cohort:
    return load(config.Synthetic())


def planted(*names: str) -> Cohort:
    return load(config.Synthetic(plant=list(names)))


def test_the_cohort_records_everything_and_ethnicity_is_no_input(clean: Cohort) -> None:
    assert list(clean.index) == list(INDEX)
    assert len(set(clean.subjects)) == 14_000
    assert 15 <= len(clean.schema.inputs) <= 25
    assert "ethnicity" not in clean.schema.names
    assert set(clean.index["site"]) == {f"Hospital {letter}" for letter in "ABCDE"}


@pytest.mark.parametrize("seed", range(3))
def test_prevalence_lies_between_5_and_12_percent(seed: int) -> None:
    assert 0.05 < load(config.Synthetic(seed=seed)).labels.mean() < 0.12


def test_the_truth_itself_discriminates_no_better_than_it_should() -> None:
    rng = np.random.default_rng(0)
    admissions = synthetic._admissions(synthetic._people(14_000, rng), rng)
    _, logit = synthetic._clinical(admissions, rng)
    outcome = load(config.Synthetic()).labels
    assert 0.72 < roc_auc_score(outcome, logit - admissions["frailty"]) < 0.78


def test_admissions_of_one_patient_have_alike_outcomes(clean: Cohort) -> None:
    pairs = pd.DataFrame({"s": clean.subjects, "y": clean.labels})
    again = pairs["s"].duplicated()
    previous = pairs["y"].shift()[again]
    assert pairs["y"][again][previous == 1].mean() > 1.3 * pairs["y"][again][previous == 0].mean()


def test_readmissions_within_thirty_days_are_no_admissions_of_their_own(clean: Cohort) -> None:
    days = (
        clean.index.sort_values(["subject_id", "prediction_time"])
        .groupby("subject_id")["prediction_time"]
        .diff()
    )
    assert days.dropna().dt.days.min() > 30


def test_every_value_is_plausible_and_of_the_kind_that_the_schema_says(clean: Cohort) -> None:
    for field in clean.schema.fields:
        seen = clean.inputs[field.name].dropna()
        as_json = seen.astype(bool) if field.kind == "boolean" else seen
        assert not {field.problem(value) for value in as_json.unique().tolist()} - {""}


def test_the_same_seed_gives_the_same_cohort() -> None:
    assert (
        load(config.Synthetic(seed=3)).fingerprint() == load(config.Synthetic(seed=3)).fingerprint()
    )
    assert (
        load(config.Synthetic(seed=3)).fingerprint() != load(config.Synthetic(seed=4)).fingerprint()
    )


def test_a_plant_changes_only_what_it_names(clean: Cohort) -> None:
    shifted = planted("site_shift").inputs
    elsewhere = (clean.index["site"] != "Hospital C").to_numpy()
    pd.testing.assert_frame_equal(
        shifted.drop(columns="albumin"), clean.inputs.drop(columns="albumin")
    )
    pd.testing.assert_series_equal(
        shifted["albumin"][elsewhere], clean.inputs["albumin"][elsewhere]
    )
    assert (clean.inputs["albumin"] - shifted["albumin"])[~elsewhere].mean() == pytest.approx(
        7, abs=0.1
    )


def test_half_of_the_events_of_one_group_go_unrecorded(clean: Cohort) -> None:
    black = (clean.index["ethnicity"] == "Black").to_numpy()
    seen = planted("underdiagnosis").labels
    assert (seen[~black] == clean.labels[~black]).all()
    assert seen[black].sum() / clean.labels[black].sum() == pytest.approx(0.5, abs=0.1)


def test_drift_adds_medications_and_events_towards_the_end(clean: Cohort) -> None:
    drifted = planted("drift")
    late = (clean.index["prediction_time"] > "2023-07-01").to_numpy()
    assert (drifted.inputs["medications"] - clean.inputs["medications"])[
        late
    ].mean() == pytest.approx(3.8, abs=0.3)
    assert drifted.labels[late].mean() > 1.4 * clean.labels[late].mean()


def test_twenty_patients_are_registered_twice(clean: Cohort) -> None:
    doubled = planted("duplicated_patient")
    assert len(set(doubled.subjects)) - len(set(clean.subjects)) == synthetic.TWICE_REGISTERED
    again = np.arange(len(clean), len(doubled))
    assert set(doubled.row_hash[again]) <= set(clean.row_hash)


def test_the_leaking_column_is_not_declared() -> None:
    assert not planted("leaking_column").schema.field("clinic_contacts").recorded_after


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            config.Synthetic(plant=["leak"]),
            "leak cannot be planted; use leaking_column, duplicated_patient",
        ),
        (config.Synthetic(subjects=10), "use at least 100"),
        (config.Synthetic(recorded_after=["albumen"]), "did you mean 'albumin'"),
    ],
)
def test_bad_settings_are_refused_with_the_choices(
    settings: config.Synthetic, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load(settings)
