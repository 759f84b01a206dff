"""The evaluation reads only rows no model learnt from, says what went wrong where, and repeats."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.core.scores import auroc
from risk_model.evaluation import evaluate, metrics
from risk_model.evaluation.delong import auroc_interval
from risk_model.evaluation.intervals import calibration_interval
from risk_model.evaluation.results import RunEvaluation

from tests.estimates import ends, value, width

FAST = Evaluation(resamples=60)
DECISION = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


def fast(predictions: pd.DataFrame, seed: int = 0) -> RunEvaluation:
    """The evaluation at a threshold of 0.2 with few resamples."""
    return evaluate(predictions, 0.2, FAST, DECISION, seed)


def test_only_rows_no_model_learnt_from_are_judged(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    assert list(evaluation.parts) == ["test", "North", "Tiny"]
    changed = predictions.copy()
    changed.loc[changed["split"] == "train", "boolean_value"] ^= True
    again = evaluate(changed, 0.2, Evaluation(resamples=200), DECISION, seed=0)
    assert again == evaluation


def test_the_result_is_json_without_nan_and_the_same_in_any_row_order(
    predictions: pd.DataFrame,
) -> None:
    evaluation, is_test = fast(predictions), predictions["split"] == "test"
    text = json.dumps(evaluation.to_json(), allow_nan=False)
    assert RunEvaluation.from_json(json.loads(text)) == evaluation
    assert fast(pd.concat([predictions[~is_test], predictions[is_test]])) == evaluation
    assert fast(predictions, seed=1) != evaluation


def test_estimates_are_the_metrics_of_the_calibrated_and_the_raw_risks(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    rows = predictions[(predictions["split"] == "test") & (predictions["model"] == "xgboost")]
    outcome = rows["boolean_value"].to_numpy(int)
    model = evaluation.parts["test"].models["xgboost"]
    for column, estimates in (
        ("predicted_boolean_probability", model.metrics),
        ("raw_probability", model.raw),
    ):
        risk = rows[column].to_numpy()
        citl = metrics.calibration_in_the_large(outcome, risk)
        assert value(estimates["auroc"]) == pytest.approx(auroc(outcome, risk))
        assert value(estimates["citl"]) == pytest.approx(citl)
    assert value(model.raw["ece"]) > 0.15 > 0.04 > value(model.metrics["ece"])


def test_every_interval_holds_its_estimate_up_to_the_bias_of_binned_errors(
    evaluation: RunEvaluation,
) -> None:
    models = [model for part in evaluation.parts.values() for model in part.models.values()]
    for model in models:
        for name, metric in model.metrics.items():
            if metric.interval is not None:
                low, high = metric.interval
                assert low <= value(metric) <= high, name
        # resampling raises an error of calibration near 0, so that none is given an interval
        assert model.metrics["ece"].interval is None
    assert sum(m.interval is not None for m in models[0].metrics.values()) > 10


def test_the_intervals_reported_are_those_that_hold_on_few_patients(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    rows = predictions[(predictions["split"] == "Tiny") & (predictions["model"] == "network")]
    outcome = rows["boolean_value"].to_numpy(int)
    risk = rows["predicted_boolean_probability"].to_numpy()
    reported, alone = evaluation.parts["Tiny"].models["network"].metrics, np.arange(len(rows))
    assert reported["auroc"] == auroc_interval(outcome, risk, alone)
    for name, slope in (("citl", False), ("slope", True)):
        assert reported[name] == calibration_interval(outcome, risk, alone, slope)
    flagged = risk >= 0.2
    for name, part, whole in (
        ("sensitivity", flagged & (outcome == 1), outcome == 1),
        ("false_positive_rate", flagged & (outcome == 0), outcome == 0),
        ("specificity", ~flagged & (outcome == 0), outcome == 0),
        ("ppv", flagged & (outcome == 1), flagged),
        ("npv", ~flagged & (outcome == 0), ~flagged),
        ("alert_rate", flagged, flagged | ~flagged),
    ):
        wilson = binomtest(int(part.sum()), int(whole.sum())).proportion_ci(method="wilson")
        assert ends(reported[name]) == pytest.approx((wilson.low, wilson.high)), name
    low, high = ends(reported["ppv"])
    assert ends(reported["number_needed_to_evaluate"]) == pytest.approx((1 / high, 1 / low))


def test_models_are_compared_on_the_same_draws(evaluation: RunEvaluation) -> None:
    models = evaluation.parts["test"].models
    assert models["logistic_regression"].differences == {}
    difference = models["xgboost"].differences["auroc"]
    own, first = (models[name].metrics["auroc"] for name in ("xgboost", "logistic_regression"))
    assert value(difference) == pytest.approx(value(own) - value(first))
    assert width(difference) < 0.6 * width(own)  # unpaired it would be wider


def test_verdicts_tell_a_good_a_broken_and_an_unjudgeable_cohort_apart(
    evaluation: RunEvaluation,
) -> None:
    verdicts = {part: gates["xgboost"].verdict for part, gates in evaluation.gates.items()}
    assert verdicts == {"test": "pass", "North": "fail", "Tiny": "too few to judge"}
    reasons = evaluation.gates["North"]["xgboost"].reasons
    assert any("calibration-in-the-large" in reason for reason in reasons)
    assert evaluation.parts["Tiny"].models["xgboost"].curves is None
    assert [(f.severity, f.where) for f in evaluation.findings] == [
        ("warning", "North"),
        ("note", "Tiny"),
    ]


def test_curves_are_drawn_over_the_configured_thresholds_with_a_band(
    evaluation: RunEvaluation,
) -> None:
    curves = evaluation.parts["test"].models["xgboost"].curves
    assert curves is not None
    assert curves.decision is not None
    ends_of_range = curves.decision.threshold[0], curves.decision.threshold[-1]
    assert ends_of_range == pytest.approx((0.05, 0.5))
    line = curves.calibration
    low, estimate, high = (np.array(y, float) for y in (line.low, line.observed, line.high))
    assert ((low <= estimate) & (estimate <= high)).mean() > 0.95
    for shares in (curves.risk_distribution.events, curves.risk_distribution.non_events):
        assert np.array(shares, float).sum() == pytest.approx(1)


def test_out_of_fold_rows_are_a_part_of_their_own(predictions: pd.DataFrame) -> None:
    pooled = predictions[predictions["split"] == "test"].assign(split="out of fold")
    evaluation = fast(pd.concat([pooled, predictions]))
    assert list(evaluation.parts)[:2] == ["test", "out of fold"]


def test_a_model_that_gives_everybody_the_same_risk_is_judged_and_fails(
    predictions: pd.DataFrame,
) -> None:
    rows = predictions[(predictions["split"] == "test") & (predictions["model"] == "xgboost")]
    evaluation = fast(rows.assign(predicted_boolean_probability=0.0, raw_probability=0.0))
    assert evaluation.parts["test"].models["xgboost"].metrics["slope"].estimate is None
    assert evaluation.gates["test"]["xgboost"].verdict == "fail"


@pytest.mark.parametrize("outcome", [True, False])
def test_an_external_cohort_with_one_class_is_reported_and_not_judged(
    predictions: pd.DataFrame, outcome: bool
) -> None:
    evaluation = fast(predictions[predictions["split"] == "Tiny"].assign(boolean_value=outcome))
    assert evaluation.gates["Tiny"]["network"].verdict == "too few to judge"
    assert evaluation.parts["Tiny"].models["network"].metrics["auroc"].estimate is None


def test_one_single_row_is_reported_and_not_judged(predictions: pd.DataFrame) -> None:
    evaluation = fast(predictions[predictions["split"] == "Tiny"].iloc[:1])
    assert evaluation.parts["Tiny"].n == 1


@pytest.mark.parametrize(
    ("risk", "column"), [(1.2, "raw_probability"), (np.nan, "predicted_boolean_probability")]
)
def test_what_is_no_probability_is_refused(
    predictions: pd.DataFrame, risk: float, column: str
) -> None:
    wrong = predictions.copy()
    wrong.loc[wrong["split"] == "test", column] = risk
    with pytest.raises(UserError, match=column):
        fast(wrong)


def test_models_that_do_not_judge_the_same_rows_are_refused(predictions: pd.DataFrame) -> None:
    fewer = predictions.drop(predictions[predictions["model"] == "xgboost"].index[-3:])
    with pytest.raises(UserError, match="same rows"):
        fast(fewer)


def test_predictions_without_unseen_rows_are_refused(predictions: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="no test split"):
        fast(predictions[predictions["split"] == "train"])


def test_the_published_collapse_between_real_hospitals_is_shown_and_not_pooled_away() -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from risk_model import data
    from risk_model.config import HeartDisease, Split
    from risk_model.core.predictions import prediction_table
    from risk_model.data.split import split

    cohort = data.load(HeartDisease())
    splits, features = split(cohort, Split(), HeartDisease(), seed=0), cohort.encoded()
    model = make_pipeline(
        SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=0.1)
    )
    model.fit(features[splits.train], cohort.labels[splits.train])
    risk = {"logistic_regression": model.predict_proba(features)[:, 1]}
    predictions = prediction_table(cohort, splits, risk, risk)
    evaluation = evaluate(predictions, 0.2, Evaluation(resamples=200), DECISION, seed=0)
    verdicts = {
        name: gates["logistic_regression"].verdict for name, gates in evaluation.gates.items()
    }
    assert verdicts["site: VA Long Beach"] == "fail"
    assert verdicts["site: Switzerland"] == "too few to judge"
    external = evaluation.parts["site: VA Long Beach"].models["logistic_regression"].metrics
    assert 0.66 < value(external["auroc"]) < 0.76
    assert ends(external["citl"])[0] > 0.3
