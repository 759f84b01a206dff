"""Is somebody in the data under two names? Identical records of different subjects, beyond coincidence.

Coarse tables are full of honest twins: ten yes-or-no columns hold 1,024 different records. So the chance of each
identical pair is estimated from how common its values are, and only what chance would not produce is reported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.cohort import DEMOGRAPHICS, Cohort, Rows, Splits
from risk_model.findings import Finding

Numbers = npt.NDArray[np.float64]

IMPLAUSIBLE = 1e-3  # twins expected by chance in the whole cohort, below which a pair is taken for one person
CORRELATION_ROWS = 20_000  # enough for a correlation to two decimals
SHOWN = 3  # pairs named in a message, by row number: identifiers may be medical record numbers


def registered_twice(cohort: Cohort, splits: Splits) -> list[Finding]:
    """Identical records of different subjects: an error across parts, a warning within one, a note if by chance."""
    if not cohort.recorded("subject_id"):
        return []  # identical rows are one subject then, and the split keeps them together
    part = pd.factorize(splits.labels(len(cohort)))[0]
    twins = _twins(cohort)
    twins = twins[~twins["row"].isin(splits.set_aside)]
    if twins.empty:
        return []
    same = chance_of_twin(cohort, twins["row"].to_numpy()) * len(cohort) ** 2 < IMPLAUSIBLE
    person = twins[same].groupby("record").agg(rows=("row", list), parts=("row", lambda rows: len(set(part[rows]))))
    apart, together = person[person["parts"] > 1], person[person["parts"] == 1]
    findings = []
    if len(apart):
        findings.append(_finding("error", apart, "in different parts of the split"))
    if len(together) and not len(apart):
        findings.append(_finding("warning", together, "in one part of the split"))
    if not same.all():
        message = f"{int((~same).sum()):,} rows equal another subject's in every field, as is to be expected by chance"
        findings.append(Finding("note", "identical records", "rows", message))
    return findings


def _finding(severity: Any, person: pd.DataFrame, where: str) -> Finding:
    pairs = " and ".join("/".join(f"{row:,}" for row in rows[:2]) for rows in person["rows"].iloc[:SHOWN])
    message = f"{len(person):,} records stand under two subjects or more, {where} (rows {pairs}, counted from 0)"
    return Finding(severity, "duplicated patient", "identical records", message, "give each patient one subject id")


def _twins(cohort: Cohort) -> pd.DataFrame:
    """Rows whose every field and demographic another subject's row repeats, with a number for each distinct record."""
    who = cohort.index[[c for c in DEMOGRAPHICS if cohort.recorded(c)]].astype(str)
    record = cohort.row_hash + np.asarray(pd.util.hash_pandas_object(who, index=False), dtype=np.uint64)
    repeated = pd.Series(record).duplicated(keep=False).to_numpy()
    table = pd.DataFrame({"record": record, "row": np.arange(len(cohort))})[repeated]
    table["subject"] = cohort.subjects[repeated]
    return table[table.groupby("record")["subject"].transform("nunique") > 1]


def chance_of_twin(cohort: Cohort, rows: Rows) -> Numbers:
    """The probability that a row picked at random equals each of these rows in every field: float64[rows].

    A value is missing, its column's most frequent one, or another. Which columns are which is counted jointly, so that
    tests done or filled in together, and rare conditions, are taken as they come; the other values are multiplied,
    each divided by sqrt(1 - R²) with the columns before it (a Gaussian copula), but never below certainty.
    """
    codes = [pd.factorize(cohort.inputs[f.name], sort=f.kind != "category")[0] for f in cohort.schema.fields]
    apart = _independence(codes)
    weights = np.random.default_rng(0).integers(1, 2**62, len(codes), dtype=np.uint64)
    pattern, chance = np.zeros(len(cohort), dtype=np.uint64), np.ones(len(rows))
    for code, weight, free in zip(codes, weights, apart, strict=True):
        counts = np.bincount(code[code >= 0], minlength=1)
        kind = np.where(code < 0, 0, np.where(code == counts.argmax(), 1, 2))
        pattern += kind.astype(np.uint64) * weight
        among = counts[code[rows]] / max(int((kind == 2).sum()), 1)
        chance *= np.where(kind[rows] == 2, np.minimum(among / free, 1), 1)
    _, place, sizes = np.unique(pattern, return_inverse=True, return_counts=True)
    return np.asarray(chance * sizes[place[rows]] / len(cohort))


def _independence(codes: list[npt.NDArray[np.int64]]) -> Numbers:
    """Of each column, sqrt(1 - R²) on the ranks of the columns before it."""
    step = max(1, len(codes[0]) // CORRELATION_ROWS)
    ranks = np.stack([pd.Series(c[::step]).rank().to_numpy() for c in codes])
    varied = ranks.std(axis=1) > 0
    free = np.ones(len(codes))
    correlation = np.corrcoef(ranks[varied]) if varied.any() else np.eye(1)
    free[varied] = np.diag(np.linalg.cholesky(np.atleast_2d(correlation) * 0.999 + 0.001 * np.eye(len(correlation))))
    return free
