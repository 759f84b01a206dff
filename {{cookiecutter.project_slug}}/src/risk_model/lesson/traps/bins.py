"""The expected calibration error, which depends on how its bins are chosen.

How well calibrated is this model?

It averages |mean outcome - mean risk| over bins of the risk, and nothing says how many bins or
where their edges are. Where most risks are near 0 or 1 the bins between hold a handful of patients
each, and their noise is taken for error. The figure is not even continuous in the risks: Blasiok
and Nakkiran, ICLR 2024. Shown on the Wisconsin breast cancer data that scikit-learn carries (569
biopsies, UCI 17), malignant as the event.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from risk_model.core.cohort import Outcome
from risk_model.core.estimate import Estimate
from risk_model.core.scores import auroc
from risk_model.evaluation import metrics
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
from risk_model.lesson.traps.models import Floats, logistic_regression

FORMATS = {"bins": "", "fewest rows": "d", "most rows": "d", "ECE": ".4f"}
CODE = Code(
    wrong='lesson/traps/bins.py#measure "error = "',
    right='lesson/traps/bins.py#demonstrate "slope = "',
    test="tests/evaluation/test_metric_table.py::test_what_is_compared_has_an_interval",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """One logistic regression, out of fold, measured with three binnings."""
    labels, risk = predictions()
    rows = measure(labels, risk)
    errors = [float(row["ECE"]) for row in rows]
    slope = metrics.calibration_slope(labels, risk)
    large = metrics.calibration_in_the_large(labels, risk)
    pairs = [Pair(str(row["bins"]), wrong=Estimate(float(row["ECE"]))) for row in rows]
    return Lesson(
        question="How well calibrated is this model?",
        data=f"{data}, malignant: {len(labels)} biopsies, {labels.mean():.1%} events; logistic "
        "regression, five folds, "
        f"AUROC {auroc(labels, risk):.3f}. The same risks in every line.",
        rows=rows,
        formats=FORMATS,
        chart=Chart("calibration error (ECE)", "the same risks", "", pairs),
        code=CODE,
        see=f"The error is {min(errors):.4f} or {max(errors):.4f}, {max(errors) / min(errors):.1f} "
        "times as much, and "
        "no patient's risk has changed.",
        do="Never compare two models, or two papers, by this figure unless the bins are the same, "
        "and let it decide "
        "nothing. What needs no bins comes first: calibration in the large "
        f"({large:+.2f} here), slope ({slope:.2f} here) and the smooth curve.",
        source="Blasiok and Nakkiran 2024, ICLR; Van Calster 2019, BMC Medicine 17:230.",
    )


def predictions() -> tuple[Outcome, Floats]:
    """Outcome (1 malignant) and out-of-fold risk of the 569 biopsies."""
    features, benign = load_breast_cancer(return_X_y=True)
    labels = (1 - benign).astype(np.int8)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    risk = cross_val_predict(
        logistic_regression(), features, labels, cv=folds, method="predict_proba"
    )[:, 1]
    return labels, risk


def measure(labels: Outcome, risk: Floats) -> list[Row]:
    """The error with three binnings, and how full their bins are.

    Ten and fifteen bins of equal width, and ten of equal count.
    """
    binnings = {
        "10 of equal width": metrics.equal_width_edges(10),
        "15 of equal width": metrics.equal_width_edges(15),
        "10 of equal count": metrics.equal_count_edges(risk, 10),
    }
    rows: list[Row] = []
    for name, edges in binnings.items():
        rows_of_bin = np.bincount(np.searchsorted(edges, risk), minlength=len(edges) + 1)
        error = metrics.expected_calibration_error(labels, risk, edges)
        rows.append(
            {
                "bins": name,
                "fewest rows": int(rows_of_bin.min()),
                "most rows": int(rows_of_bin.max()),
                "ECE": error,
            }
        )
    return rows
