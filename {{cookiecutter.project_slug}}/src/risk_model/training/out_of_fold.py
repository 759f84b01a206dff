"""Repeated cross-fitting of all steps: what the whole way of making a model achieves.

How good is a model that was made from all patients, when none are left to test it on? Each fold is
predicted by a model that was made, calibrated and chosen without it (Varma and Simon, BMC
Bioinformatics 2006; Krstajic et al., J Cheminform 2014). A model made from all of them is a little
better, not worse. Another partition into folds gives another number: several are made.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from tqdm import tqdm

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.parts import OUT_OF_FOLD
from risk_model.core.predictions import prediction_table
from risk_model.core.scores import sigmoid
from risk_model.core.subject_folds import subject_folds
from risk_model.model import Floats
from risk_model.training.develop import Developed, develop


def out_of_fold(
    settings: Config, cohort: Cohort, rows: Rows, champion: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The prediction table of these rows, each scored by models made without its subject.

    `champion` stands for the way it is chosen: its rows hold the risks of whichever model was
    chosen without the fold.

    Returns:
        The table, in which each row stands `split.repeats` times, and how often each model was
        chosen.

    Raises:
        UserError: the rows beside a fold hold a single class of the outcome.
    """
    folds, repeats = settings.split.folds, settings.split.repeats
    inputs, nobody = cohort.model_inputs(), np.empty(0, dtype=np.int64)
    subjects, labels = cohort.subjects[rows], cohort.labels[rows]
    tables: list[pd.DataFrame] = []
    chosen: Counter[str] = Counter()
    bar = tqdm(total=repeats * folds, desc="all steps", unit="fold", disable=None, leave=False)
    for repeat in range(repeats):
        calibrated: dict[str, Floats] = {}
        raw: dict[str, Floats] = {}
        # The folds of the champion's own development have the seed itself.
        fold = subject_folds(subjects, labels, settings.seed + 1 + repeat, folds)
        for k in range(folds):
            asked = rows[fold == k]
            splits = Splits(rows[fold != k], nobody, nobody, nobody)
            made = develop(settings, cohort, inputs, splits, rows=asked)
            _write_risks(made, asked, champion, len(cohort), calibrated, raw)
            chosen[made.champion.name] += 1
            bar.update()
        everybody = Splits(nobody, nobody, nobody, rows)
        tables.append(prediction_table(cohort, everybody, calibrated, raw).assign(repeat=repeat))
    bar.close()
    return pd.concat(tables, ignore_index=True).assign(split=OUT_OF_FOLD), dict(chosen)


def _write_risks(
    made: Developed,
    rows: Rows,
    champion: str,
    n: int,
    calibrated: dict[str, Floats],
    raw: dict[str, Floats],
) -> None:
    """Writes what each model says of these rows into its arrays of n risks."""
    risks = made.risks
    for name in risks:
        source = made.champion.name if name == champion else name
        calibrated.setdefault(name, np.full(n, np.nan))[rows] = risks[source]
        raw.setdefault(name, np.full(n, np.nan))[rows] = sigmoid(made.logits[source])
