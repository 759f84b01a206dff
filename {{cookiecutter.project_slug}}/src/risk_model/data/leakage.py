"""Leakage: columns that give the outcome away, and people who stand on both sides of a split.

Columns are examined on the train rows alone (see `leak_signs`). A leak stops the run, unless
`data.accept` names it with a reason, or `data.recorded_after` keeps it from the model.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from risk_model.core.cohort import Cohort, Splits
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.setting_syntax import setting
from risk_model.data.duplicates import duplicated_patients
from risk_model.data.leak_signs import COPY, LEAK, column_leaks


def check(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Looks for leaks.

    Args:
        cohort: The cohort as its source read it.
        splits: Its split; columns are examined on the train rows.

    Returns:
        The worst first: subjects in two parts; identical records under different subjects; inputs
        that give the outcome away (see `leak_signs`); a note of the fields declared
        `recorded_after`.
    """
    findings = [*_shared_subjects(cohort, splits), *duplicated_patients(cohort, splits)]
    findings += column_leaks(cohort.take(splits.train))
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
    columns = [f.where for f in errors if f.kind in (LEAK, COPY)]
    hide = setting("data.recorded_after", columns)
    accept = setting("data.accept", {f.where: "why this is no leak" for f in errors})
    hidden = f"Hide what is known only later: {hide}; or write" if columns else "Write"
    return f"{hidden} {accept}"


def _shared_subjects(cohort: Cohort, splits: Splits) -> list[Finding]:
    """What the split rules out, checked again: rows moved by hand between parts would show here."""
    parts = [pd.Series(cohort.subjects[rows]).drop_duplicates() for _, rows in splits.items()]
    shared = int((pd.concat(parts).value_counts() > 1).sum())
    if not shared:
        return []
    message = f"{shared:,} subjects stand in more than one part of the split"
    return [Finding("error", "shared subjects", "subjects", message, "split again")]
