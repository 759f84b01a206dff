"""The chance of a twin: how many identical records of different patients would coincidence make?

Two estimates, of which the larger counts. One multiplies how common a record's values are. The
other needs no model of how columns hang together: where coincidence makes twins, it makes near
twins as well, who differ in a single column, and that column's value, as common as it is, says how
many of those who agree in all others should agree in it too. Among people alike in everything else,
about as many pairs are of one sex as of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import DEMOGRAPHICS, Cohort, Rows
from risk_model.core.scores import Floats

Codes = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]

# rows that share a record's rarest values, among which its other values are called common or rare
SIMILAR = 100
RAREST = 500  # distinct records of which the chance is computed
CORRELATION_ROWS = 20_000  # enough for a correlation to two decimals
SAMPLE, SAMPLE_ROWS = 200, 20_000  # records that stand for all, among so many rows
EDITS = 2  # near twins that may be the same person, with a value corrected


@dataclass(frozen=True)
class TwinChance:
    """What coincidence makes.

    `of_rows` is the number of twins to be expected of each row asked for, float64[rows], `pairs`
    that of identical pairs in the whole cohort.
    """

    of_rows: Floats
    pairs: float


def twin_chance(cohort: Cohort, rows: Rows) -> TwinChance:
    """The chance of a twin, for each of these rows and for the cohort."""
    if cohort.signals is not None:  # no two recordings are the same by chance
        return TwinChance(np.zeros(len(rows)), 0.0)
    codes = _codes(cohort)
    table = _Hashes.of(codes, cohort.subjects)
    n = codes.shape[1]
    of_rows = np.maximum(_by_values(codes, rows) * n, table.of_rows()[rows])
    drawn = np.random.default_rng(0).permutation(n)[:SAMPLE_ROWS]
    any_record = float(_by_values(codes[:, drawn], np.arange(min(SAMPLE, n))).mean())
    pairs = max(any_record * n * (n - 1) / 2, table.without_derived().pairs())
    return TwinChance(of_rows, pairs)


def _codes(cohort: Cohort) -> Codes:
    """Values as numbers from 0, missing first, a row for each column: int32[d, n].

    In order unless they are categories. A column that is another under a new name is left out.
    """
    columns = [(cohort.inputs[f.name], f.kind != "category") for f in cohort.schema.fields]
    columns += [(cohort.index[c], False) for c in DEMOGRAPHICS if cohort.recorded(c)]
    distinct: dict[bytes, Codes] = {}
    for column, ordered in columns:
        same = np.asarray(pd.factorize(column, use_na_sentinel=False)[0], dtype=np.int32)
        codes = (pd.factorize(column, sort=ordered)[0] + 1).astype(np.int32)
        distinct.setdefault(same.tobytes(), codes)
    return np.stack(list(distinct.values()))


def _by_values(codes: Codes, rows: Rows) -> Floats:
    """Probability that a random row equals each of these rows in every column: float64[rows].

    Patients come in kinds (a child with ketoacidosis has few diagnoses and no statin), so a
    record's rarest values are matched jointly for as long as SIMILAR rows share them, and only the
    other values are multiplied, each as common as among all rows or among those alike, whichever is
    more; over sqrt(1 - R²) on the ranks of the columns before it (a Gaussian copula), at most 1.
    All but the RAREST rarest records count as coincidence.
    """
    free = _independence(codes)
    shares = np.stack([np.bincount(code)[code[rows]] / code.size for code in codes])
    chance = np.ones(len(rows))
    for i in np.argsort(shares.prod(axis=0))[:RAREST]:
        chance[i] = _chance_of_record(codes, codes[:, rows[i]], free)
    return chance


def _chance_of_record(codes: Codes, record: Codes, free: Floats) -> float:
    """The chance of one record (see `_by_values`), from the rows that are no twins, and itself."""
    match = codes == record[:, None]
    twin = match.all(axis=0)
    twin[np.flatnonzero(twin)[0]] = False
    similar = np.flatnonzero(~twin)
    others, rest = len(similar), []
    shares = match[:, similar].mean(axis=1)
    for j in np.argsort(shares):
        alike = similar[match[j, similar]]
        if len(alike) >= SIMILAR:
            similar = alike
        else:
            rest.append(j)
    common = np.maximum(match[np.ix_(rest, similar)].mean(axis=1), shares[rest])
    return float(np.minimum(common / free[rest], 1).prod() * len(similar) / others)


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


@dataclass(frozen=True)
class _Hashes:
    """A table as hashes: uint64[d, n] of its values, uint64[n] of whose row each is; its codes."""

    codes: Codes
    values: Hashes
    who: Hashes

    @classmethod
    def of(cls, codes: Codes, subjects: npt.NDArray[Any]) -> _Hashes:
        column = (
            np.arange(len(codes), dtype=np.int64)[:, None] << 32
        )  # 1 in one is not 1 in another
        values = np.stack([pd.util.hash_array(row) for row in codes + column])
        return cls(codes, values, pd.util.hash_array(subjects))

    @property
    def record(self) -> Hashes:
        """A hash of each row."""
        return np.asarray(self.values.sum(axis=0, dtype=np.uint64))

    def of_rows(self) -> Floats:
        """Twins to be expected of each row, by the column whose near twins say most."""
        expected = (np.maximum(near - EDITS, 0) * odds for near, odds in self._near())
        return np.asarray(np.max(np.stack(list(expected)), axis=0))

    def pairs(self) -> float:
        """Pairs of twins to be expected in the table."""
        return max(float(near @ odds) / 2 for near, odds in self._near())

    def without_derived(self) -> _Hashes:
        """Without columns that tell no two records apart, the others being equal.

        A body mass index, or one of a category's columns: nobody differs in it alone, so that it
        has no near twins.
        """
        record, keep = self.record, np.ones(len(self.codes), dtype=bool)
        twins = _of_others(record, self.who).sum()
        for j in reversed(range(len(self.codes))):
            if _of_others(record - self.values[j], self.who).sum() == twins and keep.sum() > 1:
                record, keep[j] = record - self.values[j], False
        return _Hashes(self.codes[keep], self.values[keep], self.who)

    def _near(self) -> Iterator[tuple[Floats, Floats]]:
        """For each column and row: near twins, and the odds of the row's value where it stands.

        float64[n] each. Near twins are rows of other subjects that equal it in all columns but that
        one; the odds are s / (1 - s), s being the share of the value among the rows that are no
        twins, and the row itself.
        """
        record = self.record
        twins, again = _of_others(record, self.who), _size(record) - 1
        n = self.codes.shape[1]
        for code, column in zip(self.codes, self.values, strict=True):
            share = (np.bincount(code)[code] - again) / (n - again)
            odds = share / np.maximum(1 - share, 1 / n)
            yield _of_others(record - column, self.who) - twins, odds


def _of_others(key: Hashes, who: Hashes) -> Floats:
    """How many rows of other subjects have each row's key."""
    return _size(key) - _size(key * np.uint64(3) + who)


def _size(key: Hashes) -> Floats:
    """How many rows have each row's key."""
    group = pd.factorize(key)[0]
    return np.bincount(group)[group].astype(np.float64)
