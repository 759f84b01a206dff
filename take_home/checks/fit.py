"""Task 2, a logistic regression from its rows alone: against scikit-learn's own pipeline."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from take_home.checks.common import (
    Check,
    Floats,
    Inputs,
    Outputs,
    Request,
    close,
    first,
    member,
    no_value,
    parts,
    unless,
)
from take_home.score import Part

TOLERANCE = 1e-3  # of a logit
TAILS = (0.01, 0.99)  # what `Terms` does with numbers far out
MEDIANS = {"wide": (6, 4), "tall": (301, 3)}


def inputs(rng: np.random.Generator) -> Inputs:
    """Skewed columns with gaps; weights; a constant and an empty column; the terms of others."""
    plain = request(rng)
    weights = np.where(np.array(plain["labels"]) == 1, rng.uniform(4, 7), 1.0)
    others = _columns(rng, 300) * 3 - 1
    asked = {
        "plain": plain,
        "weighted": {**plain, "weights": weights.tolist()},
        "constant column": _with_constant(plain, float(rng.uniform(2, 5))),
        "given terms": {**plain, "terms_of": _listed(others)},
    }
    for name, shape in MEDIANS.items():
        features = np.where(rng.random(shape) < 0.3, np.nan, rng.normal(1, 2, shape))
        features[:, 1] = np.nan
        features[0, 0], features[-1, 2] = 1.0, -2.0
        asked[f"medians {name}"] = {"features": _listed(features)}
    return asked


def request(rng: np.random.Generator) -> Request:
    """Rows to learn from, C and rows to score; every column says something, gaps too."""
    n = int(rng.integers(350, 450))
    features = _columns(rng, n)
    filled = np.nan_to_num(features, nan=2.0)
    z = 0.1 * (filled[:, 0] - 50) + 0.6 * filled[:, 1] - 0.3 * filled[:, 2] - 0.5
    labels = rng.random(n) < 1 / (1 + np.exp(-z / 2))
    return {
        "features": _listed(features),
        "labels": labels.astype(int).tolist(),
        "weights": [1.0] * n,
        "c": float(rng.choice([0.01, 0.02, 0.05])),
        "asked": _listed(_columns(rng, 60) * 1.2),
    }


def _columns(rng: np.random.Generator, n: int) -> Floats:
    columns = np.stack(
        [rng.normal(50, 12, n), rng.lognormal(0.5, 0.8, n), rng.normal(0, 3, n)], axis=1
    )
    gaps = rng.random(columns.shape) < np.array([0.0, 0.3, 0.1])
    return np.where(gaps, np.nan, columns.astype(np.float32).astype(np.float64))


def _with_constant(plain: Request, value: float) -> Request:
    def wider(rows: Any) -> Any:
        return [[*row, value, None] for row in rows]

    return {**plain, "features": wider(plain["features"]), "asked": wider(plain["asked"])}


def _listed(features: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(x) else float(x) for x in row] for row in features]


def _array(rows: Any) -> Floats:
    return np.array(rows, dtype=np.float64)


def terms(learnt_from: Floats, rows: Floats) -> Floats:
    """Columns filled with the medians, cut at the tails, then a mark for what can be missing."""
    median = medians(learnt_from)
    recorded = np.where(np.isnan(learnt_from).all(axis=0), median, learnt_from)
    low, high = np.nanquantile(recorded.astype(np.float32), TAILS, axis=0)
    absent = np.isnan(learnt_from)
    marked = absent.any(axis=0) & ~absent.all(axis=0)
    filled = np.clip(np.where(np.isnan(rows), median, rows), low, high)
    return np.hstack([filled, np.isnan(rows)[:, marked]])


def medians(features: Floats) -> Floats:
    """Of what was recorded in each column, 0 where nothing was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nan_to_num(np.nanmedian(features, axis=0), nan=0.0)


def expected(asked: Request) -> dict[str, Floats]:
    """What the pipeline of scikit-learn finds."""
    rows = _array(asked["features"])
    source = _array(asked["terms_of"]) if "terms_of" in asked else rows
    scaler = StandardScaler()
    columns = scaler.fit_transform(terms(source, rows))
    solver = LogisticRegression(C=asked["c"], tol=1e-10, max_iter=20_000)
    solver.fit(columns, asked["labels"], sample_weight=asked["weights"])
    other = scaler.transform(terms(source, _array(asked["asked"])))
    return {
        "logit": solver.decision_function(other),
        "mean": scaler.mean_,
        "scale": scaler.scale_,
        "weight": solver.coef_[0] / scaler.scale_,
    }


def judge(asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
    """Points for the log odds, then for what is easily forgotten."""

    def right(case: str, name: str = "logit") -> bool:
        wanted = expected(asked[case])[name]
        return close(member(outputs[case].value, name), wanted, TOLERANCE)

    def check(name: str, points: float, case: str, mistake: str) -> Check:
        return Check(name, points, no_value(outputs, case) or unless(right(case), mistake))

    core = check(
        "the log odds of other rows",
        3,
        "plain",
        "They are not those of a regression on filled, scaled terms of these rows.",
    )
    reported = all(right("plain", name) for name in ("mean", "scale", "weight"))
    stated = "`mean`, `scale` or `weight` is not what the docstring says."
    return parts(
        core,
        [
            Check("what the model says of itself", 1, unless(reported, stated)),
            check("weights of rows", 1, "weighted", "With weighted rows the log odds are others."),
            check("terms that are given", 1, "given terms", "Terms that are given are not used."),
            check(
                "a constant and an empty column",
                1,
                "constant column",
                "With a column that is constant and one that is empty the log odds are others.",
            ),
            _medians(asked, outputs),
        ],
    )


def _medians(asked: Inputs, outputs: Outputs) -> Check:
    cases = [f"medians {name}" for name in MEDIANS]
    values = [outputs[case].value for case in cases]
    right = all(
        close(member(value, "medians"), medians(_array(asked[case]["features"])), 1e-5)
        for case, value in zip(cases, values, strict=True)
    )
    tidy = all((member(v, "type"), member(v, "warnings")) == ("float32", 0) for v in values)
    return Check(
        "medians of columns",
        1,
        first(
            no_value(outputs, *cases),
            unless(right, "A median is another number, or that of an empty column is not 0."),
            unless(tidy, "The medians are not float32, or a warning is given."),
        ),
    )
