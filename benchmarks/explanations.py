"""What does an explanation cost, and is it the shap library's? SUPPORT2, its three models, one
patient at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import numpy.typing as npt
import shap

from risk_model.config import Config, Support2
from risk_model.core.schema import Features
from risk_model.core.scorer import Scorer
from risk_model.data.drift_reference import reference
from risk_model.data.prepare import prepare
from risk_model.model.explain import Explainer, background
from risk_model.pipeline import fit
from risk_model.training.monitor import Monitor

PATIENTS, ROUNDS, TARGET = 8, 4, 20.0  # rounds of the library's walks; milliseconds

Values = npt.NDArray[np.float64]


def timed(work: Callable[[], Values]) -> tuple[float, Values]:
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
    for name, graph in fitted.graphs.items():
        _compare(name, Scorer(graph), rows, patients, schema.feature_field)


def _compare(
    name: str, scorer: Scorer, rows: Features, patients: Features, field: npt.NDArray[np.intp]
) -> None:
    explainer, theirs = (
        Explainer(lambda x: scorer(x)[1], rows, field, seed=0),
        library(scorer, rows, field),
    )
    explainer.explain(patients[0])
    pairs = [(timed(lambda: explainer.explain(p)[1]), timed(lambda: theirs(p))) for p in patients]  # noqa: B023
    own, other = (median(pair[i][0] for pair in pairs) for i in (0, 1))
    least = min(float(np.corrcoef(ours[1], expected[1])[0, 1]) for ours, expected in pairs)
    print(
        f"explanation, {name}: {own:.1f} ms (target under {TARGET:g}), {other / own:.1f}x as fast "
        "as the shap "
        f"library's {other:.0f} ms, least correlation with it {least:.4f} (target .99)"
    )


if __name__ == "__main__":
    main()
