"""What does an explanation cost, and is it the shap library's?

SUPPORT2, its three models, one patient at a time. Exit status 1 where an explanation does not add
up to the logit, or is not the library's; times are only told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import shap

from risk_model.config import Config, Support2
from risk_model.core.schema import Features
from risk_model.core.scorer import Scorer
from risk_model.data.drift_reference import reference
from risk_model.data.prepare import prepare
from risk_model.model.exact_shapley import exact_values
from risk_model.model.explain import Explainer, background
from risk_model.pipeline import fit
from risk_model.training.monitor import Monitor

PATIENTS, ROUNDS = 8, 4  # rounds of the library's walks
TARGETS = {"logistic_regression": 1.0, "xgboost": 5.0, "network": 10.0}  # milliseconds
LEAST, ADDITIVE = 0.995, 1e-9  # correlation with the library, what is left of the logit

Values = npt.NDArray[np.float64]
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds and result."""
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1e3, result


def library(
    scorer: Scorer, rows: Features, field: npt.NDArray[np.intp]
) -> Callable[[Features], Values]:
    """The shap library's permutation explainer over columns, its values summed per field."""
    masker = shap.maskers.Independent(rows, max_samples=len(rows))
    explainer = shap.PermutationExplainer(lambda x: scorer(x.astype(np.float32))[1], masker, seed=0)
    walks = ROUNDS * 2 * len(field) + 1

    def values(row: Features) -> Values:
        found = np.asarray(explainer(row[None], max_evals=walks, silent=True).values[0])
        return np.asarray(np.bincount(field, weights=found), dtype=np.float64)

    return values


def main() -> None:
    """Prints per model the median milliseconds, the ratio to the library, and the least correlation
    with it.
    """
    settings = Config(data=Support2())
    prepared = prepare(settings)
    fitted = fit(settings, prepared.cohort, prepared.splits, Monitor())
    schema = prepared.cohort.schema.served()
    rows = background(reference(prepared.cohort, prepared.splits.train), schema, n=100, seed=0)
    patients = prepared.cohort.take(prepared.splits.test[:PATIENTS]).encoded()
    sound = [
        _compare(name, graph, rows, patients, schema.feature_field)
        for name, graph in fitted.graphs.items()
    ]
    raise SystemExit(not all(sound))


def _compare(
    name: str, graph: bytes, rows: Features, patients: Features, field: npt.NDArray[np.intp]
) -> bool:
    scorer = Scorer(graph)
    inputs = (lambda x: scorer(x)[1]), rows, field
    explainer = Explainer(*inputs, seed=0, exact=exact_values(graph, *inputs))
    theirs = library(scorer, rows, field)
    explainer.explain(patients[0])
    own = [timed(lambda: explainer.explain(p)) for p in patients]  # noqa: B023
    other = [timed(lambda: theirs(p)) for p in patients]  # noqa: B023
    took, took_theirs = (median(seconds for seconds, _ in part) for part in (own, other))
    parts = [values for _, (_, values) in own]
    least = min(
        float(np.corrcoef(values, expected)[0, 1])
        for values, (_, expected) in zip(parts, other, strict=True)
    )
    logits = [float(scorer(p[None])[1][0]) for p in patients]
    left = max(
        abs(base + values.sum() - logit)
        for (_, (base, values)), logit in zip(own, logits, strict=True)
    )
    print(
        f"explanation, {name}: {took:.2f} ms (target under {TARGETS[name]:g}), "
        f"{took_theirs / took:.1f}x as fast as the shap library's {took_theirs:.0f} ms, least "
        f"correlation with it {least:.4f} (target {LEAST}), adds up to {left:.0e}"
    )
    return least >= LEAST and left <= ADDITIVE


if __name__ == "__main__":
    main()
