"""Groups of patients by site, period, age band, sex and ethnicity, as far as each was recorded.

The split is stratified on them, and the quality report counts missing values by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from risk_model.core.age_bands import AGE_BANDS, age_band
from risk_model.core.cohort import Cohort

ABSENT = "not recorded"


def strata(cohort: Cohort) -> pd.DataFrame:
    """A categorical column for each grouping that was recorded, the most important first.

    A missing value is a group of its own, `ABSENT`.
    """
    makers = {"prediction_time": ("period", _periods), "age": ("age band", _age_bands)}
    columns: dict[str, pd.Series[Any]] = {}
    for column in ("site", "prediction_time", "age", "sex", "ethnicity"):
        if cohort.recorded(column):
            name, make = makers.get(column, (column, _values))
            columns[name] = make(cohort.index[column])
    return pd.DataFrame(columns, index=cohort.index.index)


def _values(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.astype("string").fillna(ABSENT).astype("category")


def _age_bands(age: pd.Series[Any]) -> pd.Series[Any]:
    names = age_band(age.to_numpy(dtype=np.float64, na_value=np.nan))
    bands = pd.Categorical(names, [*AGE_BANDS, ABSENT]).fillna(ABSENT)
    return pd.Series(bands, index=age.index)


def _periods(time: pd.Series[Any]) -> pd.Series[Any]:
    """Quarters of the cohort by date, each named by the date at which it ends."""
    edges = time.quantile([0.25, 0.5, 0.75], interpolation="lower").dropna().unique()
    edges = edges[edges < time.max()]
    days = [f"{pd.Timestamp(edge):%Y-%m-%d}" for edge in edges]
    names = [*(f"until {day}" for day in days), f"after {days[-1]}" if days else "whole", ABSENT]
    later = np.searchsorted(edges.to_numpy(), time.to_numpy(), side="left")
    codes = np.where(time.isna(), len(names) - 1, later)
    return pd.Series(pd.Categorical.from_codes(list(codes), pd.Index(names)), index=time.index)
