"""Metrics of risks: Brier score, calibration, net benefit; AUROC and log loss are in core/scores.

Which numbers show that a model works, and which one hides that it does not?
Accuracy is not here: on 950 healthy and 50 readmitted patients, always saying "healthy" has an
accuracy of 95 % and an AUROC of .5. The core set follows Van Calster et al., Lancet Digit Health
2025 (arXiv 2412.10288): discrimination, calibration, clinical utility. Throughout, `outcome` is 0
or 1 and `risk` a probability, both [n]; where a number is not defined (one class, no rows) it is
NaN.
"""

from __future__ import annotations

import numpy as np

from risk_model.core.scores import NAN, Floats, Outcomes, logit
from risk_model.evaluation.loess import Loess
from risk_model.evaluation.recalibration import recalibration

GRID = 512  # bins in which the smooth calibration curve is read off


def average_precision(outcome: Outcomes, risk: Floats) -> float:
    """Area under the precision-recall curve as a step function, equal risks together: AUPRC.

    Read it beside the prevalence, which is its value for random risks, and compare no groups by it
    (McDermott 2024).
    """
    value, block = np.unique(-risk, return_inverse=True)
    events = np.bincount(block, weights=outcome, minlength=len(value))
    flagged = np.cumsum(np.bincount(block, minlength=len(value)))
    total = events.sum()
    return float(np.sum(events * np.cumsum(events) / flagged) / total) if total else NAN


def brier(outcome: Outcomes, risk: Floats) -> float:
    """Mean squared difference between risk and outcome (Brier 1950)."""
    return float(np.mean((outcome - risk) ** 2)) if len(risk) else NAN


def scaled_brier(outcome: Outcomes, risk: Floats) -> float:
    """Share by which the Brier score is below that of the event rate for everybody: 1 is perfect.

    Also called index of prediction accuracy (Kattan and Gerds 2018). NaN with one class.
    """
    prevalence = float(np.mean(outcome)) if len(risk) else NAN
    uninformed = prevalence * (1 - prevalence)
    return 1 - brier(outcome, risk) / uninformed if uninformed else NAN


def equal_width_edges(bins: int = 10) -> Floats:
    """Inner edges of bins of equal width on [0, 1]."""
    return np.linspace(0, 1, bins + 1)[1:-1]


def equal_count_edges(risk: Floats, bins: int = 10) -> Floats:
    """Inner edges of bins that hold about as many rows each: quantiles of the risk."""
    return np.quantile(risk, np.linspace(0, 1, bins + 1)[1:-1])


def expected_calibration_error(outcome: Outcomes, risk: Floats, edges: Floats) -> float:
    """Mean over the rows of |mean outcome - mean risk| in their bin; NaN without rows.

    The edges are the inner ones, ascending, so that 0 and 1 are included; a risk on an edge belongs
    to the bin below it. Empty bins count nothing. The number depends on the bins, so
    it is reported at two binnings and never decides (Blasiok and Nakkiran 2024).

    >>> expected_calibration_error(np.array([0, 1]), np.array([0.0, 1.0]), equal_width_edges())
    0.0
    """
    gap = np.bincount(
        np.searchsorted(edges, risk), weights=outcome - risk, minlength=len(edges) + 1
    )
    return float(np.abs(gap).sum() / len(risk)) if len(risk) else NAN


def _calibration_errors(outcome: Outcomes, risk: Floats) -> tuple[Floats, Floats]:
    """|smooth calibration curve - risk|, ascending, at each distinct risk, and how many rows.

    Of more than GRID distinct risks, at GRID bins that hold as many rows each. Empty without rows.
    """
    if not len(risk):
        return np.empty(0), np.empty(0)
    order = np.argsort(risk, kind="stable")
    starts = np.flatnonzero(np.diff(risk[order], prepend=-1.0))
    if len(starts) > GRID:
        starts = np.unique(np.arange(GRID) * len(risk) // GRID)
    rows = np.diff(starts, append=len(risk)).astype(np.float64)
    mean, events = (
        np.add.reduceat(values[order].astype(np.float64), starts) for values in (risk, outcome)
    )
    mean = mean / rows
    error = np.abs(Loess(mean, rows, mean)(events[None], rows[None])[0] - mean)
    ascending = np.argsort(error)
    return error[ascending], rows[ascending]


def integrated_calibration_index(outcome: Outcomes, risk: Floats) -> float:
    """Mean distance of the smooth calibration curve from the risks, over the rows: ICI.

    Austin and Steyerberg, Stat Med 2019;38:4051-65, with the curve of `Loess`.
    """
    error, rows = _calibration_errors(outcome, risk)
    return float(np.average(error, weights=rows)) if len(rows) else NAN


def calibration_error_quantile(outcome: Outcomes, risk: Floats, share: float) -> float:
    """The distance that this share of the rows does not exceed: E50 at .5, E90 at .9."""
    error, rows = _calibration_errors(outcome, risk)
    at = np.searchsorted(np.cumsum(rows), share * rows.sum())
    return float(error[at]) if len(rows) else NAN


def observed_expected_ratio(outcome: Outcomes, risk: Floats) -> float:
    """Events that happened over events that the risks add up to: 1 is right, below 1 too high.

    NaN where none is expected.
    """
    expected = float(np.sum(risk))
    return float(np.sum(outcome)) / expected if expected else NAN


def calibration_in_the_large(outcome: Outcomes, risk: Floats) -> float:
    """Intercept a of logit P(event) = a + logit(risk): 0 is right on average.

    Below 0 the risk is overestimated. With one class it has no finite estimate: NaN. Cox 1958; Van
    Calster et al., BMC Med 2019.
    """
    rows = np.ones((1, len(risk)))
    return float(recalibration(rows * outcome, rows, logit(risk), slope=False)[0, 0])


def calibration_slope(outcome: Outcomes, risk: Floats) -> float:
    """Slope b of logit P(event) = a + b logit(risk): 1 is right.

    Below 1 the risks are too extreme (overfitting). NaN where it has no finite estimate: one class,
    one distinct risk, or events and non-events separated by the risk.
    """
    rows = np.ones((1, len(risk)))
    return float(recalibration(rows * outcome, rows, logit(risk), slope=True)[0, 1])


def net_benefit(outcome: Outcomes, risk: Floats, threshold: float) -> float:
    """True positives minus false positives weighted by the threshold's odds, per patient.

    Vickers and Elkin 2006. Patients at or above the threshold are flagged. Flagging nobody has 0;
    flagging all has `treat_all`.
    """
    flagged = risk >= threshold
    true_positives, false_positives = (np.sum(flagged & (outcome == event)) for event in (1, 0))
    gain = true_positives - false_positives * threshold / (1 - threshold)
    return float(gain / len(risk)) if len(risk) else NAN


def treat_all(prevalence: float, threshold: Floats | float) -> Floats:
    """Net benefit of flagging every patient."""
    odds = np.asarray(threshold) / (1 - np.asarray(threshold))
    return np.asarray(prevalence - (1 - prevalence) * odds)
