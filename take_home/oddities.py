"""Five harmless oddities: strange at first sight, and no reason to change anything."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from take_home.key import Oddity
from take_home.plant_kinds import Draft
from take_home.tables import Place


def rounded_pressure(draft: Draft) -> Oddity:
    """One hospital's blood pressures in tens."""
    place = Place("systolic_bp", draft.site())
    rows = place.rows(draft.cohort)
    draft.cohort.loc[rows, place.column] = draft.cohort.loc[rows, place.column].round(-1)
    draft.in_use |= {"systolic_bp", "diastolic_bp"}
    return Oddity("rounded_pressure", place, f"{place.site} records blood pressure in tens")


def not_routine(draft: Draft) -> Oddity:
    """A measurement that one hospital takes of every other patient, whoever it is."""
    place = Place(draft.column(["albumin", "crp", "bilirubin"]), draft.site())
    lost = place.rows(draft.cohort) & (draft.rng.random(len(draft.cohort)) < 0.5)
    draft.cohort.loc[lost, place.column] = np.nan
    sentence = f"{place.site} measures {place.column} in half of its patients, whatever the outcome"
    return Oddity("not_routine", place, sentence)


def fewer_admissions(draft: Draft) -> Oddity:
    """A ward closed for some months: fewer admissions, of the same sort."""
    place = Place("", draft.site(), *draft.period(120, 200))
    closed = place.rows(draft.cohort) & (draft.rng.random(len(draft.cohort)) < 0.6)
    draft.event = draft.event[~closed]
    draft.cohort = draft.cohort[~closed].reset_index(drop=True)
    draft.thin_sites.add(place.site)
    return Oddity("fewer_admissions", place, f"{place.site} had fewer beds for some months")


def older_patients(draft: Draft) -> Oddity:
    """One hospital whose patients are older, and as old at the ward."""
    place = Place("age", draft.site())
    for table in (draft.cohort, draft.ward):
        rows = place.rows(table)
        table.loc[rows, "age"] = (table.loc[rows, "age"] + 7).clip(upper=103)
    return Oddity("older_patients", place, f"{place.site} has older patients, in ward.csv too")


def finer_device(draft: Draft) -> Oddity:
    """A new device that reports one more decimal from a date on."""
    column = draft.column(["potassium", "haematocrit", "urea", "respiratory_rate"])
    place = Place(column, draft.site(), draft.day(0.3, 0.7))
    rows = place.rows(draft.cohort)
    step = 0.1 if column == "respiratory_rate" else 0.01
    finer = draft.cohort.loc[rows, column] + step * draft.rng.integers(-4, 5, rows.sum())
    draft.cohort.loc[rows, column] = finer.round(1 if step == 0.1 else 2)
    sentence = f"{place.site} has a device with one more decimal for {column}"
    return Oddity("finer_device", place, sentence)


ODDITIES: dict[str, Callable[[Draft], Oddity]] = {
    make.__name__: make
    for make in (rounded_pressure, not_routine, fewer_admissions, older_patients, finer_device)
}
