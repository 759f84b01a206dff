"""Duplicated patients: identical records of different subjects, beyond coincidence.

Coarse tables are full of honest twins: ten yes-or-no columns hold 1,024 different records. So the
chance of each identical pair is estimated from how common its values are, and only what chance
would not produce is reported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import DEMOGRAPHICS, Cohort, Rows, Splits
from risk_model.core.findings import Finding, Severity
from risk_model.core.scores import Floats

Codes = npt.NDArray[np.int32]

# twins expected by chance in the whole cohort, below which a pair is taken for one person
IMPLAUSIBLE = 1e-3
# rows that share a record's rarest values, among which its other values are called common or rare
SIMILAR = 100
RAREST = 500  # distinct records of which the chance is computed
CORRELATION_ROWS = 20_000  # enough for a correlation to two decimals
EXAMPLES = 3  # pairs named in a message, by row number: identifiers may be medical record numbers


def duplicated_patients(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Identical records of different subjects.

    An error when they stand in different parts, a warning within one, a note when there are no more
    than chance would produce.
    """
    if not cohort.recorded("subject_id"):
        return []  # identical rows are one subject then, and the split keeps them together
    twins = _twins(cohort)
    twins = twins[~twins["row"].isin(splits.set_aside)]
    if twins.empty:
        return []
    chance = chance_of_twin(cohort, twins.drop_duplicates("record")["row"].to_numpy())
    one_person = (chance * len(cohort) ** 2 < IMPLAUSIBLE)[pd.factorize(twins["record"])[0]]
    findings = _of_people(twins[one_person], splits.labels(len(cohort)))
    if not one_person.all():
        message = (
            f"{int((~one_person).sum()):,} rows equal another subject's in every field, as is to "
            "be expected by chance"
        )
        findings.append(Finding("note", "identical records", "rows", message))
    return findings


def _of_people(twins: pd.DataFrame, part: npt.NDArray[np.object_]) -> list[Finding]:
    """The finding about people in different parts, or else about those within one."""
    rows = twins.groupby("record")["row"].agg(list)
    across = rows.map(lambda own: len(set(part[own])) > 1).astype(bool)
    if across.any():
        return [_finding("error", rows[across], "in different parts of the split")]
    return [_finding("warning", rows, "in one part of the split")] if len(rows) else []


def _finding(severity: Severity, people: pd.Series[Any], where: str) -> Finding:
    pairs = [f"{rows[0]:,}/{rows[1]:,}" for rows in people.iloc[:EXAMPLES]]
    message = (
        f"{len(people):,} records stand under two subjects or more, {where} (rows "
        f"{' and '.join(pairs)}, counted from 0)"
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


def chance_of_twin(cohort: Cohort, rows: Rows) -> Floats:
    """Probability that a random row equals each of these rows in every field: float64[rows].

    Patients come in kinds (a child with ketoacidosis has few diagnoses and no statin), so a
    record's rarest values are matched jointly for as long as ALIKE rows share them, and only the
    other values are multiplied, each as common as among all rows or, twins left out, among those
    alike, whichever is more; over sqrt(1 - R²) on the ranks of the columns before it (a Gaussian
    copula), at most 1. All but the RAREST rarest records count as coincidence.
    """
    fields = cohort.schema.fields
    codes = np.stack([_codes(cohort.inputs[f.name], f.kind == "category") for f in fields])
    free = _independence(codes)
    shares = np.stack([np.bincount(code)[code[rows]] / code.size for code in codes])
    chance = np.ones(len(rows))
    for i in np.argsort(shares.prod(axis=0))[:RAREST]:
        chance[i] = _chance_of_record(codes, codes[:, rows[i]], shares[:, i], free)
    return chance


def _codes(column: pd.Series[Any], category: bool) -> npt.NDArray[np.int32]:
    """Values as numbers from 0, missing first, in order unless they are categories."""
    return (pd.factorize(column, sort=not category)[0] + 1).astype(np.int32)


def _chance_of_record(codes: Codes, record: Codes, shares: Floats, free: Floats) -> float:
    """The chance of one record (see `chance_of_twin`)."""
    similar, rest = np.arange(codes.shape[1]), []
    for j in np.argsort(shares):
        match = similar[codes[j, similar] == record[j]]
        if len(match) >= SIMILAR:
            similar = match
        else:
            rest.append(j)
    same = codes[np.ix_(rest, similar)] == record[rest, None]
    near = same[:, ~same.all(axis=0)].sum(axis=1) / len(similar)
    other_values = np.minimum(np.maximum(near, shares[rest]) / free[rest], 1).prod()
    return float(other_values * len(similar) / codes.shape[1])


def _independence(codes: Codes) -> Floats:
    """Of each column, sqrt(1 - R²) on the ranks of the columns before it."""
    every = max(1, codes.shape[1] // CORRELATION_ROWS)
    ranks = pd.DataFrame(codes[:, ::every].T).rank().to_numpy()
    varied = np.flatnonzero(ranks.std(axis=0) > 0)
    free = np.ones(len(codes))
    if len(varied):
        correlation = np.atleast_2d(np.corrcoef(ranks[:, varied], rowvar=False))
        shrunk = 0.999 * correlation + 0.001 * np.eye(len(varied))
        free[varied] = np.diag(np.linalg.cholesky(shrunk))
    return free
