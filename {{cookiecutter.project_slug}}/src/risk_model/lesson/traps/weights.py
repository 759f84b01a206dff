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
from risk_model.config.downloaded import Diabetes130
from risk_model.core import scores
from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.estimate import Estimate
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.evaluation import metrics
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
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
CODE = Code(
    wrong='lesson/traps/weights.py#compare "scale_pos_weight=weight"',
    right='evaluation/utility.py#operating_threshold "threshold = 1 /"',
    test="tests/training/test_calibration.py::"
    "test_after_pos_weight_or_focal_loss_the_raw_sigmoid_is_no_candidate",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """Both models on SUPPORT2 or Diabetes-130, out of fold, folds of patients."""
    cohort = load(config.Support2() if data == "support2" else Diabetes130(cache=cache))
    labels = cohort.labels
    rows = compare(cohort)
    return Lesson(
        question="Do class weights help with rare events?",
        data=f"{data}, {cohort.schema.outcome}: {len(labels):,} rows, {labels.mean():.1%} events, "
        f"w = {event_weight(cohort):.1f}; five folds of patients, every row scored by a model that "
        "never saw its patient.",
        rows=rows,
        formats=FORMATS,
        chart=chart(rows),
        code=CODE,
        see=see({(str(row["model"]), str(row["trained"])): row for row in rows}),
        do="Do not weight. Move the threshold to what a miss costs instead "
        "(data.decision.harm_ratio). Who must weight subtracts log w from the logit, and with "
        "trees fits the line again on patients held back for it; in this project a calibrator "
        "always follows training.loss=pos_weight.",
        source="van den Goorbergh 2022, JAMIA 29:1525; Elkan 2001, IJCAI; Carriero 2025, "
        "Statistics in Medicine.",
    )


def chart(rows: list[Row]) -> Chart:
    """The calibration error of both models, plain and weighted."""
    at = {(str(row["model"]), row["trained"]): Estimate(float(row["ECE"])) for row in rows}
    pairs = [Pair(name, at[name, WEIGHTED], at[name, PLAIN]) for name, how in at if how == PLAIN]
    return Chart("calibration error (ECE)", WEIGHTED, PLAIN, pairs)


def event_weight(cohort: Cohort) -> float:
    """Non-events per event: what makes both classes count the same."""
    events = int(cohort.labels.sum())
    return (len(cohort) - events) / events


def compare(cohort: Cohort) -> list[Row]:
    """The metrics of FORMATS for both models: plain, weighted, and with each of two remedies."""
    weight, labels = event_weight(cohort), cohort.labels
    fold = subject_folds(cohort.subjects, labels, seed=0)
    weighted_trees = boosted_trees(scale_pos_weight=weight)
    pairs: dict[str, tuple[Any, Any]] = {
        "logistic regression": (logistic_regression(), logistic_regression("balanced")),
        "XGBoost": (boosted_trees(), weighted_trees),
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


def see(at: dict[tuple[str, str], Row]) -> str:
    """What the rows show, in words."""
    plain, weighted = (at["XGBoost", how] for how in (PLAIN, WEIGHTED))
    name = f"benefit at {THRESHOLDS[-1]:.0%}"
    nobody = ", less than flagging nobody" if float(weighted[name]) < 0 else ""
    off = {model: float(row["in the large"]) for (model, how), row in at.items() if how == SHIFTED}
    odds = " and ".join(f"{np.expm1(abs(a)):.0%} ({model})" for model, a in off.items())
    return (
        f"XGBoost plain and weighted: AUROC {plain['AUROC']:.3f} and {weighted['AUROC']:.3f}; "
        f"calibration error {plain['ECE']:.3f} and {weighted['ECE']:.3f}; net benefit at "
        f"{THRESHOLDS[-1]:.0%} {plain[name]:.4f} and {weighted[name]:.4f}{nobody}. Minus log w the "
        f"odds stay off by {odds} on average, until the line is refitted."
    )
