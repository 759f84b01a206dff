"""What each named source hands over: the real cohorts, their traps, and how well plain models do on
them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

import risk_model
from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.schema import Field, Schema
from risk_model.data import load
from risk_model.data.sources import heart_disease, support2
from risk_model.data.sources.coerce import coerce, near_matches

from tests.data.made_cohorts import in_the_agreed_form


@pytest.fixture(scope="module")
def critically_ill() -> Cohort:
    return load(config.Support2())


@pytest.fixture(scope="module")
def hearts() -> Cohort:
    return load(config.HeartDisease())


def boosted_trees() -> XGBClassifier:
    return XGBClassifier(
        n_estimators=250,
        max_depth=4,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.5,
        min_child_weight=5,
        n_jobs=1,
        random_state=0,
    )


def logistic_regression() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
    )


def test_an_unknown_source_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match="there is no source 'support3'; use support2, heart_disease"
    ):
        load(config.Data(name="support3"))


def test_support2_is_whole_and_real(critically_ill: Cohort) -> None:
    assert len(critically_ill) == 9105
    assert critically_ill.labels.mean() == pytest.approx(0.2592, abs=1e-4)
    assert in_the_agreed_form(critically_ill)
    assert "CC BY 4.0" in critically_ill.source


def test_support2_shows_a_model_nothing_that_is_known_only_later(critically_ill: Cohort) -> None:
    later = config.Support2().recorded_after
    assert not {f.name for f in critically_ill.schema.inputs} & {*later, "hospdead"}
    assert set(later) <= set(critically_ill.schema.names)


def test_emptying_recorded_after_shows_those_columns() -> None:
    settings = config.Support2(recorded_after=[], compare_with=[])
    seen = {f.name for f in load(settings).schema.inputs}
    assert set(config.Support2().recorded_after) <= seen


def test_race_is_for_the_audit_and_never_an_input(critically_ill: Cohort) -> None:
    assert critically_ill.recorded("ethnicity")
    assert "race" not in critically_ill.schema.names


def test_an_unknown_name_in_recorded_after_is_refused_with_near_matches() -> None:
    with pytest.raises(UserError, match=r"no column 'dtime' in support2; did you mean 'd.time'"):
        load(config.Support2(recorded_after=["dtime"]))


def test_support2_ranges_lose_slips_of_the_pen_and_no_real_patient(critically_ill: Cohort) -> None:
    lost = {
        note.where: note.message
        for note in critically_ill.notes
        if note.kind == "implausible values"
    }
    assert set(lost) == {"alb", "glucose"}
    assert all(message.endswith(": 3") for message in lost.values())
    assert critically_ill.inputs["hrt"].eq(0).sum() == 83  # cardiac arrests: real


def test_every_hand_written_field_says_what_it_is() -> None:
    for field in (
        *support2.DAY_3,
        *support2.AFTER_DAY_3,
        *heart_disease.FIELDS,
    ):
        assert field.description, field.name
        assert field.kind != "category" or field.categories, field.name
    for field in (*support2.DAY_3, *heart_disease.FIELDS):
        assert field.kind != "number" or (
            field.minimum is not None and field.maximum is not None
        ), field.name


def test_listed_categories_are_those_of_the_files(critically_ill: Cohort, hearts: Cohort) -> None:
    for cohort in (critically_ill, hearts):
        for field in cohort.schema.fields:
            if field.kind == "category":
                assert set(cohort.inputs[field.name].dropna()) == set(field.categories), field.name


def test_heart_disease_has_four_hospitals_and_their_prevalence(hearts: Cohort) -> None:
    prevalence = pd.Series(hearts.labels).groupby(hearts.index["site"].to_numpy()).mean()
    assert prevalence.round(3).to_dict() == {
        "Cleveland": 0.457,
        "Hungary": 0.362,
        "Switzerland": 0.935,
        "VA Long Beach": 0.745,
    }
    assert set(config.HeartDisease().held_out_sites) <= set(prevalence.index)
    assert in_the_agreed_form(hearts)


def test_a_zero_that_means_not_measured_becomes_missing_and_is_counted(hearts: Cohort) -> None:
    lost = {
        note.where: note.message.rsplit(" ", 1)[1]
        for note in hearts.notes
        if note.kind == "implausible values"
    }
    assert lost == {"chol": "172", "trestbps": "1"}
    assert hearts.inputs["chol"].isna().sum() == 172 + 30
    assert hearts.inputs.loc[hearts.index["site"] == "Switzerland", "chol"].isna().all()


def test_row_numbers_and_hospitals_are_no_features(hearts: Cohort) -> None:
    assert not {"id", "dataset", "site", "num"} & set(hearts.schema.names)


def test_implausible_and_infinite_numbers_become_missing_and_are_counted() -> None:
    schema = Schema("demo", "died", (Field("age", "number", "a", 0, 120), Field("free", "number")))
    frame = pd.DataFrame({"free": [1.0, np.inf, -np.inf, np.nan], "age": [-1, 0, 120, 121]})
    inputs, notes = coerce(frame, schema)
    assert inputs["age"].isna().tolist() == [True, False, False, True]
    assert inputs["free"].isna().tolist() == [False, True, True, True]
    assert [(note.where, note.message[-1]) for note in notes] == [("age", "2"), ("free", "2")]
    assert list(inputs) == ["age", "free"]


def test_a_name_that_is_nearly_right_is_offered() -> None:
    assert (
        near_matches("Hospdead", ["age", "hospdead"])
        == "did you mean 'hospdead'? Columns are age, hospdead"
    )
    assert (
        near_matches("zzz", [f"c{i}" for i in range(32)], most=2)
        == "Columns are c0, c1 and 30 more"
    )


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = "import sys, risk_model.data\n"
    code += "assert not {'pandas', 'torch', 'sklearn'} & set(sys.modules)"
    source = str(Path(risk_model.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.slow
def test_support2_is_as_predictable_as_published(critically_ill: Cohort) -> None:
    features, labels = critically_ill.encoded(), critically_ill.labels
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    reached = [
        roc_auc_score(
            labels,
            cross_val_predict(model, features, labels, cv=folds, method="predict_proba")[:, 1],
        )
        for model in (logistic_regression(), boosted_trees())
    ]
    assert reached == pytest.approx([0.806, 0.823], abs=0.01)


def test_a_model_of_three_hospitals_does_worse_in_the_fourth(hearts: Cohort) -> None:
    features, labels, sites = hearts.encoded(), hearts.labels, hearts.index["site"].to_numpy()
    reached = {}
    for site in ("Cleveland", "Hungary", "VA Long Beach"):
        model = logistic_regression().fit(features[sites != site], labels[sites != site])
        reached[site] = roc_auc_score(
            labels[sites == site], model.predict_proba(features[sites == site])[:, 1]
        )
    assert reached == pytest.approx(
        {"Cleveland": 0.887, "Hungary": 0.899, "VA Long Beach": 0.711}, abs=0.025
    )
