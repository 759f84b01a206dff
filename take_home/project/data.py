"""Prints counts of cohort.csv, and of the parts of the split once task 1 works, and no more."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Field, Schema
from risk_model.data.split import split

ROOT = Path(__file__).resolve().parent
OUTCOME, PATIENT, HOSPITAL, DATE = "readmitted", "patient_id", "hospital", "discharge_date"


def counts(table: pd.DataFrame, by: pd.Series) -> str:
    """Admissions and readmissions by group."""
    grouped = table.groupby(by)[OUTCOME]
    return pd.DataFrame({"admissions": grouped.size(), "readmitted": grouped.sum()}).to_string()


def parts(table: pd.DataFrame) -> np.ndarray:
    """The part of each admission by the project's split; without a held-out site or period."""
    inputs = pd.DataFrame({"age": table["age"].astype(float)})
    index = pd.DataFrame(
        {"subject_id": table[PATIENT].astype(str), "site": table[HOSPITAL].astype(str)}
    )
    schema = Schema("cohort", OUTCOME, (Field("age", "number"),))
    cohort = Cohort(schema, inputs, table[OUTCOME].to_numpy(dtype=np.int8), index)
    whole = config.Data(name="cohort", held_out_sites=[], held_out_period=0.0)
    return split(cohort, config.Split(folds=1), whole, seed=0).labels(len(table))


def main() -> int:
    """Prints the tables."""
    table = pd.read_csv(ROOT / "cohort.csv")
    years = pd.to_datetime(table[DATE], errors="coerce").dt.year.rename("year")
    print(f"{len(table):,} admissions of {table[PATIENT].nunique():,} patients\n")
    print(counts(table, table[HOSPITAL]), "\n")
    print(counts(table, years), "\n")
    try:
        print(counts(table, pd.Series(parts(table), name="part")))
    except NotImplementedError:
        print("The parts of the split: once task 1 works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
