"""Shift between sites and over time: differences too large to be chance or case mix.

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
from scipy.special import xlogy
from scipy.stats import norm

from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.findings import Finding
from risk_model.core.schema import Field
from risk_model.core.scores import Floats, holm
from risk_model.data.quality_answer import Answer
from risk_model.data.strata import ABSENT, strata

# ridit: half an SD; events: odds × 1.5
BOUND = {"value": 0.14, "share": 0.2, "missing": 0.2, "events": 0.4}
ALPHA = 1e-3
MOST_ROWS = 200_000  # compared; no more is needed to see a difference of that size
FEWEST = 20  # subjects of a group
MOST_CATEGORIES = 50  # of a column: a rarer one cannot differ by as much as BOUND


@dataclass(frozen=True)
class Contrast:
    """How far a group stands from the others: in a value, a category's or missing share, events."""

    group: str
    column: str
    respect: str
    effect: float
    p: float

    @property
    def large(self) -> bool:
        """Whether it is too large, and too certain, for chance and case mix."""
        return abs(self.effect) >= BOUND[self.respect] and self.p < ALPHA

    def text(self) -> str:
        """The difference in a few words."""
        size = f"{abs(self.effect):.2f}"
        if self.respect == "value":
            direction = "higher" if self.effect > 0 else "lower"
            return f"{self.column} {direction} (mean ridit differs by {size})"
        more = "more" if self.effect > 0 else "less"
        if self.respect == "events":
            return f"outcome {more} frequent (odds × {np.exp(self.effect):.2f})"
        missing = " missing" * (self.respect == "missing")
        return f"{self.column} {more} often{missing} (share differs by {size})"


def answers(cohort: Cohort, splits: Splits) -> list[Answer]:
    """Whether the sites agree, and whether the cohort changes over time."""
    return [
        _answer("Do the sites agree?", "site", _large(cohort, splits, "site")),
        _answer("Does the cohort change over time?", "date", _large(cohort, splits, "period")),
    ]


def _large(cohort: Cohort, splits: Splits, stratum: str) -> list[Contrast] | None:
    """The contrasts that are findings; None when the stratum was not recorded."""
    if stratum not in strata(cohort):
        return None
    return [c for c in contrasts(cohort, splits.learning, stratum) if c.large]


def missing_by_site(cohort: Cohort) -> dict[str, dict[str, float]]:
    """The columns of which a site lacks far more or less than the others, with how much.

    By site and column: the share of its values that are missing minus that elsewhere. Only what is
    beyond chance and case mix; empty where no site was recorded.
    """
    if not cohort.recorded("site"):
        return {}
    by_site: dict[str, dict[str, float]] = {}
    for contrast in contrasts(cohort, np.arange(len(cohort)), "site"):
        if contrast.large and contrast.respect == "missing":
            by_site.setdefault(contrast.group, {})[contrast.column] = contrast.effect
    return by_site


def _answer(question: str, recorded: str, large: list[Contrast] | None) -> Answer:
    if large is None:
        return Answer(question, [f"Not assessable: no {recorded} was recorded."])
    findings = site_findings(large) if recorded == "site" else drift_findings(large)
    sentences = [f"{f.where}: {f.message}." for f in findings]
    agreement = ["No difference beyond chance and case mix."]
    return Answer(question, sentences or agreement, {question: [vars(c) for c in large]}, findings)


