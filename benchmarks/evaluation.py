"""How long does a full evaluation take, and how does it grow? Three models, all subgroups, two
external cohorts.

Every headline figure is resampled 1,000 times, by patient. The loop over scikit-learn computes
AUROC, calibration slope and calibration-in-the-large of the same resamples for the same models,
parts and groups; it runs a few resamples, for 1,000 would take hours, and is scaled. Targets: under
60 s on two cores, 30 times the loop, linear to a million rows.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from risk_model.config import Evaluation
from risk_model.core.decision import Decision
from risk_model.core.scores import logit
from risk_model.evaluation import evaluate, subgroups
from risk_model.evaluation.bootstrap import draw_counts

SETTINGS = Evaluation()
STATED = Decision(harm_ratio=4.0, threshold_low=0.05, threshold_high=0.5, reason="to measure")
MODELS = {"logistic_regression": 0.5, "xgboost": 0.3, "network": 0.4}
LOOPED = 2  # resamples of the loop


def made_up(rows: int) -> pd.DataFrame:
    """A prediction table: eight tenths of the rows in the test split, a tenth in each of two
    external cohorts.
    """
    rng = np.random.default_rng(0)
    z = rng.normal(-1.5, 1.2, rows)
    base = pd.DataFrame(
        {
            "subject_id": rng.integers(0, rows * 3 // 4, rows).astype(str),
            "prediction_time": pd.NaT,
            "boolean_value": rng.random(rows) < 1 / (1 + np.exp(-z)),
            "site": rng.choice(["A", "B", "C", "D"], rows),
            "age": rng.normal(62, 17, rows).clip(18, 99),
            "sex": rng.choice(["female", "male"], rows),
            "ethnicity": rng.choice(
                ["White", "Black", "Hispanic", "Asian"], rows, p=[0.6, 0.2, 0.14, 0.06]
            ),
            "split": rng.choice(["test", "site: E", "last period"], rows, p=[0.8, 0.1, 0.1]),
        }
    )
    parts = []
    for name, noise in MODELS.items():
        risk = 1 / (1 + np.exp(-z - rng.normal(0, noise, rows)))
        parts.append(
            base.assign(
                model=name, repeat=0, predicted_boolean_probability=risk, raw_probability=risk
            )
        )
    return pd.concat(parts, ignore_index=True)


def by_scikit_learn(table: pd.DataFrame, resamples: int) -> None:
    """AUROC, slope and calibration-in-the-large of each resample, by part, model and group."""
    for _, part in table.groupby("split"):
        codes, subjects = pd.factorize(part["subject_id"])
        for _, frame in part.assign(_subject=codes).groupby("model"):
            groups = [np.ones(len(frame), bool), np.ones(len(frame), bool)]  # calibrated and raw
            for partition, labels in subgroups.partitions(frame).items():
                groups += [labels == group for group in subgroups.groups(labels, partition)]
            for mask in groups:
                for counts in draw_counts(len(subjects), resamples, 0):
                    for count in counts:
                        _figures(frame[mask], count)


def _figures(frame: pd.DataFrame, count: npt.NDArray[np.uint8]) -> None:
    drawn = np.repeat(np.arange(len(frame)), count[frame["_subject"].to_numpy()])
    y, p = frame["boolean_value"].to_numpy(), frame["predicted_boolean_probability"].to_numpy()
    roc_auc_score(y[drawn], p[drawn])
    x = logit(p[drawn])
    LogisticRegression(C=np.inf).fit(x[:, None], y[drawn])
    a = 0.0
    for _ in range(
        5
    ):  # Newton's method for the intercept alone, which scikit-learn has no offset for
        q = 1 / (1 + np.exp(-a - x))
        a += float(np.sum(y[drawn] - q) / np.sum(q * (1 - q)))


def seconds(table: pd.DataFrame) -> float:
    """Wall-clock seconds of the whole evaluation."""
    start = time.perf_counter()
    evaluate(table, 0.2, SETTINGS, STATED, seed=0)
    return time.perf_counter() - start


def main() -> None:
    """Prints seconds, ratio and growth; the million rows only with the argument `million`."""
    seconds(made_up(2_000))  # compiles the kernels
    table = made_up(100_000)
    ours = min(seconds(table) for _ in range(3))
    print(
        f"full evaluation of 100,000 rows, 3 models, {SETTINGS.resamples:,} resamples: {ours:.1f} "
        "s (target 60 s)"
    )
    start = time.perf_counter()
    by_scikit_learn(table, LOOPED)
    theirs = (time.perf_counter() - start) / LOOPED * SETTINGS.resamples
    print(
        f"  scikit-learn's loop, from {LOOPED} resamples: {theirs:,.0f} s, {theirs / ours:.0f}x "
        "(target 30x)"
    )
    sizes = (10_000, 30_000, 300_000, 1_000_000) if "million" in sys.argv[1:] else (10_000, 30_000)
    for rows in sizes:
        took = seconds(made_up(rows))
        print(
            f"  {rows:,} rows: {took:.1f} s, {took / rows * 1e6:.0f} µs a row (100,000: "
            f"{ours / 0.1:.0f})"
        )


if __name__ == "__main__":
    main()
