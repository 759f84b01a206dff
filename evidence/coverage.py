"""Coverage of the 95 % intervals, over cohorts in which patients have several rows.

Do intervals hold the truth 95 times in 100? Each seed is one cohort of 2,000 rows of 800 subjects,
whose risks are calibrated and whose true AUROC, sensitivity and Brier score are known by
quadrature. The Brier score's interval is the bootstrap's, the others' are by formula.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from risk_model.evaluation.bootstrap import Sample, interval, resample
from risk_model.evaluation.metric_table import BY_NAME
from risk_model.evaluation.resampled_metrics import ScoredRows, closed_form

Floats = npt.NDArray[np.float64]
SEEDS, SAMPLE = 1000, 40
NEAR = 0.0  # counted, so exact on every machine
BY_FORMULA = ("auroc", "slope", "citl", "sensitivity")
BOUNDS = dict.fromkeys((*BY_FORMULA, "brier"), (0.925, 0.975))
ROWS, SUBJECTS, RESAMPLES = 2000, 800, 400
MEAN, SPREAD, THRESHOLD = -1.5, 1.2, 0.3  # mean and spread of the log odds; who is flagged


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """Whether each seed's interval covers the truth (1 or 0), by metric."""
    true = truth()
    covered: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for seed in seeds:
        outcome, risk, subject = cohort(seed)
        (draws,) = resample([Sample.of(outcome, risk, subject, bins=0)], SUBJECTS, RESAMPLES, seed)
        held = np.unique(subject, return_inverse=True)[1]
        rows = ScoredRows(outcome, risk, held)
        estimates = {name: closed_form(BY_NAME[name], rows, THRESHOLD) for name in BY_FORMULA}
        estimates["brier"] = interval(true["brier"], draws["brier"])
        for name, estimate in estimates.items():
            low, high = estimate.interval or (np.nan, np.nan)
            covered[name].append(float(low <= true[name] <= high))
    return covered


def truth() -> dict[str, float]:
    """What each metric would be on infinitely many subjects, by quadrature over the log odds."""
    x = np.linspace(MEAN - 8 * SPREAD, MEAN + 8 * SPREAD, 4001)
    density, risk = norm.pdf(x, MEAN, SPREAD), 1 / (1 + np.exp(-x))
    event, other = density * risk, density * (1 - risk)
    below = np.cumsum(other) - other / 2
    return {
        "auroc": float(np.sum(event * below) / (event.sum() * other.sum())),
        "slope": 1.0,
        "citl": 0.0,
        "sensitivity": float(event[risk >= THRESHOLD].sum() / event.sum()),
        "brier": float(np.sum(density * risk * (1 - risk)) / density.sum()),
    }


def cohort(seed: int) -> tuple[npt.NDArray[np.int8], Floats, npt.NDArray[np.int64]]:
    """Outcomes, calibrated risks and subjects [n]; a subject's rows share risk and luck."""
    rng = np.random.default_rng(seed)
    subject = np.sort(rng.integers(0, SUBJECTS, ROWS))

    def clustered(share: float) -> Floats:
        common, own = rng.normal(size=SUBJECTS)[subject], rng.normal(size=ROWS)
        return np.asarray(np.sqrt(share) * common + np.sqrt(1 - share) * own)

    risk = 1 / (1 + np.exp(-MEAN - SPREAD * clustered(0.7)))
    return (norm.cdf(clustered(0.3)) < risk).astype(np.int8), risk, subject
