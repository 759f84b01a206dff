"""Logistic models whose log odds are a sum of terms, one or a few for each column.

What can a regression say of a value that is missing, extreme, or worst in the middle? A missing
value stands at the median and has a term of its own. Values beyond the 1st and 99th percentile of
the training rows count as these: one typing error moves no weight. A number may have a restricted
cubic spline with four knots, straight in both tails (Harrell, Regression Modeling Strategies, 2015,
section 2.4.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import onnx

from risk_model.core.schema import Features
from risk_model.model import Floats, Logits, Sample
from risk_model.model.graphs import additive

TAILS = (0.01, 0.99)  # beyond these quantiles a value counts as the quantile
KNOTS = (0.05, 0.35, 0.65, 0.95)  # quantiles, Harrell's for four knots
DISTINCT = 10  # a column with fewer values has no spline


@dataclass(frozen=True)
class Terms:
    """What becomes of features before they are weighed; all of it is fitted without the outcome.

    `median`, `low` and `high` are float32[d]. `missing` are the columns with a term for missing
    values, `curved` those with a spline, `knots` float64[curved, 4] where it bends.
    """

    median: Features
    low: Features
    high: Features
    missing: npt.NDArray[np.intp]
    curved: npt.NDArray[np.intp]
    knots: Floats

    @classmethod
    def fit(cls, features: Features) -> Terms:
        """Medians, ends and knots of float32[n, d] training rows."""
        absent, median = np.isnan(features), column_medians(features)
        # Where nothing was recorded everybody stands at the median.
        recorded = np.where(absent.all(axis=0), median, features)
        few = np.array([len(np.unique(c[~np.isnan(c)])) < DISTINCT for c in recorded.T], dtype=bool)
        low, high = np.nanmin(recorded, axis=0), np.nanmax(recorded, axis=0)
        tails = np.nanquantile(recorded, TAILS, axis=0).astype(np.float32)
        # What is rarer than the tails, such as a flag or a word of a note, keeps its values.
        low = np.where(few | (tails[0] >= median), low, tails[0])
        high = np.where(few | (tails[1] <= median), high, tails[1])
        knots = np.nanquantile(np.clip(recorded, low, high).astype(np.float64), KNOTS, axis=0).T
        curved = np.flatnonzero(~few & (np.diff(knots, axis=1) > 0).all(axis=1))
        missing = np.flatnonzero(absent.any(axis=0) & ~absent.all(axis=0))
        return cls(median, low, high, missing, curved, knots[curved])

    def straight(self) -> Terms:
        """The same without splines."""
        return Terms(
            self.median, self.low, self.high, self.missing, self.curved[:0], self.knots[:0]
        )

    def columns(self, features: Features) -> Floats:
        """The terms of each row, float64[n, terms]: values, missing marks, then the splines'."""
        absent = np.isnan(features)
        filled = np.clip(np.where(absent, self.median, features), self.low, self.high)
        values = filled.astype(np.float64)
        bends = np.maximum(values[:, self.curved, None] - self.knots, 0) ** 3
        splines = np.einsum("nmk,mkj->nmj", bends, self.restricted).reshape(len(values), -1)
        return np.hstack([values, absent[:, self.missing], splines])

    @property
    def restricted(self) -> Floats:
        """Weights of the cubes at the knots in each spline's two terms: float64[curved, 4, 2].

        They are such that squares and cubes cancel beyond the last knot.
        """
        first, before, last = self.knots[:, 0], self.knots[:, -2], self.knots[:, -1]
        weights = np.zeros((len(self.knots), len(KNOTS), len(KNOTS) - 2))
        for j in range(len(KNOTS) - 2):
            weights[:, j, j] = 1
            weights[:, -2, j] -= (last - self.knots[:, j]) / (last - before)
            weights[:, -1, j] += (before - self.knots[:, j]) / (last - before)
        return weights / ((last - first) ** 2)[:, None, None]


@dataclass(frozen=True)
class LinearModel:
    """A logistic model whose log odds are the weighted sum of `terms`, the scaling folded in.

    z = terms·weight + bias; `mean` and `scale` (float64[terms]) are those of the training rows.
    """

    terms: Terms
    mean: Floats
    scale: Floats
    weight: Floats
    bias: float
    name: ClassVar[str]

    @classmethod
    def fit_solver(cls, rows: Sample, solver: Any, terms: Terms | None = None) -> Self:
        """Fits scikit-learn's `solver` on these rows; without `terms` on straight lines.

        It sees the terms centred and divided by their standard deviation (over n) in these rows, 1
        where that is 0, and the rows' weights; `weight` and `bias` are for terms not scaled.
        """
        terms = terms or Terms.fit(rows.features).straight()
        columns = terms.columns(rows.features)
        mean, scale = columns.mean(axis=0), columns.std(axis=0)
        scale[scale == 0] = 1.0
        solver.fit((columns - mean) / scale, rows.labels, sample_weight=rows.weights)
        weight = solver.coef_[0] / scale
        return cls(terms, mean, scale, weight, float(solver.intercept_[0] - mean @ weight))

    def logit(self, features: Features) -> Logits:
        """See RiskModel."""
        return np.asarray(self.terms.columns(features) @ self.weight + self.bias)

    def graph(self) -> onnx.ModelProto:
        """See RiskModel."""
        terms, width = self.terms, len(self.terms.median)
        straight, missing, spline = np.split(self.weight, [width, width + len(terms.missing)])
        of_missing = np.zeros(width)
        of_missing[terms.missing] = missing
        bends = np.einsum("mkj,mj->mk", terms.restricted, spline.reshape(-1, len(KNOTS) - 2))
        return additive(
            (terms.median, terms.low, terms.high),
            (straight, of_missing, self.bias),
            (terms.curved, terms.knots, bends),
        )

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """See RiskModel."""
        fitted = ("median", "low", "high", "knots")
        statistics = {f"statistics.{name}": getattr(self.terms, name) for name in fitted}
        statistics |= {f"statistics.{name}": getattr(self, name) for name in ("mean", "scale")}
        return {**statistics, "weight": self.weight, "bias": np.array([self.bias])}


def column_medians(features: Features) -> Features:
    """Median of what was recorded in each column, 0 where nothing was: float32[d]; no warning."""
    recorded = ~np.isnan(features).all(axis=0)
    medians = np.zeros(features.shape[1], dtype=np.float32)
    medians[recorded] = np.nanmedian(features[:, recorded], axis=0)
    return medians
