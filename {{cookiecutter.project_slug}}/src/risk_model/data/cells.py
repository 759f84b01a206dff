"""Cells of subjects, to be shared out evenly: outcome, site, period, age band, sex, ethnicity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from risk_model.core.cohort import Codes, Cohort
from risk_model.data.strata import strata

# years; fewer than the bands that tables show, so that a cell keeps enough subjects
AGE_EDGES = (40.0, 65.0, 80.0)


def cells(cohort: Cohort, subject: Codes, n: int, enough: int) -> Codes:
    """The cell of each of n subjects.

    A cell with too few subjects gives up its least important dimension, and so on.
    """
    cell = np.zeros(n, dtype=np.int64)
    np.maximum.at(cell, subject, cohort.labels)
    present = np.unique(subject)
    levels = [np.unique(cell[present], return_inverse=True)[1]]
    for group in _groups(cohort):
        code = np.full(n, np.iinfo(np.int64).max)
        np.minimum.at(code, subject, group)
        # room for -1, pandas' code of no category
        finer = levels[-1] * (int(group.max()) + 3) + code[present] + 1
        levels.append(np.unique(finer, return_inverse=True)[1])
    cell[present] = _merged(levels, enough)
    return cell


def _groups(cohort: Cohort) -> Iterator[Codes]:
    """The number of each row's group in every stratum, the most important stratum first."""
    for name, column in strata(cohort).items():
        if name == "age band":
            age = cohort.index["age"].to_numpy(dtype=np.float64, na_value=np.nan)
            edges_below = np.searchsorted(AGE_EDGES, age, side="right")
            yield np.where(np.isnan(age), len(AGE_EDGES) + 1, edges_below).astype(np.int64)
        else:
            yield np.asarray(column.cat.codes, dtype=np.int64)


def _merged(levels: list[Codes], enough: int) -> Codes:
    """Cells of `enough` members: those of smaller ones are pooled within the next coarser level."""
    cell = levels[-1]
    for coarser in reversed(levels[:-1]):
        small = np.bincount(cell)[cell] < enough
        width = int(cell.max()) + 2
        cell = np.unique(coarser * width + np.where(small, width - 1, cell), return_inverse=True)[1]
    return cell
