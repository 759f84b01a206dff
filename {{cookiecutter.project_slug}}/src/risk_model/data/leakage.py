"""Leakage: does anything the model may see know the outcome, and does anybody stand on both sides of a split?

Columns are judged on the train rows alone, each by itself. What is found stops the run, unless `data.accept` names it
with a reason, or `data.recorded_after` keeps it from the model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.cohort import Cohort, Outcome, Splits
from risk_model.data.duplicates import registered_twice
from risk_model.errors import UserError
from risk_model.findings import Finding
from risk_model.schema import Field

Counts = npt.NDArray[np.int64]

KNOWS, SUSPECT = 0.9, 0.8  # AUROC of one column alone ...
LEGITIMATE = 0.77  # ... of which the best honest columns of the demo cohorts (cp, oldpeak, dzgroup) reach as much
BEYOND_CHANCE = 4.0  # standard errors above .5: once in 30,000 columns that know nothing
COPIES = 0.9  # correlation of a value's presence with the outcome
SILENT = 20.0  # events expected where none is seen: e^-20 by chance
CARRIED = 0.05  # share of the rows, or of the class it always has, that carry such a value


def check(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Everything found, the worst first.

    Subjects in two parts; identical records under different subjects; inputs that know the outcome (see `Knowledge`);
    a note of the fields declared `recorded_after`.
    """
    train = cohort.take(splits.train)
    findings = [*_shared_subjects(cohort, splits), *registered_twice(cohort, splits)]
    for field in cohort.schema.inputs:
        findings += judge(field, knowledge(field, train.inputs[field.name], train.labels, train.subjects))
    later = [f.name for f in cohort.schema.fields if f.recorded_after]
    if later:
        message = "declared as recorded after the prediction moment; no model sees them"
        findings.append(Finding("note", "recorded after", ", ".join(later), message))
    return sorted(findings, key=lambda f: ("error", "warning", "note").index(f.severity))


def refuse(findings: list[Finding], accept: dict[str, str]) -> list[Finding]:
    """The findings, accepted errors lowered to warnings that quote the reason; UserError naming all other errors."""
    unexplained = [where for where, reason in accept.items() if not str(reason).strip()]
    if unexplained:
        raise UserError(f"data.accept: {', '.join(unexplained)} needs a reason, for the model card")
    errors = [f for f in findings if f.severity == "error" and f.where not in accept]
    if errors:
        listed = "; ".join(f"{f.where} ({f.kind}: {f.message})" for f in errors)
        raise UserError(
            f"leakage: {listed}. Hide columns from the model with data.recorded_after, or {_syntax(errors)}"
        )
    lowered = {f: f"{f.message}; accepted: {accept[f.where]}" for f in findings if f.severity == "error"}
    return [replace(f, severity="warning", message=lowered[f]) if f in lowered else f for f in findings]


def _syntax(errors: list[Finding]) -> str:
    """How to accept these errors on the command line; Hydra wants its own signs escaped in a key."""
    keys = [re.sub(r"([\\()\[\]{}:=,])", r"\\\1", f.where) for f in errors]
    return "'data.accept={" + ", ".join(f'{key}: "why this is no leak"' for key in keys) + "}'"


@dataclass(frozen=True)
class Knowledge:
    """What one column tells about the outcome.

    `auroc` is that of the column alone, a missing value counting as a value of its own: for numbers in the better
    direction, for categories of the out-of-fold event rate of each. `chance` is its standard error if the column knew
    nothing, `doubt` the most that its own can be (Birnbaum and Klose 1957). `copy` is the highest absolute correlation
    (phi) of one value's presence with the outcome; `silent` and `telling` are the shares of rows with values that
    never, or always, have the outcome.
    """

    auroc: float
    chance: float
    doubt: float
    copy: float
    silent: float
    telling: float


def knowledge(field: Field, column: pd.Series[Any], labels: Outcome, subjects: npt.NDArray[Any]) -> Knowledge:
    """What a column of n values tells about n outcomes."""
    codes, values = pd.factorize(column, sort=field.kind != "category")
    codes = np.where(codes < 0, len(values), codes)  # missing is the last value
    table = _by_value(codes, labels, len(values) + 1)
    auroc = _auroc_of_category(codes, labels, subjects) if field.kind == "category" else _auroc_of_number(table)
    events, others = int(labels.sum()), int(len(labels) - labels.sum())
    chance = np.sqrt((events + others + 1) / (12 * max(events, 1) * max(others, 1)))
    doubt = np.sqrt(auroc * (1 - auroc) / max(min(events, others), 1))
    return Knowledge(auroc, float(chance), float(doubt), _copy(table), _never(table), _never(table[::-1]))


