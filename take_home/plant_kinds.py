"""The twelve kinds of problem, each put into a draft of the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from take_home.cohort import (
    ADMISSION,
    COMPANIONS,
    CONTACTS,
    DATE,
    DAYS,
    DECIMALS,
    FIRST_DAY,
    GROUPS,
    OUTCOME,
    PATIENT,
    SERIALS,
    SITE,
    SITES,
    more_identifiers,
)
from take_home.key import Plant
from take_home.tables import Place


@dataclass
class Draft:
    """The tables while problems are put in.

    `event` is the true outcome of the cohort's rows; `in_use` the columns that a problem or an
    oddity already has; `thin_sites` the hospitals with fewer admissions for a while.
    """

    cohort: pd.DataFrame
    ward: pd.DataFrame
    event: npt.NDArray[np.bool_]
    rng: np.random.Generator
    in_use: set[str] = field(default_factory=set)
    thin_sites: set[str] = field(default_factory=set)

    def column(self, choices: Sequence[str]) -> str:
        """One of the columns that nothing was done to; it and its companion are taken then."""
        free = [name for name in choices if name not in self.in_use]
        column = str(self.rng.choice(free))
        self.in_use |= {column, companion_of(column)} - {""}
        return column

    def site(self) -> str:
        """A hospital whose admissions are all there."""
        return str(self.rng.choice([name for name in SITES if name not in self.thin_sites]))

    def day(self, earliest: float, latest: float) -> date:
        """A day between two shares of the calendar."""
        day = self.rng.integers(int(earliest * DAYS), int(latest * DAYS))
        return (FIRST_DAY + pd.Timedelta(days=int(day))).date()

    def period(self, shortest: int, longest: int) -> tuple[date, date]:
        """A first and a last day, so many days apart, well inside of the calendar."""
        length = int(self.rng.integers(shortest, longest))
        first = self.day(0.1, 0.9 - length / DAYS)
        return first, first + timedelta(days=length)


def companion_of(column: str) -> str:
    """The column that is measured with another, in either direction; "" where there is none."""
    back = {partner: name for name, partner in COMPANIONS.items()}
    return COMPANIONS.get(column, back.get(column, ""))


class Unit(NamedTuple):
    """The other unit of a measurement: what it is multiplied by, and its decimals."""

    factor: float
    decimals: int


UNITS = {
    "creatinine": Unit(1 / 88.4, 2),
    "glucose": Unit(18.0, 0),
    "urea": Unit(2.8, 0),
    "haemoglobin": Unit(0.1, 1),
    "albumin": Unit(0.1, 1),
    "bilirubin": Unit(1 / 17.1, 2),
    "weight": Unit(2.205, 0),
}


def unit_change(draft: Draft) -> Plant:
    """One hospital's values in another unit from a date on."""
    place = Place(draft.column(list(UNITS)), draft.site(), draft.day(0.3, 0.7))
    rows, unit = place.rows(draft.cohort), UNITS[place.column]
    changed = (draft.cohort.loc[rows, place.column] * unit.factor).round(unit.decimals)
    draft.cohort.loc[rows, place.column] = changed
    return Plant("unit_change", place)


def outcome_gap(draft: Draft) -> Plant:
    """About seven months of one hospital without a recorded readmission.

    Its dates are those that can be seen: from the readmission before to the one after.
    """
    place = Place("", draft.site(), *draft.period(180, 270))
    draft.cohort.loc[place.rows(draft.cohort), OUTCOME] = 0
    here = (draft.cohort[SITE] == place.site) & (draft.cohort[OUTCOME] == 1)
    days = draft.cohort.loc[here, DATE].dt.date
    since = days[days < place.since].max() + timedelta(days=1)
    until = days[days > place.until].min() - timedelta(days=1)
    return Plant("outcome_gap", replace(place, since=since, until=until))


def missing_by_outcome(draft: Draft) -> Plant:
    """A measurement lost for many of those without an event, for none of those with one."""
    columns = ("heart_rate", "respiratory_rate", "potassium", "sodium", "glucose", "haemoglobin")
    place = Place(draft.column(columns))
    lost = ~draft.event & (draft.rng.random(len(draft.event)) < draft.rng.uniform(0.45, 0.65))
    draft.cohort.loc[lost, place.column] = np.nan
    return Plant("missing_by_outcome", place)


def counted_later(draft: Draft) -> Plant:
    """Contacts counted until day 30 after discharge; at the ward hardly any are there yet."""
    place, rng = Place(draft.column(list(CONTACTS))), draft.rng
    others = rng.uniform(0.5, 0.9)
    means = np.where(draft.event, others * rng.uniform(2.0, 2.6), others)
    draft.cohort[place.column] = rng.poisson(means)
    draft.ward[place.column] = rng.poisson(rng.uniform(0.15, 0.45), len(draft.ward))
    return Plant("counted_later", place)


def numbered_later(draft: Draft) -> Plant:
    """A new number for the readmitted, as many days later as it took to code the readmission."""
    place, rng = Place(draft.column(list(SERIALS))), draft.rng
    wait = rng.uniform(25, 90) * rng.uniform(0.6, 1.4, len(draft.event))
    later = (SERIALS[place.column][1] * wait).astype(np.int64)
    given = draft.event & (rng.random(len(draft.event)) < rng.uniform(0.5, 0.9))
    draft.cohort[place.column] += np.where(given, later, 0)
    return Plant("numbered_later", place)


