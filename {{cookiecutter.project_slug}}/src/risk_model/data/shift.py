"""Do hospitals, years and groups of patients record the same things? Differences too large to be
chance or case mix.

A number is compared by ridits (mean rank as a share), which outliers and units cannot carry away; a
category and what is missing by shares. A difference counts when it is large (see BOUND) and its
Holm-adjusted p-value, with subjects instead of rows as the sample, is below ALPHA: a million rows
do not make a trifle a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from risk_model.core.cohort import Cohort, Rows
from risk_model.core.findings import Finding
from risk_model.core.schema import Field
from risk_model.data.strata import ABSENT, strata

Numbers = npt.NDArray[np.float64]

BOUND = {
    "value": 0.14,
    "share": 0.2,
    "missing": 0.2,
    "events": 0.4,
}  # ridit: half an SD; events: odds × 1.5
ALPHA = 1e-3
ROWS = 200_000  # looked at; no more is needed to see a difference of that size
FEWEST = 20  # subjects of a group
MOST_CATEGORIES = 50  # of a column: a rarer one cannot differ by as much as BOUND


@dataclass(frozen=True)
class Contrast:
    """How far one group stands from the others in one respect: value, share of a category, missing,
    or events.
    """

    group: str
    column: str
    respect: str
    effect: float
    p: float

    @property
    def found(self) -> bool:
        """Whether it is too large, and too certain, for chance and case mix."""
        return abs(self.effect) >= BOUND[self.respect] and self.p < ALPHA

    def words(self) -> str:
        """The difference in a few words."""
        size = f"{abs(self.effect):.2f}"
        if self.respect == "value":
            return (
                f"{self.column} {'higher' if self.effect > 0 else 'lower'} (mean ridit differs "
                f"by {size})"
            )
        if self.respect == "events":
            return (
                f"outcome {'more' if self.effect > 0 else 'less'} frequent (odds × "
                f"{np.exp(self.effect):.2f})"
            )
        often = f"{self.column} {'more' if self.effect > 0 else 'less'} often"
        return f"{often}{' missing' * (self.respect == 'missing')} (share differs by {size})"


def holm(p: Numbers) -> Numbers:
    """Holm's step-down adjustment of p-values (Holm 1979), in the order given; NaN stays NaN and
    does not count.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)[: int(np.sum(~np.isnan(p)))]  # NaN is sorted last
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def contrasts(cohort: Cohort, learned: Rows, name: str) -> list[Contrast]:
    """How each group of a stratum stands out: periods against the first, all others against the
    rest of the cohort.

    Inputs of every row are compared; outcomes of the `learned` rows alone.
    """
    kept = np.sort(np.random.default_rng(0).permutation(len(cohort))[:ROWS])
    sample, group = cohort.take(kept), strata(cohort)[name].iloc[kept]
    first = name == "period"
    groups = _Groups.of(group, sample.subjects, first)
    found: list[Contrast] = []
    for field in cohort.schema.inputs:
        for column, respect, values in _respects(field, sample.inputs[field.name]):
            found += groups.compare(column, respect, values)
    known = np.isin(kept, learned)
    found += _Groups.of(group[known], sample.subjects[known], first).events(
        sample.labels[known].astype(np.float64)
    )
    adjusted = holm(np.array([c.p for c in found]))
    return [replace(c, p=float(p)) for c, p in zip(found, adjusted, strict=True)]


def _respects(field: Field, column: pd.Series[Any]) -> Iterator[tuple[str, str, Numbers]]:
    """What is compared of a column, in which respect: a number a row, NaN where there is none."""
    missing = np.asarray(column.isna(), dtype=np.float64)
    yield field.name, "missing", missing
    if field.kind == "number":
        yield (
            field.name,
            "value",
            np.asarray((column.rank() - 0.5) / max(column.count(), 1), dtype=np.float64),
        )
    elif field.kind == "boolean":
        yield field.name, "share", np.asarray(column, dtype=np.float64)
    else:
        for value in column.value_counts().index[:MOST_CATEGORIES]:
            same = np.asarray(column == value, dtype=np.float64)
            yield f"{field.name}={value}", "share", np.where(missing == 1, np.nan, same)


