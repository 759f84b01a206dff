"""Are there enough patients to develop this model? The criteria of Riley et al. for a binary
outcome.

Riley RD et al., Statistics in Medicine 2019;38:1276-96 and BMJ 2020;368:m441. They hold for a
regression with that many parameters; trees and networks need more (van der Ploeg et al., BMC
Medical Research Methodology 2014;14:137).
"""

from __future__ import annotations

import math

SHRINKAGE = 0.9  # the calibration slope to be expected in new patients
OPTIMISM = 0.05  # difference allowed between apparent and adjusted Nagelkerke R²
MARGIN = 0.05  # half width of the 95 % interval of the overall risk
MODEST = 0.15  # Nagelkerke R² to assume when nothing is known (Riley 2020)


def highest_r2(prevalence: float) -> float:
    """The Cox-Snell R² of a perfect model: 1 - exp(2 × log likelihood of the prevalence alone)."""
    null = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    return 1 - math.exp(2 * null)


def required_rows(parameters: int, prevalence: float, r2: float | None = None) -> dict[str, int]:
    """Rows needed for each criterion, `r2` being the Cox-Snell R² to be expected (by default a
    modest one).

    Shrinkage: n = p / ((S - 1) ln(1 - R²/S)) with S = .9; optimism: the same with S = R² / (R² +
    .05 max R²); overall risk: n = (1.96 / .05)² φ (1 - φ).

    >>> required_rows(24, 0.174, r2=0.288)
    {'shrinkage': 623, 'optimism': 662, 'overall risk': 221}
    """
    r2 = MODEST * highest_r2(prevalence) if r2 is None else r2
    slack = r2 / (r2 + OPTIMISM * highest_r2(prevalence))
    shrinkage, optimism = (
        parameters / ((s - 1) * math.log(1 - r2 / s)) for s in (SHRINKAGE, slack)
    )
    overall = (1.96 / MARGIN) ** 2 * prevalence * (1 - prevalence)
    needed = {"shrinkage": shrinkage, "optimism": optimism, "overall risk": overall}
    return {criterion: math.ceil(rows) for criterion, rows in needed.items()}
