"""What speaks for a person and against one: sex and age, the form of an identifier, lookups.

A ward has a region, a drug has a class, a day has a month: constant, and no person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.data.first_look.agreement import Grouping, Values
from risk_model.data.first_look.compound_numbers import is_date

Floats = npt.NDArray[np.float64]

_SEX = """sex gender sexo sexe sesso genero geschlecht geslacht female male issexfemale ismale
isfemale riagendr patientsex sexcode women woman man kjonn kon kön"""
_AGE = "age alter edad idade eta leeftijd ageyears patientage ridageyr agey alder aldern ålder"
_BORN = """birth birthdate dateofbirth dob birthyear yearofbirth yob geburtsdatum geburtsjahr
datenaissance fechanacimiento datanascimento datanascita geboortedatum geboortejaar"""
_RACE = "race ethnicity ethnic ethnicgroup raceethnicity herkunft etnia raza raca"
_WORDS = {
    "sex": frozenset(_SEX.split()),
    "age": frozenset(_AGE.split()),
    "birth": frozenset(_BORN.split()),
    "race": frozenset(_RACE.split()),
}
# by their name no people, whatever hardly varies within them
_OTHERS = re.compile(
    r"(?:^|_)(?:sites?|cent(?:er|re)s?|hosp\w*|ward\w*|units?|post_?codes?|zip\w*|plz|household\w*|"
    r"hh_?id|famil(?:y|ie)\w*|batch\w*|district\w*|region\w*|count(?:y|ry|ies)\w*|schools?|class|"
    r"physicians?|doctors?|provider\w*|surgeons?|clinics?|practice\w*|clusters?|villages?|cit(?:y|"
    r"ies)|town\w*|follow\w*|fu_?time|futime|surv\w*|los|states?|province\w*|arms?|treat\w*|drugs?|diag\w*|icd\w*|dx|drg\w*|plates?|"
    r"weights?|wght|wgt|wt|fnlwgt|comm\w*|dates?|days?|months?|years?|times?|litters?|pairs?|strat\w*|blocks?|psu|segments?|tracts?)"
    r"(?:$|_)"
)
# "hospital number", "clinic no": the patient's
_NUMBERED = re.compile(
    r"(?:hosp\w*|clinic|unit|practice|case)_?(?:no|nr|num|number)(?:$|_)|patient|person|subject|"
    r"stay|encounter|admission|mrn"
)
LARGEST = 0.1  # of the rows in one value: a common diagnosis, no patient
TIMES = 20  # the median number of rows
CODED = 0.9  # of the texts hold a digit


def personal(names: Sequence[str]) -> dict[str, str]:
    """The columns that say what does not change in a person, and which of sex, age, birth, race."""
    return {name: role for name in names if (role := _role(name))}


def _role(name: str) -> str:
    marks = unicodedata.normalize("NFC", name).casefold()
    whole = re.sub(r"[\W_]+", "", marks)
    parts = re.split(r"[\W_]+", marks)
    for role, words in _WORDS.items():
        ends = {parts[0], parts[-1]} if role in ("sex", "age") and len(parts) < 4 else set()
        if whole in words or ends & words:
            return role
    return ""


def may_name_people(name: str, column: pd.Series, groups: Grouping) -> bool:
    """Whether a column could name people by its own name, its form and the sizes of its groups."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()
    words = re.sub(r"[^a-z0-9]+", "_", words)
    if (_OTHERS.search(words) and not _NUMBERED.search(words)) or _role(name):
        return False
    sizes = np.sort(groups.sizes)[:-1]  # the largest may be "unknown"
    median = max(2.0, float(np.median(sizes)))
    if (sizes[-1] > LARGEST * groups.rows and sizes[-1] > median) or sizes[-1] > TIMES * median:
        return False
    return not pd.api.types.is_datetime64_any_dtype(column.dtype) and not _dates(column)


def _dates(column: pd.Series) -> bool:
    some = column.dropna().drop_duplicates().iloc[:200]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return bool(_compact_dates(some.to_numpy(dtype=np.float64)).mean() > 0.9)
    return float(np.mean([is_date(str(text)) for text in some])) > 0.9


def _compact_dates(numbers: Floats) -> pd.Series:
    """Which whole numbers are days as 20150131, or years."""
    whole = pd.Series(np.where(np.abs(numbers) < 1e9, numbers, 0)).astype("int64")
    years = whole.between(1900, 2100)
    month, day = whole // 100 % 100, whole % 100
    days = (whole // 10000).between(1850, 2200) & month.between(1, 12) & day.between(1, 31)
    return years | days


def has_codes(column: pd.Series) -> bool:
    """Whether a column is numbers or texts that nearly all hold a digit, not words."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return True
    some = column.dropna().drop_duplicates().iloc[:1000].astype(str)
    return bool(some.str.contains(r"\d").mean() >= CODED)


def is_lookup(people: Grouping, agreeing: Sequence[Values]) -> bool:
    """Whether the agreeing columns say one thing, as the region and the type of a ward do.

    Without a column called sex or age, people must be told by at least two columns of which neither
    follows from the other.
    """
    kept = [values.codes[people.first] for values in agreeing]
    pairs = [(a, b) for i, a in enumerate(kept) for b in kept[i + 1 :]]
    return not any(_independent(a, b) for a, b in pairs)


def _independent(one: Floats, other: Floats) -> bool:
    """Whether neither of two columns (one value for each person) is a function of the other."""
    both = ~(np.isnan(one) | np.isnan(other))
    table = pd.DataFrame({"one": one[both], "other": other[both]}).drop_duplicates()
    return len(table) > max(table["one"].nunique(), table["other"].nunique()) * 1.05
