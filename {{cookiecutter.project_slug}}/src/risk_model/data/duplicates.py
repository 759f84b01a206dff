"""Is somebody in the data under two names? Identical records of different subjects, beyond
coincidence.

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
from risk_model.core.findings import Finding

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]

IMPLAUSIBLE = (
    1e-3  # twins expected by chance in the whole cohort, below which a pair is taken for one person
)
# rows that share a record's rarest values: among those the rest of its values are called common or
# rare
ALIKE = 100
JUDGED = 500  # distinct records, the rarest
CORRELATION_ROWS = 20_000  # enough for a correlation to two decimals
SHOWN = 3  # pairs named in a message, by row number: identifiers may be medical record numbers


def registered_twice(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Identical records of different subjects: an error across parts, a warning within one, a note
    if by chance.
    """
    if not cohort.recorded("subject_id"):
        return []  # identical rows are one subject then, and the split keeps them together
    part = pd.factorize(splits.labels(len(cohort)))[0]
    twins = _twins(cohort)
    twins = twins[~twins["row"].isin(splits.set_aside)]
    if twins.empty:
        return []
    chance = chance_of_twin(cohort, twins.drop_duplicates("record")["row"].to_numpy())
    same = (chance * len(cohort) ** 2 < IMPLAUSIBLE)[pd.factorize(twins["record"])[0]]
    person = (
        twins[same]
        .groupby("record")
        .agg(rows=("row", list), parts=("row", lambda rows: len(set(part[rows]))))
    )
    apart, together = person[person["parts"] > 1], person[person["parts"] == 1]
    findings = []
    if len(apart):
        findings.append(_finding("error", apart, "in different parts of the split"))
    if len(together) and not len(apart):
        findings.append(_finding("warning", together, "in one part of the split"))
    if not same.all():
        message = (
            f"{int((~same).sum()):,} rows equal another subject's in every field, as is to "
            "be expected by chance"
        )
        findings.append(Finding("note", "identical records", "rows", message))
    return findings


def _finding(severity: Any, person: pd.DataFrame, where: str) -> Finding:
    pairs = " and ".join(
        "/".join(f"{row:,}" for row in rows[:2]) for rows in person["rows"].iloc[:SHOWN]
    )
    message = (
        f"{len(person):,} records stand under two subjects or more, {where} (rows {pairs}, "
        "counted from 0)"
    )
    return Finding(
        severity,
        "duplicated patient",
        "identical records",
        message,
        "give each patient one subject id",
    )


def _twins(cohort: Cohort) -> pd.DataFrame:
    """Rows whose every field and demographic another subject's row repeats, with a number for each
    distinct record.
    """
    who = cohort.index[[c for c in DEMOGRAPHICS if cohort.recorded(c)]].astype(str)
    record = cohort.row_hash + np.asarray(
        pd.util.hash_pandas_object(who, index=False), dtype=np.uint64
    )
    repeated = pd.Series(record).duplicated(keep=False).to_numpy()
    table = pd.DataFrame({"record": record, "row": np.arange(len(cohort))})[repeated]
    table["subject"] = cohort.subjects[repeated]
    return table[table.groupby("record")["subject"].transform("nunique") > 1]


def chance_of_twin(cohort: Cohort, rows: Rows) -> Numbers:
    """The probability that a row picked at random equals each of these rows in every field:
    float64[rows].

    Patients come in kinds (a child with ketoacidosis has few diagnoses and no statin), so a
    record's rarest values are matched jointly for as long as ALIKE rows share them, and only the
    other values are multiplied, each as common as among all rows or, twins left out, among those
    alike, whichever is more; over sqrt(1 - R²) on the ranks of the columns before it (a Gaussian
    copula), at most 1. All but the JUDGED rarest records count as coincidence.
    """
    codes = np.stack(
        [_codes(cohort.inputs[f.name], f.kind == "category") for f in cohort.schema.fields]
    )
    free = _independence(codes)
    shares = np.stack([np.bincount(code)[code[rows]] / code.size for code in codes])
    chance = np.ones(len(rows))
    for i in np.argsort(shares.prod(axis=0))[:JUDGED]:
        chance[i] = _among_alike(codes, codes[:, rows[i]], shares[:, i], free)
    return chance


def _codes(column: pd.Series[Any], category: bool) -> npt.NDArray[np.int32]:
    """Values as numbers from 0, missing first, in order unless they are categories."""
    return (pd.factorize(column, sort=not category)[0] + 1).astype(np.int32)


def _among_alike(codes: Codes, record: Codes, shares: Numbers, free: Numbers) -> float:
    alike, left = np.arange(codes.shape[1]), []
    for j in np.argsort(shares):
        match = alike[codes[j, alike] == record[j]]
        if len(match) >= ALIKE:
            alike = match
        else:
            left.append(j)
    same = codes[np.ix_(left, alike)] == record[left, None]
    near = same[:, ~same.all(axis=0)].sum(axis=1) / len(alike)
    return float(
        np.minimum(np.maximum(near, shares[left]) / free[left], 1).prod()
        * len(alike)
        / codes.shape[1]
    )


def _independence(codes: Codes) -> Numbers:
    """Of each column, sqrt(1 - R²) on the ranks of the columns before it."""
    ranks = (
        pd.DataFrame(codes[:, :: max(1, codes.shape[1] // CORRELATION_ROWS)].T).rank().to_numpy()
    )
    varied = np.flatnonzero(ranks.std(axis=0) > 0)
    free = np.ones(len(codes))
    if len(varied):
        correlation = np.atleast_2d(np.corrcoef(ranks[:, varied], rowvar=False))
        free[varied] = np.diag(
            np.linalg.cholesky(0.999 * correlation + 0.001 * np.eye(len(varied)))
        )
    return free
