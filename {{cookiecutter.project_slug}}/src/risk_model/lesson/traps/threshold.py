"""A threshold chosen on the test rows: it fits their luck.

May the best threshold be looked for among the patients that it is then judged on?

Among hundreds of thresholds the best one on these rows is best partly by chance, and what is
reported for it is too high; elsewhere it is not reached. A threshold is a part of the model: it is
chosen before the test rows are opened, best from what a missed patient costs, which needs no rows
at all (Leeflang et al., Clin Chem 2008;54:729: in small studies the bias is large).
"""

from __future__ import annotations

import numpy as np

from risk_model import config
from risk_model.core.cohort import Cohort, Outcome, Rows
from risk_model.core.decision import Decision
from risk_model.core.scores import Floats
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.evaluation.utility import operating_threshold
from risk_model.lesson.traps.damage import OPTIMISM, damage, damage_formats, pair, told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Row
from risk_model.lesson.traps.models import logistic_regression, out_of_fold

DRAWS, TESTED = 400, 300
HARM_RATIO = 3.0  # a missed patient is as bad as three false alerts
TEST, OTHERS, STATED = "on the test rows", "on other rows", "from the harm ratio"
FORMATS = {"threshold chosen": "", **damage_formats(names=OPTIMISM)}
CODE = Code(
    wrong='lesson/traps/threshold.py#thresholds "risk[test]"',
    right='evaluation/utility.py#operating_threshold "threshold = 1 /"',
    test="tests/test_pipeline.py::"
    "test_changing_test_outcomes_changes_no_champion_threshold_or_calibrator",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """Youden's index of three thresholds on the test rows and on everybody else."""
    cohort = load(config.Support2())
    rows = compare(cohort, range(DRAWS))
    return Lesson(
        question="May the best threshold be looked for among the patients it is judged on?",
        data=f"{data}, {cohort.schema.outcome}: {len(cohort):,} patients, {TESTED} of them tested, "
        f"{TESTED} others; out-of-fold risks of logistic regression; Youden's index (sensitivity "
        f"+ specificity - 1), means over {DRAWS} draws, 95 % intervals by t.",
        rows=rows,
        formats=FORMATS,
        chart=Chart(
            "Youden's index",
            "on the test rows",
            "elsewhere",
            [pair(f"chosen {row['threshold chosen']}", row) for row in rows],
        ),
        code=CODE,
        see=see(rows),
        do="State what a missed patient costs in false alerts (data.decision.harm_ratio); the "
        "threshold follows. Who must look for one does it on rows that neither teach nor test.",
        source="Leeflang 2008, Clin Chem 54:729; Pauker and Kassirer 1975, NEJM 293:229.",
    )


def compare(cohort: Cohort, draws: range) -> list[Row]:
    """Youden's index of each threshold, on the test rows and on those it never met, over draws."""
    labels = cohort.labels
    fold = subject_folds(cohort.subjects, labels, seed=0)
    risk = out_of_fold(logistic_regression(), cohort.encoded(), labels, fold)
    found: dict[str, list[list[float]]] = {TEST: [], OTHERS: [], STATED: []}
    for draw in draws:
        test, others, elsewhere = parts(len(labels), draw)
        for chosen, cut in thresholds(labels, risk, test, others).items():
            where = (youden(labels[rows], risk[rows], cut) for rows in (test, elsewhere))
            found[chosen].append(list(where))
    return [
        {"threshold chosen": chosen, **damage(pairs, OPTIMISM)} for chosen, pairs in found.items()
    ]


def parts(rows: int, seed: int) -> tuple[Rows, Rows, Rows]:
    """Test rows, as many others, and all that is left, drawn at random."""
    order = np.random.default_rng(seed).permutation(rows)
    return order[:TESTED], order[TESTED : 2 * TESTED], order[2 * TESTED :]


def thresholds(labels: Outcome, risk: Floats, test: Rows, others: Rows) -> dict[str, float]:
    """The threshold by each way of choosing it."""
    decision = Decision(harm_ratio=HARM_RATIO, reason="to show it")
    return {
        TEST: best_threshold(labels[test], risk[test]),
        OTHERS: best_threshold(labels[others], risk[others]),
        STATED: operating_threshold(decision, float(labels[others].mean()))[0],
    }


def best_threshold(labels: Outcome, risk: Floats) -> float:
    """The risk at which Youden's index of these rows is highest (Youden, Cancer 1950;3:32)."""
    order = np.argsort(-risk)
    caught = np.cumsum(labels[order]) / labels.sum()
    alarmed = np.cumsum(1 - labels[order]) / (1 - labels).sum()
    return float(risk[order][np.argmax(caught - alarmed)])


def youden(labels: Outcome, risk: Floats, threshold: float) -> float:
    """Sensitivity + specificity - 1."""
    flagged = risk >= threshold
    return float(flagged[labels == 1].mean() - flagged[labels == 0].mean())


def see(rows: list[Row]) -> str:
    """What the rows show, in words."""
    at = {str(row["threshold chosen"]): row for row in rows}
    too_good = {chosen: told(row, OPTIMISM[2]) for chosen, row in at.items()}
    return (
        f"Chosen on the {TESTED} test rows, the threshold reports an index of "
        f"{at[TEST]['reported']:.3f} and has {at[TEST]['elsewhere']:.3f} elsewhere: "
        f"{too_good[TEST]}. Chosen on {TESTED} other rows: {too_good[OTHERS]}. From a harm ratio "
        f"of {HARM_RATIO:g}: {too_good[STATED]}."
    )
