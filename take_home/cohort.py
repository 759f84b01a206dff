"""A made-up cohort of six hospitals: admissions, and readmission within 30 days of discharge.

One row an admission, discharged in 2019 to 2022; the ward's table has 12,000 fresh admissions of
the first half of 2023. The outcome is drawn from the true values of what is recorded, so that every
measurement has an effect: a fault in one costs something. Nothing is wrong with these tables;
`plants` puts it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.float64]
Column = npt.NDArray[Any]


class Measurement(NamedTuple):
    """How a measurement is made up, and what it does to the risk.

    With a `companion` it follows that measurement (correlation `likeness`); without, the severity
    of the illness and comorbidity.
    """

    name: str
    mean: float
    sd: float
    decimals: int
    severity: float  # correlation with the severity of the illness
    burden: float  # correlation with comorbidity
    log_odds: float  # per SD
    absent: float = 0.03  # share not recorded
    skewed: bool = False  # log-normal, with this median, and the SD of the logarithm
    companion: str = ""
    likeness: float = 0.0


MEASUREMENTS = (
    Measurement("systolic_bp", 132, 20, 0, -0.3, 0.1, -0.15, 0.01),
    Measurement("diastolic_bp", 76, 11, 0, 0, 0, -0.08, 0.01, False, "systolic_bp", 0.8),
    Measurement("heart_rate", 84, 15, 0, 0.4, 0.1, 0.15, 0.01),
    Measurement("respiratory_rate", 17, 3, 0, 0.45, 0.05, 0.15),
    Measurement("oxygen_saturation", 95.5, 1.6, 0, -0.45, -0.15, -0.15),
    Measurement("weight", 78, 0.2, 1, -0.05, 0.1, -0.08, 0.05, True),
    Measurement("haemoglobin", 126, 17, 0, -0.25, -0.35, -0.18),
    Measurement("haematocrit", 38, 5, 1, 0, 0, -0.08, 0.03, False, "haemoglobin", 0.9),
    Measurement("creatinine", 92, 0.4, 0, 0.2, 0.4, 0.22, 0.03, True),
    Measurement("urea", 6.8, 0.45, 1, 0, 0, 0.1, 0.03, True, "creatinine", 0.8),
    Measurement("sodium", 138, 4, 0, -0.3, -0.15, -0.15),
    Measurement("chloride", 102, 4, 0, 0, 0, -0.08, 0.03, False, "sodium", 0.8),
    Measurement("potassium", 4.2, 0.45, 1, 0.1, 0.2, 0.1),
    Measurement("glucose", 7.2, 0.3, 1, 0.25, 0.2, 0.15, 0.06, True),
    Measurement("albumin", 37, 5, 0, -0.4, -0.2, -0.22, 0.12),
    Measurement("bilirubin", 11, 0.5, 0, 0.25, 0.1, 0.15, 0.1, True),
    Measurement("crp", 24, 0.6, 0, 0.5, 0.05, 0.15, 0.15, True),
)
MEASURED = tuple(m.name for m in MEASUREMENTS)
COMPANIONS = {m.name: m.companion for m in MEASUREMENTS if m.companion}
DECIMALS = {m.name: m.decimals for m in MEASUREMENTS}
HIGHEST = {"oxygen_saturation": 100}

SITES = {"Abbey": 0.2, "Bridge": 0.18, "Castle": 0.17, "Dale": 0.16, "Elm": 0.15, "Ferry": 0.14}
CONDITIONS = {
    "heart_failure": 0.2,
    "diabetes": 0.27,
    "copd": 0.17,
    "kidney_disease": 0.15,
    "cancer": 0.12,
}
# Of no effect on the risk: whatever differs between these groups is a fault of the records.
GROUPS = {
    "language": {"English": 0.55, "Polish": 0.15, "Arabic": 0.12, "Turkish": 0.1, "Hindi": 0.08},
    "district": {"Harbour": 0.3, "Hills": 0.22, "Market": 0.2, "River": 0.16, "Station": 0.12},
    "insurance": {"public": 0.62, "company": 0.17, "private": 0.12, "students": 0.09},
}
DESTINATIONS = ("home", "home with care", "rehabilitation", "nursing home")
# Mean counts; all of them of the 30 days before admission.
CONTACTS = {
    "nurse_visits": 0.9,
    "telephone_calls": 1.2,
    "clinic_letters": 0.7,
    "pharmacy_requests": 1.0,
}
# Numbers that offices give in the order of discharge: the first one, and how many a day.
SERIALS = {
    "file_number": (210_000, 60),
    "letter_number": (48_000, 25),
    "transport_number": (730_000, 40),
}
OUTCOME, PATIENT, ADMISSION, SITE, DATE = (
    "readmitted",
    "patient_id",
    "admission_id",
    "hospital",
    "discharge_date",
)
FIRST_DAY, DAYS = pd.Timestamp("2019-01-01"), 4 * 365 + 1
WARD_DAYS = 181
PATIENTS, WARD_ROWS = 8_000, 12_000
COHORT_NUMBERS, WARD_NUMBERS = np.arange(100_000, 550_000), np.arange(550_000, 1_000_000)
INTERCEPT = -2.75


def development(rng: np.random.Generator) -> pd.DataFrame:
    """About 12,000 admissions of 8,000 patients, in the order of discharge, with the outcome."""
    people = _people(PATIENTS, COHORT_NUMBERS, rng)
    admissions = _several_admissions(people, rng)
    ordered = admissions.sort_values("day", kind="stable").reset_index(drop=True)
    return _clinical(ordered, COHORT_NUMBERS, rng)


def fresh(rng: np.random.Generator) -> pd.DataFrame:
    """The ward's 12,000 admissions of the half-year after, one a patient, with the outcome."""
    people = _people(WARD_ROWS, WARD_NUMBERS, rng)
    people["day"] = np.sort(DAYS + rng.integers(0, WARD_DAYS, WARD_ROWS))
    return _clinical(people, WARD_NUMBERS, rng)


