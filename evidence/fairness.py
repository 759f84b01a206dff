"""Findings about groups, over fair cohorts and over cohorts in which one group's odds are halved.

Does chance accuse hardly anybody, and are risks that are too low in one group found? The group's
patients need twice the odds to be flagged. Their order stays, and with it the AUROC inside the
group: a comparison of AUROCs would see nothing.
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
    "lost AUROC": (-0.02, 0.02),
}
ROWS, GROUP, HALVED = 3000, "Black", np.log(2)
STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try")


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """By seed: a fair cohort accused (1 or 0), halved odds found, and AUROC lost by halving."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for seed in seeds:
        (groups, fair), (low_groups, low) = accused(seed, 0.0), accused(seed, HALVED)
        values = (bool(groups), f"ethnicity {GROUP}" in low_groups, fair - low)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(float(value))
    return columns


def accused(seed: int, shift: float) -> tuple[list[str], float]:
    """The groups that a finding names, and AUROC over all patients."""
    evaluation = evaluate(cohort(seed, shift), 0.2, Evaluation(resamples=200), STATED, seed=seed)
    metrics = evaluation.parts["test"].models["logistic_regression"].metrics
    groups = [finding.where for finding in evaluation.findings if finding.kind == "subgroup"]
    assert metrics["auroc"].estimate is not None  # noqa: S101 - both classes are there
    return groups, metrics["auroc"].estimate


def cohort(seed: int, shift: float) -> pd.DataFrame:
    """Three sites, three ethnicities; risks calibrated in each, but for `shift` in one of them."""
    rng = np.random.default_rng(seed)
    age = rng.normal(62, 17, ROWS).clip(18, 99)
    ethnicity = rng.choice(["White", "Black", "Hispanic"], ROWS, p=[0.6, 0.25, 0.15])
    log_odds = -1.8 + 0.02 * (age - 62) + rng.normal(0, 1.0, ROWS)
    risk = 1 / (1 + np.exp(-(log_odds - shift * (ethnicity == GROUP))))
    return pd.DataFrame(
        {
            "subject_id": rng.integers(0, 2 * ROWS, ROWS).astype(str),
            "prediction_time": pd.NaT,
            "boolean_value": rng.random(ROWS) < 1 / (1 + np.exp(-log_odds)),
            "predicted_boolean_probability": risk,
            "raw_probability": risk,
            "site": rng.choice(["A", "B", "C"], ROWS),
            "age": age,
            "sex": rng.choice(["female", "male"], ROWS),
            "ethnicity": ethnicity,
            "split": "test",
            "model": "logistic_regression",
        }
    )
