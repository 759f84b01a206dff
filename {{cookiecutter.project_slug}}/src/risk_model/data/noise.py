"""Noise in labels and measurements: what the data itself can say, and where it can say nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.findings import Finding
from risk_model.core.table import Row
from risk_model.data.quality_answer import Answer

PAIRS = 50  # subjects with two rows, or records that repeat: fewer say nothing
ROUND = 0.3  # of last digits are 0: as by chance .1
# whole numbers from here, over at least this range, have a last digit to speak of
SMALL, SPAN = 20, 30
WHOLE = 0.99  # of the numbers, from which they count as whole
ENOUGH = 100  # readings of which the last digits are counted


def answers(cohort: Cohort, splits: Splits) -> list[Answer]:
    """How noisy the labels are, how repeatable the numbers, and which were rounded."""
    agreement, digits = repeatability(cohort), digit_preference(cohort)
    unknown = f"Measurement noise: not assessable, whose the {cohort.row_name} are is not recorded."
    alike = _least_alike(agreement) if cohort.patients_identified else unknown
    sentences = [label_noise(cohort, splits.learning), alike, _rounding(digits)]
    ending = "ends in 0 more often than a reading would"
    findings = [Finding("note", "digit preference", name, ending) for name in digits]
    question = "How noisy are labels and measurements?"
    return [Answer(question, sentences, {"repeatability": agreement}, findings)]


def _least_alike(agreement: list[Row]) -> str:
    if not agreement:
        return "Measurement noise: not assessable, too few subjects have two rows."
    varied = [row for row in agreement if row["icc"] is not None]
    least = ", ".join(f"{row['column']} {_or_nan(row['icc']):.2f}" for row in varied[:3])
    return (
        "Measurement noise: least alike in two rows of one subject (intraclass correlation, true "
        f"change included): {least}."
    )


def _rounding(digits: list[str]) -> str:
    if not digits:
        return "Digit preference: none seen."
    return f"Digit preference: {', '.join(digits)} end in 0 too often."


def label_noise(cohort: Cohort, rows: Rows) -> str:
    """How often identical records differ in their outcome, among rows whose outcome is visible."""
    labels = pd.Series(cohort.labels[rows]).groupby(cohort.row_hash[rows])
    repeated = labels.size() > 1
    if (twice := int(repeated.sum())) < PAIRS:
        return (
            f"Label noise: not assessable, records that stand there twice: {twice}; {PAIRS} are "
            "needed."
        )
    differ = float((labels.nunique()[repeated] > 1).mean())
    return (
        f"Label noise: of {int(repeated.sum()):,} groups of identical records {differ:.1%} "
        "differ in their outcome."
    )


def repeatability(cohort: Cohort) -> list[Row]:
    """How alike the rows of one subject are in each number, the least alike first.

    The one-way intraclass correlation ICC = (MSB - MSW) / (MSB + (k - 1) MSW), Shrout and Fleiss
    1979, k being the mean number of values a subject. It holds true change and measurement noise
    together. A number is left out when fewer than PAIRS subjects have two values of it.
    """
    if not cohort.patients_identified:
        return []  # what stands together then is equal, and no second measurement
    subjects = pd.factorize(cohort.subjects)[0]
    rows: list[Row] = []
    for field in cohort.schema.inputs:
        if field.kind == "number":
            icc, repeated = _intraclass(cohort.inputs[field.name], subjects)
            if repeated >= PAIRS:
                rows.append({"column": field.name, "subjects": repeated, "icc": icc})
    return sorted(rows, key=lambda row: (row["icc"] is None, _or_nan(row["icc"])))


def _intraclass(
    column: pd.Series[float], subjects: npt.NDArray[np.int64]
) -> tuple[float | None, int]:
    """Correlation within subjects, and the number of subjects with two values or more."""
    values = pd.DataFrame({"value": column.to_numpy(), "subject": subjects}).dropna()
    repeated = values[values["subject"].duplicated(keep=False)]
    groups = repeated.groupby("subject", sort=False)["value"]
    means, sizes = groups.mean(), groups.size()
    if len(means) < PAIRS:
        return None, len(means)
    deviation = means - repeated["value"].mean()
    between = float((sizes * deviation**2).sum() / (len(means) - 1))
    residual = repeated["value"] - groups.transform("mean")
    within = float((residual**2).sum() / (len(repeated) - len(means)))
    spread = between + (float(sizes.mean()) - 1) * within
    return (between - within) / spread if spread > 0 else None, len(means)


def _or_nan(cell: object) -> float:
    return cell if isinstance(cell, float) else float("nan")


def digit_preference(cohort: Cohort) -> list[str]:
    """Whole numbers whose last digit is 0 more often than a reading gives by itself."""
    numbers = [field.name for field in cohort.schema.inputs if field.kind == "number"]
    return [name for name in numbers if _ends_in_0(cohort.inputs[name].dropna())]


def _ends_in_0(column: pd.Series[float]) -> bool:
    readings = column[column >= SMALL]  # a count of 0 or 10 is no rounding
    if len(readings) < ENOUGH or readings.max() - readings.min() < SPAN:
        return False
    whole = float((column % 1 == 0).mean())  # 37.5 among thousands is a slip
    return whole >= WHOLE and bool((readings % 10 == 0).mean() >= ROUND)
