"""How noisy are labels and measurements? What the data itself can say, and where it cannot say
anything.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import Cohort, Rows

PAIRS = 50  # subjects seen twice, or records that repeat: fewer say nothing
ROUND = 0.3  # of last digits are 0: as by chance .1
SMALL, SPAN = (
    20,
    30,
)  # whole numbers from here, over at least this range, have a last digit to speak of


def label_noise(cohort: Cohort, learned: Rows) -> str:
    """How often identical records differ in their outcome, among rows whose outcome may be looked
    at.
    """
    labels = pd.Series(cohort.labels[learned]).groupby(cohort.row_hash[learned])
    repeated = labels.size() > 1
    if int(repeated.sum()) < PAIRS:
        return "Label noise: not assessable, no outcome was recorded twice."
    differ = float((labels.nunique()[repeated] > 1).mean())
    return (
        f"Label noise: of {int(repeated.sum()):,} groups of identical records {differ:.1%} "
        "differ in their outcome."
    )


def repeatability(cohort: Cohort) -> list[dict[str, str | float]]:
    """For each number, how alike the rows of one subject are: one-way intraclass correlation, the
    least alike first.

    ICC = (MSB - MSW) / (MSB + (k - 1) MSW), Shrout and Fleiss 1979, k being the mean number of
    values a subject. It holds true change and measurement noise together; empty when fewer than
    PAIRS subjects have two rows.
    """
    rows: list[dict[str, str | float]] = []
    subjects = pd.factorize(cohort.subjects)[0]
    for field in cohort.schema.inputs:
        if field.kind == "number":
            icc, again = _intraclass(cohort.inputs[field.name], subjects)
            if again >= PAIRS:
                rows.append({"column": field.name, "subjects": again, "icc": icc})
    return sorted(rows, key=lambda row: float(row["icc"]))


def _intraclass(column: pd.Series[float], subjects: npt.NDArray[np.int64]) -> tuple[float, int]:
    """Correlation within subjects, and the number of subjects with two values or more."""
    values = pd.DataFrame({"value": column.to_numpy(), "subject": subjects}).dropna()
    again = values[values["subject"].duplicated(keep=False)]
    groups = again.groupby("subject", sort=False)["value"]
    means, sizes = groups.mean(), groups.size()
    if len(means) < PAIRS:
        return float("nan"), len(means)
    between = float((sizes * (means - again["value"].mean()) ** 2).sum() / (len(means) - 1))
    within = float(
        ((again["value"] - groups.transform("mean")) ** 2).sum() / (len(again) - len(means))
    )
    spread = between + (float(sizes.mean()) - 1) * within
    return (between - within) / spread if spread > 0 else float("nan"), len(means)


def rounded(cohort: Cohort) -> list[str]:
    """Whole numbers whose last digit is 0 more often than a reading gives by itself (digit
    preference).
    """
    found = []
    for field in cohort.schema.inputs:
        column = (
            cohort.inputs[field.name].dropna()
            if field.kind == "number"
            else pd.Series(dtype=np.float64)
        )
        read = column[column >= SMALL]  # a count of 0 or 10 is no rounding
        if len(read) >= 100 and read.max() - read.min() >= SPAN and bool((column % 1 == 0).all()):
            found += [field.name] * bool((read % 10 == 0).mean() >= ROUND)
    return found
