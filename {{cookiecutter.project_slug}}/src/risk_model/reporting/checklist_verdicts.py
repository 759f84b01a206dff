"""The answers to PROBAST+AI's signalling questions, as far as a program can tell them from a
run.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Literal, NamedTuple

from risk_model.core.parts import DEVELOPMENT, LEARNT_FROM
from risk_model.data.leak_signs import COPY, LEAK, SHORTCUT, STRONG
from risk_model.data.quality_answer import SAMPLE_SIZE
from risk_model.data.split_report import PartSummary
from risk_model.model.table import find_row
from risk_model.reporting.checklist_conditions import (
    NEEDED,
    champion_by_part,
    settings,
    with_interval,
)
from risk_model.reporting.content import ReportContent
from risk_model.reporting.data_card import quality_table
from risk_model.reporting.markdown import UNKNOWN

Answer = Literal["Yes", "No", "Unknown", "Not applicable"]
YES: Answer = "Yes"
NO: Answer = "No"
NOT_APPLICABLE: Answer = "Not applicable"
# Kinds of findings: patients on both sides of the split, and columns that know the outcome.
CROSSING = ("shared subjects", "duplicated patient")
LEAKING = (LEAK, COPY, STRONG, SHORTCUT)
NET_BENEFIT = "net_benefit"


class Assessment(NamedTuple):
    """Yes, No, Unknown or Not applicable, and why."""

    answer: str
    why: str


def _part(content: ReportContent, name: str) -> PartSummary | None:
    return next((part for part in content.split if part.part == name), None)


def _enough_to_develop(content: ReportContent) -> Assessment:
    train, rows = (
        _part(content, "train") or _part(content, DEVELOPMENT),
        quality_table(content, SAMPLE_SIZE) or [],
    )
    needed = [value for row in rows if isinstance(value := row["rows needed"], int)]
    if train is None or not needed:
        return Assessment(UNKNOWN, "no sample size was computed")
    name, most = content.evaluation.row_name, max(needed)
    text = f"{train.rows:,} {name} to train on, {most:,} needed for a regression (Riley 2020)"
    if train.rows < max(needed):
        return Assessment(NO, text)
    model = find_row(content.champion.name)
    if model and model.regression:
        return Assessment(YES, text)
    return Assessment(UNKNOWN, f"{text}; others need more")


def _unweighted(content: ReportContent) -> Assessment | None:
    """The answer where no event was given more weight, or where that is not recorded."""
    own = settings(content)
    if own is None:
        return Assessment(UNKNOWN, "the loss is not recorded")
    alike = Assessment(NOT_APPLICABLE, "training.loss=bce weighs all rows alike")
    return alike if own.training.loss == "bce" else None


def _recalibrated(content: ReportContent) -> Assessment:
    calibrator = content.calibrators.get(content.champion.name)
    if unweighted := _unweighted(content):
        return unweighted
    if calibrator is None:
        return Assessment(UNKNOWN, "no calibrator is recorded")
    answer = NO if calibrator.kind == "identity" else YES
    return Assessment(answer, f"calibrator: {calibrator.kind.replace('_', ' ')}")


def _regularised(content: ReportContent) -> Assessment:
    model, own = find_row(content.champion.name), settings(content)
    if not model or not own:
        return Assessment(UNKNOWN, "no setting for it is recorded")
    value = attrgetter(model.regulariser)(own)
    return Assessment(YES, f"{model.regulariser}={value:g}: {model.regularised}")


def _evaluated_on_others(content: ReportContent) -> Assessment:
    parts = list(champion_by_part(content))
    if not parts:
        return Assessment(UNKNOWN, "no evaluation is recorded")
    others = [part for part in parts if part not in LEARNT_FROM]
    return Assessment(YES if others else NO, f"judged on {', '.join(parts)}")


def _enough_to_evaluate(content: ReportContent) -> Assessment:
    """No where a part has fewer rows than intervals of the stated widths need.

    Riley et al., BMJ 2024;384:e074821.
    """
    required = {part: model.required_rows for part, model in champion_by_part(content).items()}
    short = [part for part, rows in required.items() if any(not row.enough for row in rows)]
    if short:
        text = "fewer rows than intervals of the stated widths need (Riley 2024)"
        return Assessment(NO, f"{text}: {', '.join(short)}")
    if not required or not all(required.values()):
        return Assessment(UNKNOWN, "no sample size was computed")
    text = "each part has the rows that intervals of the stated widths need (Riley 2024)"
    return Assessment(YES, text)


def _evaluated_as_recorded(content: ReportContent) -> Assessment:
    if unweighted := _unweighted(content):
        return unweighted
    counts = [
        (own.n == part.rows and own.events == part.events)
        for name, own in content.evaluation.parts.items()
        if (part := _part(content, name))
    ]
    if not counts:
        return Assessment(UNKNOWN, "no split is recorded")
    are = "are" if all(counts) else "are not"
    return Assessment(YES if all(counts) else NO, f"rows and events {are} those of the split")


def _kept_apart(content: ReportContent) -> Assessment:
    """What the leak check found and what of it was accepted.

    No where patients stand on both sides, Unknown where no column names them.
    """
    own = settings(content)
    if own is None or content.findings is None:
        return Assessment(UNKNOWN, "no leak check is recorded")
    urgent = [finding for finding in content.findings if finding.severity != "note"]
    crossing = [f.where for f in urgent if f.kind in CROSSING and f.where in own.data.accept]
    leaking = [f.where for f in urgent if f.kind in LEAKING]
    if crossing:
        return Assessment(NO, f"accepted: {', '.join(crossing)} in more than one part")
    if leaking:
        return Assessment(UNKNOWN, f"to judge: does {', '.join(leaking)} know the outcome?")
    if content.cohort is None or not content.cohort.subjects_named:
        name = content.evaluation.row_name
        why = f"not known: no column names the patient, so {name} of one may stand in two parts"
        return Assessment(UNKNOWN, why)
    return Assessment(
        YES,
        "no subject in two parts, and no column that knows the outcome, by the run's leak check",
    )


def _repeated(content: ReportContent) -> Assessment:
    if not content.folds:
        return Assessment(UNKNOWN, "the number of folds is not recorded")
    if not content.chosen_out_of_fold:
        why = "a test split judged it: the bootstrap gives intervals, no estimate"
        return Assessment(NOT_APPLICABLE, why)
    times = sum(content.chosen_out_of_fold.values())
    own = settings(content)
    stated = own is not None and own.data.decision.harm_ratio
    threshold = "stated, not fitted" if stated else "the event rate"
    why = f"{times} times fitted, calibrated and chosen anew; the threshold is {threshold}"
    return Assessment(YES, why)


def _measured(content: ReportContent) -> Assessment:
    names = with_interval(content)
    absent = [name for name in NEEDED if name not in names]
    if not champion_by_part(content):
        return Assessment(UNKNOWN, "no evaluation is recorded")
    if absent:
        return Assessment(NO, f"not estimable: {', '.join(absent)}")
    if NET_BENEFIT in names:
        return Assessment(YES, "all three, with intervals")
    why = "discrimination and calibration, but no range of thresholds for net benefit is stated"
    return Assessment(UNKNOWN, why)


VERDICTS: dict[str, Callable[[ReportContent], Assessment]] = {
    "enough_to_develop": _enough_to_develop,
    "recalibrated": _recalibrated,
    "regularised": _regularised,
    "evaluated_on_others": _evaluated_on_others,
    "enough_to_evaluate": _enough_to_evaluate,
    "evaluated_as_recorded": _evaluated_as_recorded,
    "kept_apart": _kept_apart,
    "repeated": _repeated,
    "measured": _measured,
}
