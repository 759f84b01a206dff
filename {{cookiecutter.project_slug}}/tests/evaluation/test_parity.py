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
from risk_model.core.estimate import Estimate
from risk_model.evaluation import evaluate
from risk_model.evaluation.parity import minus
from risk_model.evaluation.results import Parity

from tests.estimates import ends, value

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
            "repeat": 0,
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
    for rate, reference in (
        (parities.demographic_parity_difference, demographic_parity_difference),
        (parities.equal_opportunity_difference, equal_opportunity_difference),
        (parities.equalised_odds_difference, equalized_odds_difference),
    ):
        expected = reference(table["boolean_value"], flagged, sensitive_features=table["ethnicity"])
        assert value(rate.difference) == pytest.approx(expected, abs=1e-12), reference.__name__
    shares = table.groupby("ethnicity")["boolean_value"].mean()
    assert parities.base_rates == pytest.approx((shares.min(), shares.max()))
    assert parities.groups == 3


def test_groups_too_small_to_judge_do_not_widen_the_differences() -> None:
    table = predictions(3, None)
    tiny = table.head(5).assign(
        ethnicity="d", predicted_boolean_probability=0.99, subject_id=[f"d{i}" for i in range(5)]
    )
    before, after = parity(table), parity(pd.concat([table, tiny]))
    rates = before.demographic_parity_difference, after.demographic_parity_difference
    assert rates[0].difference.estimate == rates[1].difference.estimate
    assert after.groups == 3


def test_each_difference_names_its_two_groups_and_is_theirs() -> None:
    table = predictions(4, None)
    flagged = table["predicted_boolean_probability"] >= 0.2
    for part, rate in (
        (slice(None), parity(table).demographic_parity_difference),
        (table["boolean_value"], parity(table).equal_opportunity_difference),
    ):
        rates = flagged[part].groupby(table["ethnicity"][part]).mean()
        assert (rate.highest, rate.lowest) == (rates.idxmax(), rates.idxmin())
        assert value(rate.difference) == pytest.approx(rates[rate.highest] - rates[rate.lowest])


@pytest.mark.parametrize("seed", range(20))
def test_an_interval_holds_its_estimate(seed: int) -> None:
    """Ten groups of about 60: the spread over resamples lay above the estimate in most seeds."""
    rng = np.random.default_rng(seed)
    table = predictions(seed, None).assign(ethnicity=rng.integers(0, 10, 900).astype(str))
    parities = parity(table)
    for rate in (
        parities.demographic_parity_difference,
        parities.equal_opportunity_difference,
        parities.equalised_odds_difference,
    ):
        low, high = ends(rate.difference)
        assert low <= value(rate.difference) <= high


def test_the_difference_of_two_shares_has_newcombes_interval() -> None:
    """Of 56/70 and 48/80, his first example, from Wilson's intervals."""
    first, second = Estimate(56 / 70, 0.6918, 0.8770), Estimate(48 / 80, 0.4904, 0.7004)
    assert ends(minus(first, second)) == pytest.approx((0.0524, 0.3339), abs=1e-3)


def test_an_interval_that_excludes_its_own_estimate_does_not_pass_that_on() -> None:
    low, high = ends(minus(Estimate(0.8, 0.81, 0.9), Estimate(0.5, 0.3, 0.49)))
    assert low <= 0.3 <= high


def test_what_cannot_be_estimated_is_no_difference() -> None:
    assert minus(Estimate(None), Estimate(0.5, 0.4, 0.6)) == Estimate(None)
    assert minus(Estimate(0.75), Estimate(0.5, 0.4, 0.6)) == Estimate(0.25)
