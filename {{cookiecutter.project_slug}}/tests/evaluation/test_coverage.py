"""Do 95 % intervals hold the truth 95 times in 100? A thousand cohorts with repeated patients,
fixed in advance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from risk_model.evaluation.bootstrap import Sample, interval, resample

from tests.estimates import ends

Floats = npt.NDArray[np.float64]
COHORTS, ROWS, SUBJECTS, RESAMPLES = 1000, 2000, 800, 400
MEAN, SPREAD = -1.5, 1.2  # of the log odds


def true_auroc() -> float:
    """P(the risk of an event is above that of a non-event), by quadrature over the log odds of
    both.
    """
    x = np.linspace(MEAN - 8 * SPREAD, MEAN + 8 * SPREAD, 4001)
    density = norm.pdf(x, MEAN, SPREAD)
    event, other = density / (1 + np.exp(-x)), density / (1 + np.exp(x))
    below = np.cumsum(other) - other / 2
    return float(np.sum(event * below) / (event.sum() * other.sum()))


def cohort(seed: int) -> tuple[npt.NDArray[np.int8], Floats, npt.NDArray[np.int64]]:
    """Calibrated risks and outcomes; a subject's rows share most of their risk and part of their
    luck.
    """
    rng = np.random.default_rng(seed)
    subject = np.sort(rng.integers(0, SUBJECTS, ROWS))

    def clustered(share: float) -> Floats:
        return np.asarray(
            np.sqrt(share) * rng.normal(size=SUBJECTS)[subject]
            + np.sqrt(1 - share) * rng.normal(size=ROWS)
        )

    risk = 1 / (1 + np.exp(-MEAN - SPREAD * clustered(0.7)))
    return (norm.cdf(clustered(0.3)) < risk).astype(np.int8), risk, subject


@pytest.mark.slow
def test_intervals_of_auroc_slope_and_calibration_in_the_large_cover_the_truth(
    record_property: Callable[[str, object], None],
) -> None:
    truth = {"auroc": true_auroc(), "slope": 1.0, "citl": 0.0}
    covered = dict.fromkeys(truth, 0)
    for seed in range(COHORTS):
        outcome, risk, subject = cohort(seed)
        (draws,) = resample([Sample.of(outcome, risk, subject)], SUBJECTS, RESAMPLES, seed)
        for name, value in truth.items():
            low, high = ends(interval(value, draws[name]))
            covered[name] += low <= value <= high
    shares = {name: count / COHORTS for name, count in covered.items()}
    record_property(
        "figures", f"coverage of 95 % intervals in {COHORTS:,} clustered cohorts: {shares}"
    )
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares
