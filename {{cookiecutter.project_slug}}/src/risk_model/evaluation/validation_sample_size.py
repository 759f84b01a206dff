"""The rows that intervals of a stated width need.

Are there enough patients to evaluate this model? Riley et al., BMJ 2024;384:e074821 and Statistics
in Medicine 2021;40:4230-51: for the ratio of observed to expected events, the calibration slope,
AUROC (Newcombe 2006) and standardised net benefit. What the formulas assume is read off the rows
themselves; rows are counted as if each were another patient, so more are needed where patients
repeat.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from risk_model.core.estimate import NORMAL
from risk_model.core.scores import Floats, Outcomes, auroc, logit
from risk_model.evaluation.results import RequiredRows

if TYPE_CHECKING:
    from risk_model.config import Evaluation

MOST = 10**9


def rows_for_ratio(prevalence: float, width: float) -> int:
    """Rows for observed / expected events near 1, its interval that wide on the log scale."""
    error = math.asinh(width / 2) / NORMAL  # exp(x) - exp(-x) = width
    return math.ceil((1 - prevalence) / (prevalence * error**2))


def rows_for_slope(log_odds: Floats, width: float) -> int:
    """Rows for a calibration slope near 1, of patients with log odds like these."""
    risk = 1 / (1 + np.exp(-log_odds))
    weight = risk * (1 - risk)
    i00, i01, i11 = (float(np.mean(weight * log_odds**k)) for k in range(3))
    determinant = i00 * i11 - i01**2
    error = width / (2 * NORMAL)
    return math.ceil(min(i00 / (error**2 * determinant), MOST)) if determinant > 0 else MOST


def rows_for_auroc(area: float, prevalence: float, width: float) -> int:
    """Rows for an AUROC near this one."""
    low, high = 2, MOST
    while low < high:
        n = (low + high) // 2
        enough = 2 * NORMAL * _auroc_error(area, prevalence, n) <= width
        low, high = (low, n) if enough else (n + 1, high)
    return low


def _auroc_error(area: float, prevalence: float, n: int) -> float:
    spread = 1 + (n / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))
    return math.sqrt(area * (1 - area) * spread / (n**2 * prevalence * (1 - prevalence)))


def rows_for_net_benefit(
    sensitivity: float, specificity: float, prevalence: float, threshold: float, width: float
) -> int:
    """Rows for a net benefit, in units of the prevalence, at that threshold."""
    weight = (1 - prevalence) / prevalence * threshold / (1 - threshold)
    error = width / (2 * NORMAL)
    spread = specificity * (1 - specificity) + (1 - specificity) ** 2 / prevalence
    alerts = weight**2 * spread / (1 - prevalence)
    return math.ceil((sensitivity * (1 - sensitivity) / prevalence + alerts) / error**2)


def required_rows(
    outcome: Outcomes, risk: Floats, threshold: float, settings: Evaluation, repeats: int = 1
) -> list[RequiredRows]:
    """The rows that each criterion needs of patients like these [n]; none without both classes.

    Each of these stands there `repeats` times.
    """
    prevalence = float(np.mean(outcome)) if len(outcome) else 0.0
    if not 0 < prevalence < 1:
        return []
    flagged, widths = risk >= threshold, settings.widths
    sensitivity = float(flagged[outcome == 1].mean())
    specificity = float(1 - flagged[outcome == 0].mean())
    net_benefit = rows_for_net_benefit(
        sensitivity, specificity, prevalence, threshold, widths.net_benefit
    )
    required = {
        "ratio": rows_for_ratio(prevalence, widths.ratio),
        "slope": rows_for_slope(logit(risk), widths.slope),
        "auroc": rows_for_auroc(auroc(outcome, risk), prevalence, widths.auroc),
        "net_benefit": net_benefit,
    }
    return [
        RequiredRows(name, getattr(widths, name), rows, enough=len(outcome) >= rows * repeats)
        for name, rows in required.items()
    ]
