"""AUPRC compared across groups: it rises with the prevalence, whomever the model serves better.

In which group does the model work best?

Precision is a share of those who are flagged: for random risks AUPRC is the prevalence, and it is
higher wherever events are common. The same risks keep their AUROC and change their AUPRC when
events are thinned; and of real groups the one with the highest AUPRC need not be the one whose
patients are told apart best. Who improves a model by it works for the group where events are common
(McDermott et al., NeurIPS 2024). Shown on the classes of disease in SUPPORT2.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Outcome, Rows
from risk_model.core.estimate import Estimate
from risk_model.core.scores import Floats, auroc
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.data.sources.support2 import FILE
from risk_model.evaluation.bootstrap import Sample, Statistics, interval, resample
from risk_model.evaluation.metrics import average_precision
from risk_model.lesson.traps.damage import told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
from risk_model.lesson.traps.models import logistic_regression, out_of_fold

SHARES, RESAMPLES = (0.05, 0.5), 300
AUROC, AUPRC = "AUROC", "AUPRC"
METRICS = {AUROC: auroc, AUPRC: average_precision}
FORMATS = {"patients": "", "rows": ",d", "events": ".1%"}
for metric in (AUROC, AUPRC):
    FORMATS |= {metric: ".3f", f"{metric}, 95 %": ""}
CODE = Code(
    wrong='lesson/traps/prevalence.py#demonstrate "by_auprc ="',
    right='evaluation/subgroups.py#evaluate "metrics_in("',
    test="tests/evaluation/test_subgroups.py::test_a_groups_figures_are_those_of_its_rows",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """AUROC and AUPRC of one model at three prevalences, and in each class of disease."""
    cohort = load(config.Support2())
    fold = subject_folds(cohort.subjects, cohort.labels, seed=0)
    risk = out_of_fold(logistic_regression(), cohort.encoded(), cohort.labels, fold)
    thinned = {"all": np.arange(len(cohort))}
    thinned |= {f"all, thinned to {s:.0%}": thin(cohort.labels, s) for s in SHARES}
    rows = [row_of(name, cohort.labels[part], risk[part]) for name, part in thinned.items()]
    classes = disease_classes()
    groups = [row_of(name, cohort.labels[part], risk[part]) for name, part in classes.items()]
    by_auprc = best(groups, AUPRC)
    by_auroc = best(groups, AUROC)
    between = differences(cohort.labels, risk, classes[by_auprc], classes[by_auroc])
    pairs = [
        Pair(f"{row['patients']}, {row['events']:.0%}", estimate(row, AUPRC), estimate(row, AUROC))
        for row in rows + groups
    ]
    return Lesson(
        question="In which group does the model work best?",
        data=f"{data}, {cohort.schema.outcome}: {len(cohort):,} patients; out-of-fold risks of one "
        "logistic regression; events or the others left out at random to change the prevalence; "
        f"classes of disease as they are; 95 % intervals from {RESAMPLES} resamples.",
        rows=rows + groups,
        formats=FORMATS,
        chart=Chart("", AUPRC, AUROC, pairs),
        code=CODE,
        see=see(rows, by_auprc, by_auroc, between),
        do="Judge each group by its calibration, and by AUROC with its interval, never by AUPRC; "
        "this project reports AUPRC for the whole part beside its prevalence and leaves it out of "
        "subgroups. The same holds for two hospitals, two papers, or a data set made balanced.",
        source="McDermott 2024, NeurIPS (arXiv 2401.06091); Saito and Rehmsmeier 2015, PLoS One "
        "10:e0118432.",
    )


def thin(labels: Outcome, share: float, seed: int = 0) -> Rows:
    """Rows of which `share` are events, the others left out at random."""
    events, others = (np.flatnonzero(labels == kind) for kind in (1, 0))
    odds, rng = share / (1 - share), np.random.default_rng(seed)
    events = rng.permutation(events)[: round(len(others) * odds)]
    others = rng.permutation(others)[: round(len(events) / odds)]
    return np.sort(np.concatenate([events, others]))


def disease_classes() -> dict[str, Rows]:
    """Rows of each class of disease in the file."""
    recorded = pd.read_parquet(FILE, columns=["dzclass"])["dzclass"]
    return {name: np.flatnonzero(recorded == name) for name in sorted(recorded.unique())}


def row_of(name: str, labels: Outcome, risk: Floats) -> Row:
    """Both metrics of some rows, with their intervals; `<metric> low` and `high` are the ends."""
    drawn = draws(labels, risk, 0)
    row: Row = {"patients": name, "rows": len(labels), "events": float(labels.mean())}
    for metric, measure in METRICS.items():
        value = interval(measure(labels, risk), drawn[metric.lower()])
        low, high = value.interval or (np.nan, np.nan)
        row |= {metric: measure(labels, risk), f"{metric} low": low, f"{metric} high": high}
        row[f"{metric}, 95 %"] = f"{low:.3f} to {high:.3f}"
    return row


def draws(labels: Outcome, risk: Floats, seed: int) -> Statistics:
    """The bootstrap of rows that are patients of their own."""
    sample = Sample.of(labels, risk, np.arange(len(labels)), bins=0)
    return resample([sample], len(labels), RESAMPLES, seed)[0]


def estimate(row: Row, metric: str) -> Estimate:
    """A metric of a row with its interval."""
    return Estimate.of(*(float(row[f"{metric}{end}"]) for end in ("", " low", " high")))


def differences(labels: Outcome, risk: Floats, one: Rows, other: Rows) -> dict[str, Row]:
    """Each metric of one group minus that of another, with its interval."""
    drawn = [draws(labels[rows], risk[rows], seed) for seed, rows in enumerate((one, other))]
    found: dict[str, Row] = {}
    for metric, measure in METRICS.items():
        of_one, of_other = (measure(labels[rows], risk[rows]) for rows in (one, other))
        between = drawn[0][metric.lower()] - drawn[1][metric.lower()]
        low, high = interval(of_one - of_other, between).interval or (np.nan, np.nan)
        found[metric] = {"damage": of_one - of_other, "low": low, "high": high}
    return found


def best(groups: list[Row], metric: str) -> str:
    """The group with the highest figure."""
    return str(max(groups, key=lambda row: float(row[metric]))["patients"])


def see(rows: list[Row], by_auprc: str, by_auroc: str, between: dict[str, Row]) -> str:
    """What the rows show, in words; `between` are the differences of the two groups."""
    span = {m: sorted(float(row[m]) for row in rows) for m in METRICS}
    thinned = (
        f"With events left out the AUROC lies between {span[AUROC][0]:.2f} and "
        f"{span[AUROC][-1]:.2f}, the AUPRC between {span[AUPRC][0]:.2f} and {span[AUPRC][-1]:.2f}. "
    )
    if by_auprc == by_auroc:
        return f"{thinned}Both call {by_auroc} the best group here."
    return (
        f"{thinned}The best group is {by_auprc} by AUPRC and {by_auroc} by AUROC. The first minus "
        f"the second: AUPRC {told(between[AUPRC])}; AUROC {told(between[AUROC])}."
    )
