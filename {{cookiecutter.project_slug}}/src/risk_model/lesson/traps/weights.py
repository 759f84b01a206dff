"""Class weights, which break every risk, and the line that mends them.

Do class weights help with rare events? They leave the ranking as it is.

An event that counts w times in training looks w times as common: the model learns logit + log w
(Elkan, IJCAI 2001). Subtracting log w gives the risk back: for logistic regression all but exactly,
for trees approximately, because there the weight also changes which splits are made; then fit the
line again on patients held back for it. That imbalance corrections do not raise the AUROC was shown
by van den Goorbergh et al., JAMIA 2022;29:1525; that recalibration cannot always mend what they do
to flexible models, by Carriero et al., Statistics in Medicine 2025 (arXiv 2404.19494).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from risk_model import config
from risk_model.core import scores
from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.evaluation import metrics
from risk_model.lesson.traps.lesson import Lesson, Row
from risk_model.lesson.traps.models import (
    Floats,
    Folds,
    boosted_trees,
    logistic_regression,
    out_of_fold,
)
from risk_model.training.calibration import cross_fitted, platt, prior_correction

THRESHOLDS = (0.1, 0.2)
FORMATS = {
    "model": "",
    "trained": "",
    "AUROC": ".3f",
    "Brier": ".4f",
    "ECE": ".3f",
    "in the large": "+z.2f",
    **{f"benefit at {threshold:.0%}": ".4f" for threshold in THRESHOLDS},
}
PLAIN, WEIGHTED = "plain", "weighted"
SHIFTED, REFITTED = "weighted, minus log w", "weighted, line refitted"


def demonstrate(data: str, cache: str) -> Lesson:
    """Both models on SUPPORT2 or Diabetes-130, out of fold, folds of patients."""
    cohort = load(config.Support2() if data == "support2" else config.Diabetes130(cache=cache))
    labels = cohort.labels
    rows = compare(cohort)
    return Lesson(
        question="Do class weights help with rare events?",
        data=f"{data}, {cohort.schema.outcome}: {len(labels):,} rows, {labels.mean():.1%} events, "
        "w = "
        f"{event_weight(cohort):.1f}; five folds of patients, every row scored by a model that "
        "never saw its patient.",
        rows=rows,
        formats=FORMATS,
        see=_see({(str(row["model"]), str(row["trained"])): row for row in rows}),
        do="Do not weight. Move the threshold to what a miss costs instead "
        "(data.decision.harm_ratio). Who must weight "
        "subtracts log w from the logit, and with trees fits the line again on patients held back "
        "for it; in this "
        "project a calibrator always follows training.loss=pos_weight.",
        source="van den Goorbergh 2022, JAMIA 29:1525; Elkan 2001, IJCAI; Carriero 2025, "
        "Statistics in Medicine.",
    )


def event_weight(cohort: Cohort) -> float:
    """Non-events per event: what makes both classes count the same."""
    events = int(cohort.labels.sum())
    return (len(cohort) - events) / events


def compare(cohort: Cohort) -> list[Row]:
    """The metrics of FORMATS for both models: plain, weighted, and with each of two remedies."""
    weight, labels = event_weight(cohort), cohort.labels
    fold = subject_folds(cohort.subjects, labels, seed=0)
    pairs: dict[str, tuple[Any, Any]] = {
        "logistic regression": (logistic_regression(), logistic_regression("balanced")),
        "XGBoost": (boosted_trees(), boosted_trees(scale_pos_weight=weight)),
    }
    rows = []
    for name, models in pairs.items():
        plain, weighted = (out_of_fold(model, cohort.encoded(), labels, fold) for model in models)
        logit = scores.logit(weighted)
        risks = {
            PLAIN: plain,
            WEIGHTED: weighted,
            # the one line: sigmoid(logit - log w)
            SHIFTED: prior_correction(weight, logit, labels)(logit),
            REFITTED: refitted(logit, labels, fold),
        }
        rows += [
            {"model": name, "trained": how, **score_risks(labels, risk)}
            for how, risk in risks.items()
        ]
    return rows


def refitted(logit: Floats, labels: Outcome, fold: Folds) -> Floats:
    """Risks by a line through the logits [n], fitted on the rows of the other folds."""
    return cross_fitted(lambda rows: platt(logit[rows], labels[rows]), logit, fold)


def score_risks(labels: Outcome, risk: Floats) -> Row:
    """Discrimination, calibration and net benefit of risks [n]."""
    return {
        "AUROC": scores.auroc(labels, risk),
        "Brier": metrics.brier(labels, risk),
        "ECE": metrics.expected_calibration_error(labels, risk, metrics.equal_width_edges()),
        "in the large": metrics.calibration_in_the_large(labels, risk),
        **{f"benefit at {t:.0%}": metrics.net_benefit(labels, risk, t) for t in THRESHOLDS},
    }


def _see(at: dict[tuple[str, str], Row]) -> str:
    plain, weighted, shifted = (at["XGBoost", how] for how in (PLAIN, WEIGHTED, SHIFTED))
    name = f"benefit at {THRESHOLDS[-1]:.0%}"
    benefit = float(weighted[name])
    comparison = (
        "less than flagging nobody"
        if benefit < 0
        else f"where the plain model's is {plain[name]:.4f}"
    )
    return (
        f"The AUROC of XGBoost hardly moves ({plain['AUROC']:.3f} and {weighted['AUROC']:.3f}), "
        "yet weighted it is off "
        f"by {weighted['ECE']:.2f} on average, and its net benefit at {THRESHOLDS[-1]:.0%} is "
        f"{benefit:.4f}, {comparison}. "
        "Minus log w, logistic regression is as good as never weighted; the trees nearly so: "
        "their odds stay off by "
        f"{np.expm1(abs(float(shifted['in the large']))):.0%} on average until the line is "
        "refitted."
    )
