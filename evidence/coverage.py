"""Coverage of the 95 % intervals, over cohorts in which patients have several rows.

Do intervals hold the truth 95 times in 100? Each seed is one cohort of 2,000 rows of 800 subjects,
whose risks are calibrated and whose true AUROC is known by quadrature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from risk_model.evaluation.bootstrap import Sample, interval, resample

Floats = npt.NDArray[np.float64]
SEEDS, SAMPLE = 1000, 40
NEAR = 0.0  # counted, so exact on every machine
BOUNDS = {"auroc": (0.925, 0.975), "slope": (0.925, 0.975), "citl": (0.925, 0.975)}
ROWS, SUBJECTS, RESAMPLES = 2000, 800, 400
MEAN, SPREAD = -1.5, 1.2  # of the log odds


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """Whether each seed's interval covers the truth (1 or 0), by metric."""
    truth = {"auroc": true_auroc(), "slope": 1.0, "citl": 0.0}
    covered: dict[str, list[float]] = {name: [] for name in truth}
    for seed in seeds:
        outcome, risk, subject = cohort(seed)
        (draws,) = resample([Sample.of(outcome, risk, subject)], SUBJECTS, RESAMPLES, seed)
        for name, value in truth.items():
            limits = interval(value, draws[name]).interval
            covered[name].append(float(limits is not None and limits[0] <= value <= limits[1]))
    return covered


def true_auroc() -> float:
    """P(the risk of an event is above that of a non-event), by quadrature over both log odds."""
    x = np.linspace(MEAN - 8 * SPREAD, MEAN + 8 * SPREAD, 4001)
    density = norm.pdf(x, MEAN, SPREAD)
    event, other = density / (1 + np.exp(-x)), density / (1 + np.exp(x))
    below = np.cumsum(other) - other / 2
    return float(np.sum(event * below) / (event.sum() * other.sum()))


def cohort(seed: int) -> tuple[npt.NDArray[np.int8], Floats, npt.NDArray[np.int64]]:
    """Outcomes, calibrated risks and subjects [n]; a subject's rows share risk and luck."""
    rng = np.random.default_rng(seed)
    subject = np.sort(rng.integers(0, SUBJECTS, ROWS))

    def clustered(share: float) -> Floats:
        common, own = rng.normal(size=SUBJECTS)[subject], rng.normal(size=ROWS)
        return np.asarray(np.sqrt(share) * common + np.sqrt(1 - share) * own)

    risk = 1 / (1 + np.exp(-MEAN - SPREAD * clustered(0.7)))
    return (norm.cdf(clustered(0.3)) < risk).astype(np.int8), risk, subject
