"""Coverage of the 95 % intervals by formula where data are few: five kinds of cohort.

Do AUROC, calibration slope, calibration-in-the-large, observed / expected events and sensitivity
hold the truth 95 times in 100 where the bootstrap's intervals do not? Risks are calibrated, so
slope and ratio are 1 and calibration-in-the-large 0; AUROC and sensitivity are known by quadrature,
of clusters those over new ones. An interval that is refused counts as a miss, and `refused` says
how often that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from risk_model.core.estimate import Estimate
from risk_model.evaluation.metric_table import BY_NAME
from risk_model.evaluation.resampled_metrics import ScoredRows, closed_form

Floats = npt.NDArray[np.float64]
SEEDS, SAMPLE = 1000, 10
NEAR = 0.0  # counted, so exact on every machine
FEWEST = 2  # events and non-events: with fewer another cohort is drawn
LEVELS = (0.925, 0.975)


@dataclass(frozen=True)
class Setting:
    """Cohorts whose log odds have this mean and spread, and a threshold to flag at.

    With `clusters` the rows of one share log odds and luck, each to the share `alike`.
    """

    rows: int
    mean: float
    spread: float
    threshold: float
    clusters: int = 0
    alike: float = 0.0


SETTINGS = {
    "120 rows": Setting(120, -0.2, 2.2, 0.3),
    "11 events": Setting(120, -2.75, 1.2, 0.1),
    "AUROC near 1": Setting(200, 0.0, 5.5, 0.3),
    "ten strong clusters": Setting(300, -1.0, 1.2, 0.3, clusters=10, alike=0.3),
    "1 % events": Setting(2000, -5.2, 1.1, 0.02),
}
METRICS = ("auroc", "slope", "citl", "observed_expected_ratio", "sensitivity")
BOUNDS = {f"{setting}: {metric}": LEVELS for setting in SETTINGS for metric in METRICS} | {
    f"{setting}: refused": (0.0, 0.01) for setting in SETTINGS
}


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """Whether each seed's interval covers the truth (1 or 0), by setting and metric."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for name, setting in SETTINGS.items():
        true = truth(setting)
        for seed in seeds:
            rows = cohort(setting, seed)
            intervals = {
                metric: closed_form(BY_NAME[metric], rows, setting.threshold) for metric in METRICS
            }
            for metric, estimate in intervals.items():
                columns[f"{name}: {metric}"].append(covers(estimate, true[metric]))
            refused = any(estimate.interval is None for estimate in intervals.values())
            columns[f"{name}: refused"].append(float(refused))
    return columns


def covers(estimate: Estimate, value: float) -> float:
    """1 where the interval holds the value, else 0."""
    limits = estimate.interval
    return float(limits is not None and limits[0] <= value <= limits[1])


def truth(setting: Setting) -> dict[str, float]:
    """What each metric would be on infinitely many rows, of clusters on infinitely many of them."""
    reach = 9 * setting.spread
    x = np.linspace(setting.mean - reach, setting.mean + reach, 20_001)
    density = norm.pdf(x, setting.mean, setting.spread)
    risk = 1 / (1 + np.exp(-x))
    event, other = density * risk, density * (1 - risk)
    below = np.cumsum(other) - other / 2
    return {
        "auroc": float(np.sum(event * below) / (event.sum() * other.sum())),
        "slope": 1.0,
        "citl": 0.0,
        "observed_expected_ratio": 1.0,
        "sensitivity": float(event[risk >= setting.threshold].sum() / event.sum()),
    }


def cohort(setting: Setting, seed: int) -> ScoredRows:
    """One cohort with at least FEWEST events and non-events."""
    rng = np.random.default_rng(seed)
    clusters = setting.clusters or setting.rows
    subject = np.arange(setting.rows) % clusters

    def shared() -> Floats:
        common, own = rng.normal(size=clusters)[subject], rng.normal(size=setting.rows)
        return np.asarray(np.sqrt(setting.alike) * common + np.sqrt(1 - setting.alike) * own)

    while True:
        risk = 1 / (1 + np.exp(-setting.mean - setting.spread * shared()))
        outcome = (norm.cdf(shared()) < risk).astype(np.int8)
        if FEWEST <= outcome.sum() <= setting.rows - FEWEST:
            return ScoredRows(outcome, risk, subject)
