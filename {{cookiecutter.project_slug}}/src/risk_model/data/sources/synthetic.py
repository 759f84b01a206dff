"""A made-up cohort of several hospitals whose truth is known: readmission within 30 days.

Five hospitals, admissions in 2019 to 2023, one row an admission. The outcome is drawn from the
values below, before any is lost, and from a frailty that a patient's admissions share and nobody
sees: no model's AUROC can pass about .76. Nothing is wrong with the cohort until `data.plant` names
it:

- leaking_column: `clinic_contacts`, counted until day 30; mean 3.5 with the outcome, .2 else
- duplicated_patient: 20 patients registered twice, with all their admissions
- site_shift: Hospital C's laboratory reports albumin too low, by 7 g/L, 1.4 SD
- drift: ever more medications, by 4 (1.1 SD), and readmissions, odds × 2, in five years
- underdiagnosis: half of the readmissions of Black patients are not recorded

A plant changes what it names and leaves the rest of the cohort as it is without.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model import config
from risk_model.core.cohort import INDEX, Cohort, Outcome
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Field, Schema
from risk_model.data.sources.coerce import coerce, declare_recorded_after
from risk_model.data.sources.fields import category, number

Numbers = npt.NDArray[np.float64]
Column = npt.NDArray[Any]


class Measurement(NamedTuple):
    """How a measurement is made up.

    Its distribution, what drives it, what it does to the risk, how it is recorded.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    mean: float
    sd: float
    decimals: int
    severity: float  # correlation with the severity of the illness
    burden: float  # correlation with comorbidity
    log_odds: float  # per SD
    absent: float  # share not recorded
    skewed: bool = False  # log-normal, with this median, and the SD as a share of it


PLANTS = ("leaking_column", "duplicated_patient", "site_shift", "drift", "underdiagnosis")
SITES = {
    "Hospital A": 0.28,
    "Hospital B": 0.24,
    "Hospital C": 0.2,
    "Hospital D": 0.16,
    "Hospital E": 0.12,
}
ETHNICITIES = {"White": 0.58, "Black": 0.2, "Hispanic": 0.14, "Asian": 0.08}
SMOKING = {"never": 0.45, "former": 0.35, "current": 0.2}
DESTINATIONS = ("home", "home with care", "rehabilitation", "nursing home")
CONDITIONS = {
    "heart_failure": 0.2,
    "diabetes": 0.27,
    "copd": 0.17,
    "kidney_disease": 0.15,
    "cancer": 0.12,
}
MEASUREMENTS = (
    Measurement("systolic_bp", "mm[Hg]", 50, 280, 132, 20, 0, -0.35, 0.1, -0.2, 0.01),
    Measurement("heart_rate", "/min", 20, 250, 84, 15, 0, 0.45, 0.1, 0.2, 0.01),
    Measurement("temperature", "Cel", 30, 44, 37.0, 0.6, 1, 0.4, 0.0, 0.0, 0.02),
    Measurement("oxygen_saturation", "%", 50, 100, 95, 1.5, 0, -0.5, -0.15, -0.2, 0.03),
    Measurement("creatinine", "umol/L", 10, 2000, 90, 0.35, 0, 0.25, 0.4, 0.2, 0.04, skewed=True),
    Measurement("sodium", "mmol/L", 100, 180, 138, 4, 0, -0.3, -0.15, -0.15, 0.04),
    Measurement("haemoglobin", "g/L", 30, 230, 126, 18, 0, -0.25, -0.35, -0.2, 0.05),
    Measurement("albumin", "g/L", 5, 60, 37, 5, 0, -0.45, -0.2, -0.25, 0.22),
    Measurement("crp", "mg/L", 0, 600, 25, 0.9, 1, 0.5, 0.1, 0.0, 0.28, skewed=True),
)
FIRST_DAY, DAYS = pd.Timestamp("2019-01-01"), 5 * 365
INTERCEPT, FRAILTY_SD = -3.6, 0.5
TWICE_REGISTERED = 20


