"""Which groups of patients are told apart: site, period, age band, sex and ethnicity, where
recorded?

The split is stratified on them, and the quality report tells missing values and outcomes by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import Cohort

AGE_EDGES = (40.0, 65.0, 80.0)
AGE_BANDS = ("under 40", "40 to 64", "65 to 79", "80 and over")
ABSENT = "not recorded"


def strata(cohort: Cohort) -> pd.DataFrame:
    """The recorded groupings in order of importance, a categorical column each; an absent value is
    its own group.
    """
    makers = {"prediction_time": ("period", _periods), "age": ("age band", _age_bands)}
    columns: dict[str, pd.Series[Any]] = {}
    for column in ("site", "prediction_time", "age", "sex", "ethnicity"):
        if cohort.recorded(column):
            name, make = makers.get(column, (column, _values))
            columns[name] = make(cohort.index[column])
    return pd.DataFrame(columns, index=cohort.index.index)


def _named(codes: npt.NDArray[Any], names: list[str], like: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series(pd.Categorical.from_codes(list(codes), pd.Index(names)), index=like.index)


def _values(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.astype("string").fillna(ABSENT).astype("category")


def _age_bands(age: pd.Series[Any]) -> pd.Series[Any]:
    years = age.to_numpy(dtype=np.float64, na_value=np.nan)
    codes = np.where(
        np.isnan(years), len(AGE_BANDS), np.searchsorted(AGE_EDGES, years, side="right")
    )
    return _named(codes, [*AGE_BANDS, ABSENT], age)


def _periods(time: pd.Series[Any]) -> pd.Series[Any]:
    """Quarters of the cohort by date, each named by the date at which it ends."""
    edges = time.quantile([0.25, 0.5, 0.75], interpolation="lower").dropna().unique()
    edges = edges[edges < time.max()]
    days = [f"{pd.Timestamp(edge):%Y-%m-%d}" for edge in edges]
    names = [*(f"until {day}" for day in days), f"after {days[-1]}" if days else "whole", ABSENT]
    later = np.searchsorted(edges.to_numpy(), time.to_numpy(), side="left")
    return _named(np.where(time.isna(), len(names) - 1, later), names, time)
