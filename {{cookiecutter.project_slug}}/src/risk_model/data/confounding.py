"""Would who the patients are, or where they were seen, do as well as the model? Age and sex alone,
and the site alone.

A network that reads a scanner's marks or a ward's habits can look good by telling hospitals apart
(Zech et al., PLoS Med 2018;15:e1002683). So two logistic regressions, one that knows age and sex
and one that knows the site, predict each subject from the other subjects' folds. What they reach is
shown beside the models; it is no judgement on age and sex, which may well be what the risk depends
on.

The site raises a warning when the lower bound of its AUROC is above WARNED = .6: two hospitals of
one size in which 40 and 60 % have the outcome, odds that differ by 2.25. Below, sites differ as
sites do: two hospitals of UCI Heart Disease (36 and 46 %) reach .55. Above, a model gains more from
telling sites apart than from many honest measurements. The lower bound, not the estimate, is asked,
so that few patients in many sites accuse nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.findings import Finding
from risk_model.data.strata import ABSENT

Numbers = npt.NDArray[np.float64]
Subjects = npt.NDArray[np.object_]

QUESTION = "Would who or where alone do as well?"
TABLE = "age and sex alone, site alone"
WARNED = 0.6
FEWEST = 20  # subjects with the event, and without: on fewer the interval means little
ROWS = 50_000
FOLDS = 5


@dataclass(frozen=True)
class Alone:
    """How well the outcome is told by something that is no finding in the patient: AUROC with its
    95 % interval.
    """

    known: str
    rows: int
    events: int
    auroc: float
    low: float
    high: float

    def row(self) -> dict[str, Any]:
        """As a row of the report's table."""
        area = {"estimate": self.auroc, "low": self.low, "high": self.high}
        return {"known alone": self.known, "rows": self.rows, "events": self.events, "AUROC": area}

    def sentence(self) -> str:
        """The figure in words."""
        return f"{self.known[:1].upper()}{self.known[1:]} alone: AUROC {self._figure()}."

    def findings(self) -> list[Finding]:
        """A warning when the site tells the outcome."""
        if self.known != "site" or self.low <= WARNED:
            return []
        message = (
            f"knowing nothing else, AUROC {self._figure()}: a model may learn where instead of what"
        )
        remedy = (
            "read the results within each site, hold out whole sites, keep from the model "
            "what gives the site away"
        )
        return [Finding("warning", "site predicts the outcome", "site", message, remedy)]

    def _figure(self) -> str:
        return f"{self.auroc:.2f} ({self.low:.2f} to {self.high:.2f})"


def alone(cohort: Cohort) -> list[Alone]:
    """Age and sex, then the site, each as far as it was recorded; pass rows whose outcome may be
    looked at.

    Empty when too few subjects have the event, or have it not.
    """
    if len(cohort) > ROWS:
        cohort = cohort.take(np.sort(np.random.default_rng(0).permutation(len(cohort))[:ROWS]))
    if min(len(set(cohort.subjects[cohort.labels == c])) for c in (0, 1)) < FEWEST:
        return []
    found = []
    for names in (("age", "sex"), ("site",)):
        recorded = [
            name
            for name in names
            if cohort.recorded(name) and cohort.index[name].nunique(dropna=False) > 1
        ]
        if recorded:
            features = np.hstack([_numbers(cohort.index[name], name) for name in recorded])
            area, error = cross_fitted_auroc(features, cohort.labels, cohort.subjects)
            bounds = max(area - 1.96 * error, 0.0), min(area + 1.96 * error, 1.0)
            found.append(
                Alone(" and ".join(recorded), len(cohort), int(cohort.labels.sum()), area, *bounds)
            )
    return found


def _numbers(column: pd.Series[Any], name: str) -> Numbers:
    """Age in decades, straight and squared, with a flag where it is missing; for the rest a column
    a value.
    """
    if name == "age":
        years = column.to_numpy(dtype=np.float64, na_value=np.nan)
        decades = (np.where(np.isnan(years), np.nanmedian(years), years) - np.nanmedian(years)) / 10
        return np.stack([decades, decades**2, np.isnan(years)], axis=1).astype(np.float64)
    values = column.astype("string").fillna(ABSENT)
    return pd.get_dummies(values).to_numpy(dtype=np.float64)


def cross_fitted_auroc(
    features: Numbers, labels: Outcome, subjects: Subjects
) -> tuple[float, float]:
    """AUROC of a logistic regression on subjects that it has not seen, and its standard error.

    Only rows of one fold are compared: each fold's model has its own level, which says nothing
    about a patient. The mean of the folds counts each by its pairs. The error is that of who is
    judged; near .5, where each fold's model is another accident, it is too small by a third.
    """
    from sklearn.linear_model import LogisticRegression

    fold = pd.util.hash_array(subjects) % np.uint64(FOLDS)
    areas, errors, pairs = np.full(FOLDS, 0.5), np.zeros(FOLDS), np.zeros(FOLDS)
    for k in range(FOLDS):
        here, others = fold == k, fold != k
        pairs[k] = labels[here].sum() * (1 - labels[here]).sum()
        if pairs[k] and len(np.unique(labels[others])) == 2:
            model = LogisticRegression(max_iter=500).fit(features[others], labels[others])
            risk = model.predict_proba(features[here])[:, 1]
            areas[k], errors[k] = clustered_auroc(labels[here], risk, subjects[here])
    weight = pairs / pairs.sum()
    return float(weight @ areas), float(np.sqrt(weight**2 @ errors**2))


def clustered_auroc(labels: Outcome, risk: Numbers, subjects: Subjects) -> tuple[float, float]:
    """AUROC of n risks and its standard error, a subject's rows counting as one observation.

    DeLong's structural components (DeLong et al. 1988), summed by subject (Obuchowski, Biometrics
    1997;53:567-78).
    """
    event = labels == 1
    m, n = int(event.sum()), int((~event).sum())
    whole = rankdata(risk)
    component = np.empty(
        len(risk)
    )  # for each row, the share of rows of the other class that it is right against
    component[event] = (whole[event] - rankdata(risk[event])) / n
    component[~event] = 1 - (whole[~event] - rankdata(risk[~event])) / m
    area = float(component[event].mean())
    _, who = np.unique(subjects.astype(str), return_inverse=True)
    sums = np.bincount(who, weights=(component - area) / np.where(event, m, n))
    return area, float(np.sqrt(len(sums) / max(len(sums) - 1, 1) * np.sum(sums**2)))
