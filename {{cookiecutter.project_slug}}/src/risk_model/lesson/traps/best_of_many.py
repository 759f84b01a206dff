"""The best of many models by the test rows: the winner is also the luckiest.

May the test rows say which model is best, and how good it is?

Not both. Of thirty models on two hundred test rows the highest AUROC belongs to one that is good
and was lucky; its figure is too high, and the more models were tried, the more so. A model is
chosen on the development rows, out of fold, and the test rows are opened once, for the one that was
chosen (Cawley and Talbot, JMLR 2010;11:2079). Thirty settings of one model, thirty seeds, or thirty
evenings of trying count alike.
"""

from __future__ import annotations

import numpy as np

from risk_model import config
from risk_model.core.cohort import Cohort, Outcome, Rows
from risk_model.core.scores import Floats, auroc, row_log_loss
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.lesson.traps.damage import OPTIMISM, damage, damage_formats, pair, told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Row
from risk_model.lesson.traps.models import logistic_regression, out_of_fold
from risk_model.training.folds import simplest_as_good

MODELS, COLUMNS, DEVELOPMENT, DRAWS, TESTED = 30, 6, 500, 400, 200
TEST, OUT_OF_FOLD = "test rows", "development rows, out of fold"
FORMATS = {"chosen by": "", **damage_formats(names=OPTIMISM)}
CODE = Code(
    wrong='lesson/traps/best_of_many.py#by_test_rows "max(risk"',
    right='training/champion.py#choose_champion "simplest_as_good(losses_of"',
    test="tests/test_pipeline.py::"
    "test_changing_test_outcomes_changes_no_champion_threshold_or_calibrator",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """Thirty regressions on other columns each; the best is chosen in two ways."""
    cohort = load(config.Support2())
    rows = compare(cohort, range(DRAWS))
    return Lesson(
        question="May the test rows say which model is best, and how good it is?",
        data=f"{data}, {cohort.schema.outcome}: {MODELS} logistic regressions, each on {COLUMNS} "
        f"columns drawn at random, fitted to {DEVELOPMENT} patients; AUROC on {TESTED} test rows "
        f"and on all rows left, means over {DRAWS} draws of them, 95 % intervals by t.",
        rows=rows,
        formats=FORMATS,
        chart=Chart(
            "AUROC of the chosen model",
            "on the test rows",
            "elsewhere",
            [pair(f"chosen by {row['chosen by']}", row) for row in rows],
        ),
        code=CODE,
        see=see(rows),
        do="Choose by cross-fitted loss on the development rows and open the test rows once. If "
        "many were compared there already, say how many, and take the figure for the upper end "
        "that it is until new patients have been seen.",
        source="Cawley and Talbot 2010, JMLR 11:2079; Varma and Simon 2006, BMC Bioinformatics "
        "7:91.",
    )


def compare(cohort: Cohort, draws: range, seed: int = 0) -> list[Row]:
    """AUROC of the chosen model on the test rows and elsewhere, over draws of the test rows."""
    order = np.random.default_rng(seed).permutation(len(cohort))
    developed, kept = cohort.take(order[:DEVELOPMENT]), cohort.take(order[DEVELOPMENT:])
    losses, risk = models(developed, kept, seed)
    found: dict[str, list[list[float]]] = {TEST: [], OUT_OF_FOLD: []}
    for draw in draws:
        shuffled = np.random.default_rng(draw).permutation(len(kept))
        test, elsewhere = shuffled[:TESTED], shuffled[TESTED:]
        chosen = {
            TEST: by_test_rows(kept.labels, risk, test),
            OUT_OF_FOLD: by_development_rows(losses),
        }
        for how, name in chosen.items():
            where = (auroc(kept.labels[rows], risk[name][rows]) for rows in (test, elsewhere))
            found[how].append(list(where))
    return [{"chosen by": how, **damage(pairs, OPTIMISM)} for how, pairs in found.items()]


def models(
    developed: Cohort, kept: Cohort, seed: int
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """By model: losses of the development rows, out of fold, and risks of the rows kept away."""
    losses, risk = {}, {}
    features, labels, asked = developed.encoded(), developed.labels, kept.encoded()
    fold = subject_folds(developed.subjects, labels, seed=0)
    for number in range(MODELS):
        columns = np.random.default_rng([seed, number]).permutation(features.shape[1])[:COLUMNS]
        said = out_of_fold(logistic_regression(), features[:, columns], labels, fold)
        losses[str(number)] = row_log_loss(labels, said)
        fitted = logistic_regression().fit(features[:, columns], labels)
        risk[str(number)] = fitted.predict_proba(asked[:, columns])[:, 1]
    return losses, risk


def by_test_rows(labels: Outcome, risk: dict[str, Floats], test: Rows) -> str:
    """The mistake: the model with the highest AUROC on the test rows."""
    return max(risk, key=lambda name: auroc(labels[test], risk[name][test]))


def by_development_rows(losses: dict[str, Floats]) -> str:
    """The model with the lowest loss on the development rows, by the rule of the champion."""
    patients = np.arange(len(next(iter(losses.values()))))
    return simplest_as_good(losses, patients, margin=0.0)[0]


def see(rows: list[Row]) -> str:
    """What the rows show, in words."""
    at = {str(row["chosen by"]): row for row in rows}
    return (
        f"The best of {MODELS} by {TESTED} test rows reports an AUROC of "
        f"{at[TEST]['reported']:.3f} and has {at[TEST]['elsewhere']:.3f} elsewhere: "
        f"{told(at[TEST], OPTIMISM[2])}. Chosen out of fold, the figure of the test rows is off by "
        f"{told(at[OUT_OF_FOLD], OPTIMISM[2])}, and the model has "
        f"{at[OUT_OF_FOLD]['elsewhere']:.3f} elsewhere."
    )
