"""Findings about groups, over fair cohorts and over cohorts in which one group's odds are too low.

Does chance accuse hardly anybody, are risks that are too low in one group found, and are the others
left alone? The group's patients need twice the odds to be flagged. Their order stays, and with it
the AUROC inside the group: a comparison of AUROCs would see nothing. Two harder settings, odds of
two thirds and a group of 5 %, are there to be known: nothing is asked of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.evaluation import evaluate

SEEDS, SAMPLE = 200, 6
NEAR = 1e-9  # AUROC is a count of pairs; findings are counted
BOUNDS = {
    "fair accused": (0.0, 0.085),
    "halved odds found": (0.9, 1.0),
    "others accused": (0.0, 0.05),
    "odds of two thirds found": (0.0, 1.0),
    "halved odds of 5 % found": (0.0, 1.0),
    "lost AUROC": (-0.02, 0.02),
}
ROWS, GROUP, HALVED, TWO_THIRDS = 3000, "Black", np.log(2), np.log(1.5)
STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """By seed: whether a group was accused or found (1 or 0), and AUROC lost by halving."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for seed in seeds:
        (groups, fair), (named, low) = accused(seed, 0.0), accused(seed, HALVED)
        values = (
            bool(groups),
            found(named),
            any(GROUP not in group for group in named),
            found(accused(seed, TWO_THIRDS)[0]),
            found(accused(seed, HALVED, share=0.05)[0]),
            fair - low,
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(float(value))
    return columns


def found(groups: Sequence[str]) -> bool:
    """Whether the group whose odds are too low is among those that a finding names."""
    return f"ethnicity {GROUP}" in groups


def accused(seed: int, shift: float, share: float = 0.25) -> tuple[list[str], float]:
    """The groups that a finding names, and AUROC over all patients."""
    table, settings = cohort(seed, shift, share), Evaluation(resamples=200)
    evaluation = evaluate(table, 0.2, settings, STATED, seed=seed)
    metrics = evaluation.parts["test"].models["logistic_regression"].metrics
    groups = [finding.where for finding in evaluation.findings if finding.kind == "subgroup"]
    assert metrics["auroc"].estimate is not None  # noqa: S101 - both classes are there
    return groups, metrics["auroc"].estimate


def cohort(seed: int, shift: float, share: float = 0.25) -> pd.DataFrame:
    """Three sites, three ethnicities; risks calibrated in each, but for `shift` in one of them.

    That one holds `share` of the patients.
    """
    rng = np.random.default_rng(seed)
    age = rng.normal(62, 17, ROWS).clip(18, 99)
    shares = [0.85 - share, share, 0.15]
    ethnicity = rng.choice(["White", GROUP, "Hispanic"], ROWS, p=shares)
    log_odds = -1.8 + 0.02 * (age - 62) + rng.normal(0, 1.0, ROWS)
    risk = 1 / (1 + np.exp(-(log_odds - shift * (ethnicity == GROUP))))
    return pd.DataFrame(
        {
            "subject_id": rng.integers(0, 2 * ROWS, ROWS).astype(str),
            "prediction_time": pd.NaT,
            "boolean_value": rng.random(ROWS) < 1 / (1 + np.exp(-log_odds)),
            "predicted_boolean_probability": risk,
            "raw_probability": risk,
            "repeat": 0,
            "site": rng.choice(["A", "B", "C"], ROWS),
            "age": age,
            "sex": rng.choice(["female", "male"], ROWS),
            "ethnicity": ethnicity,
            "split": "test",
            "model": "logistic_regression",
        }
    )
