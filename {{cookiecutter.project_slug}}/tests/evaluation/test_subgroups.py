"""Groups have the names of the clinic, small ones are not evaluated, and chance accuses nobody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from risk_model.config import Evaluation
from risk_model.core.age_bands import age_band
from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.core.scores import auroc
from risk_model.evaluation import evaluate, subgroups
from risk_model.evaluation.results import ModelEvaluation, RunEvaluation, SubgroupEvaluation

from tests.estimates import value

DECISION = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


def test_each_age_falls_into_its_band() -> None:
    ages = np.array([0, 17.99, 18, 44.9, 45, 64, 65, 79.5, 80, 110, np.nan])
    twice = np.repeat(["under 18", "18–44", "45–64", "65–79", "80 and over"], 2)
    bands = [*twice.tolist(), None]
    assert age_band(ages).tolist() == bands


def test_what_was_not_recorded_or_has_one_group_is_no_partition() -> None:
    rows = pd.DataFrame(
        {"age": [pd.NA, 70], "sex": ["F", "M"], "ethnicity": [pd.NA] * 2, "site": ["A", "A"]}
    )
    assert list(subgroups.partitions(rows)) == ["sex"]


def test_many_sites_are_pooled_beyond_the_largest() -> None:
    rows = pd.DataFrame({"site": [f"S{i:02d}" for i in range(30) for _ in range(31 - i)]})
    names = subgroups.groups(subgroups.partitions(rows)["site"], "site")
    assert len(names) == subgroups.LARGEST + 1
    assert "all others" in names


def test_a_group_with_few_events_is_counted_and_not_judged(predictions: pd.DataFrame) -> None:
    rows = predictions[predictions["split"] == "test"].copy()
    few = rows["subject_id"].isin(rows["subject_id"].unique()[:12])
    rows["ethnicity"] = np.where(few, "rare", "common")
    evaluation = evaluate(rows, 0.2, Evaluation(resamples=50), DECISION, seed=0)
    table = {row.group: row for row in evaluation.parts["test"].models["xgboost"].subgroups}
    assert table["rare"] == SubgroupEvaluation("ethnicity", "rare", n=24, evaluated=False)
    assert table["common"].evaluated


def test_a_groups_figures_are_those_of_its_rows(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    rows = predictions.query("split == 'test' and model == 'network' and sex == 'female'")
    table = evaluation.parts["test"].models["network"].subgroups
    female = next(row for row in table if row.group == "female")
    outcome = rows["boolean_value"].to_numpy(int)
    risk = rows["predicted_boolean_probability"].to_numpy()
    sensitivity = np.mean(risk[outcome == 1] >= 0.2)
    assert (female.n, female.events) == (len(rows), outcome.sum())
    assert value(female.metrics["auroc"]) == pytest.approx(auroc(outcome, risk))
    assert value(female.metrics["sensitivity"]) == pytest.approx(sensitivity)
    assert "auprc" not in female.metrics  # it must not be compared between groups


def test_p_value_is_that_of_the_normal_distribution() -> None:
    draws = np.random.default_rng(0).normal(2.0, 1.0, 5000)
    assert subgroups.p_value(2.0, draws) == pytest.approx(2 * norm.sf(2.0), rel=0.15)


def test_a_group_whose_events_are_under_recorded_is_found(predictions: pd.DataFrame) -> None:
    rows = predictions[predictions["split"] == "test"].reset_index(drop=True)
    hidden = (rows["sex"] == "female") & (rows.index % 500 % 2 == 0)
    rows.loc[hidden, "boolean_value"] = False
    evaluation = evaluate(rows, 0.2, Evaluation(resamples=200), DECISION, seed=0)
    found = [f for f in evaluation.findings if (f.kind, f.where) == ("subgroup", "sex female")]
    [finding] = found
    assert "logistic regression, xgboost, network: risks are too high here" in finding.message
    assert "(figures of logistic regression: calibration-in-the-large" in finding.message


def model_of(group: float, p: float | None) -> ModelEvaluation:
    """A model that is calibrated over all patients; `group` is its miss in the one group."""
    metrics = {name: Estimate(0.0 if name == "citl" else 0.5) for name in ("citl", "sensitivity")}
    row = SubgroupEvaluation(
        "sex",
        "female",
        n=500,
        evaluated=True,
        metrics=metrics | {"citl": Estimate(group)},
        p_values={"citl": p},
    )
    return cast("ModelEvaluation", SimpleNamespace(metrics=metrics, subgroups=[row]))


def test_models_that_err_in_opposite_directions_are_not_told_of_in_one_breath() -> None:
    models = {
        "logistic_regression": model_of(0.7, 0.001),
        "xgboost": model_of(-0.4, 0.001),
        "network": model_of(-0.5, 0.001),
        "forest": model_of(-0.9, 0.2),
    }
    low, high = subgroups.findings("test", models)
    assert low.where == high.where == "sex female"
    assert low.message == (
        "on test, logistic regression: risks are too low here beside all patients together "
        "(calibration-in-the-large 0.70 and 0.00, sensitivity 50% and 50%)"
    )
    assert high.message == (
        "on test, xgboost, network: risks are too high here beside all patients together "
        "(figures of xgboost: calibration-in-the-large -0.40 and 0.00, sensitivity 50% and 50%)"
    )
