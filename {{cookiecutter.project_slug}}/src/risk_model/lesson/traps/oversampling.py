"""Oversampling before the split: copies of events in the test rows.

Where do numbers near 1.0 on a hard problem come from?

Random oversampling copies events until both classes are as large. Done before the split, nearly
every event of the test set has a twin in the training set, and a forest knows its training rows by
heart. Vandewiele et al., Artif Intell Med 2021;111:101987, found it behind near-perfect predictions
of preterm birth; Blagus and Lusa, BMC Bioinformatics 2015;16:363, describe it. AUROCs and
accuracies of .94 to .97 have been reported on this data.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from risk_model.config.downloaded import Diabetes130
from risk_model.core.cohort import Cohort, Outcome, Rows
from risk_model.core.estimate import Estimate
from risk_model.core.scores import auroc
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
from risk_model.lesson.traps.models import random_forest

ROWS = 25_000
FORMATS = {
    "oversampled": "",
    "test rows": ",d",
    "events": ".1%",
    "copied": ".1%",
    "AUROC": ".3f",
    "accuracy": ".3f",
}
NEVER, AFTER, BEFORE = "never", "after the split, train only", "before the split"
CODE = Code(
    wrong='lesson/traps/oversampling.py#compare "balanced(everyone, labels)"',
    right='lesson/traps/oversampling.py#compare "balanced(everyone[~tested]"',
    test="tests/training/test_develop.py::test_the_copies_of_a_bootstrap_sample_stand_on_one_side",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """A random forest on 25,000 stays of Diabetes-130."""
    cohort = sampled(load(Diabetes130(cache=cache)), ROWS)
    rows = compare(cohort)
    at = {str(row["oversampled"]): row for row in rows}
    pairs = [
        Pair(name, *(Estimate(float(at[when][name])) for when in (BEFORE, NEVER)))
        for name in ("AUROC", "accuracy")
    ]
    nobody = 1 - float(at[NEVER]["events"])
    return Lesson(
        question="Where do figures near 1.0 on a hard problem come from?",
        data=f"{data}, {cohort.schema.outcome}: {len(cohort):,} stays drawn at random, "
        f"{cohort.labels.mean():.1%} "
        "events; random forest, a fifth of the rows tested, split by patient unless copies were "
        "made before.",
        rows=rows,
        formats=FORMATS,
        chart=Chart("", "before the split", "never", pairs),
        code=CODE,
        see=f"AUROC {at[NEVER]['AUROC']:.3f} becomes {at[BEFORE]['AUROC']:.3f}: "
        f"{at[BEFORE]['copied']:.1%} of the "
        f"events tested have a twin in the training rows, and {at[BEFORE]['events']:.0%} of the "
        "rows tested are events. "
        f"Oversampled after the split, the forest reaches {at[AFTER]['AUROC']:.3f}. The honest "
        "accuracy of "
        f"{at[NEVER]['accuracy']:.3f} stands beside {nobody:.3f} for flagging nobody.",
        do="Split by patient first; whatever resamples, imputes, scales or selects sees the "
        "training rows alone. "
        "Better, do not oversample: it shifts the risks as class weights do (traps weights). "
        "Distrust any figure that "
        "comes with a balanced test set.",
        source="Vandewiele 2021, Artif Intell Med 111:101987; Blagus and Lusa 2015, BMC "
        "Bioinformatics 16:363.",
    )


def sampled(cohort: Cohort, rows: int) -> Cohort:
    """So many rows of the cohort, drawn at random without replacement, always the same."""
    return cohort.take(np.random.default_rng(0).permutation(len(cohort))[:rows])


def compare(cohort: Cohort) -> list[Row]:
    """A forest with events never copied, copied within the training rows, and before the split."""
    labels, everyone = cohort.labels, np.arange(len(cohort))
    tested = subject_folds(cohort.subjects, labels, seed=0) == 0
    copied = balanced(everyone, labels)
    # by row: the copies are strangers here
    tested_copies = subject_folds(np.arange(len(copied)), labels[copied], seed=0) == 0
    splits = {
        NEVER: (everyone[~tested], everyone[tested]),
        AFTER: (balanced(everyone[~tested], labels), everyone[tested]),
        BEFORE: (copied[~tested_copies], copied[tested_copies]),
    }
    return [
        {"oversampled": when, **evaluate_forest(cohort, train, test)}
        for when, (train, test) in splits.items()
    ]


def balanced(rows: Rows, labels: Outcome) -> Rows:
    """These rows, with events among them drawn again until they are as many as the others."""
    events = rows[labels[rows] == 1]
    missing = len(rows) - 2 * len(events)
    return np.concatenate([rows, np.random.default_rng(0).choice(events, max(missing, 0))])


def evaluate_forest(cohort: Cohort, train: Rows, test: Rows) -> Row:
    """A forest fitted on some rows and tested on others.

    `copied` is the share of tested events that it was fitted on.
    """
    features, labels = cohort.encoded(), cohort.labels
    risk = random_forest().fit(features[train], labels[train]).predict_proba(features[test])[:, 1]
    right: npt.NDArray[np.bool_] = (risk >= 0.5) == labels[test]
    return {
        "test rows": len(test),
        "events": float(labels[test].mean()),
        "copied": float(np.isin(test[labels[test] == 1], train).mean()),
        "AUROC": auroc(labels[test], risk),
        "accuracy": float(right.mean()),
    }
