"""The number of each kind of problem, as the assignment defines it, from the tables alone."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from take_home.cohort import DATE, OUTCOME, PATIENT, SITE
from take_home.tables import Place, Rows, Tables

# Two rows with all of this in common and different patients are one patient.
SAME_PERSON = (
    *(SITE, DATE, "age", "sex", "language", "district", "insurance"),
    *("length_of_stay", "creatinine", "haemoglobin"),
)


def number(kind: str, tables: Tables, place: Place) -> float:
    """The number that a claim of that kind carries for a place.

    Raises:
        KeyError: there is no such kind, or a column that the tables lack.
    """
    return float(NUMBERS[kind](tables, place))


def same_person(table: pd.DataFrame) -> Rows:
    """Rows that repeat an earlier row of another patient, by what two people hardly share."""
    keys = list(SAME_PERSON)
    first = table.groupby(keys, dropna=False)[PATIENT].transform("first")
    return (table.duplicated(keys) & (first != table[PATIENT])).to_numpy()


def repeats(table: pd.DataFrame, column: str) -> tuple[Rows, Rows]:
    """Rows with a value now and at the patient's admission before, and those where it is equal."""
    ordered = table[[PATIENT, DATE, column]].sort_values([PATIENT, DATE], kind="stable")
    before = ordered.groupby(PATIENT)[column].shift().reindex(table.index)
    comparable = (table[column].notna() & before.notna()).to_numpy()
    return comparable, comparable & (table[column] == before).to_numpy()


def ahead_of_month(table: pd.DataFrame, column: str) -> pd.Series[float]:
    """A number, less the median of the admissions discharged in the same calendar month."""
    months = table[DATE].dt.to_period("M")
    ahead: pd.Series[float] = table[column] - table.groupby(months)[column].transform("median")
    return ahead


def lowest_group(table: pd.DataFrame, column: str) -> str:
    """The group of a column with the lowest share of readmitted."""
    return str(table.groupby(column)[OUTCOME].mean().idxmin())


def _share(table: pd.DataFrame, rows: Rows) -> float:
    return float(table.loc[rows, OUTCOME].mean())


def _unit_change(tables: Tables, place: Place) -> float:
    values = tables.cohort[place.column]
    return float(
        values[place.outside(tables.cohort)].median() / values[place.rows(tables.cohort)].median()
    )


def _outcome_gap(tables: Tables, place: Place) -> float:
    inside = place.rows(tables.cohort)
    return int(inside.sum()) * _share(tables.cohort, place.outside(tables.cohort))


def _missing_by_outcome(tables: Tables, place: Place) -> float:
    return float(tables.cohort.loc[tables.cohort[OUTCOME] == 0, place.column].isna().mean())


def _counted_later(tables: Tables, place: Place) -> float:
    return float(tables.cohort[place.column].mean() / tables.ward[place.column].mean())


def _numbered_later(tables: Tables, place: Place) -> float:
    ahead = ahead_of_month(tables.cohort, place.column)
    means = ahead.groupby(tables.cohort[OUTCOME]).mean()
    return float(means[1] - means[0])


def _default_value(tables: Tables, place: Place) -> float:
    values = tables.cohort.loc[place.rows(tables.cohort), place.column].dropna()
    return float(values.value_counts(normalize=True).iloc[0])


def _second_registration(tables: Tables, place: Place) -> float:
    again = same_person(tables.cohort) & place.rows(tables.cohort)
    return float(tables.cohort.loc[again, PATIENT].nunique())


def _carried_forward(tables: Tables, place: Place) -> float:
    comparable, equal = repeats(tables.cohort, place.column)
    here = place.rows(tables.cohort)
    return float((equal & here).sum() / (comparable & here).sum())


def _shifted_rows(tables: Tables, place: Place) -> float:
    return float(tables.cohort.loc[place.rows(tables.cohort), place.column].notna().sum())


def _outcome_redefined(tables: Tables, place: Place) -> float:
    after = place.rows(tables.cohort)
    return _share(tables.cohort, after) - _share(tables.cohort, ~after)


def _capped_values(tables: Tables, place: Place) -> float:
    return float(tables.cohort.loc[place.rows(tables.cohort), place.column].max())


def _group_under_recorded(tables: Tables, place: Place) -> float:
    lowest = lowest_group(tables.cohort, place.column)
    group = (tables.cohort[place.column] == lowest).to_numpy()
    expected = int(group.sum()) * _share(tables.cohort, ~group)
    return expected - float(tables.cohort.loc[group, OUTCOME].sum())


NUMBERS: dict[str, Callable[[Tables, Place], float]] = {
    "unit_change": _unit_change,
    "outcome_gap": _outcome_gap,
    "missing_by_outcome": _missing_by_outcome,
    "counted_later": _counted_later,
    "numbered_later": _numbered_later,
    "default_value": _default_value,
    "second_registration": _second_registration,
    "carried_forward": _carried_forward,
    "shifted_rows": _shifted_rows,
    "outcome_redefined": _outcome_redefined,
    "capped_values": _capped_values,
    "group_under_recorded": _group_under_recorded,
}
