"""The split in numbers: is it balanced, and what would a split by row have shared?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.json_record import JsonRecord
from risk_model.core.parts import DEVELOPMENT, PARTS
from risk_model.data.strata import strata

MOST_GROUPS = 8  # of a stratum that are counted by name; the others are one


@dataclass(frozen=True)
class PartSummary(JsonRecord):
    """A part of the split in numbers.

    `shares` is the share of its rows in each stratum, named "sex: F"; `largest_imbalance` the
    largest difference of a share from that of the whole development, None for a part that is not of
    the development and where no stratum was recorded. `subjects` is None where it is not recorded
    whose row each is.
    """

    part: str
    rows: int
    subjects: int | None
    events: int
    prevalence: float
    largest_imbalance: float | None
    shares: dict[str, float]


@dataclass(frozen=True)
class RowSplitOverlap(JsonRecord):
    """What a split by row would share: subjects on both sides, and the test rows of theirs.

    `repeated` counts the subjects with several rows, wherever a draw would put them; without
    identifiers they are rows with equal inputs, and nobody can know of the others.
    """

    subjects: int
    test_rows: int
    repeated: int
    patients_identified: bool


def split_report(cohort: Cohort, splits: Splits) -> list[PartSummary]:
    """A summary of each part that has rows, the external ones and rows set aside last."""
    columns = [
        pd.get_dummies(_common(column), prefix=str(name), prefix_sep=": ", dtype=float)
        for name, column in strata(cohort).items()
    ]
    member = pd.concat([pd.DataFrame(index=range(len(cohort))), *columns], axis=1)
    development = np.concatenate([splits.learning, splits.test])
    overall = member.iloc[development].mean()
    parts = [*splits.items(), ("set aside", splits.set_aside)]
    return [_summary(cohort, member, overall, name, rows) for name, rows in parts if len(rows)]


def shared_by_row_split(cohort: Cohort, test_share: float, seed: int) -> RowSplitOverlap:
    """What a random split by row, with this share of the rows in test, would have shared."""
    subject, names = pd.factorize(cohort.subjects)
    tested = np.random.default_rng(seed).random(len(cohort)) < test_share
    rows_tested = np.bincount(subject, weights=tested, minlength=len(names))
    rows = np.bincount(subject, minlength=len(names))
    both = (rows_tested > 0) & (rows_tested < rows)
    return RowSplitOverlap(
        subjects=int(both.sum()),
        test_rows=int(rows_tested[both].sum()),
        repeated=int((rows > 1).sum()),
        patients_identified=cohort.patients_identified,
    )


def _common(column: pd.Series[Any]) -> pd.Series[Any]:
    """The column with all but its most frequent groups pooled."""
    frequent = column.value_counts().index[:MOST_GROUPS]
    return column.astype(str).where(column.isin(frequent), "other")


def _summary(
    cohort: Cohort, member: pd.DataFrame, overall: pd.Series[float], name: str, rows: Rows
) -> PartSummary:
    events, shares = int(cohort.labels[rows].sum()), member.iloc[rows].mean()
    comparable = name in (DEVELOPMENT, *PARTS) and len(shares)
    return PartSummary(
        part=name,
        rows=len(rows),
        subjects=len(set(cohort.subjects[rows])) if cohort.patients_identified else None,
        events=events,
        prevalence=events / len(rows),
        largest_imbalance=float((shares - overall).abs().max()) if comparable else None,
        shares={str(stratum): float(share) for stratum, share in shares.items()},
    )
