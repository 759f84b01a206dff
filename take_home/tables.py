"""The tables of a candidate, and a place in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from take_home import texts
from take_home.cohort import DATE, SITE

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """Where a problem is: a column, a hospital and dates, each only where the kind has one."""

    column: str = ""
    site: str = ""
    since: date | None = None
    until: date | None = None

    def rows(self, table: pd.DataFrame) -> Rows:
        """The rows of that hospital between those dates, both included."""
        inside = np.ones(len(table), dtype=bool)
        if self.site:
            inside &= (table[SITE] == self.site).to_numpy()
        if self.since:
            inside &= (table[DATE] >= pd.Timestamp(self.since)).to_numpy()
        if self.until:
            inside &= (table[DATE] <= pd.Timestamp(self.until)).to_numpy()
        return inside

    def outside(self, table: pd.DataFrame) -> Rows:
        """The rows of that hospital that are not between those dates."""
        return Place(site=self.site).rows(table) & ~self.rows(table)


@dataclass(frozen=True)
class Tables:
    """What a candidate gets: the cohort, and the ward's admissions without their outcome."""

    cohort: pd.DataFrame
    ward: pd.DataFrame

    def write(self, folder: Path) -> None:
        """Writes cohort.csv, ward.csv and dictionary.csv into a folder that is there."""
        (folder / "cohort.csv").write_bytes(_csv(self.cohort))
        (folder / "ward.csv").write_bytes(_csv(self.ward))
        (folder / "dictionary.csv").write_bytes(_csv(texts.dictionary()))


def _csv(table: pd.DataFrame) -> bytes:
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return text.encode()
