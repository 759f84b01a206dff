"""The evaluation judges only unseen rows, tells what went wrong where, and is the same in every
run.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.evaluation import evaluate, metrics

FAST = Evaluation(resamples=60)
DECISION = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


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
    found = evaluate(predictions, 0.2, FAST, DECISION, seed=0)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert evaluate(predictions, 0.2, FAST, DECISION, seed=0) == found
    assert evaluate(predictions, 0.2, FAST, DECISION, seed=1) != found


def test_estimates_are_the_metrics_of_the_calibrated_and_the_raw_risks(
    evaluation: RunEvaluation, predictions: pd.DataFrame
) -> None:
    rows = predictions[(predictions["split"] == "test") & (predictions["model"] == "xgboost")]
    outcome, judged = (
        rows["boolean_value"].to_numpy(int),
        evaluation.parts["test"].models["xgboost"],
    )
    for column, key in (("predicted_boolean_probability", "metrics"), ("raw_probability", "raw")):
        risk = rows[column].to_numpy()
        assert judged[key]["auroc"].estimate == pytest.approx(metrics.auroc(outcome, risk))
        assert judged[key]["citl"].estimate == pytest.approx(
            metrics.calibration_in_the_large(outcome, risk)
        )
    assert judged.raw["ece"].estimate > 0.15 > 0.04 > judged.metrics["ece"].estimate


def test_every_interval_holds_its_estimate_up_to_the_bias_of_binned_errors(
    evaluation: RunEvaluation,
) -> None:
    for part in evaluation.parts.values():
        for judged in part.models.values():
            for name, figure in judged.metrics.items():
                if figure.low is not None and not name.startswith(
                    "ece"
                ):  # resampling raises an ECE near 0
                    assert figure.low <= figure.estimate <= figure.high, name


def test_models_are_compared_on_the_same_draws(evaluation: RunEvaluation) -> None:
    models = evaluation.parts["test"].models
    assert models["logistic_regression"].differences == {}
    difference = models["xgboost"].differences["auroc"]
    own, first = (models[name].metrics["auroc"] for name in ("xgboost", "logistic_regression"))
    assert difference.estimate == pytest.approx(own.estimate - first.estimate)
    assert difference.high - difference.low < 0.6 * (
        own.high - own.low
    )  # unpaired it would be wider


def test_verdicts_tell_a_good_a_broken_and_an_unjudgeable_cohort_apart(
    evaluation: RunEvaluation,
) -> None:
    verdicts = {part: gates["xgboost"].verdict for part, gates in evaluation.gates.items()}
    assert verdicts == {"test": "pass", "North": "fail", "Tiny": "too few to judge"}
    reasons = evaluation.gates["North"]["xgboost"].reasons
    assert any("calibration-in-the-large" in reason for reason in reasons)
    assert evaluation.parts["Tiny"].models["xgboost"].curves == {}
    assert [(f.severity, f.where) for f in evaluation.findings] == [
        ("warning", "North"),
        ("note", "Tiny"),
    ]


def test_curves_are_drawn_over_the_configured_thresholds_with_a_band(
    evaluation: RunEvaluation,
) -> None:
    curves = evaluation.parts["test"].models["xgboost"].curves
    decision, line = curves.decision, curves.calibration
    assert (decision.threshold[0], decision.threshold[-1]) == pytest.approx((0.05, 0.5))
    low, estimate, high = (np.array(line[key]) for key in ("low", "observed", "high"))
    assert ((low <= estimate) & (estimate <= high)).mean() > 0.95
    for key in ("events", "non_events"):
        assert sum(curves.risk_distribution[key]) == pytest.approx(1)


def test_out_of_fold_rows_are_a_part_of_their_own(predictions: pd.DataFrame) -> None:
    pooled = predictions[predictions["split"] == "test"].assign(split="out of fold")
    found = evaluate(pd.concat([pooled, predictions]), 0.2, FAST, DECISION, seed=0)
    assert list(found.parts)[:2] == ["test", "out of fold"]


def test_a_model_that_gives_everybody_the_same_risk_is_judged_and_fails(
    predictions: pd.DataFrame,
) -> None:
    rows = predictions[(predictions["split"] == "test") & (predictions["model"] == "xgboost")]
    same = rows.assign(predicted_boolean_probability=0.0, raw_probability=0.0)
    found = evaluate(same, 0.2, FAST, DECISION, seed=0)
    assert found.parts["test"].models["xgboost"].metrics.slope.estimate is None
    assert found.gates["test"]["xgboost"].verdict == "fail"


@pytest.mark.parametrize("outcome", [True, False])
def test_an_external_cohort_with_one_class_is_reported_and_not_judged(
    predictions: pd.DataFrame, outcome: bool
) -> None:
    rows = predictions[predictions["split"] == "Tiny"].assign(boolean_value=outcome)
    found = evaluate(rows, 0.2, FAST, DECISION, seed=0)
    assert found.gates["Tiny"]["network"].verdict == "too few to judge"
    assert found.parts["Tiny"].models["network"].metrics["auroc"].estimate is None


def test_one_single_row_is_reported_and_not_judged(predictions: pd.DataFrame) -> None:
    found = evaluate(
        predictions[predictions["split"] == "Tiny"].iloc[:1], 0.2, FAST, DECISION, seed=0
    )
    assert found.parts["Tiny"].n == 1


@pytest.mark.parametrize(
    ("value", "column"), [(1.2, "raw_probability"), (np.nan, "predicted_boolean_probability")]
)
def test_what_is_no_probability_is_refused(
    predictions: pd.DataFrame, value: float, column: str
) -> None:
    wrong = predictions.copy()
    wrong.loc[wrong["split"] == "test", column] = value
    with pytest.raises(UserError, match=column):
        evaluate(wrong, 0.2, FAST, DECISION, seed=0)


def test_models_that_do_not_judge_the_same_rows_are_refused(predictions: pd.DataFrame) -> None:
    fewer = predictions.drop(predictions[predictions["model"] == "xgboost"].index[-3:])
    with pytest.raises(UserError, match="same rows"):
        evaluate(fewer, 0.2, FAST, DECISION, seed=0)


def test_predictions_without_unseen_rows_are_refused(predictions: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="no test split"):
        evaluate(predictions[predictions["split"] == "train"], 0.2, FAST, DECISION, seed=0)


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
    risk = {
        "logistic_regression": model.fit(
            features[splits.train], cohort.labels[splits.train]
        ).predict_proba(features)[:, 1]
    }
    found = evaluate(
        prediction_table(cohort, splits, risk, risk),
        0.2,
        Evaluation(resamples=200),
        DECISION,
        seed=0,
    )
    verdicts = {name: gates["logistic_regression"].verdict for name, gates in found.gates.items()}
    assert verdicts["site: VA Long Beach"] == "fail"
    assert verdicts["site: Switzerland"] == "too few to judge"
    figures = found.parts["site: VA Long Beach"].models["logistic_regression"].metrics
    assert 0.66 < figures["auroc"].estimate < 0.76
    assert figures["citl"].low > 0.3
