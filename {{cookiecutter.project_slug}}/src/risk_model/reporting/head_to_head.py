"""Existing scores beside a model on the same patients: a table, and who ranks better, if anyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from risk_model.core.table import Row
from risk_model.evaluation.metric_table import METRICS
from risk_model.evaluation.results import HeadToHead, PartEvaluation
from risk_model.model.table import label as model_label
from risk_model.reporting.wording import estimate_text, inside

CAVEAT = (
    "Where a score was made for another outcome or another horizon than the models, compare its "
    "AUROC: its calibration and net benefit are not those of what it was made for."
)


def head_to_head_table(model: str, compared: Sequence[HeadToHead]) -> list[Row]:
    """Three rows a score that was recorded often enough: the score, the model, the difference."""
    return [
        {"risk": risk, **{m.label: own[m.name] for m in METRICS if m.name in own}}
        for result in compared
        if result.metrics
        for risk, own in (
            (result.score, result.score_metrics),
            (f"{model_label(model)}, where {result.score} is recorded", result.metrics),
            ("difference, paired", result.differences),
        )
    ]


def head_to_head_sentences(
    model: str,
    part: PartEvaluation,
    identified: bool,
    descriptions: Mapping[str, str] | None = None,
) -> list[str]:
    """For each score: on whom it was compared, both AUROCs, and what the difference allows to say.

    Patients are counted where they are `identified`. `descriptions` are those of the scores, by
    name.
    """
    return [
        _sentence(model, result, _recorded(result, part.n, identified, descriptions or {}))
        for result in part.models[model].head_to_head
    ]


def _recorded(
    result: HeadToHead, rows: int, identified: bool, descriptions: Mapping[str, str]
) -> str:
    """The score, what it is, and on how many it was recorded."""
    described = f" ({descriptions[result.score]})" if descriptions.get(result.score) else ""
    patients = f"{result.subjects:,} patients, " if identified else ""
    return (
        f"{result.score}{described}, recorded for {result.n:,} of {rows:,} rows "
        f"({patients}{result.events:,} events)"
    )


def verdicts(model: str, part: PartEvaluation) -> list[str]:
    """In short, for each score that was judged: who ranks better, if anyone can tell, and by what.

    AUROC alone, for the score may be made for another outcome or horizon.
    """
    label = model_label(model)
    return [
        f"{_verdict(label, result).removesuffix('.')} (AUROC of {label} minus that of "
        f"{result.score} {inside(result.differences['auroc'])}, on the {result.n:,} of "
        f"{part.n:,} rows with {result.score})."
        for result in part.models[model].head_to_head
        if result.metrics
    ]


def _sentence(model: str, result: HeadToHead, recorded: str) -> str:
    if not result.metrics:
        return f"{recorded}: too few to compare."
    label = model_label(model)
    theirs, own = (estimate_text(of["auroc"], 2) for of in (result.score_metrics, result.metrics))
    difference = estimate_text(result.differences["auroc"])
    return (
        f"{recorded}: AUROC {theirs}, that of {label} on the same rows {own}, difference "
        f"{difference}. {_verdict(label, result)}"
    )


def _verdict(label: str, result: HeadToHead) -> str:
    ends = result.differences["auroc"].interval
    if ends is None:
        return f"Which of {label} and {result.score} ranks better was not judged."
    if ends[0] > 0:
        return f"The {label} ranks better here than {result.score}."
    if ends[1] < 0:
        return f"{result.score} ranks better here than the {label}."
    return f"Which of {label} and {result.score} ranks better cannot be told."
