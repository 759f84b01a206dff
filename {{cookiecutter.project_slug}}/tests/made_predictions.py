"""Predictions to evaluate: a calibrated cohort with groups, and external cohorts that go wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.predictions import COLUMNS
from risk_model.evaluation import evaluate
from risk_model.evaluation.results import RunEvaluation

MODELS = {"logistic_regression": 0.6, "xgboost": 0.3, "network": 0.4}


def make_part(
    rng: np.random.Generator, split: str, n: int, shift: float = 0.0, rows_each: int = 1
) -> pd.DataFrame:
    """Rows of one split in which the models' risks are right but for `shift` on the log odds."""
    z = np.repeat(rng.normal(-1.2, 1.3, n // rows_each), rows_each)
    base = pd.DataFrame(
        {
            "subject_id": [f"{split}-{i // rows_each}" for i in range(len(z))],
            "prediction_time": pd.NaT,
            "boolean_value": rng.random(len(z)) < 1 / (1 + np.exp(-z - shift)),
            "site": rng.choice(["A", "B"], len(z)) if split == "test" else split,
            "age": rng.uniform(18, 95, len(z)),
            "sex": rng.choice(["female", "male"], len(z)),
            "ethnicity": pd.NA,
            "split": split,
        }
    )
    tables = []
    for model, noise in MODELS.items():
        noisy = z + rng.normal(0, noise, len(z))
        slope = np.cov(noisy, z)[0, 1] / noisy.var()
        risk = 1 / (1 + np.exp(-(z.mean() + slope * (noisy - z.mean()))))
        raw = 1 / (1 + np.exp(-noisy - 1.5))
        tables.append(
            base.assign(
                model=model,
                repeat=0,
                predicted_boolean_probability=risk,
                raw_probability=raw,
            )
        )
    return pd.concat(tables)[list(COLUMNS)]


def make_predictions() -> pd.DataFrame:
    """A test split, training rows not to be evaluated, and two external cohorts: shifted, tiny."""
    rng = np.random.default_rng(0)
    parts = [make_part(rng, "train", 300), make_part(rng, "test", 1500, rows_each=2)]
    parts += [make_part(rng, "North", 400, shift=1.5), make_part(rng, "Tiny", 30)]
    return pd.concat(parts, ignore_index=True)


def make_evaluation(predictions: pd.DataFrame) -> RunEvaluation:
    """The evaluation of these predictions, with fewer resamples than a run would take."""
    return evaluate(
        predictions,
        0.2,
        Evaluation(resamples=200),
        Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to try"),
        seed=0,
    )