def identifiers(prefix: str, numbers: Column) -> Column:
    """Identifiers with that first letter and six digits."""
    return np.array([f"{prefix}{number}" for number in numbers], dtype=object)


def more_identifiers(given: Sequence[str], n: int, rng: np.random.Generator) -> Column:
    """Identifiers of the cohort that nobody has yet, which look like those that were given."""
    taken = np.array([int(name[1:]) for name in given])
    free = COHORT_NUMBERS[~np.isin(COHORT_NUMBERS, taken)]
    return identifiers(given[0][0], rng.choice(free, n, replace=False))


def _expit(logit: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-logit)))


def _choice(shares: dict[str, float], n: int, rng: np.random.Generator) -> Column:
    return np.asarray(rng.choice(list(shares), n, p=list(shares.values())), dtype=object)


def _people(n: int, numbers: Column, rng: np.random.Generator) -> pd.DataFrame:
    """Who they are, and what stays the same from one admission to the next."""
    people = pd.DataFrame({PATIENT: identifiers("P", rng.choice(numbers, n, replace=False))})
    people[SITE] = _choice(SITES, n, rng)
    people["age"] = rng.normal(67, 14, n).clip(18, 100).round()
    people["sex"] = rng.choice(["F", "M"], n)
    for name, shares in GROUPS.items():
        people[name] = _choice(shares, n, rng)
    people["burden"] = 0.45 * (people["age"] - 67) / 14 + 0.9 * rng.normal(size=n)
    for name, share in CONDITIONS.items():
        logit = np.log(share / (1 - share)) + 0.7 * people["burden"].to_numpy()
        people[name] = (rng.random(n) < _expit(logit)).astype(np.int64)
    return people


def _several_admissions(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One to four admissions each; a readmission within 30 days is no admission of its own."""
    each = rng.choice([1, 2, 3, 4], len(people), p=[0.62, 0.22, 0.1, 0.06])
    who = np.repeat(np.arange(len(people)), each)
    first = rng.integers(0, DAYS, len(people))[who]
    again = np.append(False, who[1:] == who[:-1])
    step = np.where(again, 31 + rng.exponential(150, len(who)).astype(np.int64), first)
    day = pd.Series(step).groupby(who).cumsum().to_numpy()
    kept = day < DAYS
    admissions = people.iloc[who[kept]].reset_index(drop=True)
    return admissions.assign(day=day[kept], age=admissions["age"] + (day - first)[kept] // 365)


def _clinical(people: pd.DataFrame, numbers: Column, rng: np.random.Generator) -> pd.DataFrame:
    """The table at discharge with the outcome; severity and comorbidity lie behind all of it."""
    n, burden, severity = len(people), people["burden"].to_numpy(), rng.normal(size=len(people))
    day = people["day"].to_numpy()
    table = people.drop(columns=["burden", "day"])
    table.insert(0, ADMISSION, identifiers("A", rng.choice(numbers, n, replace=False)))
    table.insert(3, DATE, FIRST_DAY + pd.to_timedelta(day, unit="D"))
    table["prior_admissions"] = rng.poisson(np.exp(-0.6 + 0.5 * burden)).clip(0, 12)
    table["emergency_admission"] = (rng.random(n) < _expit(0.6 + 0.8 * severity)).astype(np.int64)
    table["length_of_stay"] = rng.gamma(2, np.exp(0.6 + 0.35 * severity)).clip(0.5, 120).round(1)
    table["medications"] = rng.normal(7.5 + 1.8 * burden, 2.5).clip(0, 40).round()
    need = np.digitize(0.5 * severity + 0.6 * burden + rng.normal(size=n), [0.6, 1.3, 1.8])
    table["discharge_destination"] = np.array(DESTINATIONS, dtype=object)[need]
    logit = INTERCEPT + 0.2 * (table["age"].to_numpy() - 67) / 14
    logit += 0.2 * table["prior_admissions"].to_numpy()
    logit += 0.3 * table["emergency_admission"].to_numpy()
    logit += 0.28 * table[list(CONDITIONS)].to_numpy().sum(axis=1)
    logit += _measure(table, severity, burden, rng)
    for name, mean in CONTACTS.items():
        table[name] = rng.poisson(mean * np.exp(0.15 * burden))
    for name, (start, rate) in SERIALS.items():
        table[name] = start + (rate * (day + rng.uniform(0, 4, n))).astype(np.int64)
    table[OUTCOME] = (rng.random(n) < _expit(logit)).astype(np.int64)
    return table


def _measure(
    table: pd.DataFrame, severity: Numbers, burden: Numbers, rng: np.random.Generator
) -> Numbers:
    """Adds the measurements as they were recorded; what their true values add to the log odds."""
    true: dict[str, Numbers] = {}
    logit = np.zeros(len(table))
    for m in MEASUREMENTS:
        driven = m.severity * severity + m.burden * burden
        left = 1 - m.severity**2 - m.burden**2
        if m.companion:
            driven, left = m.likeness * true[m.companion], 1 - m.likeness**2
        z = driven + np.sqrt(left) * rng.normal(size=len(table))
        true[m.name] = z
        value = m.mean * np.exp(m.sd * z) if m.skewed else m.mean + m.sd * z
        logit += m.log_odds * (value - value.mean()) / value.std()
        value = value.clip(0.1 * m.mean, HIGHEST.get(m.name)).round(m.decimals)
        value[rng.random(len(table)) < m.absent] = np.nan
        table[m.name] = value
    return logit
