"""The age bands of every table and figure: under 18, 18–44, 45–64, 65–79, 80 and over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

AGE_BANDS = {  # each ends below this age in years
    "under 18": 18.0,
    "18–44": 45.0,
    "45–64": 65.0,
    "65–79": 80.0,
    "80 and over": np.inf,
}


def age_band(age: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """The name of the age band of each age in years: object[n], None where the age is missing.

    >>> age_band(np.array([17.9, 18.0, 79.9, 80.0, float("nan")])).tolist()
    ['under 18', '18–44', '65–79', '80 and over', None]
    """
    names = np.array([*AGE_BANDS, None], dtype=object)
    position = np.searchsorted(np.array(list(AGE_BANDS.values())), age, side="right")
    return names[np.where(np.isnan(age), len(AGE_BANDS), np.minimum(position, len(AGE_BANDS) - 1))]
