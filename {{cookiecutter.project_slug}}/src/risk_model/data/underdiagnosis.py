"""Is the outcome missed more often in one group of patients? Events recorded against events its inputs explain.

A logistic regression that cannot see the group predicts everybody from the others' folds. Where a group's outcome is
recorded much less often than that, either its risk is truly lower for the same inputs, or its events go unrecorded: no
model can tell which, so a person has to. Obermeyer et al., Science 2019;366:447-53, on labels that carry such a bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from risk_model.cohort import Cohort
from risk_model.data.shift import holm
from risk_model.data.strata import ABSENT, strata
from risk_model.findings import Finding

Numbers = npt.NDArray[np.float64]

GROUPS = ("sex", "ethnicity")  # not age: that risk changes with age is no sign of a missed event
ALPHA = 0.005
RATIO = 0.8  # recorded against expected, relative to the others
EXPECTED = 20.0  # events, the fewest a group is judged on
ROWS = 50_000
FOLDS = 5


@dataclass(frozen=True)
class Recorded:
    """Events recorded and expected in one group; `ratio` is theirs against that of all others."""

    stratum: str
    group: str
    events: int
    expected: float
    ratio: float
    p: float  # one-sided, Holm-adjusted, subjects as clusters

    def finding(self) -> list[Finding]:
        """A warning when the outcome is recorded too rarely."""
        if self.ratio > RATIO or self.p >= ALPHA:
            return []
        message = (
            f"outcome recorded {self.ratio:.2f} times as often as in the others with the same inputs "
            f"({self.events:,} events, {self.expected:,.0f} expected)"
        )
        remedy = "ask how the outcome comes to be recorded in this group before a model learns it"
        return [Finding("warning", "under-diagnosis", f"{self.stratum}: {self.group}", message, remedy)]


def recorded(cohort: Cohort) -> list[Recorded]:
    """What was recorded and expected in each group of GROUPS; pass development rows only, without the test split."""
    if len(cohort) > ROWS:
        cohort = cohort.take(np.sort(np.random.default_rng(0).permutation(len(cohort))[:ROWS]))
    groups = strata(cohort)
    found: list[Recorded] = []
    for stratum in [name for name in GROUPS if name in groups]:
        risk = _blind_risk(cohort, groups[stratum])
        names = [str(g) for g in groups[stratum].cat.categories if g != ABSENT]
        found += [_compare(cohort, stratum, g, (groups[stratum] == g).to_numpy(), risk) for g in names]
    judged = [r for r in found if r.expected >= EXPECTED]
    adjusted = holm(np.array([r.p for r in judged]))
    return [Recorded(**{**vars(r), "p": float(p)}) for r, p in zip(judged, adjusted, strict=True)]


def _compare(cohort: Cohort, stratum: str, group: str, member: npt.NDArray[np.bool_], risk: Numbers) -> Recorded:
    """Ratio of observed to expected events, against the others'; its log has a sandwich variance over subjects."""
    ratio, variance = [], 0.0
    for rows in (member, ~member):
        events, expected = float(cohort.labels[rows].sum()), float(risk[rows].sum())
        residual = pd.Series(cohort.labels[rows] - risk[rows]).groupby(cohort.subjects[rows]).sum()
        ratio.append(max(events, 0.5) / max(expected, 1e-9))
        variance += float((residual**2).sum()) / max(expected, 1e-9) ** 2
    effect = np.log(ratio[0] / ratio[1])
    p = float(norm.cdf(effect / np.sqrt(max(variance, 1e-12))))
    return Recorded(
        stratum, group, int(cohort.labels[member].sum()), float(risk[member].sum()), float(np.exp(effect)), p
    )


def _blind_risk(cohort: Cohort, group: pd.Series[Any]) -> Numbers:
    """Out-of-fold risk of each row, from inputs that do not give the group away: float64[n]."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    features = _blind_features(cohort, group)
    fold = pd.util.hash_array(cohort.subjects) % np.uint64(FOLDS)
    risk = np.empty(len(cohort))
    for k in range(FOLDS):
        scaler = StandardScaler().fit(features[fold != k])
        model = LogisticRegression(C=1.0, max_iter=200).fit(
            scaler.transform(features[fold != k]), cohort.labels[fold != k]
        )
        risk[fold == k] = model.predict_proba(scaler.transform(features[fold == k]))[:, 1]
    return risk


def _blind_features(cohort: Cohort, group: pd.Series[Any]) -> Numbers:
    """The encoded inputs, but for fields that are the group under another name; missing values at the median."""
    inputs = cohort.schema.inputs
    seen = [not _same(cohort.inputs[f.name], group) for f in inputs]
    features = cohort.encoded()[:, np.array(seen)[cohort.schema.feature_field]].astype(np.float64)
    absent = np.isnan(features)
    middle = np.nan_to_num(np.nanmedian(np.where(absent.all(axis=0), 0.0, features), axis=0))
    varied = absent[:, absent.any(axis=0) & ~absent.all(axis=0)]
    return np.hstack([np.where(absent, middle, features), varied.astype(np.float64)])


def _same(column: pd.Series[Any], group: pd.Series[Any]) -> bool:
    """Whether the column tells the group of 95 % of the rows, although no group holds as many."""
    table = pd.crosstab(column.fillna("missing").to_numpy(), group.to_numpy()) if column.nunique() <= 50 else None
    if table is None:
        return False
    told, largest = table.max(axis=1).sum() / len(column), table.sum().max() / len(column)
    return bool(told >= 0.95 and (told - largest) >= 0.5 * (1 - largest))
