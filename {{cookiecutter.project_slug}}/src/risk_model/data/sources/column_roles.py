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
from risk_model.core.settings_text import setting
from risk_model.data.first_look.sentinels import is_code, suspect_codes
from risk_model.data.sources.coerce import as_text, require_column
from risk_model.data.sources.doubts import accepted, missing_in
from risk_model.data.sources.values import COMMON, UNDERSTOOD

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
OLDEST, ADULT = 120, 10  # years
VAGUE = ("id", "case", "caseid", "record", "recordid")  # a subject only where the values repeat
REPEATS = 0.9  # fewer distinct values than this share of the rows: they repeat ...
SUBJECTS = 0.05  # ... and more than this share: they are people, not kinds
LAST_SHIFTED = 2300  # year; 9999 is none that a date was shifted to
ZERO_DAYS = [pd.Timestamp(y, 1, 1) for y in (1900, 1901, 1904, 1960, 1970)]
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
            doubts += _role_doubts(column, role, name, today)
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


def _role_doubts(column: pd.Series, role: str, name: str, today: pd.Timestamp) -> list[Finding]:
    if role == "age":
        return _age_doubts(column, name)
    return _date_doubts(column, name, today) if role == "time" else []


def _age_doubts(age: pd.Series, name: str) -> list[Finding]:
    """Ages that cannot be years: months, scores, codes among them."""
    known = age.dropna()
    if known.empty:
        return []
    keep = f"go on without an audit by age: {setting('data.age', NONE)}"
    possible = known[known.between(0, OLDEST)]
    wrong = known[~known.between(0, OLDEST) | known.isin(_code_values(possible))]
    codes = [f"{v:g}" for v in sorted(wrong.unique())[:5]] if _few(wrong) else []
    rest = known.drop(wrong.index) if codes else known
    if codes and rest.nunique() > 1 and rest.median() >= 3:
        message = f"{len(wrong):,} rows hold {' or '.join(codes)}: a code, and no age?"
        remedy = f"if that means not recorded, {missing_in(name, codes)}; or {keep}"
    elif known.median() > OLDEST:
        message = f"half of the ages are above {OLDEST}: months or days?"
        remedy = f"write years; or {keep}"
    elif known.nunique() < 2:
        message = "every age is the same"
        remedy = f"write years; if it is right, {accepted(name)}; or {keep}"
    elif (known < 3).mean() > 0.5:
        message = "most ages are below 3: a score, a share, or years from a mean?"
        remedy = f"write years; if they are years, {accepted(name, 'infants')}; or {keep}"
    elif len(wrong):
        message = f"{len(wrong):,} ages are above {OLDEST} or below 0: some in months?"
        remedy = f"write years; or {keep}"
    else:
        return []
    return [Finding("error", "age", name, message, remedy)]


def _code_values(known: pd.Series) -> list[float]:
    """Ages that are codes though somebody may be so old: many a 99, or 0 years beside adults."""
    codes = [code.value for code in suspect_codes(known.to_numpy())]
    above = known[known > 0]
    newborn = len(above) and above.min() >= ADULT and (known == 0).sum() >= 3
    return [*codes, 0.0] if newborn else codes


def _few(values: pd.Series) -> bool:
    """Whether these are codes, and no patient's own value."""
    counts = values.value_counts()
    coded = all(is_code(value) or value == -1 for value in counts.index[counts < 3])
    return 0 < len(counts) <= 3 and coded


def _date_doubts(time: pd.Series, name: str, today: pd.Timestamp) -> list[Finding]:
    """Dates that mean "open" or "unknown", such as 9999-12-31, among ordinary ones.

    Where most dates lie in the future and on many days they are shifted, as de-identified ones are;
    then only what lies far beyond the others is odd.
    """
    known = time.dropna().dt.normalize()
    odd = (known < pd.Timestamp(1900, 1, 1)) | (known > today + pd.Timedelta(days=366))
    if odd.mean() > 0.5 and known[odd].value_counts(normalize=True).iloc[0] <= 0.5:
        odd = (known < pd.Timestamp(1800, 1, 1)) | (known.dt.year > LAST_SHIFTED)
    odd |= known.isin(_zero_days(known[~odd]))
    if not odd.any():
        return []
    dates = known[odd].dt.strftime("%Y-%m-%d")
    counts = dates.value_counts()
    often = list(map(str, counts.index[counts >= 3]))[:5]
    named = f" ({', '.join(often)})" if often else ""
    where = "lie before 1900 or in the future"
    if known[odd].isin(ZERO_DAYS).all():
        where = "are a day from which programs count, years before all others"
    message = f"{int(odd.sum()):,} dates {where}{named}"
    leave = f"correct them; or go on without dates: {setting('data.time', NONE)}"
    remedy = f"if that means unknown, {missing_in(name, often)}; or {leave}" if often else leave
    return [Finding("error", "dates", name, message, remedy)]


def _zero_days(known: pd.Series) -> list[pd.Timestamp]:
    """Days from which programs count, where they repeat and years lie between them and the rest."""
    rest = known[~known.isin(ZERO_DAYS)]
    counts = known.value_counts()
    return [
        day
        for day in ZERO_DAYS
        if counts.get(day, 0) >= 3 and len(rest) and (rest - day).abs().min().days > 2 * 365
    ]


def site_doubts(site: pd.Series, name: str, spellings: list[tuple[str, ...]]) -> list[Finding]:
    """One hospital under several spellings, or a site a row: no whole site can be held out."""
    if spellings:
        counts = site.value_counts()
        common = next((g for g in spellings if all(counts[word] >= COMMON for word in g)), None)
        example = f", such as {' and '.join(map(repr, common[:2]))}" if common else ""
        message = f"{len(spellings):,} sites stand under several spellings{example}"
        remedy = f"if each is one, {setting('data.folded', [name])}; if not, {accepted(name)}"
        return [Finding("error", "site", name, message, remedy)]
    known = site.dropna()
    if len(known) >= 100 and known.nunique() > len(known) / 2:
        message = f"{known.nunique():,} different sites in {len(known):,} rows"
        return [Finding("error", "site", name, message, f"{setting('data.site', NONE)}")]
    return []


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
