"""Text as numbers, dates or words: taken for what it says, or refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.errors import UserError
from risk_model.data.sources.csv_file import Where

COMMON = 10  # rows: a value rarer than this is no category of its own, and might point at a patient
# V57 or E11.9 among numbers makes the column codes, not typing errors
CODE = re.compile(r"[A-Z]{1,2}\d+(\.\d+)?")
DATE_FORMS = {
    "%Y-%m-%d": r"\d{4}-\d{1,2}-\d{1,2}",
    "%Y/%m/%d": r"\d{4}/\d{1,2}/\d{1,2}",
    "%d/%m/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%d.%m.%Y": r"\d{1,2}\.\d{1,2}\.\d{4}",
    "%d-%m-%Y": r"\d{1,2}-\d{1,2}-\d{4}",
    "%d-%b-%Y": r"\d{1,2}-[A-Za-z]{3}-\d{4}",
}
CLOCK = r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"

Mask = npt.NDArray[np.bool_]


def trimmed(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """Text without the spaces around it, as a categorical; "not recorded" becomes missing."""
    texts = column.astype("category")
    names = [str(c).strip() for c in texts.cat.categories]
    codes, unique = pd.factorize(
        np.array([None if n in missing else n for n in names] + [None], dtype=object)
    )
    return pd.Series(
        pd.Categorical.from_codes(codes[texts.cat.codes.to_numpy()], pd.Index(unique.astype(str))),
        index=column.index,
    )


def to_numbers(
    column: pd.Series, name: str, where: Where, insist: bool = False
) -> pd.Series | None:
    """A column of trimmed text as numbers, or None when it is words.

    UserError with the count and the places, never the value, when most of it is numbers and the
    rest is stray text, or when it must be numbers (`insist`).
    """
    texts = list(column.cat.categories)
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(
        dtype=float, na_value=np.nan
    )
    counts = np.bincount(column.cat.codes[column.cat.codes >= 0], minlength=len(texts))
    text = np.isnan(numbers)
    if _decimal_commas(texts):
        raise UserError(
            f"column {name!r}: numbers are written with a comma; write 3.5 for 3,5 and 1000 for "
            "1,000"
        )
    if insist or _stray(texts, text, numbers, counts):
        refuse(column, name, where, text, "numbers")
    elif text.any() or not texts:
        return None
    return pd.Series(np.append(numbers, np.nan)[column.cat.codes], index=column.index)


def _stray(
    texts: list[str], text: Mask, numbers: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> bool:
    """Whether the text among numbers is a slip.

    Numbers prevail, and it is neither codes nor a frequent word.
    """
    if not text.any() or counts[~text].sum() <= counts[text].sum():
        return False
    if all(CODE.fullmatch(word) for word, is_text in zip(texts, text, strict=True) if is_text):
        return False
    return (
        (~text).sum() > COMMON
        or counts[text].max() < COMMON
        or bool((numbers[~text] % 1 != 0).any())
    )


def _decimal_commas(texts: list[str]) -> bool:
    return any("," in w for w in texts) and all(
        re.fullmatch(r"[-+]?\d+(,\d+)*(\.\d+)?", w) for w in texts
    )


def refuse(column: pd.Series, name: str, where: Where, wrong: Mask, expected: str) -> None:
    """UserError when rows hold one of the categories marked `wrong`.

    It says how many, where, and what was expected.
    """
    rows = np.flatnonzero(np.append(wrong, False)[column.cat.codes])
    if len(rows):
        raise UserError(
            f"column {name!r}: {len(rows):,} values are not {expected} ({where(rows.tolist())}); "
            "correct them, list "
            "the text in data.missing if it means not recorded, or leave the column out with "
            f"data.exclude=[{name}]"
        )


def to_dates(column: pd.Series, name: str, where: Where, insist: bool = False) -> pd.Series | None:
    """A column of trimmed text as dates without times of day; None when it is something else.

    UserError when dates are written in two ways and, when they are needed (`insist`), when day and
    month cannot be told apart.
    """
    texts = list(column.cat.categories)
    forms = np.array([_form(word) for word in texts], dtype=object)
    dated = forms != ""
    if not texts or dated.mean() < 0.9:
        return None
    if "%d/%m/%Y" in forms:
        forms = _month_first(column, name, where, texts, forms, insist)
    formats = sorted(set(forms[dated]))
    if len(formats) > 1:
        raise _two_formats(column, name, where, [forms == form for form in formats])
    return _parsed(column, name, where, texts, formats[0])


def _form(word: str) -> str:
    return next(
        (form for form, pattern in DATE_FORMS.items() if re.fullmatch(pattern + CLOCK, word)), ""
    )


def _month_first(
    column: pd.Series,
    name: str,
    where: Where,
    texts: list[str],
    forms: npt.NDArray[np.object_],
    insist: bool,
) -> npt.NDArray[np.object_]:
    """Forms with the month first where the column shows it.

    03/25/2012 tells the month first, 25/03/2012 the day; a column must not do both, or neither.
    """
    slashed = forms == "%d/%m/%Y"
    first, second = (
        np.array([int(w.split("/")[i]) if s else 0 for w, s in zip(texts, slashed, strict=True)])
        for i in (0, 1)
    )
    if (first > 12).any() and (second > 12).any():
        raise _two_formats(column, name, where, [first > 12, second > 12])
    if insist and not (first > 12).any() and not (second > 12).any():
        raise UserError(
            f"column {name!r}: day and month of its dates cannot be told apart; write YYYY-MM-DD"
        )
    return np.where(slashed & (second > 12).any(), "%m/%d/%Y", forms)


def _two_formats(column: pd.Series, name: str, where: Where, kinds: Sequence[Mask]) -> UserError:
    first = [
        where([int(np.flatnonzero(np.append(kind, False)[column.cat.codes])[0])]) for kind in kinds
    ]
    message = f"dates are written in {len(kinds)} formats (first at {' and '.join(first)})"
    return UserError(f"column {name!r}: {message}; write all as YYYY-MM-DD")


def _parsed(column: pd.Series, name: str, where: Where, texts: list[str], form: str) -> pd.Series:
    days = [re.split(r"[ T]", word)[0] for word in texts]
    dates = pd.to_datetime(pd.Series(days, dtype=object), format=form, errors="coerce").to_numpy(
        dtype="datetime64[ns]"
    )
    refuse(column, name, where, np.isnat(dates), "dates written YYYY-MM-DD")
    return pd.Series(np.append(dates, np.datetime64("NaT"))[column.cat.codes], index=column.index)
