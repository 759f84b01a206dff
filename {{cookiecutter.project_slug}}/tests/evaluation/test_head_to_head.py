"""A model and an existing score on the same patients: the same draws, and no other rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_model.core.predictions import SCORE
from risk_model.core.scores import auroc, logit, sigmoid
from risk_model.evaluation.results import HeadToHead, RunEvaluation

from tests.estimates import ends, value, width
from tests.made_predictions import make_evaluation, make_predictions

RISK = "predicted_boolean_probability"


def with_score(noise: float, recorded: float = 1.0) -> pd.DataFrame:
    """The test split with a score: the risk of XGBoost with so much noise on its log odds."""
    rows = make_predictions()
    rows = rows[rows["split"] == "test"].reset_index(drop=True)
    first = rows.loc[rows["model"] == "xgboost", RISK].to_numpy()
    rng = np.random.default_rng(3)
    score = first if noise == 0 else sigmoid(logit(first) + rng.normal(0, noise, len(first)))
    score = np.where(rng.random(len(score)) < recorded, score, np.nan)
    return rows.assign(**{f"{SCORE}old": np.tile(score, rows["model"].nunique())})


def xgboost(evaluation: RunEvaluation) -> HeadToHead:
    (compared,) = evaluation.parts["test"].models["xgboost"].head_to_head
    return compared


def test_a_score_that_is_the_model_differs_in_nothing() -> None:
    compared = xgboost(make_evaluation(with_score(0)))
    assert compared.metrics == compared.score_metrics
    for difference in compared.differences.values():
        assert value(difference) == 0
        assert ends(difference) == (0, 0)


def test_a_noisier_score_is_surely_worse_and_the_difference_is_paired() -> None:
    compared = xgboost(make_evaluation(with_score(1.0)))
    names = "auroc citl slope net_benefit brier log_loss"
    assert set(compared.differences) == set(names.split())
    assert ends(compared.differences["auroc"])[0] > 0
    assert ends(compared.differences["log_loss"])[1] < 0
    alone = width(compared.metrics["auroc"]) + width(compared.score_metrics["auroc"])
    assert width(compared.differences["auroc"]) < 0.7 * alone


def test_both_are_judged_where_the_score_is_recorded_and_nowhere_else() -> None:
    rows = with_score(1.0, recorded=0.6)
    compared = xgboost(make_evaluation(rows))
    own = rows[(rows["model"] == "xgboost") & rows[f"{SCORE}old"].notna()]
    outcome = own["boolean_value"].to_numpy().astype(int)
    assert (compared.n, compared.events) == (len(own), outcome.sum())
    assert compared.subjects == own["subject_id"].nunique() < compared.n
    assert value(compared.metrics["auroc"]) == pytest.approx(auroc(outcome, own[RISK].to_numpy()))
    theirs = auroc(outcome, own[f"{SCORE}old"].to_numpy())
    assert value(compared.score_metrics["auroc"]) == pytest.approx(theirs)


def test_with_few_events_the_score_is_counted_and_not_compared() -> None:
    compared = xgboost(make_evaluation(with_score(1.0, recorded=0.01)))
    assert compared.n > 0
    assert (compared.metrics, compared.score_metrics, compared.differences) == ({}, {}, {})


def test_without_a_score_nothing_is_compared_and_nothing_else_changes() -> None:
    rows = with_score(1.0)
    bare = make_evaluation(rows.drop(columns=f"{SCORE}old"))
    beside = make_evaluation(rows)
    for name, model in bare.parts["test"].models.items():
        assert model.head_to_head == []
        assert model.metrics == beside.parts["test"].models[name].metrics
