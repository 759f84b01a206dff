"""The columns that say who, when and where, recognised by name and switched off by one word.

A patient's rows must stay together, so a repeated patient number is taken as the subject even when
nobody named it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from risk_model import config
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.data.sources.coerce import as_text, require_column

AUTO, NONE = "auto", "none"
ROLES = {
    "subject": "subject_id",
    "time": "prediction_time",
    "site": "site",
    "age": "age",
    "sex": "sex",
    "ethnicity": "ethnicity",
}
TEXT_ROLES = ("subject", "site", "sex", "ethnicity")

# Compared in lower case without spaces, dots and underscores; an earlier name goes before a later
# one.
NAMES = {
    "subject": "patientid subjectid personid patientnbr patientnumber patientno patnr patno ptid "
    "mrn participantid "
    "memberid patient subject hadmid",
    "time": "predictiontime predictiondate indexdate indextime admissiondate admissiontime "
    "admitdate admittime "
    "dateofadmission encounterdate visitdate date",
    "site": "hospital hospitalid hospitalname hospitalcode site siteid sitename center centre "
    "centerid centreid "
    "centername clinic facility facilityid institution ward wardid",
    "age": "age ageyears ageatadmission ageyrs anchorage patientage",
    "sex": "sex gender patientsex patientgender",
    "ethnicity": "ethnicity race raceethnicity ethnicgroup ethnicityrace",
}
VAGUE = ("id", "case", "caseid", "record", "recordid")  # a subject only where the values repeat
REPEATS = 0.9  # fewer distinct values than this share of the rows: they repeat ...
SUBJECTS = 0.05  # ... and more than this share: they are people, not kinds


@dataclass(frozen=True)
class Roles:
    """The column of each role, and the roles whose column the user named."""

    column: Mapping[str, str]
    named: frozenset[str]

    @property
    def text_columns(self) -> list[str]:
        """The columns that are text even when they look like numbers."""
        return [name for role, name in self.column.items() if role in TEXT_ROLES]

    def notes(self) -> list[Finding]:
        """One line for each column taken by its name."""
        return [
            Finding(
                "note",
                "recognised",
                name,
                f"taken as the {role} by its name",
                f"data.{role}=none if it is not",
            )
            for role, name in self.column.items()
            if role not in self.named
        ]


def column_roles(columns: list[str], settings: config.Table) -> Roles:
    """The column of each role (subject, time, site, age, sex, ethnicity), by setting or by name.

    UserError when a setting names a column that is not there, or one column for two roles.
    """
    setting = {role: str(getattr(settings, role)) for role in ROLES}
    named = {role: name for role, name in setting.items() if name not in (AUTO, NONE)}
    for role, name in named.items():
        require_column(name, columns, f"data.{role}", settings.path)
    if len(set(named.values())) < len(named):
        raise UserError(
            "data.subject, time, site, age, sex and ethnicity must name different columns"
        )
    occupied = {*named.values(), settings.outcome, *settings.exclude}
    free = [column for column in columns if column not in occupied]
    by_name = {role: _by_name(role, free) for role in ROLES if setting[role] == AUTO}
    chosen = {role: named.get(role) or by_name.get(role) for role in ROLES}
    return Roles({role: name for role, name in chosen.items() if name}, frozenset(named))


def repeated_identifier(frame: pd.DataFrame) -> Finding | None:
    """The column with a vague name such as "id" whose values repeat as patients' do."""
    for name in map(str, frame.columns):
        if _folded(name) in VAGUE and SUBJECTS < frame[name].nunique() / len(frame) < REPEATS:
            message = (
                "its values repeat, so it was taken as the subject: one patient's rows stay "
                "in one split"
            )
            return Finding(
                "note", "recognised", name, message, "data.subject=none if they are not patients"
            )
    return None


def index_of(frame: pd.DataFrame, roles: Roles) -> tuple[pd.DataFrame, Roles]:
    """The cohort's index from cleaned columns, and the roles that could be played.

    A "date" without dates is no time.

    UserError when a column that the user named cannot play its role.
    """
    columns = {role: _as_role(frame[name], role) for role, name in roles.column.items()}
    for role in roles.named:
        if columns[role] is None:
            kind = "dates (write YYYY-MM-DD)" if role == "time" else "numbers"
            raise UserError(
                f"data.{role}: column {roles.column[role]!r} does not hold {kind}; name another or "
                "none"
            )
    usable = {role: column for role, column in columns.items() if column is not None}
    index = pd.DataFrame(
        {ROLES[role]: column for role, column in usable.items()}, index=frame.index
    )
    return index, Roles({role: roles.column[role] for role in usable}, roles.named)


def _as_role(column: pd.Series, role: str) -> pd.Series | None:
    if role in TEXT_ROLES:
        return as_text(column)
    if role == "age":
        return column.astype(float) if pd.api.types.is_numeric_dtype(column) else None
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    years = pd.api.types.is_numeric_dtype(column) and column.dropna().between(1900, 2100).all()
    return pd.to_datetime(column.astype("Int64").astype("string"), format="%Y") if years else None


def _by_name(role: str, columns: list[str]) -> str | None:
    folded = {_folded(column): column for column in reversed(columns)}
    return next((folded[name] for name in NAMES[role].split() if name in folded), None)


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
