"""Doubts about the columns that say when, where and how old: ages, dates and sites."""

from __future__ import annotations

import pandas as pd

from risk_model.core.findings import Finding
from risk_model.core.setting_syntax import setting
from risk_model.data.first_look.sentinels import is_code, suspect_codes
from risk_model.data.sources.doubts import accepted, missing_in
from risk_model.data.sources.values import COMMON

NONE = "none"
OLDEST, ADULT = 120, 10  # years
LAST_SHIFTED = 2300  # year; 9999 is none that a date was shifted to
ZERO_DAYS = [pd.Timestamp(y, 1, 1) for y in (1900, 1901, 1904, 1960, 1970)]


def role_doubts(column: pd.Series, role: str, name: str, today: pd.Timestamp) -> list[Finding]:
    """What speaks against the values of a column in its role."""
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
