"""Under-diagnosis: is the outcome recorded less often in a group than its inputs explain?

A logistic regression that cannot see the group predicts everybody from the others' folds. Where a
group's outcome is recorded much less often than that, either its risk is truly lower for the same
inputs, or its events go unrecorded: no model can tell which, so a person has to. Obermeyer et al.,
Science 2019;366:447-53, on labels that carry such a bias.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from risk_model.core.cohort import Cohort, Splits
from risk_model.core.findings import Finding
from risk_model.core.schema import encode
from risk_model.core.scores import Floats, holm
from risk_model.data.quality_answer import Answer
from risk_model.data.strata import ABSENT, strata

GROUPS = ("sex", "ethnicity")  # not age: that risk changes with age is no sign of a missed event
ALPHA = 0.005
RATIO = 0.8  # recorded against expected, relative to the others
EXPECTED = 20.0  # events, the fewest on which a group is compared
MOST_ROWS = 50_000
FOLDS = 5
SAME = 0.95  # of the rows whose group a column's value gives away
MOST_VALUES = 50  # of such a column
TABLE = "recorded and expected events"


@dataclass(frozen=True)
class EventRatio:
    """Events recorded in one group, and expected were they recorded as all others' are.

    `ratio` is the one over the other, 0 where none was recorded.
    """

    stratum: str
    group: str
    events: int
    expected: float
    ratio: float
    p: float  # one-sided, Holm-adjusted, subjects as clusters

    def findings(self) -> list[Finding]:
        """A warning when the outcome is recorded too rarely."""
        if self.ratio > RATIO or self.p >= ALPHA:
            return []
        seen = f"{self.ratio:.2f} times as often as" if self.events else "for nobody, unlike"
        message = (
            f"outcome recorded {seen} in the others with the same inputs ({self.events:,} events, "
            f"{self.expected:,.0f} expected): a lower risk, or missed events"
        )
        remedy = "ask how the outcome comes to be recorded in this group before a model learns it"
        where = f"{self.stratum}: {self.group}"
        return [Finding("warning", "under-diagnosis", where, message, remedy)]


def answers(cohort: Cohort, splits: Splits) -> list[Answer]:
    """Whether the outcome is recorded alike in every group."""
    ratios = event_ratios(cohort.take(splits.learning))
    findings = [finding for ratio in ratios for finding in ratio.findings()]
    alike = (
        "No group was found whose outcome is recorded less often than its inputs explain; found is "
        f"a ratio of {RATIO:g} or less to the others with p below {ALPHA:g}."
    )
    nobody = "Not assessable: neither sex nor ethnicity was recorded, or too few events."
    sentences = [f"{f.where}: {f.message}." for f in findings] or [alike if ratios else nobody]
    question = "Is the outcome recorded alike in every group?"
    return [Answer(question, sentences, {TABLE: [vars(ratio) for ratio in ratios]}, findings)]


def event_ratios(cohort: Cohort) -> list[EventRatio]:
    """Events recorded against expected in each group; pass rows whose outcome may be looked at."""
    cohort = cohort.sample(MOST_ROWS)
    if min(cohort.labels.sum(), (1 - cohort.labels).sum()) < EXPECTED:
        return []
    groups = strata(cohort)
    recorded = [groups[name] for name in GROUPS if name in groups]
    risk = _blind_risk(cohort, recorded) if recorded else np.empty(0)
    every = [
        _compare(cohort, str(group.name), name, (group == name).to_numpy(), risk)
        for group in recorded
        for name in group.cat.categories
        if name != ABSENT
    ]
    ratios = [ratio for ratio in every if ratio.expected >= EXPECTED]
    adjusted = holm(np.array([ratio.p for ratio in ratios]))
    return [replace(ratio, p=float(p)) for ratio, p in zip(ratios, adjusted, strict=True)]


def _compare(
    cohort: Cohort, stratum: str, group: str, member: npt.NDArray[np.bool_], risk: Floats
) -> EventRatio:
    """Ratio of observed to expected events, against the others'.

    A score test: the variance is what it would be were the group's events recorded as the others'
    are, and no less than that seen, with subjects as clusters. So a group without any event is no
    less certain than one with a few.
    """
    events, expected, variance = (np.zeros(2) for _ in range(3))
    for i, rows in enumerate((member, ~member)):
        own, labels = risk[rows], cohort.labels[rows]
        residual = pd.Series(labels - own).groupby(cohort.subjects[rows]).sum()
        events[i], expected[i] = labels.sum(), max(float(own.sum()), 1e-9)
        variance[i] = max(float((residual**2).sum()), float((own * (1 - own)).sum()))
    level = max(events[1], 0.5) / expected[1]  # of the others
    as_others = level * expected[0]
    ratio = float(events[0] / as_others)
    error = np.sqrt(variance[0] / as_others**2 + variance[1] / max(events[1], 1) ** 2)
    p = float(norm.cdf((ratio - 1) / error))
    return EventRatio(stratum, group, int(events[0]), float(as_others), ratio, p)


def _blind_risk(cohort: Cohort, groups: list[pd.Series[Any]]) -> Floats:
    """Out-of-fold risk of each row, from inputs that do not give the groups away: float64[n]."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = _blind_features(cohort, groups)
    fold = pd.util.hash_array(cohort.subjects) % np.uint64(FOLDS)
    risk = np.empty(len(cohort))
    for k in range(FOLDS):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        model.fit(features[fold != k], cohort.labels[fold != k])
        risk[fold == k] = model.predict_proba(features[fold == k])[:, 1]
    return risk


def _blind_features(cohort: Cohort, groups: list[pd.Series[Any]]) -> Floats:
    """The encoded inputs without fields that give a group away; missing values at the median."""
    blind = [
        not any(_same(cohort.inputs[f.name], group) for group in groups)
        for f in cohort.schema.inputs
    ]
    fields = encode(cohort.inputs, cohort.schema)  # what a recording shows besides is left out
    features = fields[:, np.array(blind)[cohort.schema.feature_field]].astype(np.float64)
    features = features[:, ~np.isnan(features).all(axis=0)]
    absent = np.isnan(features)
    flags = absent[:, absent.any(axis=0)].astype(np.float64)
    return np.hstack([np.where(absent, np.nanmedian(features, axis=0), features), flags])


def _same(column: pd.Series[Any], group: pd.Series[Any]) -> bool:
    """Whether a column is the group under another name.

    Its value gives away the group of 95 % of the rows, and of most rows outside the largest group.
    """
    values = pd.factorize(column, use_na_sentinel=False)[0]
    size, names = int(values.max()) + 1, len(group.cat.categories)
    if size > MOST_VALUES:
        return False
    cell = values * names + np.asarray(group.cat.codes)
    cells = np.bincount(cell, minlength=size * names).reshape(size, names)
    matched = cells.max(axis=1).sum() / len(column)
    largest = cells.sum(axis=0).max() / len(column)
    return bool(matched >= SAME and matched - largest >= 0.5 * (1 - largest))
