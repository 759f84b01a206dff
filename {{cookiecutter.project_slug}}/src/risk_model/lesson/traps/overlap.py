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

from risk_model.config.downloaded import Diabetes130
from risk_model.core.cohort import Cohort
from risk_model.core.estimate import Estimate
from risk_model.core.scores import auroc
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.evaluation.bootstrap import Sample, interval, resample
from risk_model.lesson.traps.damage import told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row
from risk_model.lesson.traps.models import Floats, Folds, boosted_trees, out_of_fold

PATIENTS = 17_500  # a quarter of all, for the second outcome
RESAMPLES = 300
SMALL = 0.01  # of AUROC
ENDS = ("AUROC", "low", "high")
FORMATS = {"outcome": "", "split by": "", "rows": ",d", "overlap": ".1%"}
FORMATS |= dict.fromkeys(ENDS, "z.4f")
STAY, OWN = "of the stay", "of the patient"
ROW, PATIENT, DIFFERENCE = "row", "patient", "difference"
CODE = Code(
    wrong='lesson/traps/overlap.py#compare "np.arange(len(labels))"',
    right='lesson/traps/overlap.py#compare "subject_folds(subjects"',
    test="tests/data/test_split.py::"
    "test_no_subject_stands_in_two_parts_and_every_row_in_one_or_aside",
)


def demonstrate(data: str, cache: str) -> Lesson:
    """XGBoost with the outcome of the stay, and with one of the patient.

    The first on all stays of Diabetes-130, the second on those of a quarter of the patients.
    """
    cohort = load(Diabetes130(cache=cache))
    cohorts = {STAY: cohort, OWN: outcome_of_the_patient(some_patients(cohort, PATIENTS))}
    each = ((whose, row) for whose, c in cohorts.items() for row in compare(c))
    rows: list[Row] = [{"outcome": whose, **row} for whose, row in each]
    at = {
        (row["outcome"], row["split by"]): Estimate.of(*(float(row[name]) for name in ENDS))
        for row in rows
    }
    pairs = [Pair(f"outcome {w}", at[w, ROW], at[w, PATIENT]) for w in cohorts]
    return Lesson(
        question="Does it matter that the same patient stands on both sides of a split?",
        data=f"{data}, {cohort.schema.outcome}: {len(cohort):,} stays of "
        f"{len(set(cohort.subjects)):,} patients; XGBoost, five folds, every row tested once; 95 % "
        f"intervals from {RESAMPLES} resamples of patients.",
        rows=rows,
        formats=FORMATS,
        chart=Chart("AUROC", "split by row", "split by patient", pairs),
        code=CODE,
        see=see(rows),
        do="Split by patient all the same: it costs nothing. It matters most where the outcome "
        "belongs to the patient and a flexible model can recognise who it is: images, "
        "electrocardiograms, wearables.",
        source="Saeb 2017, GigaScience 6(5), doi:10.1093/gigascience/gix019.",
    )


def see(rows: list[Row]) -> str:
    """What the rows show, in words."""
    stay, own = (row for row in rows if row["split by"] == DIFFERENCE)
    small = max(abs(float(row["AUROC"])) for row in (stay, own)) < SMALL
    size = " Both are small." if small else ""
    return (
        f"Split by row, {rows[0]['overlap']:.1%} of the tested stays are of patients trained on "
        f"too. For the outcome of the stay that changes the AUROC by {told(stay, 'AUROC', 4)}; for "
        f"one of the patient (ever readmitted within 30 days) by {told(own, 'AUROC', 4)}.{size}"
    )


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
    by_row = subject_folds(np.arange(len(labels)), labels, seed=0)
    by_patient = subject_folds(subjects, labels, seed=0)
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
