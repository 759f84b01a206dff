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
from risk_model.core.cohort import Cohort, Outcome, Rows
from risk_model.core.estimate import Estimate
from risk_model.core.scores import Floats, auroc
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.data.sources.support2 import FILE
from risk_model.evaluation.bootstrap import Sample, interval, resample
from risk_model.evaluation.metrics import average_precision
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
from risk_model.lesson.traps.models import logistic_regression, out_of_fold

SHARES, RESAMPLES = (0.05, 0.5), 300
AUROC, AUPRC = "AUROC", "AUPRC"
METRICS = {AUROC: auroc, AUPRC: average_precision}
FORMATS = {"patients": "", "rows": ",d", "events": ".1%"}
for metric in (AUROC, AUPRC):
    FORMATS |= {metric: ".3f", f"{metric}, 95 %": ""}
CODE = Code(
    wrong='lesson/traps/prevalence.py#see "by_auprc = max"',
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
    groups = [
        row_of(name, cohort.labels[part], risk[part]) for name, part in disease_classes().items()
    ]
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
        see=see(rows, groups),
        do="Compare groups by AUROC, calibration and net benefit, never by AUPRC; this project "
        "reports AUPRC for the whole part beside its prevalence, and leaves it out of subgroups. "
        "The same holds for two hospitals, two papers, or a data set made balanced.",
        source="McDermott 2024, NeurIPS (arXiv 2401.06091); Saito and Rehmsmeier 2015, PLoS One "
        "10:e0118432.",
    )


def thin(labels: Outcome, share: float, seed: int = 0) -> Rows:
    """Rows of which `share` are events: some of the kind that is too many are left out at random."""
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
    sample = Sample.of(labels, risk, np.arange(len(labels)), bins=0)
    (draws,) = resample([sample], len(labels), RESAMPLES, seed=0)
    row: Row = {"patients": name, "rows": len(labels), "events": float(labels.mean())}
    for metric, of in METRICS.items():
        value = interval(of(labels, risk), draws[metric.lower()])
        low, high = value.interval or (np.nan, np.nan)
        row |= {metric: of(labels, risk), f"{metric} low": low, f"{metric} high": high}
        row[f"{metric}, 95 %"] = f"{low:.3f} to {high:.3f}"
    return row


def estimate(row: Row, metric: str) -> Estimate:
    """A metric of a row with its interval."""
    return Estimate.of(*(float(row[f"{metric}{end}"]) for end in ("", " low", " high")))


def see(rows: list[Row], groups: list[Row]) -> str:
    """What the rows show, in words."""
    by_auprc = max(groups, key=lambda row: float(row[AUPRC]))
    by_auroc = max(groups, key=lambda row: float(row[AUROC]))
    spans = {
        m: " to ".join(f"{end([float(row[m]) for row in rows]):.2f}" for end in (min, max))
        for m in METRICS
    }
    same = by_auprc is by_auroc
    both = (
        f"{by_auprc['patients']} has the highest of both"
        if same
        else f"by AUPRC the best group is {by_auprc['patients']} ({by_auprc[AUPRC]:.2f}, AUROC "
        f"{by_auprc[AUROC]:.2f}); by AUROC it is {by_auroc['patients']} ({by_auroc[AUROC]:.2f}), whose "
        f"AUPRC is {by_auroc[AUPRC]:.2f}"
    )
    return (
        f"The same risks have an AUROC of {spans[AUROC]} and an AUPRC of {spans[AUPRC]}, by "
        f"prevalence alone. Of the classes of disease, {both}."
    )
