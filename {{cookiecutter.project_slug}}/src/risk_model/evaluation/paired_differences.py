"""Is one run's model better than another's, or was one of them tried on easier patients? Only the
same rows can tell.

Draw k of the bootstrap takes the same subjects for both models, so what makes a patient hard for
both cancels out of the difference. Without the same rows there is no difference to compute, however
alike the figures look.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.evaluation import metrics
from risk_model.evaluation.bootstrap import Sample, interval, resample
from risk_model.evaluation.metrics import Floats
from risk_model.evaluation.resampled_metrics import at_threshold

RISK, OUTCOME, SUBJECT = "predicted_boolean_probability", "boolean_value", "subject_id"
FIGURES = {
    "auroc": metrics.auroc,
    "citl": metrics.calibration_in_the_large,
    "slope": metrics.calibration_slope,
    "log_loss": metrics.log_loss,
}


def why_not(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Why the rows of two prediction tables, one model each, cannot be paired; "" when they can.

    They can when both hold the same subjects, each with the same outcomes.
    """
    counts = [Counter(zip(rows[SUBJECT], rows[OUTCOME], strict=True)) for rows in (first, second)]
    if counts[0] == counts[1]:
        return ""
    ours, theirs = (set(rows[SUBJECT]) for rows in (first, second))
    if ours != theirs:
        shared = len(ours & theirs)
        return (
            f"the rows are not the same, {shared:,} of {len(ours):,} and {len(theirs):,} "
            "subjects stand in both"
        )
    return "the subjects are the same, their rows or outcomes are not"


def differences(
    first: pd.DataFrame, second: pd.DataFrame, threshold: float | None, resamples: int, seed: int
) -> dict[str, dict[str, float]]:
    """Second minus first: estimate, low and high of each of FIGURES, and of "net_benefit" unless
    `threshold` is None.

    Rows are those that `why_not` has nothing against. Intervals are the middle 95 % of paired draws
    of subjects.
    """
    names = pd.Index(first[SUBJECT].unique())
    at = np.array([] if threshold is None else [threshold])
    samples = [
        Sample.of(_outcome(rows), _risk(rows), names.get_indexer(rows[SUBJECT]), thresholds=at)
        for rows in (first, second)
    ]
    ours, theirs = resample(samples, len(names), resamples, seed)
    found = {
        name: interval(
            figure(_outcome(second), _risk(second)) - figure(_outcome(first), _risk(first)),
            theirs[name] - ours[name],
        )
        for name, figure in FIGURES.items()
    }
    if threshold is None:
        return found
    benefit = [
        metrics.net_benefit(_outcome(rows), _risk(rows), threshold) for rows in (first, second)
    ]
    draws = [
        at_threshold(s, s["flagged"][:, 0], s["found"][:, 0], threshold)["net_benefit"]
        for s in (ours, theirs)
    ]
    return {**found, "net_benefit": interval(benefit[1] - benefit[0], draws[1] - draws[0])}


def _outcome(rows: pd.DataFrame) -> npt.NDArray[np.int8]:
    return rows[OUTCOME].to_numpy().astype(np.int8)


def _risk(rows: pd.DataFrame) -> Floats:
    return rows[RISK].to_numpy(np.float64)