def contrasts(cohort: Cohort, outcome_rows: Rows, stratum: str) -> list[Contrast]:
    """How each group of a stratum differs: periods from the first, all others from the rest.

    Inputs of every row are compared; outcomes of `outcome_rows` alone.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(cohort))[:MOST_ROWS])
    sample, group = cohort.take(rows), strata(cohort)[stratum].iloc[rows]
    first = stratum == "period"
    groups = _Groups.of(group, sample.subjects, first)
    raw: list[Contrast] = []
    for field in cohort.schema.inputs:
        for column, respect, values in _respects(field, sample.inputs[field.name]):
            raw += groups.compare(column, respect, values)
    visible = np.isin(rows, outcome_rows)
    with_outcome = _Groups.of(group[visible], sample.subjects[visible], first)
    raw += with_outcome.events(sample.labels[visible].astype(np.float64))
    adjusted = holm(np.array([c.p for c in raw]))
    return [replace(c, p=float(p)) for c, p in zip(raw, adjusted, strict=True)]


def _respects(field: Field, column: pd.Series[Any]) -> Iterator[tuple[str, str, Floats]]:
    """What is compared of a column, in which respect: a number a row, NaN where there is none."""
    missing = np.asarray(column.isna(), dtype=np.float64)
    yield field.name, "missing", missing
    if field.kind == "number":
        ridits = (column.rank() - 0.5) / max(column.count(), 1)
        yield field.name, "value", np.asarray(ridits, dtype=np.float64)
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
    subjects: Floats
    first: bool

    @classmethod
    def of(cls, group: pd.Series[Any], subjects: npt.NDArray[Any], first: bool) -> _Groups:
        names = [str(name) for name in group.cat.categories]
        codes = np.asarray(group.cat.codes, dtype=np.int64)
        people = pd.DataFrame({"group": codes, "subject": subjects}).drop_duplicates()["group"]
        counts = np.bincount(people.to_numpy(), minlength=len(names)).astype(np.float64)
        return cls(codes, names, counts, first)

    def compare(self, column: str, respect: str, values: Floats) -> list[Contrast]:
        """The difference of means of each group."""
        n, mean, n_rest, rest = self._means(values)
        variance = float(np.nanvar(values)) if n.sum() else 0.0
        if variance == 0:
            return []
        z = (mean - rest) / np.sqrt(variance * self._spread(n, n_rest))
        return self._contrasts(column, respect, mean - rest, z)

    def events(self, outcome: Floats) -> list[Contrast]:
        """The log odds ratio of each group, half an event added to each cell (Haldane).

        Its p-value is that of the likelihood ratio, which is as sure of a group without any event
        as of one with a few; an error of the log odds ratio would be endless there.
        """
        n, mean, n_rest, rest = self._means(outcome)
        events, events_rest = n * mean, n_rest * rest
        cells = [events, n - events, events_rest, n_rest - events_rest]
        a, b, c, d = (cell + 0.5 for cell in cells)
        effect = np.log(a * d / (b * c))
        both = np.maximum(n + n_rest, 1)
        share = (events + events_rest) / both
        null = [n * share, n * (1 - share), n_rest * share, n_rest * (1 - share)]
        terms = (xlogy(o, o / np.maximum(e, 1e-9)) for o, e in zip(cells, null, strict=True))
        g = np.maximum(2 * np.sum(list(terms), axis=0), 0)
        of_rows = 1 / np.maximum(n, 1e-9) + 1 / np.maximum(n_rest, 1e-9)
        rows_per_subject = np.maximum(self._spread(n, n_rest) / of_rows, 1)
        return self._contrasts("outcome", "events", effect, np.sqrt(g / rows_per_subject))

    def _means(self, values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Number and mean of the values in each group, and in what it is compared with."""
        recorded = ~np.isnan(values)
        codes, size = self.codes[recorded], len(self.names)
        n = np.bincount(codes, minlength=size).astype(np.float64)
        total = np.bincount(codes, weights=values[recorded], minlength=size)
        if self.first:
            n_rest, rest = np.full_like(n, n[0]), np.full_like(n, total[0])
        else:
            n_rest, rest = n.sum() - n, total.sum() - total
        return n, total / np.maximum(n, 1), n_rest, rest / np.maximum(n_rest, 1)

    def _spread(self, n: Floats, n_rest: Floats) -> Floats:
        """1/m + 1/m of the subjects behind n rows and behind those that they are compared with."""
        rows = np.bincount(self.codes, minlength=len(self.names))
        apiece = self.subjects.sum() / max(int(rows.sum()), 1)
        return np.asarray(1 / np.maximum(n * apiece, 1e-9) + 1 / np.maximum(n_rest * apiece, 1e-9))

    def _contrasts(self, column: str, respect: str, effect: Floats, z: Floats) -> list[Contrast]:
        p = 2 * norm.sf(np.abs(z))
        enough = [i for i, s in enumerate(self.subjects) if s >= FEWEST and self.names[i] != ABSENT]
        return [
            Contrast(self.names[i], column, respect, float(effect[i]), float(p[i]))
            for i in enough
            if np.isfinite(z[i]) and not (self.first and i == 0)
        ]


def site_findings(large: list[Contrast]) -> list[Finding]:
    """A warning for each site that stands out, with the respects in which it does."""
    by_site: dict[str, list[Contrast]] = {}
    for contrast in large:
        by_site.setdefault(contrast.group, []).append(contrast)
    remedy = "compare units, assays and coding there; see its own line among the results"
    messages = {s: f"against the other sites: {_most(own)}" for s, own in by_site.items()}
    return [Finding("warning", "site shift", s, text, remedy) for s, text in messages.items()]


def drift_findings(large: list[Contrast]) -> list[Finding]:
    """One warning for all columns that changed over time."""
    if not large:
        return []
    columns = ", ".join(dict.fromkeys(c.column for c in large))
    last_of_each = list({(c.column, c.respect): c for c in large}.values())
    remedy = "ask what changed in care, coding or assays; the last period shows what it costs"
    message = f"against the first quarter of the cohort: {_most(last_of_each)}"
    return [Finding("warning", "drift", columns, message, remedy)]


def _most(large: list[Contrast], limit: int = 4) -> str:
    """The largest contrasts, each against the bound of its respect."""
    ranked = sorted(large, key=lambda c: -abs(c.effect) / BOUND[c.respect])
    more = f" and {len(ranked) - limit} more" if len(ranked) > limit else ""
    return "; ".join(c.text() for c in ranked[:limit]) + more