def load(settings: config.Synthetic) -> Cohort:
    """The made-up cohort of `settings.subjects` patients.

    Raises:
        UserError: an unknown plant, or fewer than 100 patients.
    """
    unknown = [name for name in settings.plant if name not in PLANTS]
    if unknown:
        raise UserError(
            f"data.plant: {', '.join(unknown)} cannot be planted; use {', '.join(PLANTS)}"
        )
    if settings.subjects < 100:
        raise UserError(
            f"data.subjects={settings.subjects}: too few to make a cohort of; use at least 100"
        )
    rng = np.random.default_rng(settings.seed)
    admissions = _admissions(_people(settings.subjects, rng), rng)
    inputs, logit = _clinical(admissions, rng)
    later = _elapsed(admissions) if "drift" in settings.plant else np.zeros(len(admissions))
    inputs["medications"] = (inputs["medications"] + 4 * later).round()
    outcome = (rng.random(len(inputs)) < _expit(logit + np.log(2) * later)).astype(np.int8)
    return _planted(inputs, outcome, admissions[list(INDEX)].copy(), settings)


def _expit(logit: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-logit)))


def _elapsed(index: pd.DataFrame) -> Numbers:
    """The share of the calendar that has passed at each row."""
    return np.asarray((index["prediction_time"] - FIRST_DAY).dt.days / DAYS, dtype=np.float64)


def _people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Who they are, and what stays the same from one admission to the next."""
    people = pd.DataFrame({"subject_id": [f"P{i:06d}" for i in rng.permutation(n)]})
    people["site"] = rng.choice(list(SITES), n, p=list(SITES.values()))
    people["age"] = rng.normal(66, 15, n).clip(18, 100).round()
    people["sex"] = rng.choice(["F", "M"], n)
    people["ethnicity"] = rng.choice(list(ETHNICITIES), n, p=list(ETHNICITIES.values()))
    people["burden"] = 0.45 * (people["age"] - 66) / 15 + 0.9 * rng.normal(size=n)
    people["frailty"] = rng.normal(0, FRAILTY_SD, n)
    for name, share in CONDITIONS.items():
        people[name] = rng.random(n) < _expit(
            np.log(share / (1 - share)) + 0.7 * people["burden"].to_numpy()
        )
    people["smoking"] = _with_gaps(
        rng.choice(list(SMOKING), n, p=list(SMOKING.values())).astype(object), 0.1, rng
    )
    return people


def _admissions(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One to four admissions each, over the five years.

    A readmission within 30 days is no admission of its own.
    """
    who = np.repeat(
        np.arange(len(people)), rng.choice([1, 2, 3, 4], len(people), p=[0.66, 0.2, 0.09, 0.05])
    )
    first = rng.integers(0, DAYS, len(people))[who]
    again = np.append(False, who[1:] == who[:-1])
    step = np.where(again, 31 + rng.exponential(200, len(who)).astype(np.int64), first)
    day = pd.Series(step).groupby(who).cumsum().to_numpy()
    in_calendar = day < DAYS
    admissions = people.iloc[who[in_calendar]].reset_index(drop=True)
    admissions["age"] += (day - first)[in_calendar] // 365
    return admissions.assign(
        prediction_time=FIRST_DAY + pd.to_timedelta(day[in_calendar], unit="D")
    )


def _clinical(admissions: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, Numbers]:
    """The table at discharge, and the log odds; severity and comorbidity lie behind all of it."""
    n, burden = len(admissions), admissions["burden"].to_numpy()
    severity = rng.normal(size=n)
    table = admissions[["age", "sex", *CONDITIONS, "smoking"]].copy()
    table["prior_admissions"] = (
        rng.poisson(np.exp(-0.6 + 0.5 * burden)).clip(0, 12).astype(np.float64)
    )
    table["emergency_admission"] = rng.random(n) < _expit(0.6 + 0.8 * severity)
    table["length_of_stay"] = rng.gamma(2, np.exp(0.6 + 0.35 * severity)).clip(0.5, 120).round(1)
    table["medications"] = rng.normal(7.5 + 1.8 * burden, 3).clip(0, 40).round()
    need = np.digitize(0.5 * severity + 0.6 * burden + rng.normal(size=n), [0.6, 1.3, 1.8])
    table["discharge_destination"] = np.array(DESTINATIONS, dtype=object)[need]
    log_odds = {
        "prior_admissions": 0.3,
        "emergency_admission": 0.4,
        **dict.fromkeys(CONDITIONS, 0.35),
    }
    diagnosed = sum(
        effect * table[name].to_numpy(dtype=np.float64) for name, effect in log_odds.items()
    )
    logit = (
        INTERCEPT
        + 0.1 * (admissions["age"].to_numpy() - 66) / 15
        + diagnosed
        + admissions["frailty"].to_numpy()
    )
    for item in MEASUREMENTS:
        table[item.name], effect = _measure(item, severity, burden, rng)
        logit = logit + effect
    return table, logit


