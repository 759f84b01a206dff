"""What is wrong with the column that names the patients.

Does one number stand for one patient? Not "unknown", not a number that went through floating
point, not "7" beside "07", not a number that each hospital gives anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.data.first_look.site_numbers import per_site
from risk_model.data.first_look.spelling import folded, is_placeholder

FEW_EACH = 5  # rows of each of a few patients, below which they may well be patients
SHARE, PEOPLE = 0.02, 20  # of the rows, and at least: fewer distinct values are no people
GIANT_ROWS, GIANT_TIMES, GIANT_SHARE = 20, 10.0, 0.01  # rows of a value beyond all others
PLACEHOLDER_TIMES = 3.0  # for a word that says "unknown"
_SCIENTIFIC = r"-?\d+(?:[.,]\d+)?[eE]\+?\d+"
_POINT = r"\d+\.0+"
EXACT = 2**53  # beyond it not every whole number is a float
DIGITS = 15  # that Excel keeps
ROUNDED = 5  # distinct rounded numbers, and
MOST = 0.9  # of the long ones


@dataclass(frozen=True)
class IdentifierDoubt:
    """A reason why the values of the subject column are not one for each patient."""

    kind: Literal[
        "placeholder", "through floating point", "two spellings", "per site", "not people"
    ]
    rows: int
    subjects: int
    message: str  # without any value, except a word such as "unknown"
    words: tuple[str, ...] = ()  # those that say that nobody knew


def identifier_doubts(
    subject: pd.Series, site: pd.Series | None, stable: pd.DataFrame
) -> list[IdentifierDoubt]:
    """The doubts about a column of subject identifiers, in the order of `IdentifierDoubt.kind`.

    `subject`: text[n], None where missing; `site`: text[n] or None; `stable`: n rows of what does
    not vary within a person (sex, age), which may have no columns. Two spellings and numbers that
    repeat at several sites count only where the stable columns do not speak against it.
    """
    texts = subject.astype(object).where(subject.notna(), None)
    sizes = texts.dropna().value_counts()
    if sizes.empty:
        return []
    found = [
        _placeholder(sizes),
        _floating(sizes),
        _two_spellings(texts, sizes, stable),
        _per_site(texts, site, stable),
        _not_people(sizes),
    ]
    return [doubt for doubt in found if doubt is not None]


def _placeholder(sizes: pd.Series) -> IdentifierDoubt | None:
    """Values with far more rows than any person: one patient who is many."""
    words = [t for t in sizes.index if is_placeholder(t)]
    people = sizes.drop(words)
    usual = float(people.quantile(0.99)) if len(people) else 1.0
    many = [t for t in words if sizes[t] > max(4.0, PLACEHOLDER_TIMES * usual)]
    top = people.index[0] if len(people) > 1 else None
    if top is not None and _giant(people, int(sizes.sum())):
        many.append(top)
    if not many:
        return None
    rows = int(sizes[many].sum())
    said = tuple(sorted(t for t in many if is_placeholder(t)))
    names = ", ".join(map(repr, said)) or "one value"
    message = f"{names} stands in {rows:,} rows as if it were one patient"
    return IdentifierDoubt("placeholder", rows, len(many), message, said)


def _giant(people: pd.Series, rows: int) -> bool:
    others = float(people.iloc[1:].quantile(0.99))
    top = int(people.iloc[0])
    return top > max(GIANT_ROWS, GIANT_TIMES * others, GIANT_SHARE * rows)


def _floating(sizes: pd.Series) -> IdentifierDoubt | None:
    """Identifiers that were once floating-point numbers, so that different ones became equal."""
    texts = sizes.index
    scientific = [t for t in texts if re.fullmatch(_SCIENTIFIC, t)]
    point = [t for t in texts if re.fullmatch(_POINT, t)]
    if len(point) == sum(bool(re.fullmatch(r"\d+(\.0+)?", t)) for t in texts):
        point = []
    rounded = _rounded([t for t in texts if re.fullmatch(r"\d{16,}(\.0+)?", t)])
    if len(scientific) < 0.5 * len(texts):  # 12E5 is a ward's code among other codes
        hashes = sum(bool(re.search("[a-df-zA-DF-Z]", t)) for t in texts) > 0.5 * len(texts)
        scientific = [t for t in scientific if "+" in t or (len(t) > 7 and not hashes)]
    reasons = [
        (scientific, "in scientific notation"),
        (point, "with .0 beside others without"),
        (rounded, "of 16 digits or more whose last digits are rounded"),
    ]
    some = [(wrong, words) for wrong, words in reasons if wrong]
    if not some:
        return None
    wrong = sorted({text for texts, _ in some for text in texts})
    rows = int(sizes[wrong].sum())
    message = (
        f"{rows:,} rows have identifiers {' or '.join(words for _, words in some)}, as "
        "numbers that went through a spreadsheet or floating point; different patients may have "
        "become one"
    )
    return IdentifierDoubt("through floating point", rows, len(wrong), message)


def _rounded(texts: list[str]) -> list[str]:
    """The long whole numbers, where they end as Excel (15 digits) or float64 leaves them."""
    whole = {t: int(t.split(".")[0]) for t in texts}
    long = {t: n for t, n in whole.items() if n > EXACT}
    excel = [t for t, n in long.items() if n % 10 ** (len(str(n)) - DIGITS) == 0]
    floats = [t for t, n in long.items() if n == int(float(n))]
    for rounded, fewest in ((excel, ROUNDED), (floats, 4 * ROUNDED)):
        if len(rounded) >= max(fewest, MOST * len(long)):
            return rounded
    return []


def _two_spellings(
    texts: pd.Series, sizes: pd.Series, stable: pd.DataFrame
) -> IdentifierDoubt | None:
    """Identifiers that differ in case, spaces, punctuation or leading zeros only."""
    forms = pd.Series([_form(t) for t in sizes.index], index=sizes.index)
    spellings = forms.groupby(forms).transform("size")
    twice = spellings.index[spellings > 1]
    if not len(twice) or _differ(texts[texts.isin(set(twice))].map(forms), texts, stable):
        return None
    rows = int(sizes[twice].sum())
    count = int(forms[twice].nunique())
    message = (
        f"{count:,} patients seem to be written in two ways (case, spaces, punctuation or leading "
        f"zeros): {rows:,} rows"
    )
    return IdentifierDoubt("two spellings", rows, count, message)


def _form(text: str) -> str:
    """The folded identifier; "1.10" (the tenth patient of site 1) is no number."""
    whole = re.sub(r"^(\d+)\.0+$", r"\1", text)
    return folded(re.sub(r"(?<=\d)\.(?=\d)", "/", whole))


def _differ(forms: pd.Series, texts: pd.Series, stable: pd.DataFrame) -> bool:
    """Whether the spellings of one form belong to different people by what is stable in them."""
    rows = stable.loc[forms.index]
    first = rows.groupby(texts[forms.index].to_numpy(), sort=False).first()
    form_of = dict(zip(texts[forms.index], forms, strict=True))
    apart = [
        _disagreements(first[name], first.index.map(form_of).to_numpy()) for name in first.columns
    ]
    return any(share > 0.25 for share in apart)


def _disagreements(values: pd.Series, groups: npt.NDArray[np.object_]) -> float:
    """The share of groups in which a stable column says two things (2 years apart, or words)."""
    kept = values[values.notna()]
    grouped = kept.groupby(groups[values.notna().to_numpy()])
    if pd.api.types.is_numeric_dtype(kept.dtype):
        wide = grouped.max() - grouped.min() > 2
    else:
        wide = grouped.nunique() > 1
    wide = wide[grouped.size() > 1]
    return float(wide.mean()) if len(wide) else 0.0


def _per_site(
    texts: pd.Series, site: pd.Series | None, stable: pd.DataFrame
) -> IdentifierDoubt | None:
    result = None if site is None else per_site(texts, site, stable)
    if result is None:
        return None
    rows, subjects = result
    message = (
        f"{subjects:,} of the numbers occur at several sites with people who differ: they seem to "
        "count within each site; join site and number"
    )
    return IdentifierDoubt("per site", rows, subjects, message)


def _not_people(sizes: pd.Series) -> IdentifierDoubt | None:
    rows, subjects = int(sizes.sum()), len(sizes)
    if subjects >= max(PEOPLE, SHARE * rows) or rows < FEW_EACH * subjects:
        return None
    message = f"{subjects:,} different values in {rows:,} rows are too few to be patients"
    return IdentifierDoubt("not people", rows, subjects, message)
