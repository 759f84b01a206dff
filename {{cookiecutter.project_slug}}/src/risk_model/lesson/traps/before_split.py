"""Fitted before the split: scaling does next to nothing, a choice of columns makes noise predict.

Does it matter that something was fitted on all rows before they were split?

It depends on whether it looked at the outcome. Medians and scales of all rows hardly differ from
those of the training rows and say nothing of who had the event: with thousands of patients the
damage is nothing. Columns chosen because they go with the outcome carry it into the model, that of
the tested patients included: noise then predicts (Ambroise and McLachlan, PNAS 2002;99:6562). The
patients and their outcomes are those of SUPPORT2; the noise is made up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from risk_model import config
from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.schema import Features
from risk_model.core.scores import Floats, auroc, log_loss
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.lesson.traps.damage import damage, damage_formats, pair, told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Row

SEEDS, FEW, NOISE, CHOSEN = 10, 200, 5_000, 20
NOTHING = 0.0005  # of AUROC or log loss, which are read to three digits
FORMATS = {"fitted on all rows": "", "patients": ",d", "measured": "", **damage_formats(4)}
SCALES, COLUMNS = "medians and scales", f"choice of {CHOSEN} of {NOISE:,} noise columns"
LOSS, AUROC = "log loss", "AUROC"
MEASURES: dict[str, dict[str, Callable[[Outcome, Floats], float]]] = {
    SCALES: {LOSS: log_loss, AUROC: auroc},
    COLUMNS: {AUROC: auroc},
}
CODE = Code(
    wrong='lesson/traps/before_split.py#risks "fit(features, labels)"',
    right='training/fit.py#fit_models "taught = "',
    test="tests/training/test_fit.py::"
    "test_rows_outside_train_and_validation_change_no_fitted_parameter",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """Logistic regression in five folds, behind steps fitted before the split and inside."""
    cohort = load(config.Support2())
    rows = compare(cohort, range(SEEDS))
    pairs = [
        pair(f"{row['fitted on all rows']}, {row['patients']:,} patients", row)
        for row in rows
        if row["measured"] == AUROC
    ]
    return Lesson(
        question="Does it matter that something was fitted on all rows before they were split?",
        data=f"{data}, {cohort.schema.outcome}: all {len(cohort):,} patients, or {FEW} drawn at "
        f"random; logistic regression, five folds; means over {SEEDS} draws, 95 % intervals by t.",
        rows=rows,
        formats=FORMATS,
        chart=Chart(AUROC, "fitted before the split", "fitted inside each fold", pairs),
        code=CODE,
        see=see(rows),
        do="Fit whatever learns inside the folds, best as one pipeline with the model; then nobody "
        "has to know which step is harmless. What looks at the outcome is never harmless: choice "
        "of columns, target encoding, oversampling (traps oversampling), a threshold (traps "
        "threshold).",
        source="Ambroise and McLachlan 2002, PNAS 99:6562; Kapoor and Narayanan 2023, Patterns "
        "4:100804.",
    )


def compare(cohort: Cohort, seeds: range, noise: int = NOISE) -> list[Row]:
    """Log loss and AUROC with each step fitted before the split and inside, over draws."""
    found: dict[tuple[str, int, str], list[list[float]]] = {}
    features, labels = cohort.encoded(), cohort.labels
    for seed in seeds:
        rng = np.random.default_rng(seed)
        few = rng.permutation(len(cohort))[:FEW]
        made_up = rng.normal(size=(FEW, noise)).astype(np.float32)
        for name, step, inputs, died in (
            (SCALES, scales, features, labels),
            (SCALES, scales, features[few], labels[few]),
            (COLUMNS, choice, made_up, labels[few]),
        ):
            before, inside = (risks(step, inputs, died, seed, how) for how in (True, False))
            for measured, measure in MEASURES[name].items():
                pair = [measure(died, before), measure(died, inside)]
                found.setdefault((name, len(died), measured), []).append(pair)
    head = ("fitted on all rows", "patients", "measured")
    return [{**dict(zip(head, key, strict=True)), **damage(pairs)} for key, pairs in found.items()]


def scales() -> Any:
    """Medians for what is missing, then columns of mean 0 and spread 1."""
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler())


def choice() -> Any:
    """The columns that go best with the outcome, by the F statistic."""
    return SelectKBest(k=CHOSEN)


def risks(
    step: Callable[[], Any], features: Features, labels: Outcome, seed: int, before: bool
) -> Floats:
    """Out-of-fold risks float64[n] behind a step fitted before the split, or inside each fold."""
    risk = np.empty(len(labels))
    fold = subject_folds(np.arange(len(labels)), labels, seed)
    for held_out in np.unique(fold):
        train, tested = fold != held_out, fold == held_out
        if before:
            fitted = step().fit(features, labels)
        else:
            fitted = step().fit(features[train], labels[train])
        columns = fitted.transform(features)
        model = LogisticRegression(max_iter=1000).fit(columns[train], labels[train])
        risk[tested] = model.predict_proba(columns[tested])[:, 1]
    return risk


def see(rows: list[Row]) -> str:
    """What the rows show, in words."""
    *all_patients, loss, area, columns = rows
    most = max(abs(float(row["damage"])) for row in all_patients)
    damaged = "the damage is nothing" if most < NOTHING else "that is not nothing"
    return (
        f"Medians and scales fitted on all rows change log loss and AUROC by at most {most:.5f}: "
        f"{damaged}. With {FEW} patients they change log loss by {told(loss, digits=4)}, and AUROC "
        f"by {told(area, digits=4)}. Columns chosen on all rows turn noise of AUROC "
        f"{columns['right']:.2f} into {columns['wrong']:.2f}: {told(columns)}."
    )
