"""Duplicated patients: identical records of different subjects, beyond coincidence.

Coarse tables are full of honest twins: ten yes-or-no columns hold 1,024 different records. So a
record is taken for one person where its twin is next to impossible (see `twin_chance`), and all are
where there are far more of them together than coincidence makes, each possible by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import poisson

from risk_model.core.cohort import DEMOGRAPHICS, Cohort, Splits
from risk_model.core.findings import Finding, Severity
from risk_model.data.twin_chance import twin_chance

# twins expected by chance in the whole cohort, below which a pair is taken for one person
IMPLAUSIBLE = 1e-3
# records with a twin, against the pairs expected: so often the estimate, and one, may be off by
FACTOR, SLACK = 2.0, 1.0
FAR_MORE = 1e-6  # a Poisson tail
MORE = 0.01  # of the estimate and its error: no longer chance
FEW = 2  # rows that repeat another's: a slip that changes no figure
EXAMPLES = 3  # pairs named in a message, by row number: identifiers may be medical record numbers


def duplicated_patients(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Identical records of different subjects, and records without any value.

    An error when they stand in different parts, or can stand in different folds of one, a warning
    within one, or where no more than FEW repeat; a warning when there are more than chance makes
    but not far more, a note when there are not, with both numbers.
    """
    if not cohort.recorded("subject_id"):
        return []  # identical rows are one subject then, and the split keeps them together
    empty = _empty(cohort)
    twins = _twins(cohort)
    twins = twins[~twins["row"].isin(splits.set_aside) & ~empty[twins["row"]]]
    findings = _of_empty(int(empty.sum()))
    if twins.empty:
        return findings
    chance = twin_chance(cohort, twins.drop_duplicates("record")["row"].to_numpy())
    impossible = chance.of_rows * len(cohort) < IMPLAUSIBLE
    if _more(len(impossible), FACTOR * chance.pairs + SLACK, FAR_MORE):
        impossible[:] = True
    people = impossible[pd.factorize(twins["record"])[0]]
    findings += _of_people(twins[people], _sides(cohort, splits), chance.pairs)
    rest = twins[~people]
    return findings if rest.empty else [*findings, _of_chance(rest, chance.pairs)]


def _sides(cohort: Cohort, splits: Splits) -> npt.NDArray[np.object_]:
    """The part of each row; with cross-fitting each development subject is a side of its own."""
    sides = splits.labels(len(cohort))
    if not len(splits.validation):
        sides[splits.train] = cohort.subjects[splits.train]
    return sides


def _more(records: int, expected: float, level: float) -> bool:
    """Whether so many records with a twin are more than the expected number would give."""
    return float(poisson.sf(records - 1, expected)) < level


def _of_chance(twins: pd.DataFrame, expected: float) -> Finding:
    """The finding about twins of whom each may be a coincidence."""
    records, error = twins["record"].nunique(), np.sqrt(expected) + 1
    seen = (
        f"{len(twins):,} rows equal another subject's in every field: {records:,} records, where "
        f"chance makes about {expected:,.0f} pairs"
    )
    if _more(records, expected + error, MORE):
        remedy = "ask whether a patient can have two subject ids"
        return Finding("warning", "identical records", "rows", f"{seen}: more than that", remedy)
    as_expected = records <= expected + error
    claim = "as is to be expected by chance" if as_expected else "too few to tell from chance"
    return Finding("note", "identical records", "rows", f"{seen}: {claim}")


def _of_empty(rows: int) -> list[Finding]:
    if not rows:
        return []
    message = f"{rows:,} rows hold no value in any field"
    return [Finding("warning", "empty records", "rows", message, "find out why")]


def _empty(cohort: Cohort) -> npt.NDArray[np.bool_]:
    """Rows in which nothing was recorded: they are alike, and tell of nobody."""
    if cohort.signals is not None or not len(cohort.schema.fields):
        return np.zeros(len(cohort), dtype=bool)
    return cohort.inputs.isna().all(axis=1).to_numpy()


def _of_people(
    twins: pd.DataFrame, part: npt.NDArray[np.object_], expected: float
) -> list[Finding]:
    """The finding about people in different parts, or else about those within one."""
    rows = twins.groupby("record")["row"].agg(list)
    across = rows.map(lambda own: len(set(part[own])) > 1).astype(bool)
    if across.any():
        repeated = int(rows[across].map(len).sum()) - int(across.sum())
        severity: Severity = "error" if repeated > FEW else "warning"
        return [
            _finding(severity, rows[across], "in different parts or folds of the split", expected)
        ]
    return [_finding("warning", rows, "in one part of the split", expected)] if len(rows) else []


def _finding(severity: Severity, people: pd.Series[Any], where: str, expected: float) -> Finding:
    pairs = " and ".join(f"{rows[0]:,}/{rows[1]:,}" for rows in people.iloc[:EXAMPLES])
    message = (
        f"{len(people):,} records ({people.map(len).sum():,} rows) stand under two subjects or "
        f"more, {where}, where chance makes about {expected:,.0f} pairs (rows {pairs}, counted "
        "from 0)"
    )
    remedy = "give each patient one subject id"
    return Finding(severity, "duplicated patient", "identical records", message, remedy)


def _twins(cohort: Cohort) -> pd.DataFrame:
    """Rows whose every field and demographic a row of another subject repeats.

    A table of `record` (a number for each distinct one), `row` and `subject`.
    """
    who = cohort.index[[c for c in DEMOGRAPHICS if cohort.recorded(c)]].astype(str)
    demographics = np.asarray(pd.util.hash_pandas_object(who, index=False), dtype=np.uint64)
    record = cohort.row_hash + demographics
    repeated = pd.Series(record).duplicated(keep=False).to_numpy()
    table = pd.DataFrame({"record": record, "row": np.arange(len(cohort))})[repeated]
    table["subject"] = cohort.subjects[repeated]
    return table[table.groupby("record")["subject"].transform("nunique") > 1]
