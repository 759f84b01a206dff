"""Sample size and balance of the outcome: are there enough rows to develop these models?

The criteria of Riley et al. for a binary outcome, Statistics in Medicine 2019;38:1276-96 and BMJ
2020;368:m441. They hold for a regression with that many parameters; trees and networks need more
(van der Ploeg et al., BMC Medical Research Methodology 2014;14:137). Splines
and marks of missing values are not counted.
"""

from __future__ import annotations

import math

from risk_model.core.cohort import Cohort, Splits
from risk_model.core.findings import Finding
from risk_model.core.optional import required_module
from risk_model.core.schema import Field, Schema
from risk_model.core.table import Row
from risk_model.data.quality_answer import SAMPLE_SIZE, Answer
from risk_model.data.set_aside import set_aside_findings

SHRINKAGE = 0.9  # the calibration slope to be expected in new patients
OPTIMISM = 0.05  # difference allowed between apparent and adjusted Nagelkerke R²
MARGIN = 0.05  # half width of the 95 % interval of the overall risk
MODEST = 0.15  # Nagelkerke R² to assume when nothing is known (Riley 2020)
RARE = 0.05  # prevalence below which the report suggests what to try


def answers(cohort: Cohort, splits: Splits) -> list[Answer]:
    """How much data there is, and how unbalanced the outcome is."""
    return [_volume(cohort, splits), _balance(cohort, splits)]


def highest_r2(prevalence: float) -> float:
    """The Cox-Snell R² of a perfect model: 1 - exp(2 × log likelihood of the prevalence alone)."""
    null = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    return 1 - math.exp(2 * null)


def required_rows(parameters: int, prevalence: float, r2: float | None = None) -> dict[str, int]:
    """Rows that each criterion needs, for a Cox-Snell R² of `r2` (by default a modest one).

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


def _volume(cohort: Cohort, splits: Splits) -> Answer:
    outcome = cohort.labels[splits.learning]
    events, rows, train = int(outcome.sum()), len(outcome), len(splits.train)
    parameters = regression_parameters(cohort.schema)
    needed = required_rows(parameters, events / rows)
    most = max(needed.values())
    rarer, name = min(events, rows - events), cohort.row_name
    known = f" of {len(set(cohort.subjects)):,} subjects"
    subjects = known if cohort.patients_identified else ", whose is not recorded"
    sentences = [
        f"{len(cohort):,} {name}{subjects}; {len(splits.set_aside):,} set aside.",
        f"{rows:,} {name} teach, tune and calibrate, with {events:,} events: "
        f"{rarer / parameters:.1f} of the rarer class for each of {parameters:,} candidate "
        "parameters.",
        f"A regression of that size needs {most:,} {name} to train on (Riley 2020, assuming a "
        f"modest R²); it has {train:,}.",
    ]
    if cohort.schema.signal:
        sentences += required_module("data.recording_checks").beside_regression(cohort.schema)
    findings = set_aside_findings(cohort, splits)
    if train < most:
        findings.append(_small(train, most, parameters, cohort))
    table: list[Row] = [
        {"criterion": c, "parameters": parameters, "rows needed": n} for c, n in needed.items()
    ]
    return Answer("How much data is there?", sentences, {SAMPLE_SIZE: table}, findings)


def regression_parameters(schema: Schema) -> int:
    """Parameters of a regression on fields and on what describes a signal: at least 1."""
    described = schema.signal.described if schema.signal else 0
    return max(sum(map(_parameters, schema.inputs)) + described, 1)


def _parameters(field: Field) -> int:
    """Parameters that a regression spends on a field: one fewer than the columns of a category."""
    return max(len(field.features) - (field.kind == "category"), 1)


def _small(train: int, needed: int, parameters: int, cohort: Cohort) -> Finding:
    message = (
        f"{train:,} {cohort.row_name} to train on, {needed:,} needed for {parameters:,} parameters "
        "of a regression (Riley 2020)"
    )
    fewer = "" if cohort.schema.signal else "fewer candidate predictors or "
    remedy = f"use {fewer}more {cohort.unit}"
    return Finding("warning", "small sample", "train", message, remedy)


def _balance(cohort: Cohort, splits: Splits) -> Answer:
    question = "How unbalanced is the outcome?"
    share = float(cohort.labels[splits.learning].mean())
    prevalence = (
        f"{share:.1%} of the {cohort.row_name} that teach, tune and calibrate have the outcome"
    )
    no_model = f"{prevalence}; accuracy would be {max(share, 1 - share):.1%} for no model at all."
    if min(share, 1 - share) >= RARE:
        return Answer(question, [no_model])
    rare = "The outcome" if share < RARE else "A row without the outcome"
    advice = (
        f"{rare} is rare: compare training.loss=pos_weight, which is recalibrated, with the "
        "default."
    )
    note = Finding("note", "imbalance", cohort.schema.outcome, prevalence)
    return Answer(question, [no_model, advice], findings=[note])
