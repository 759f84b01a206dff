"""Columns that name people, whatever they are called: rows of one value are one person's.

Does a patient stand in several rows under a name that nobody recognises? Judged by values: what
does not change in a person (sex, age, race) hardly varies among the rows that share a value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.data.first_look.agreement import Grouping, Values, agreement, grouping, values_of
from risk_model.data.first_look.personal import has_codes, is_lookup, may_name_people, personal

Floats = npt.NDArray[np.float64]

DISTINCT = (0.02, 0.90)  # share of the rows: more people than sites have, fewer than rows
FEWEST = 20  # people, and pairs of rows of one person
OUTCOME = "\0outcome"  # no column is called so
COLUMNS = 2  # that hardly vary; the outcome may be one of them


@dataclass(frozen=True)
class NamesPeople:
    """A column whose values stand for people, each with several rows."""

    column: str
    subjects: int
    rows: int
    agreeing: tuple[str, ...]  # columns that hardly vary within it


def names_people(frame: pd.DataFrame, outcome: Floats) -> list[NamesPeople]:
    """The columns of text or whole numbers that name people, most agreeing columns first.

    `frame`: n rows; `outcome`: float64[n], NaN where missing. A column counts when 2 to 90 % of the
    rows differ in it and at least two others, or one and the outcome, hardly vary within it: equal
    in 95 % of pairs of rows of one value (numbers within 2 % of their range, or 2 years of age),
    far beyond the pairs of any two rows and of neighbouring values. Where columns are called sex,
    age, birth or race, they must be among those; then words may be names, else only codes may.
    Dates are no names, nor is a column whose agreeing columns depend on each other alone (the
    region of a ward).
    """
    of_outcome = Values(outcome, True)
    columns = {str(name): values_of(frame[name]) for name in frame.columns}
    who = personal(list(columns))
    judged = []
    for name in frame.columns:
        people = None if str(name) in who else _people(str(name), frame[name], columns[str(name)])
        if people is not None:
            coded = has_codes(frame[name])
            judged.append(_judge(str(name), people, coded, {**columns, OUTCOME: of_outcome}, who))
    named = [result for result in judged if result is not None]
    return sorted(named, key=lambda result: (-len(result.agreeing), result.subjects))


def _people(name: str, column: pd.Series, values: Values) -> Grouping | None:
    """The rows grouped by a column, where it may name people by its form."""
    present = ~np.isnan(values.codes)
    rows = int(present.sum())
    if rows < 2 * FEWEST or (values.numeric and (values.codes[present] % 1 != 0).any()):
        return None
    groups = grouping(values.codes)
    low, high = DISTINCT
    if not (low * rows <= groups.subjects <= high * rows) or groups.subjects < FEWEST:
        return None
    return groups if may_name_people(name, column, groups) else None


def _judge(
    name: str, people: Grouping, coded: bool, columns: dict[str, Values], who: dict[str, str]
) -> NamesPeople | None:
    verdicts = {
        other: agreement(
            people,
            values,
            tolerance=2.0 if who.get(other) == "age" else 0.0,
            ordered=who.get(other) in ("sex", "race"),
        )
        for other, values in columns.items()
        if other != name
    }
    agreed = [other for other, verdict in verdicts.items() if verdict == "agrees"]
    agreeing = tuple(other for other in agreed if other != OUTCOME)
    if len(agreed) < COLUMNS or not agreeing or any(verdicts[o] == "varies" for o in who):
        return None
    unproven = not any(other in who for other in agreeing)
    if unproven and (not coded or is_lookup(people, [columns[other] for other in agreed])):
        return None
    return NamesPeople(name, people.subjects, people.rows, agreeing)