@dataclass(frozen=True)
class _Groups:
    """Groups of rows, the subjects in each, and whether all are compared with the first."""

    codes: npt.NDArray[np.int64]
    names: list[str]
    subjects: Numbers
    first: bool

    @classmethod
    def of(cls, group: pd.Series[Any], subjects: npt.NDArray[Any], first: bool) -> _Groups:
        names = [str(name) for name in group.cat.categories]
        codes = np.asarray(group.cat.codes, dtype=np.int64)
        people = pd.DataFrame({"group": codes, "subject": subjects}).drop_duplicates()["group"]
        return cls(
            codes,
            names,
            np.bincount(people.to_numpy(), minlength=len(names)).astype(np.float64),
            first,
        )

    def _sums(self, values: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Number and mean of the values in each group, and in what it is compared with."""
        seen = ~np.isnan(values)
        n = np.bincount(self.codes[seen], minlength=len(self.names)).astype(np.float64)
        total = np.bincount(self.codes[seen], weights=values[seen], minlength=len(self.names))
        n_rest, rest = (
            (np.full_like(n, n[0]), np.full_like(n, total[0]))
            if self.first
            else (n.sum() - n, total.sum() - total)
        )
        return n, total / np.maximum(n, 1), n_rest, rest / np.maximum(n_rest, 1)

    def _told(self, column: str, respect: str, effect: Numbers, z: Numbers) -> list[Contrast]:
        p = 2 * norm.sf(np.abs(z))
        enough = [i for i, s in enumerate(self.subjects) if s >= FEWEST and self.names[i] != ABSENT]
        return [
            Contrast(self.names[i], column, respect, float(effect[i]), float(p[i]))
            for i in enough
            if np.isfinite(z[i]) and not (self.first and i == 0)
        ]

    def _spread(self, n: Numbers, n_rest: Numbers) -> Numbers:
        """1/m + 1/m of the subjects behind n rows and behind those that they are compared with."""
        rows = np.bincount(self.codes, minlength=len(self.names))
        apiece = self.subjects.sum() / max(int(rows.sum()), 1)
        return np.asarray(1 / np.maximum(n * apiece, 1e-9) + 1 / np.maximum(n_rest * apiece, 1e-9))

    def compare(self, column: str, respect: str, values: Numbers) -> list[Contrast]:
        """The difference of means of each group."""
        n, mean, n_rest, rest = self._sums(values)
        variance = float(np.nanvar(values)) if n.sum() else 0.0
        if variance == 0:
            return []
        return self._told(
            column,
            respect,
            mean - rest,
            (mean - rest) / np.sqrt(variance * self._spread(n, n_rest)),
        )

    def events(self, outcome: Numbers) -> list[Contrast]:
        """The log odds ratio of each group, half an event added to each cell (Haldane)."""
        n, mean, n_rest, rest = self._sums(outcome)
        cells = [n * mean, n - n * mean, n_rest * rest, n_rest - n_rest * rest]
        a, b, c, d = (cell + 0.5 for cell in cells)
        effect = np.log(a * d / (b * c))
        rows = np.maximum(
            self._spread(n, n_rest) / (1 / np.maximum(n, 1e-9) + 1 / np.maximum(n_rest, 1e-9)), 1
        )
        return self._told(
            "outcome", "events", effect, effect / np.sqrt((1 / a + 1 / b + 1 / c + 1 / d) * rows)
        )


def site_shift(found: list[Contrast]) -> list[Finding]:
    """A warning for each site that stands out, with the respects in which it does."""
    sites = dict.fromkeys(c.group for c in found)
    remedy = "compare units, assays and coding there; see its own line among the results"
    return [
        Finding(
            "warning",
            "site shift",
            site,
            f"against the other sites: {_most([c for c in found if c.group == site])}",
            remedy,
        )
        for site in sites
    ]


def drift(found: list[Contrast]) -> list[Finding]:
    """One warning for all columns that changed over time."""
    if not found:
        return []
    columns = ", ".join(dict.fromkeys(c.column for c in found))
    remedy = "ask what changed in care, coding or assays; the last period shows what it costs"
    message = f"against the first quarter of the cohort: {_most(_last_of_each(found))}"
    return [Finding("warning", "drift", columns, message, remedy)]


def _last_of_each(found: list[Contrast]) -> list[Contrast]:
    return list({(c.column, c.respect): c for c in found}.values())


def _most(found: list[Contrast], shown: int = 4) -> str:
    ranked = sorted(found, key=lambda c: -abs(c.effect) / BOUND[c.respect])
    more = f" and {len(ranked) - shown} more" if len(ranked) > shown else ""
    return "; ".join(c.words() for c in ranked[:shown]) + more
