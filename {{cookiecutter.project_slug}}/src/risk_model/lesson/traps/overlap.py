"""The same patient on both sides of a split.

Does that matter? It depends on whose the outcome is.

Two in five stays of Diabetes-130 that a random split puts into the test rows are of patients who
also stand in the training rows. Whether somebody comes back within 30 days belongs to the stay, and
there the overlap changes nothing that can be told from chance. With an outcome of the patient, the
same in all stays as a diagnosis would be, the AUROC is inflated on the same data: little here,
where counts of tests and drugs hardly tell one patient from another; beyond recognition where the
recording does, as with wearables (Saeb et al., GigaScience 2017;6(5)).

Intervals are by patient (`evaluation/bootstrap.py`); the luck of the folds is not in them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.scores import auroc
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.evaluation.bootstrap import Sample, interval, resample
from risk_model.lesson.traps.lesson import Lesson, Row
from risk_model.lesson.traps.models import Floats, Folds, boosted_trees, out_of_fold

PATIENTS = 17_500  # a quarter of all, for the second outcome
RESAMPLES = 300
FORMATS = {
    "outcome": "",
    "split by": "",
    "rows": ",d",
    "overlap": ".1%",
    "AUROC": "z.4f",
    "low": "z.4f",
    "high": "z.4f",
}
STAY, OWN = "of the stay", "of the patient"
ROW, PATIENT, DIFFERENCE = "row", "patient", "difference"


def demonstrate(data: str, cache: str) -> Lesson:
    """XGBoost with the outcome of the stay, and with one of the patient.

    The first on all stays of Diabetes-130, the second on those of a quarter of the patients.
    """
    cohort = load(config.Diabetes130(cache=cache))
    cohorts = {STAY: cohort, OWN: outcome_of_the_patient(some_patients(cohort, PATIENTS))}
    rows: list[Row] = [
        {"outcome": whose, **row} for whose, c in cohorts.items() for row in compare(c)
    ]
    stay, own = (row for row in rows if row["split by"] == DIFFERENCE)
    return Lesson(
        question="Does it matter that the same patient stands on both sides of a split?",
        data=f"{data}, {cohort.schema.outcome}: {len(cohort):,} stays of "
        f"{len(set(cohort.subjects)):,} patients; "
        f"XGBoost, five folds, every row tested once; 95 % intervals from {RESAMPLES} resamples of "
        "patients.",
        rows=rows,
        formats=FORMATS,
        see=f"Split by row, {rows[0]['overlap']:.1%} of the tested stays are of patients who "
        "are trained on too. "
        f"For the outcome of the stay that changes the AUROC by {_change(stay)}; for one of the "
        "patient (ever "
        f"readmitted within 30 days) by {_change(own)}. Both are small: leak and oversampling are "
        "the large traps.",
        do="Split by patient all the same: it costs nothing. It matters most where the outcome "
        "belongs to the patient "
        "and a flexible model can recognise who it is: images, electrocardiograms, wearables.",
        source="Saeb 2017, GigaScience 6(5), doi:10.1093/gigascience/gix019.",
    )


def _change(row: Row) -> str:
    zero = float(row["low"]) <= 0 <= float(row["high"])
    return f"{row['AUROC']:+z.4f}, which {'cannot' if zero else 'can'} be told from none"


def some_patients(cohort: Cohort, patients: int) -> Cohort:
    """All rows of so many patients, chosen at random, always the same.

    Choosing rows would thin the overlap.
    """
    names = np.unique(cohort.subjects)
    chosen = np.random.default_rng(0).permutation(names)[:patients]
    return cohort.take(np.flatnonzero(pd.Series(cohort.subjects).isin(chosen)))


def outcome_of_the_patient(cohort: Cohort) -> Cohort:
    """The cohort with an event in all rows of a patient who has it in one."""
    ever = pd.Series(cohort.labels).groupby(cohort.subjects).transform("max")
    return replace(cohort, outcome=ever.to_numpy(dtype=np.int8))


def compare(cohort: Cohort) -> list[Row]:
    """AUROC with its interval for folds of rows and folds of patients, and their difference.

    `overlap` is the share of rows whose patient also stands in the rows that their model was
    fitted on.
    """
    labels, subjects, features = cohort.labels, cohort.subjects, cohort.encoded()
    code, names = pd.factorize(subjects)
    by_row, by_patient = (
        subject_folds(who, labels, seed=0) for who in (np.arange(len(labels)), subjects)
    )
    risks = [out_of_fold(boosted_trees(), features, labels, fold) for fold in (by_row, by_patient)]
    samples = [Sample.of(labels, risk, code, bins=0) for risk in risks]
    resampled = [draws["auroc"] for draws in resample(samples, len(names), RESAMPLES, seed=0)]
    areas = [auroc(labels, risk) for risk in risks]
    shared = [overlap(code, fold) for fold in (by_row, by_patient)]
    rows = {
        ROW: (shared[0], areas[0], resampled[0]),
        PATIENT: (shared[1], areas[1], resampled[1]),
        DIFFERENCE: (shared[0] - shared[1], areas[0] - areas[1], resampled[0] - resampled[1]),
    }
    return [
        {"split by": how, "rows": len(labels), **_with_interval(*row)} for how, row in rows.items()
    ]


def overlap(code: npt.NDArray[np.intp], fold: Folds) -> float:
    """Share of rows of whose subject another row stands in another fold.

    `code` numbers the subjects.
    """
    lowest, highest = np.full(code.max() + 1, fold.max()), np.full(code.max() + 1, fold.min())
    np.minimum.at(lowest, code, fold)
    np.maximum.at(highest, code, fold)
    return float((lowest != highest)[code].mean())


def _with_interval(share: float, estimate: float, draws: Floats) -> Row:
    low, high = interval(estimate, draws).interval or (np.nan, np.nan)
    return {"overlap": share, "AUROC": estimate, "low": low, "high": high}