def default_value(draft: Draft) -> Plant:
    """The usual value typed in for many at one hospital."""
    columns = ("heart_rate", "respiratory_rate", "oxygen_saturation", "weight", "systolic_bp")
    place, rng = Place(draft.column(columns), draft.site()), draft.rng
    typed = place.rows(draft.cohort) & (rng.random(len(draft.cohort)) < rng.uniform(0.2, 0.5))
    usual = draft.cohort[place.column].quantile(rng.uniform(0.35, 0.65))
    draft.cohort.loc[typed, place.column] = usual.round(DECIMALS[place.column])
    return Plant("default_value", place)


def second_registration(draft: Draft) -> Plant:
    """Patients of one hospital under a second identifier, two measurements read again."""
    place, rng, cohort = Place(site=draft.site()), draft.rng, draft.cohort
    here = cohort[place.rows(cohort)].drop_duplicates(PATIENT)
    copies = here.sample(int(rng.integers(40, 140)), random_state=rng)
    for name in (PATIENT, ADMISSION):
        copies[name] = more_identifiers(cohort[name].tolist(), len(copies), rng)
    chart = ("respiratory_rate", "heart_rate", "weight", "diastolic_bp", "sodium", "potassium")
    for name in [name for name in chart if name not in draft.in_use][:2]:
        copies[name] = copies[name] + rng.integers(1, 4, len(copies))
    merged = pd.concat([cohort, copies], ignore_index=True)
    order = np.lexsort((rng.random(len(merged)), merged[DATE]))
    draft.event = np.append(draft.event, copies[OUTCOME] == 1)[order]
    draft.cohort = merged.iloc[order].reset_index(drop=True)
    return Plant("second_registration", place)


def carried_forward(draft: Draft) -> Plant:
    """The value of the admission before, copied where one hospital did not measure again."""
    columns = ("creatinine", "glucose", "weight", "crp", "bilirubin", "haemoglobin", "albumin")
    place, rng, cohort = Place(draft.column(columns), draft.site()), draft.rng, draft.cohort
    copied = place.rows(cohort) & (rng.random(len(cohort)) < rng.uniform(0.4, 0.85))
    ordered = cohort[[PATIENT, place.column]].assign(copied=copied)
    values = ordered[place.column].where(~ordered["copied"] | _first(ordered[PATIENT]))
    # A value that is copied twice in a row comes from the last admission with one of its own.
    forward = values.groupby(ordered[PATIENT]).ffill()
    draft.cohort[place.column] = forward.where(copied, ordered[place.column])
    return Plant("carried_forward", place)


def _first(patients: pd.Series[str]) -> pd.Series[bool]:
    return ~patients.duplicated()


def shifted_rows(draft: Draft) -> Plant:
    """About a year of one hospital in which each value stands at the admission after."""
    pairs = sorted({*COMPANIONS, *COMPANIONS.values()})
    place = Place(draft.column(pairs), draft.site(), *draft.period(240, 420))
    rows = place.rows(draft.cohort)
    values = draft.cohort.loc[rows, place.column].to_numpy()
    draft.cohort.loc[rows, place.column] = np.roll(values, 1)
    return Plant("shifted_rows", place, companion_of(place.column))


def outcome_redefined(draft: Draft) -> Plant:
    """Other returns to hospital counted as readmissions from a date on, without regard to risk."""
    place, rng = Place(since=draft.day(0.5, 0.8)), draft.rng
    extra = place.rows(draft.cohort) & (rng.random(len(draft.cohort)) < rng.uniform(0.12, 0.25))
    draft.cohort.loc[extra, OUTCOME] = 1
    return Plant("outcome_redefined", place)


def capped_values(draft: Draft) -> Plant:
    """No value above a limit at one hospital from a date on."""
    columns = ("urea", "bilirubin", "crp", "glucose", "heart_rate", "albumin", "weight")
    place, rng = Place(draft.column(columns), draft.site(), draft.day(0.3, 0.7)), draft.rng
    highest = float(draft.cohort[place.column].quantile(rng.uniform(0.78, 0.9)))
    limit, rows = round(highest, DECIMALS[place.column]), place.rows(draft.cohort)
    draft.cohort.loc[rows, place.column] = draft.cohort.loc[rows, place.column].clip(upper=limit)
    return Plant("capped_values", place)


def group_under_recorded(draft: Draft) -> Plant:
    """Many readmissions of one group never reached the records; not of the largest group."""
    place, rng = Place(draft.column(list(GROUPS))), draft.rng
    shares = GROUPS[place.column]
    group = rng.choice([name for name, share in shares.items() if 0.11 < share < 0.25])
    lost = (draft.cohort[place.column] == group) & (
        rng.random(len(draft.cohort)) < rng.uniform(0.4, 0.75)
    )
    draft.cohort.loc[lost, OUTCOME] = 0
    return Plant("group_under_recorded", place)


PLANTS: dict[str, Callable[[Draft], Plant]] = {
    make.__name__: make
    for make in (
        shifted_rows,  # first: fewest columns to choose from
        unit_change,
        outcome_gap,
        missing_by_outcome,
        counted_later,
        numbered_later,
        default_value,
        carried_forward,
        outcome_redefined,
        capped_values,
        group_under_recorded,
        second_registration,  # last: it copies rows, and what is wrong with them
    )
}