def judge(field: Field, known: Knowledge) -> list[Finding]:
    """One finding at most: what the strongest of a column's signs says."""
    share = f"AUROC {known.auroc:.3f} by itself"
    strength = known.auroc if known.auroc - 0.5 > BEYOND_CHANCE * known.chance else 0.5
    never = f"{known.silent:.0%} of the rows carry values that never have the outcome"
    always = f"{known.telling:.0%} of the rows carry values that always have the outcome"
    suspect = strength >= SUSPECT and strength - 1.645 * known.doubt >= LEGITIMATE
    signs = [
        (known.copy >= COPIES, "error", "copy of the outcome", f"one of its values tells the outcome, {share}"),
        (strength >= KNOWS, "error", "leaking column", share),
        (known.silent > 0, "error", "leaking column", f"{never}; {share}"),
        (known.telling > 0, "error", "leaking column", f"{always}; {share}"),
        (suspect, "warning", "leaking column", f"{share}; is it known at the prediction moment?"),
    ]
    remedy = f"add {field.name} to data.recorded_after if it is known only later"
    return [Finding(s, k, field.name, m, remedy) for found, s, k, m in signs if found][:1]  # type: ignore[arg-type]


def _shared_subjects(cohort: Cohort, splits: Splits) -> list[Finding]:
    """What the split rules out, checked again: rows moved by hand between parts would show here."""
    parts = [pd.Series(cohort.subjects[rows]).drop_duplicates() for _, rows in splits.items()]
    shared = int((pd.concat(parts).value_counts() > 1).sum())
    message = f"{shared:,} subjects stand in more than one part of the split"
    return [Finding("error", "shared subjects", "subjects", message, "split again")] if shared else []


def _by_value(codes: Counts, labels: Outcome, size: int) -> Counts:
    """Rows without and with the outcome for each value: int[2, size]."""
    return np.stack([np.bincount(codes[labels == c], minlength=size) for c in (0, 1)])


def _auroc(table: Counts) -> float:
    """Area under the ROC curve of values in increasing order, ties counting half; from counts as `_by_value`'s."""
    others, events = table.astype(np.float64)
    below = np.cumsum(others) - others / 2
    return float((events * below).sum() / max(events.sum() * others.sum(), 1.0))


def _auroc_of_number(table: Counts) -> float:
    """The better direction, with the missing as the highest value or the lowest."""
    areas = [_auroc(table), _auroc(np.roll(table, 1, axis=1))]
    return max(max(area, 1 - area) for area in areas)


def _auroc_of_category(codes: Counts, labels: Outcome, subjects: npt.NDArray[Any]) -> float:
    """Of each value's event rate in the other folds; folds keep subjects whole, so an identifier learns nothing."""
    fold = pd.util.hash_array(subjects) % np.uint64(5)
    areas, weights = np.zeros(5), np.zeros(5)
    for k in range(5):
        table = _by_value(codes[fold == k], labels[fold == k], int(codes.max()) + 1)
        others, events = _by_value(codes[fold != k], labels[fold != k], int(codes.max()) + 1)
        order = np.unique((events + labels.mean()) / (others + events + 1), return_inverse=True)[1]
        pooled = np.stack([np.bincount(order, row) for row in table])  # values of the same rate tie
        areas[k], weights[k] = _auroc(pooled), np.prod(table.sum(axis=1))
    return float(np.average(areas, weights=weights)) if weights.any() else 0.5


def _copy(table: Counts) -> float:
    """Highest |phi| between "has this value" and the outcome."""
    others, events = table.astype(np.float64)
    n1, n0, size = events.sum(), others.sum(), events + others
    spread = np.sqrt(n1 * n0 * size * (n1 + n0 - size))
    return float(np.max(np.abs(events * n0 - others * n1) / np.maximum(spread, 1e-300) * (spread > 0), initial=0.0))


def _never(table: Counts) -> float:
    """Share of rows with values that never have the outcome, though SILENT events were to be expected of each."""
    others, events = table
    size, n = others + events, max(int(table.sum()), 1)
    missed = (events == 0) & (size * (events.sum() / n) >= SILENT)
    carried = (missed & ((size >= CARRIED * n) | (size >= 4 * CARRIED * others.sum()))).astype(float) * size
    return float(carried.sum() / n)
