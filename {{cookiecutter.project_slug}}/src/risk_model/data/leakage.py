"""Leakage: columns that give the outcome away, and people who stand on both sides of a split.

Columns are examined on the train rows alone, each by itself. A leak stops the run, unless
`data.accept` names it with a reason, or `data.recorded_after` keeps it from the model.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from risk_model.core.cohort import Cohort, Splits
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding, Severity
from risk_model.core.schema import Field
from risk_model.core.settings_text import setting
from risk_model.data.duplicates import duplicated_patients
from risk_model.data.univariate_association import univariate_association

LEAKING, SUSPECT = 0.9, 0.8  # AUROC of one column alone ...
LEGITIMATE = 0.77  # ... which the best honest columns of the demo cohorts reach (cp, oldpeak)
BEYOND_CHANCE = 4.0  # standard errors above .5: once in 30,000 columns without any association
COPIES = 0.9  # correlation of a value's presence with the outcome
LEAKING_COLUMN, COPY = "leaking column", "copy of the outcome"  # findings about one column


def check(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Looks for leaks.

    Args:
        cohort: The cohort as its source read it.
        splits: Its split; columns are examined on the train rows.

    Returns:
        The worst first: subjects in two parts; identical records under different subjects; inputs
        that give the outcome away (see `column_leak`); a note of the fields declared
        `recorded_after`.
    """
    train = cohort.take(splits.train)
    findings = [*_shared_subjects(cohort, splits), *duplicated_patients(cohort, splits)]
    for field in cohort.schema.inputs:
        findings += column_leak(field, train)
    later = [f.name for f in cohort.schema.fields if f.recorded_after]
    if later:
        message = "declared as recorded after the prediction moment; no model sees them"
        findings.append(Finding("note", "recorded after", ", ".join(later), message))
    return sorted(findings, key=lambda f: ("error", "warning", "note").index(f.severity))


def refuse(findings: list[Finding], accept: dict[str, str]) -> list[Finding]:
    """Lowers accepted errors to warnings that quote the reason, and refuses all others.

    Args:
        findings: What `check` returned.
        accept: The setting data.accept: where an error is, and why it is no leak.

    Returns:
        The findings, in the same order.

    Raises:
        UserError: errors that were not accepted, all of them named; or a reason that is empty.
    """
    unexplained = [where for where, reason in accept.items() if not str(reason).strip()]
    if unexplained:
        raise UserError(f"data.accept: {', '.join(unexplained)} needs a reason, for the model card")
    errors = [f for f in findings if f.severity == "error" and f.where not in accept]
    if errors:
        text = "; ".join(f"{f.where} ({f.kind}: {f.message})" for f in errors)
        raise UserError(f"leakage: {text}. {_remedy(errors)}")
    lowered = {
        f: f"{f.message}; accepted: {accept[f.where]}" for f in findings if f.severity == "error"
    }
    return [
        replace(f, severity="warning", message=lowered[f]) if f in lowered else f for f in findings
    ]


def _remedy(errors: list[Finding]) -> str:
    """What to write: columns hidden from the model, or the errors accepted with a reason."""
    columns = [f.where for f in errors if f.kind in (LEAKING_COLUMN, COPY)]
    hide = setting("data.recorded_after", columns)
    accept = setting("data.accept", {f.where: "why this is no leak" for f in errors})
    hidden = f"Hide what is known only later: {hide}; or write" if columns else "Write"
    return f"{hidden} {accept}"


def column_leak(field: Field, cohort: Cohort) -> list[Finding]:
    """One finding at most: the strongest sign that an input gives the outcome away."""
    association = univariate_association(field, cohort)
    auroc = association.auroc
    strength = auroc if auroc - 0.5 > BEYOND_CHANCE * association.null_error else 0.5
    share = f"AUROC {auroc:.3f} by itself"
    copy = f"one of its values tells the outcome, {share}"
    never = f"{association.never:.0%} of the rows carry values that never have the outcome"
    always = f"{association.always:.0%} of the rows carry values that always have the outcome"
    lowest = strength - 1.645 * association.largest_error
    signs: list[tuple[bool, Severity, str, str]] = [
        (association.largest_phi >= COPIES, "error", COPY, copy),
        (strength >= LEAKING, "error", LEAKING_COLUMN, share),
        (association.never > 0, "error", LEAKING_COLUMN, f"{never}; {share}"),
        (association.always > 0, "error", LEAKING_COLUMN, f"{always}; {share}"),
        (
            strength >= SUSPECT and lowest >= LEGITIMATE,
            "warning",
            LEAKING_COLUMN,
            f"{share}; is it known at the prediction moment?",
        ),
    ]
    remedy = f"add {field.name} to data.recorded_after if it is known only later"
    return [Finding(s, k, field.name, m, remedy) for present, s, k, m in signs if present][:1]


def _shared_subjects(cohort: Cohort, splits: Splits) -> list[Finding]:
    """What the split rules out, checked again: rows moved by hand between parts would show here."""
    parts = [pd.Series(cohort.subjects[rows]).drop_duplicates() for _, rows in splits.items()]
    shared = int((pd.concat(parts).value_counts() > 1).sum())
    if not shared:
        return []
    message = f"{shared:,} subjects stand in more than one part of the split"
    return [Finding("error", "shared subjects", "subjects", message, "split again")]
