"""Do the training distributions say enough for drift, and nothing about one patient?"""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_model import config
from risk_model.data import load
from risk_model.data.drift_reference import reference

from tests.data.made_cohorts import cohort_of


def test_only_the_given_rows_are_told_and_as_json() -> None:
    cohort = load(config.Synthetic(subjects=1000))
    told = reference(cohort, np.arange(500))
    changed = cohort.inputs.copy()
    changed.loc[500:, "age"] = 18.0
    assert json.loads(json.dumps(told)) == told
    assert told["rows"] == 500
    assert list(told["fields"]) == [f.name for f in cohort.schema.inputs]
    assert told["fields"]["albumin"]["missing"] == pytest.approx(
        cohort.inputs["albumin"][:500].isna().mean()
    )


def test_quantiles_are_those_of_the_data_within_the_middle_98_percent() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    cohort = cohort_of({"x": values}, values > 0)
    quantiles = reference(cohort, np.arange(5000))["fields"]["x"]["quantiles"]
    assert quantiles[1:-1] == pytest.approx(np.quantile(values, np.linspace(0.01, 0.99, 99)))
    assert quantiles[0] == quantiles[1]
    assert quantiles[-1] == quantiles[-2]


@given(n=st.integers(20, 300), seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_of_few_patients_no_quantile_shows_the_extremes_or_more_levels_than_tens_of_patients(
    n: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(size=n)
    cohort = cohort_of({"x": values}, values > 0)
    quantiles = np.array(reference(cohort, np.arange(n))["fields"]["x"]["quantiles"])
    assert len(quantiles) == 101
    assert (np.diff(quantiles) >= -1e-12).all()
    assert np.sort(values)[8] <= quantiles[0]
    assert quantiles[-1] <= np.sort(values)[-9]
    kinks = np.abs(np.diff(quantiles, 2)) > 1e-9
    assert kinks.sum() <= 2 * (n // 10)


def test_counts_under_ten_are_suppressed() -> None:
    city = np.array(["Bath"] * 95 + ["Ely"] * 5, dtype=object)
    flag = np.where(np.arange(100) < 3, np.nan, (np.arange(100) % 2).astype(float))
    cohort = cohort_of(
        {"city": city, "flag": flag, "rare": np.where(np.arange(100) < 12, 1.0, np.nan)},
        flag == 1,
        flag="boolean",
    )
    fields = reference(cohort, np.arange(100))["fields"]
    assert fields["city"] == {"missing": 0.0, "shares": {"Bath": 0.95}}
    assert fields["flag"]["missing"] == 0.0
    assert fields["flag"]["shares"] == {
        "true": pytest.approx(49 / 97),
        "false": pytest.approx(48 / 97),
    }
    assert fields["rare"] == {"missing": 0.88, "quantiles": []}
