"""Does it work, for whom, and is it worth acting on? Judged only on patients the models have not
seen.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from risk_model.core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from risk_model.config import Evaluation
    from risk_model.core.decision import Decision

LEARNT_FROM = ("train", "validation", "calibration", "set aside")


def evaluate(
    predictions: pd.DataFrame, threshold: float, settings: Evaluation, decision: Decision, seed: int
) -> dict[str, Any]:
    """Every figure of every model on the test split, out of fold and on each external cohort, as
    JSON-able values.

    `predictions` is the table of `prediction_table`; a patient is flagged at or above `threshold`.
    Under "parts", each part has its counts and, under "models", for each model: "metrics" {name:
    {estimate, low, high}} after calibration, "raw" the same before, paired "differences" to the
    first model, "per_1000", "in_words", "curves" and "subgroups". "gates" holds the verdict per
    part and model, "findings" what a reader must know. None stands for what cannot be estimated.
    UserError when a risk is not a probability, or no row is left to judge.
    """
    from risk_model.evaluation import gates, subgroups
    from risk_model.evaluation.resampled_metrics import Question
    from risk_model.evaluation.split_evaluation import judge_part
    from risk_model.evaluation.utility import curve_thresholds
    from risk_model.evaluation.utility import findings as of_decision

    question = Question(threshold, curve_thresholds(decision), settings, seed)
    parts = {name: judge_part(rows, question) for name, rows in _unseen(predictions).items()}
    seen = of_decision(decision)
    seen += [f for name, part in parts.items() for f in gates.findings(name, part["models"])]
    if "test" in parts:
        seen += subgroups.findings("test", parts["test"]["models"])
    found: dict[str, Any] = plain(
        {
            "threshold": threshold,
            "decision": asdict(decision),
            "resamples": settings.resamples,
            "minimum_events": settings.minimum_events,
            "bounds": gates.bounds(settings),
            "reference": next(iter(next(iter(parts.values()))["models"])),
            "parts": parts,
            "gates": {
                name: {m: j.pop("verdict") for m, j in part["models"].items()}
                for name, part in parts.items()
            },
            "findings": [f.to_json() for f in seen],
        }
    )
    return found


def _unseen(predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The parts to judge: test first, out of fold next, then the external cohorts in their
    order.
    """
    rows = predictions[~predictions["split"].isin(LEARNT_FROM)]
    for column in ("predicted_boolean_probability", "raw_probability"):
        if not rows[column].between(0, 1).all():
            raise UserError(
                f"predictions: {column} holds values that are no probability; train the models "
                "again"
            )
    if rows.empty:
        raise UserError(
            "predictions: no test split and no external cohort to judge; check the split's shares"
        )
    counts = rows.groupby(["split", "model"]).size().unstack()
    if counts.isna().any(axis=None) or (counts.nunique(axis=1) > 1).any():
        raise UserError(
            "predictions: the models do not judge the same rows of each split; train them again "
            "together"
        )
    names = sorted(
        map(str, rows["split"].unique()), key=lambda name: (name != "test", name != "out of fold")
    )
    return {name: rows[rows["split"] == name] for name in names}


def plain(value: Any) -> Any:
    """The same content in values that JSON knows: arrays as lists, NaN and infinity as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value
