"""Evaluation on patients that no model learnt from.

Does it work, for whom, and is it worth acting on?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from risk_model.core.errors import UserError
from risk_model.core.parts import LEARNT_FROM, OUT_OF_FOLD

if TYPE_CHECKING:
    import pandas as pd

    from risk_model.config import Evaluation
    from risk_model.core.decision import Decision
    from risk_model.evaluation.results import RunEvaluation


def evaluate(
    predictions: pd.DataFrame, threshold: float, settings: Evaluation, decision: Decision, seed: int
) -> RunEvaluation:
    """Every metric of every model on the test split, out of fold and on each external cohort.

    Args:
        predictions: the table of `prediction_table`.
        threshold: the operating threshold; a patient is flagged at or above it.
        settings: how to evaluate.
        decision: what the risk is used for; without a stated range no net benefit is reported.
        seed: of the bootstrap.

    Raises:
        UserError: a risk is not a probability, or no row is left to evaluate on.
    """
    from risk_model.evaluation import gates, subgroup_findings, utility
    from risk_model.evaluation.metric_table import METRICS
    from risk_model.evaluation.resampled_metrics import EvaluationSettings
    from risk_model.evaluation.results import RunEvaluation
    from risk_model.evaluation.split_evaluation import evaluate_split

    unseen, curve = _unseen(predictions), utility.curve_thresholds(decision)
    how = EvaluationSettings(threshold, curve, settings, seed, len(unseen))
    parts = {name: evaluate_split(rows, how) for name, rows in unseen.items()}
    verdicts = {name: gates.verdicts(part, settings) for name, part in parts.items()}
    findings = utility.findings(decision)
    findings += [f for name, models in verdicts.items() for f in gates.findings(name, models)]
    findings += [
        f for name, part in parts.items() for f in subgroup_findings.findings(name, part.models)
    ]
    return RunEvaluation(
        threshold=threshold,
        decision=decision,
        resamples=settings.resamples,
        minimum_events=settings.minimum_events,
        bounds=gates.bounds(settings, how.names(METRICS)),
        comparator=next(iter(next(iter(parts.values())).models)),
        parts=parts,
        gates=verdicts,
        findings=findings,
    )


def _unseen(predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The parts to evaluate: test first, out of fold next, then the external cohorts in order."""
    rows = predictions[~predictions["split"].isin(LEARNT_FROM)]
    for column in ("predicted_boolean_probability", "raw_probability"):
        if not rows[column].between(0, 1).all():
            raise UserError(
                f"predictions: {column} holds values that are no probability; train the models "
                "again"
            )
    if rows.empty:
        raise UserError(
            "predictions: no test split and no external cohort to evaluate; check the shares of "
            "the split"
        )
    counts = rows.groupby(["split", "model"]).size().unstack()
    if counts.isna().any(axis=None) or (counts.nunique(axis=1) > 1).any():
        raise UserError(
            "predictions: the models do not score the same rows of each split; train them again "
            "together"
        )
    names = sorted(
        map(str, rows["split"].unique()), key=lambda name: (name != "test", name != OUT_OF_FOLD)
    )
    return {name: rows[rows["split"] == name] for name in names}