def _measure(
    m: Measurement, severity: Numbers, burden: Numbers, rng: np.random.Generator
) -> tuple[Column, Numbers]:
    """A measurement as it was recorded, and what its true value adds to the log odds."""
    own = np.sqrt(1 - m.severity**2 - m.burden**2)
    z = m.severity * severity + m.burden * burden + own * rng.normal(size=len(severity))
    value = m.mean * np.exp(m.sd * z) if m.skewed else m.mean + m.sd * z
    recorded = value.clip(m.minimum, m.maximum).round(m.decimals)
    return _with_gaps(recorded, m.absent, rng), np.asarray(m.log_odds * z)


def _with_gaps(values: Column, share: float, rng: np.random.Generator) -> Column:
    values[rng.random(len(values)) < share] = None if values.dtype == object else np.nan
    return values


def _planted(
    inputs: pd.DataFrame, outcome: Outcome, index: pd.DataFrame, settings: config.Synthetic
) -> Cohort:
    """The cohort with the truths that are planted after the outcome is known."""
    rng = np.random.default_rng([settings.seed, 1])
    fields = _fields()
    if "leaking_column" in settings.plant:
        inputs["clinic_contacts"] = rng.poisson(0.2 + 3.3 * outcome).astype(np.float64)
        fields.append(number("clinic_contacts", "", 0, 60, "contacts with a clinic"))
    if "site_shift" in settings.plant:
        inputs["albumin"] = (inputs["albumin"] - 7.0 * (index["site"] == "Hospital C")).clip(
            lower=5
        )
    if "underdiagnosis" in settings.plant:
        unseen = (index["ethnicity"] == "Black").to_numpy() & (rng.random(len(index)) < 0.5)
        outcome = np.where(unseen, 0, outcome).astype(np.int8)
    note = f"made-up data; planted: {', '.join(settings.plant) or 'nothing'}"
    schema = Schema(settings.name, "readmitted within 30 days", tuple(fields))
    schema = declare_recorded_after(schema, settings.recorded_after)
    inputs, reader_notes = coerce(inputs, schema)
    notes = (Finding("note", "synthetic", "every row", note), *reader_notes)
    cohort = Cohort(
        schema, inputs, outcome, index, "made up by this package; no licence needed", notes
    )
    return _registered_twice(cohort, rng) if "duplicated_patient" in settings.plant else cohort


def _registered_twice(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    twice = rng.choice(cohort.index["subject_id"].unique(), TWICE_REGISTERED, replace=False)
    again = np.flatnonzero(cohort.index["subject_id"].isin(twice))
    doubled = cohort.take(np.append(np.arange(len(cohort)), again))
    doubled.index.loc[len(cohort) :, "subject_id"] = (
        doubled.index["subject_id"].iloc[len(cohort) :] + "B"
    )
    return doubled


def _fields() -> list[Field]:
    return [
        number("age", "a", 18, 110, "age at admission", missing_allowed=False),
        category("sex", ("F", "M"), missing_allowed=False),
        number("prior_admissions", "1", 0, 60, "admissions in the year before"),
        Field("emergency_admission", "boolean", description="admitted as an emergency"),
        number("length_of_stay", "d", 0, 365, "days in hospital"),
        number("medications", "1", 0, 60, "medications at discharge"),
        *(
            Field(name, "boolean", description=f"{name.replace('_', ' ')}, known diagnosis")
            for name in CONDITIONS
        ),
        category("smoking", SMOKING, missing_flag=True),
        category("discharge_destination", DESTINATIONS),
        *(
            number(m.name, m.unit, m.minimum, m.maximum, missing_flag=m.absent > 0.1)
            for m in MEASUREMENTS
        ),
    ]
