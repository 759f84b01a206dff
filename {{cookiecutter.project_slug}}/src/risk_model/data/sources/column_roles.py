"""The columns that say who, when and where: proposed by name, checked against their values.

A patient's rows must stay together, a held-out site be whole, and the audit by age needs years:
whatever in the values speaks against a role is a doubt, which stops the run until it is answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from risk_model import config
from risk_model.core.column_reading import ColumnReading
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.setting_syntax import setting
from risk_model.data.sources.coerce import as_text, require_column
from risk_model.data.sources.role_doubts import role_doubts
from risk_model.data.sources.values import UNDERSTOOD

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
# the other roles tell who, when and where; race is for the audit by group
INPUTS_TOO = "age", "sex"
READ_AS = {"subject": "patient", "time": "prediction time"}

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
TOGETHER = "+"  # data.subject=hospital+number: neither alone names a patient


@dataclass(frozen=True)
class Roles:
    """The column of each role, and the roles whose column the user named."""

    column: Mapping[str, str]
    named: frozenset[str]

    @property
    def text_columns(self) -> list[str]:
        """The columns that are text even when they look like numbers."""
        return [name for role, name in self.column.items() if role in TEXT_ROLES]

    def why(self, role: str) -> str:
        """Why a column has this role."""
        return "by setting" if role in self.named else "by its name"


def column_roles(columns: list[str], settings: config.Table) -> Roles:
    """The column of each role (subject, time, site, age, sex, ethnicity), by setting or by name.

    UserError when a setting names a column that is not there, or one column for two roles.
    """
    chosen_by = {role: str(getattr(settings, role)) for role in ROLES}
    named = {role: name for role, name in chosen_by.items() if name not in (AUTO, NONE)}
    for role, name in named.items():
        for part in parts_of(name, columns) if role == "subject" else [name]:
            require_column(part, columns, f"data.{role}", settings.path)
    if len(set(named.values())) < len(named):
        raise UserError(
            "data.subject, time, site, age, sex and ethnicity must name different columns"
        )
    occupied = {*named.values(), settings.outcome, *settings.exclude}
    free = [column for column in columns if column not in occupied]
    by_name = {role: _by_name(role, free) for role in ROLES if chosen_by[role] == AUTO}
    chosen = {role: named.get(role) or by_name.get(role) for role in ROLES}
    return Roles({role: name for role, name in chosen.items() if name}, frozenset(named))


def role_readings(roles: Roles, index: pd.DataFrame) -> list[ColumnReading]:
    """A line for each role that a column has: why, and how many there are of it."""
    return [
        ColumnReading(
            name,
            READ_AS.get(role, role),
            f"{roles.why(role)}; {_extent(index[ROLES[role]], role)}",
            f"data.{role}={NONE}",
        )
        for role, name in roles.column.items()
        if ROLES[role] in index
    ]


def _extent(column: pd.Series, role: str) -> str:
    """How many different ones, or from where to where."""
    if column.isna().all():
        return "nothing is recorded"
    if pd.api.types.is_datetime64_any_dtype(column):
        return f"{column.min():%Y} to {column.max():%Y}"
    if pd.api.types.is_numeric_dtype(column):
        return f"median {column.median():.0f}; an input too"
    what = {"subject": "patients", "site": "sites"}.get(role, "groups")
    too = "; an input too" if role in INPUTS_TOO else ""
    return f"{column.nunique():,} {what} in {int(column.notna().sum()):,} rows{too}"


def parts_of(subject: str, columns: list[str]) -> list[str]:
    """The columns that together name a patient: one, unless joined by a plus sign."""
    return [subject] if subject in columns else subject.split(TOGETHER)


def is_vague(name: str) -> bool:
    """Whether a column's name, such as "id", may or may not mean a patient."""
    return _folded(name) in VAGUE


def repeated_identifier(frame: pd.DataFrame) -> str:
    """The column with a vague name such as "id" whose values repeat as patients' do, or ""."""
    for name in map(str, frame.columns):
        if is_vague(name) and SUBJECTS < frame[name].nunique() / len(frame) < REPEATS:
            return name
    return ""


def index_of(
    frame: pd.DataFrame, roles: Roles, today: pd.Timestamp
) -> tuple[pd.DataFrame, list[Finding]]:
    """The cohort's index from cleaned columns, and the doubts about them.

    UserError when a column that the user named cannot play its role.
    """
    index, doubts = {}, []
    for role, name in roles.column.items():
        column = _as_role(frame[name], role)
        if column is not None:
            index[ROLES[role]] = column
            doubts += role_doubts(column, role, name, today)
        elif role in roles.named:
            kind = f"dates ({UNDERSTOOD})" if role == "time" else "numbers"
            raise UserError(
                f"data.{role}: column {name!r} does not hold {kind}; name another or none"
            )
        else:
            doubts.append(_unread(role, name, bool(frame[name].isna().all())))
    return pd.DataFrame(index, index=frame.index), doubts


def _as_role(column: pd.Series, role: str) -> pd.Series | None:
    if role in TEXT_ROLES:
        return as_text(column)
    if role == "age":
        return column.astype(float) if pd.api.types.is_numeric_dtype(column) else None
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    years = pd.api.types.is_numeric_dtype(column) and column.dropna().between(1900, 2100).all()
    if not years or not (column.dropna() % 1 == 0).all():
        return None
    return pd.to_datetime(column.astype("Int64").astype("string"), format="%Y")


def _unread(role: str, name: str, empty: bool) -> Finding:
    without = f"{setting('data.' + role, NONE)} {setting('data.exclude', [name])}"
    if role == "time":
        message = "by its name the moment of the prediction, and its values are no dates I can read"
        message = message if not empty else "by its name the moment of the prediction, and empty"
        remedy = f"write {UNDERSTOOD}; or go on without dates: {without}"
    else:
        values = "it is empty" if empty else "its values are no numbers"
        message = f"by its name the patient's {role}, and {values}"
        keep = setting("data." + role, NONE)
        remedy = f"write years as numbers; or go on without an audit by {role}: {keep}"
    return Finding("error", "role not read", name, message, remedy)


def joined(frame: pd.DataFrame, parts: list[str]) -> pd.Series:
    """Texts of several columns as one, missing where one of them is: "North/12"."""
    texts = frame[parts].astype(object)
    together = texts.astype(str).agg("/".join, axis=1)
    return together.where(texts.notna().all(axis=1)).astype("category")


def _by_name(role: str, columns: list[str]) -> str | None:
    folded = {_folded(column): column for column in reversed(columns)}
    return next((folded[name] for name in NAMES[role].split() if name in folded), None)


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
