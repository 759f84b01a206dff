"""The columns one by one: what is missing, what cannot be true, what repeats or never varies."""

from __future__ import annotations

import pandas as pd

from risk_model.core.cohort import Cohort, Splits
from risk_model.core.findings import Finding, Severity
from risk_model.core.schema import Field
from risk_model.core.table import Row
from risk_model.data.quality_answer import MISSING, Answer
from risk_model.data.strata import strata

MOSTLY = 0.5  # share missing worth a note
IDENTIFIER = 0.99  # distinct values a row
ENOUGH = 100  # values on which a column can look like an identifier
AGAIN = 0.1  # share of rows that repeat another of their subject
MOST_GROUPS = 12  # of a stratum whose missing values are counted group by group


def answers(cohort: Cohort, splits: Splits) -> list[Answer]:
    """What is missing, whether the values are plausible, and whether the columns vary."""
    return [_missing(cohort), _plausible(cohort), _repetition(cohort)]


def _missing(cohort: Cohort) -> Answer:
    table = _missing_shares(cohort)
    shares = table["all"]
    worst = ", ".join(f"{name} {share:.0%}" for name, share in shares[shares > 0].head(3).items())
    rows: list[Row] = [
        {"column": str(column), **{str(k): float(v) for k, v in row.items()}}
        for column, row in table[shares > 0].iterrows()
    ]
    findings = [
        Finding("note", "mostly missing", str(name), f"{share:.0%} of the rows have no value")
        for name, share in shares[shares >= MOSTLY].items()
    ]
    sentence = f"Most often missing: {worst}." if worst else "Nothing is missing."
    return Answer("What is missing?", [sentence], {MISSING: rows}, findings)


def _missing_shares(cohort: Cohort) -> pd.DataFrame:
    """The share missing of each input, the highest first, among all rows and in every group."""
    absent = cohort.inputs[[f.name for f in cohort.schema.inputs]].isna()
    shares = absent.mean().sort_values(ascending=False)
    table = pd.DataFrame({"all": shares})
    for stratum, groups in strata(cohort).items():
        if groups.nunique() <= MOST_GROUPS:
            by_group = absent.groupby(groups.to_numpy(), observed=True).mean().T
            table = table.join(by_group.reindex(shares.index).add_prefix(f"{stratum}: "))
    return table


def _plausible(cohort: Cohort) -> Answer:
    emptied = [note.where for note in cohort.notes if note.kind == "implausible values"]
    sentences = (
        [f"Values outside their plausible range were taken as missing in {', '.join(emptied)}."]
        if emptied
        else []
    )
    numbers = [field for field in cohort.schema.inputs if field.kind == "number"]
    findings = [finding for f in numbers for finding in _implausible(f, cohort.inputs[f.name])]
    sentences += [f"{finding.where}: {finding.message}." for finding in findings]
    none = ["No value lies outside its plausible range."]
    return Answer("Are the values plausible?", sentences or none, findings=findings)


def _implausible(field: Field, column: pd.Series[float]) -> list[Finding]:
    low = -float("inf") if field.minimum is None else field.minimum
    high = float("inf") if field.maximum is None else field.maximum
    outside = int(((column < low) | (column > high)).sum())
    if not outside:
        return []
    message = f"{outside:,} values outside the plausible range ({field.range_text()})"
    remedy = "correct them or the schema's range"
    return [Finding("warning", "implausible values", field.name, message, remedy)]


def _repetition(cohort: Cohort) -> Answer:
    rows = pd.DataFrame({"hash": cohort.row_hash, "subject": cohort.subjects})
    repeated = int(rows.duplicated().sum())
    of_whom = " of the same subject" if cohort.patients_identified else ""
    sentences = [f"{repeated:,} {cohort.row_name} repeat another{of_whom} in every field."]
    findings = [_again(repeated, cohort, of_whom)] if repeated >= AGAIN * len(rows) else []
    for field in cohort.schema.inputs:
        column, name = cohort.inputs[field.name], field.name
        if _constant(column):
            message = "has one value in every row" if column.notna().any() else "has no value"
            remedy = "" if cohort.schema.signal else "add it to data.exclude"
            severity: Severity = "warning" if remedy else "note"  # nothing leaves out a measurement
            findings.append(Finding(severity, "constant column", name, message, remedy))
            sentences.append(f"{name} never varies.")
        if not cohort.schema.signal and _identifier(field, column):
            message, remedy = "differs in almost every row", "exclude it"
            findings.append(Finding("warning", "identifier-like column", name, message, remedy))
            sentences.append(f"{name} looks like an identifier.")
    return Answer("Do records repeat, and do columns vary?", sentences, findings=findings)


def _again(repeated: int, cohort: Cohort, of_whom: str) -> Finding:
    message = (
        f"{repeated:,} of {len(cohort):,} {cohort.row_name} repeat another{of_whom} in every "
        "field: the file may hold them twice"
    )
    return Finding("warning", "repeated rows", "rows", message, "keep one of each")


def _constant(column: pd.Series[float]) -> bool:
    return column.nunique() <= 1 and int(column.notna().sum()) in (0, len(column))


def _identifier(field: Field, column: pd.Series[float]) -> bool:
    whole = field.kind == "number" and bool((column.dropna() % 1 == 0).all())
    recorded = int(column.notna().sum())
    coded = field.kind == "category" or whole
    return coded and recorded >= ENOUGH and column.nunique() >= IDENTIFIER * recorded
