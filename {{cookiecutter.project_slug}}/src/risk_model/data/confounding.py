"""Confounding by who and where: what age and sex alone, the site and the device alone, predict.

A network that reads a scanner's marks or a ward's habits can look good by telling hospitals apart
(Zech et al., PLoS Med 2018;15:e1002683). So logistic regressions, one on age and sex, one on the
site, and one on the imaging device that DICOM names, predict each subject from the other subjects'
folds. What they reach is shown beside the models; it is no judgement on age and sex, on which the
risk may well depend.

The site, or the device, raises a warning when the lower bound of its AUROC is above WARNED = .6:
two hospitals of one size in which 40 and 60 % have the outcome, odds that differ by 2.25. Below,
sites differ as sites do: two hospitals of UCI Heart Disease (36 and 46 %) reach .55. Above, a model
gains more from telling sites apart than from many honest measurements. The lower bound, not the
estimate, counts, so that few patients in many sites accuse nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import Cohort, Outcome, Splits
from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.scores import Floats, placements
from risk_model.core.table import Row
from risk_model.data.quality_answer import SIMPLE_MODELS, Answer
from risk_model.data.strata import ABSENT

Subjects = npt.NDArray[np.object_]

PREDICTORS = (("age", "sex"), ("site",), ("device",))
# what a model may learn instead, and what to do about it
SHORTCUTS = {
    "site": (
        "where instead of what",
        "read the results within each site, hold out whole sites, keep from the model what gives "
        "the site away",
    ),
    "device": (
        "the device instead of the finding",
        "read the results within each device, and judge on images of a device it did not learn "
        "from",
    ),
}
WARNED = 0.6
FEWEST = 20  # subjects with the event, and without: on fewer the interval means little
MOST_ROWS = 50_000
FOLDS = 5


@dataclass(frozen=True)
class SimpleModel:
    """AUROC, with its 95 % interval, of a model whose predictors are no finding in the patient."""

    predictors: str
    rows: int
    events: int
    auroc: float
    low: float
    high: float

    def row(self) -> Row:
        """As a row of the report's table."""
        area = Estimate(self.auroc, self.low, self.high)
        return {
            "predictors": self.predictors,
            "rows": self.rows,
            "events": self.events,
            "AUROC": area,
        }

    def sentence(self) -> str:
        """Its AUROC in words."""
        return f"{self.predictors[:1].upper()}{self.predictors[1:]} alone: AUROC {self._auroc()}."

    def findings(self) -> list[Finding]:
        """A warning when the site, or the device, predicts the outcome."""
        if self.predictors not in SHORTCUTS or self.low <= WARNED:
            return []
        instead, remedy = SHORTCUTS[self.predictors]
        message = f"knowing nothing else, AUROC {self._auroc()}: a model may learn {instead}"
        kind = f"{self.predictors} predicts the outcome"
        return [Finding("warning", kind, self.predictors, message, remedy)]

    def _auroc(self) -> str:
        return f"{self.auroc:.2f} ({self.low:.2f} to {self.high:.2f})"


def answers(cohort: Cohort, splits: Splits) -> list[Answer]:
    """How well who the patients are, or where they were seen, predicts the outcome by itself."""
    models = simple_models(cohort.take(splits.learning))
    nobody = "Not assessable: neither age nor sex nor site was recorded, or too few events."
    sentences = [model.sentence() for model in models] or [nobody]
    findings = [finding for model in models for finding in model.findings()]
    table = {SIMPLE_MODELS: [model.row() for model in models]}
    return [Answer("Would who or where alone do as well?", sentences, table, findings)]


def simple_models(cohort: Cohort) -> list[SimpleModel]:
    """Age and sex, the site, the device, as far as recorded.

    Pass rows whose outcome may be looked at.

    Empty when too few subjects have the event, or have it not.
    """
    cohort = cohort.sample(MOST_ROWS)
    if min(len(set(cohort.subjects[cohort.labels == c])) for c in (0, 1)) < FEWEST:
        return []
    return [_fitted(cohort, names) for names in _recorded(cohort)]


def _recorded(cohort: Cohort) -> Iterator[list[str]]:
    """Those of PREDICTORS that were recorded and vary."""
    for names in PREDICTORS:
        recorded = [name for name in names if cohort.recorded(name)]
        if varied := [n for n in recorded if cohort.index[n].nunique(dropna=False) > 1]:
            yield varied


def _fitted(cohort: Cohort, names: list[str]) -> SimpleModel:
    features = np.hstack([_numbers(cohort.index[name], name) for name in names])
    area, error = cross_fitted_auroc(features, cohort.labels, cohort.subjects)
    low, high = max(area - 1.96 * error, 0.0), min(area + 1.96 * error, 1.0)
    events = int(cohort.labels.sum())
    return SimpleModel(" and ".join(names), len(cohort), events, area, low, high)


def _numbers(column: pd.Series[Any], name: str) -> Floats:
    """Age in decades and its square, with a flag where it is missing; else a column a value."""
    if name == "age":
        years = column.to_numpy(dtype=np.float64, na_value=np.nan)
        decades = (np.where(np.isnan(years), np.nanmedian(years), years) - np.nanmedian(years)) / 10
        return np.stack([decades, decades**2, np.isnan(years)], axis=1).astype(np.float64)
    values = column.astype("string").fillna(ABSENT)
    return pd.get_dummies(values).to_numpy(dtype=np.float64)


def cross_fitted_auroc(
    features: Floats, labels: Outcome, subjects: Subjects
) -> tuple[float, float]:
    """AUROC of a logistic regression on the subjects of other folds, and its standard error.

    Only rows of one fold are compared: each fold's model has its own level, which says nothing
    about a patient. The mean of the folds counts each by its pairs. The error is that of the
    patients tested; near .5, where each fold's model is another accident, it is too small by a
    third.
    """
    from sklearn.linear_model import LogisticRegression

    fold = pd.util.hash_array(subjects) % np.uint64(FOLDS)
    areas, errors, pairs = np.full(FOLDS, 0.5), np.zeros(FOLDS), np.zeros(FOLDS)
    for k in range(FOLDS):
        in_fold, others = fold == k, fold != k
        pairs[k] = labels[in_fold].sum() * (1 - labels[in_fold]).sum()
        if pairs[k] and len(np.unique(labels[others])) == 2:
            model = LogisticRegression(max_iter=500).fit(features[others], labels[others])
            risk = model.predict_proba(features[in_fold])[:, 1]
            areas[k], errors[k] = clustered_auroc(labels[in_fold], risk, subjects[in_fold])
    weight = pairs / pairs.sum()
    return float(weight @ areas), float(np.sqrt(weight**2 @ errors**2))


def clustered_auroc(labels: Outcome, risk: Floats, subjects: Subjects) -> tuple[float, float]:
    """AUROC of n risks and its standard error, a subject's rows counting as one observation.

    DeLong's structural components (DeLong et al. 1988), summed by subject (Obuchowski, Biometrics
    1997;53:567-78).
    """
    event, placement = labels == 1, placements(labels, risk)
    area = float(placement[event].mean())
    of_class = np.where(event, event.sum(), (~event).sum())
    _, subject = np.unique(subjects.astype(str), return_inverse=True)
    sums = np.bincount(subject, weights=(placement - area) / of_class)
    return area, float(np.sqrt(len(sums) / max(len(sums) - 1, 1) * np.sum(sums**2)))
