"""Accuracy on rare events: flagging nobody is right for nearly everybody.

Is a model that is right for 95 of 100 patients a good one?

With 5 events in 100 patients it is as right as no model at all. Accuracy rewards whoever is on the
side of the many; it weighs a missed patient like a false alert, and asks only on which side of .5 a
risk lies. Shown on SUPPORT2 as it is, a quarter of whose patients die in hospital, and with its
events thinned until they are rare, as they are where models are wanted. That accuracy, F1 and the
like can be best for wrong risks: Van Calster et al., Lancet Digit Health 2025 (arXiv 2412.10288).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.estimate import Estimate
from risk_model.core.scores import auroc
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.evaluation.bootstrap import Sample, Statistics, interval, resample
from risk_model.evaluation.metrics import average_precision, net_benefit
from risk_model.lesson.traps.damage import beyond_chance, told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
from risk_model.lesson.traps.models import Floats, logistic_regression, out_of_fold

RARE = 0.05  # share of events after thinning
THRESHOLD = 0.1  # a missed patient is as bad as nine false alerts
RESAMPLES = 300
FORMATS = {
    "events": ".0%",
    "measured": "",
    "flagging nobody": ".3f",
    "model": ".3f",
    "difference": "+z.3f",
    "low": "+z.3f",
    "high": "+z.3f",
}
ACCURACY, AUROC, AUPRC = "accuracy at .5", "AUROC", "AUPRC"
BENEFIT = f"net benefit at {THRESHOLD:.0%}"
CODE = Code(
    wrong='lesson/traps/accuracy.py#accuracy "np.mean"',
    right='evaluation/metrics.py#net_benefit "gain = "',
    test="tests/evaluation/test_traps.py::"
    "test_neither_accuracy_nor_f1_heads_a_row_or_stands_on_the_page",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """Logistic regression against flagging nobody, on SUPPORT2 as it is and with rare events."""
    cohort = load(config.Support2())
    rows = [row for c in (cohort, thinned(cohort, RARE)) for row in compare(c)]
    rare = rows[len(rows) // 2 :]
    pairs = [
        Pair(
            str(row["measured"]),
            *(Estimate(float(row[who])) for who in ("flagging nobody", "model")),
        )
        for row in rare
    ]
    return Lesson(
        question="Is a model that is right for 95 of 100 patients a good one?",
        data=f"{data}, {cohort.schema.outcome}: {len(cohort):,} patients, as they are and with "
        f"events thinned to {RARE:.0%}; logistic regression, out of fold; 95 % intervals from "
        f"{RESAMPLES} resamples of patients.",
        rows=rows,
        formats=FORMATS,
        chart=Chart(f"with {RARE:.0%} events", "flagging nobody", "the model", pairs),
        code=CODE,
        see=see(rare),
        do="Report discrimination (AUROC), AUPRC beside the prevalence, calibration, and the net "
        "benefit at a threshold that follows from what a miss costs. Accuracy stands in no table "
        "of this project unless it is asked for (evaluation.classification), and then with a "
        "warning.",
        source="Van Calster 2025, Lancet Digit Health (arXiv 2412.10288).",
    )


def thinned(cohort: Cohort, share: float, seed: int = 0) -> Cohort:
    """The cohort with so many of its events left out at random that `share` of its rows are."""
    events, others = (np.flatnonzero(cohort.labels == kind) for kind in (1, 0))
    kept = round(len(others) * share / (1 - share))
    chosen = np.random.default_rng(seed).permutation(events)[:kept]
    return cohort.take(np.sort(np.concatenate([chosen, others])))


def accuracy(labels: Outcome, risk: Floats) -> float:
    """Share of rows on whose side of .5 the risk is."""
    return float(np.mean((risk >= 0.5) == labels))


MEASURES: dict[str, Callable[[Outcome, Floats], float]] = {
    ACCURACY: accuracy,
    AUROC: auroc,
    AUPRC: average_precision,
    BENEFIT: lambda labels, risk: net_benefit(labels, risk, THRESHOLD),
}


def compare(cohort: Cohort) -> list[Row]:
    """Each metric of the model and of a risk of 0 for everybody, with the paired difference."""
    labels, (code, names) = cohort.labels, pd.factorize(cohort.subjects)
    fold = subject_folds(cohort.subjects, labels, seed=0)
    risk = out_of_fold(logistic_regression(), cohort.encoded(), labels, fold)
    cuts = np.array([THRESHOLD, 0.5])
    samples = [Sample.of(labels, r, code, cuts, bins=0) for r in (risk, np.zeros_like(risk))]
    model, nobody = (drawn(draws) for draws in resample(samples, len(names), RESAMPLES, seed=0))
    rows: list[Row] = []
    for name, measure in MEASURES.items():
        said = measure(labels, np.zeros_like(risk)), measure(labels, risk)
        between = interval(said[1] - said[0], model[name] - nobody[name])
        low, high = between.interval or (np.nan, np.nan)
        row: Row = {"events": float(labels.mean()), "measured": name}
        row |= {"flagging nobody": said[0], "model": said[1], "difference": said[1] - said[0]}
        rows.append({**row, "low": low, "high": high})
    return rows


def drawn(draws: Statistics) -> dict[str, Floats]:
    """Each metric of each resample, from the counts that the bootstrap gives."""
    rows, events = draws["rows"], draws["events"]
    (benefit_hits, hits), (benefit_flags, flags) = (
        draws[name].T for name in ("true_positives", "flagged")
    )
    alerts = (benefit_flags - benefit_hits) * THRESHOLD / (1 - THRESHOLD)
    return {
        ACCURACY: (rows - events - flags + 2 * hits) / rows,
        AUROC: draws["auroc"],
        AUPRC: draws["auprc"],
        BENEFIT: (benefit_hits - alerts) / rows,
    }


def see(rare: list[Row]) -> str:
    """What the rows of the rare events show, in words."""
    at = {str(row["measured"]): row for row in rare}
    added = {name: told(row, "difference") for name, row in at.items()}
    seen = " The model does tell patients apart." if beyond_chance(at[AUROC]) else ""
    return (
        f"With {at[ACCURACY]['events']:.0%} events, flagging nobody is right for "
        f"{at[ACCURACY]['flagging nobody']:.1%} of the patients. By accuracy the model adds "
        f"{added[ACCURACY]}; by AUROC {added[AUROC]}, by net benefit {added[BENEFIT]}.{seen}"
    )
