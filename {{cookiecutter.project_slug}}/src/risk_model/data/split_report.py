"""Is the split balanced, and what would a split by row have done? The tables a reviewer asks
for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from risk_model.core.cohort import DEVELOPMENT, Cohort, Rows, Splits
from risk_model.data.strata import strata


def split_report(cohort: Cohort, splits: Splits) -> pd.DataFrame:
    """A row a part: rows, subjects, events, prevalence, the share of each stratum among its rows.

    The largest imbalance, told for the parts of the development, is the largest difference of a
    stratum's share from that of the whole development.
    """
    columns = [
        pd.get_dummies(_common(c), prefix=str(n), prefix_sep=": ", dtype=float)
        for n, c in strata(cohort).items()
    ]
    shown = pd.concat([pd.DataFrame(index=range(len(cohort))), *columns], axis=1)
    overall = shown.iloc[np.concatenate([getattr(splits, name) for name in DEVELOPMENT])].mean()
    parts = [*splits.items(), ("set aside", splits.set_aside)]
    return pd.DataFrame(
        [_report_row(cohort, shown, overall, name, rows) for name, rows in parts if len(rows)]
    )


def shared_by_row_split(cohort: Cohort, test_share: float, seed: int) -> tuple[int, int]:
    """What a random split by row would have shared: subjects on both sides, and the test rows that
    are theirs.
    """
    subject, names = pd.factorize(cohort.subjects)
    tested = np.random.default_rng(seed).random(len(cohort)) < test_share
    rows_tested = np.bincount(subject, weights=tested, minlength=len(names))
    both = (rows_tested > 0) & (rows_tested < np.bincount(subject, minlength=len(names)))
    return int(both.sum()), int(rows_tested[both].sum())


def _common(column: pd.Series[Any], most: int = 8) -> pd.Series[Any]:
    """The column with all but its most frequent values told as one."""
    frequent = column.value_counts().index[:most]
    return column.astype(str).where(column.isin(frequent), "other")


def _report_row(
    cohort: Cohort, shown: pd.DataFrame, overall: pd.Series[float], name: str, rows: Rows
) -> dict[str, Any]:
    events = int(cohort.labels[rows].sum())
    shares = shown.iloc[rows].mean()
    prevalence = events / len(rows)
    counts = {
        "part": name,
        "rows": len(rows),
        "subjects": len(set(cohort.subjects[rows])),
        "events": events,
    }
    largest = float((shares - overall).abs().max()) if name in DEVELOPMENT and len(shares) else None
    return {
        **counts,
        "prevalence": prevalence,
        "largest imbalance": largest,
        **{str(k): v for k, v in shares.items()},
    }
