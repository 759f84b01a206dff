"""Differences between groups are those of fairlearn, beside the base rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    demographic_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
)

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.evaluation import evaluate
from risk_model.evaluation.results import Parity

from tests.estimates import value

STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


def predictions(seed: int, digits: int | None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 900
    group = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    z = rng.normal(-1, 1.2, n) + 0.6 * (group == "c")
    risk = 1 / (1 + np.exp(-z))
    return pd.DataFrame(
        {
            "subject_id": np.arange(n).astype(str),
            "prediction_time": pd.NaT,
            "boolean_value": rng.random(n) < risk,
            "predicted_boolean_probability": risk if digits is None else risk.round(digits),
            "raw_probability": risk,
            "ethnicity": group,
            "split": "test",
            "model": "logistic_regression",
        }
    )


def parity(table: pd.DataFrame) -> Parity:
    """Of the groups of the column ethnicity."""
    evaluation = evaluate(table, 0.2, Evaluation(resamples=50), STATED, seed=0)
    return evaluation.parts["test"].models["logistic_regression"].parity["ethnicity"]


@pytest.mark.parametrize(("seed", "digits"), [(0, None), (1, 1), (2, 0)])
def test_the_three_differences_are_those_of_fairlearn(seed: int, digits: int | None) -> None:
    table = predictions(seed, digits)
    flagged, parities = table["predicted_boolean_probability"] >= 0.2, parity(table)
    for difference, reference in (
        (parities.demographic_parity_difference, demographic_parity_difference),
        (parities.equal_opportunity_difference, equal_opportunity_difference),
        (parities.equalised_odds_difference, equalized_odds_difference),
    ):
        expected = reference(table["boolean_value"], flagged, sensitive_features=table["ethnicity"])
        assert value(difference) == pytest.approx(expected, abs=1e-12), reference.__name__
    shares = table.groupby("ethnicity")["boolean_value"].mean()
    assert parities.base_rates == pytest.approx((shares.min(), shares.max()))
    assert parities.groups == 3


def test_groups_too_small_to_judge_do_not_widen_the_differences() -> None:
    table = predictions(3, None)
    tiny = table.head(5).assign(
        ethnicity="d", predicted_boolean_probability=0.99, subject_id=[f"d{i}" for i in range(5)]
    )
    before, after = parity(table), parity(pd.concat([table, tiny]))
    difference = after.demographic_parity_difference
    assert difference.estimate == before.demographic_parity_difference.estimate
    assert after.groups == 3
