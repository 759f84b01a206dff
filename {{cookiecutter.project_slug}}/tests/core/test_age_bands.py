"""Is age banded in one way everywhere?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from risk_model.core.age_bands import AGE_BANDS, age_band
from risk_model.data.strata import strata

from tests.data.made_cohorts import cohort_of


def test_the_strata_of_a_cohort_are_these_bands_and_a_missing_age_is_a_group() -> None:
    age = np.array([3.0, 18.0, 44.9, 45.0, 64.0, 79.0, 80.0, 101.0, np.nan])
    cohort = cohort_of({"x": np.arange(9.0)}, np.arange(9) % 2, {"age": age})
    bands = strata(cohort)["age band"]
    assert list(bands.cat.categories) == [*AGE_BANDS, "not recorded"]
    expected = [band or "not recorded" for band in age_band(age)]
    assert bands.tolist() == expected
    assert expected[-1] == "not recorded"
    nullable = cohort_of({"x": np.arange(2.0)}, [0, 1], {"age": pd.array([50, None], "Int64")})
    assert strata(nullable)["age band"].tolist() == ["45–64", "not recorded"]
