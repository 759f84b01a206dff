"""What risks for the ward are worth: net benefit, slope, observed over expected."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Risks = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int8]
THRESHOLD = 0.15
CLIP = 0.001  # a risk of 0 or 1 has no log odds


def net_benefit(outcome: Outcomes, risk: Risks, threshold: float) -> float:
    """Per patient, of treating those at or above the threshold."""
    treated = risk >= threshold
    true, false = (treated & (outcome == 1)).mean(), (treated & (outcome == 0)).mean()
    return float(true - false * threshold / (1 - threshold))


def best_without_model(outcome: Outcomes, threshold: float) -> float:
    """Net benefit of treating all, or none, whichever is better."""
    return max(0.0, net_benefit(outcome, np.ones(len(outcome)), threshold))


def slope(outcome: Outcomes, risk: Risks) -> float:
    """Calibration slope: of a logistic regression on the log odds; nan where all are alike."""
    clipped = np.clip(risk, CLIP, 1 - CLIP)
    log_odds = np.log(clipped / (1 - clipped))
    if np.ptp(log_odds) < 1e-9:
        return float("nan")
    model = LogisticRegression(C=np.inf, max_iter=1_000).fit(log_odds.reshape(-1, 1), outcome)
    return float(model.coef_[0, 0])


def observed_over_expected(outcome: Outcomes, risk: Risks) -> float:
    """Events over the sum of the risks; inf where that is 0."""
    expected = float(risk.sum())
    return float(outcome.sum()) / expected if expected > 0 else float("inf")
