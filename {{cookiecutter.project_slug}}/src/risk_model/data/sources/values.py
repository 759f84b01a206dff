"""Text as numbers, dates or words: taken for what it says, or refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.errors import UserError
from risk_model.core.reading_rules import ReadingRules
from risk_model.core.setting_syntax import setting
from risk_model.data.first_look.decoration import Decoration, censored_limit, decorations
from risk_model.data.first_look.written_numbers import peel
from risk_model.data.sources.doubts import missing_in
from risk_model.data.tables.cells import number_reader
from risk_model.data.tables.csv_file import Where

COMMON = 10  # rows: a value rarer than this is no category of its own, and might point at a patient
FEW = 12  # distinct values that may well be categories though each holds a number: 40-49, 5 mg
# V57 or E11.9 among numbers makes the column codes, not typing errors
CODE = re.compile(r"[A-Z]{1,2}\d+(\.\d+)?")
DATE_FORMS = {
    "%Y-%m-%d": r"\d{4}-\d{1,2}-\d{1,2}",
    "%Y/%m/%d": r"\d{4}/\d{1,2}/\d{1,2}",
    "%Y%m%d": r"(19|20|21|22)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    "%d/%m/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%d.%m.%Y": r"\d{1,2}\.\d{1,2}\.\d{4}",
    "%d-%m-%Y": r"\d{1,2}-\d{1,2}-\d{4}",
    "%d-%b-%Y": r"\d{1,2}-[A-Za-z]{3}-\d{4}",
}
CLOCK = r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?(Z| UTC|[+-]\d{2}:?\d{2})?)?"
UNDERSTOOD = "YYYY-MM-DD, YYYYMMDD, DD.MM.YYYY, DD/MM/YYYY or DD-Mon-YYYY, with or without a time"
# what each kind of decoration is called, and the settings that answer it
WRITTEN = {
    "unit": "a unit",
    "percent": "a percent sign",
    "apostrophe": "a leading apostrophe",
    "formula": '="…" around them',
    "minus sign": "a sign that is no minus",
    "leading sign": "a sign of their own",
    "parentheses": "parentheses",
    "currency": "a currency",
    "thousands": "marks between thousands",
    "decimal comma": "a decimal comma",
    "decimal comma and thousands": "a decimal comma and marks between thousands",
    "censored": "< or >",
    "range": "a range",
    "fraction": "two numbers",
    "duration": "hours and minutes",
    "time of day": "hours and minutes",
    "flag": "a flag behind them",
    "quotes": "quotes round them",
    "approximate": "a word or sign for about",
    "trailing minus": "a minus sign behind them",
    "exponent comma": "a decimal comma",
    "power of ten": "powers of ten",
    "ending": "the same words behind each",
}
INSIDE = "unit percent apostrophe formula currency flag quotes parentheses".split()
INSIDE += ["minus sign", "leading sign"]
OTHERS = "write all of them as the numbers of the other columns are written"
MARKS = ("thousands", "decimal comma", "exponent comma", "decimal comma and thousands")

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
    column: pd.Series, name: str, where: Where, rules: ReadingRules, insist: bool = False
) -> pd.Series | None:
    """A column of trimmed text as numbers, or None when it is words.

    UserError with the count and the places, never the value, when it holds numbers beside something
    that is no word of its own, or when it must be numbers (`insist`).
    """
    texts = list(map(str, column.cat.categories))
    read = number_reader(rules, name)
    parsed = [read(text) for text in texts]
    counts = np.bincount(column.cat.codes[column.cat.codes >= 0], minlength=len(texts))
    numbers = np.array([np.nan if n is None else n for n in parsed], dtype=np.float64)
    text = np.array([n is None for n in parsed], dtype=bool)
    if text.any():
        found = decorations([w for w, t in zip(texts, text, strict=True) if t], counts[text])
        limits = np.array(
            [t and censored_limit(w) is not None for w, t in zip(texts, text, strict=True)]
        )
        mostly = limits.sum() + (~text).sum() >= len(texts) / 2  # 70+ beside 40-49 is a band
        if limits.any() and mostly and not found:
            found = [Decoration("censored", "", int(counts[limits].sum()))]
        if not found and len(texts) > FEW and (ended := _one_ending(texts, text)) is not None:
            found = [Decoration("ending", "", int(counts[ended].sum()))]
        words = len(texts) <= FEW and counts.min() >= COMMON and not insist
        if found and not words:
            raise _decorated(column, name, where, text, found, rules)
        if insist or _stray(texts, text, numbers, counts):
            refuse(column, name, where, text, "numbers")
        return None
    if not texts:
        return None
    numbers[np.isin(numbers, list(rules.missing_numbers(name)))] = np.nan
    return pd.Series(np.append(numbers, np.nan)[column.cat.codes], index=column.index)


def _one_ending(texts: list[str], text: Mask) -> Mask | None:
    """The numbers with the same words behind them, "120 (repeat)", if nearly all texts are such."""
    ends = [
        re.fullmatch(r"[-+]?\d+(?:[.,]\d+)?(\D+)", word) if t else None
        for word, t in zip(texts, text, strict=True)
    ]
    endings = [end[1].strip() if end else "" for end in ends]
    usual = max(set(endings), key=endings.count)
    ended = np.array([ending == usual for ending in endings])
    letters = sum(map(str.isalpha, usual))
    return ended if letters >= 3 and ended.sum() >= 0.9 * text.sum() else None


def _stray(
    texts: list[str], text: Mask, numbers: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> bool:
    """Whether a column of numbers and text is meant to be numbers.

    It is when it holds many numbers, or fractions; how many rows hold text decides nothing. Codes
    are no numbers, and few whole numbers beside a frequent word are categories.
    """
    plain, words = int((~text).sum()), int(text.sum())
    if not plain or all(CODE.fullmatch(w) for w, t in zip(texts, text, strict=True) if t):
        return False
    more_rows = bool(counts[~text].sum() > counts[text].sum())
    if plain > COMMON or bool((np.floor(numbers[~text]) != numbers[~text]).any()):
        return more_rows or plain > words
    return more_rows and bool(counts[text].max() < COMMON)


def _decorated(
    column: pd.Series,
    name: str,
    where: Where,
    text: Mask,
    found: list[Decoration],
    rules: ReadingRules,
) -> UserError:
    """What is written around or between the numbers, and the setting that reads them."""
    rows = np.flatnonzero(np.append(text, False)[column.cat.codes])
    texts = [str(word) for word, odd in zip(column.cat.categories, text, strict=True) if odd]
    kinds = list(dict.fromkeys(decoration.kind for decoration in found))
    kinds = [k for k in kinds if k != "decimal comma" or MARKS[2] not in kinds]
    detail = next((f" ({d.detail})" for d in found if d.detail), "")
    written = " and ".join(WRITTEN.get(kind, kind) for kind in kinds)
    leave = f"leave the column out with {setting('data.exclude', [name])}"
    return UserError(
        f"column {name!r}: {len(rows):,} cells look like numbers written with {written}{detail} "
        f"({where(rows.tolist())}); {_remedy(found, name, texts, rules)}, or {leave}"
    )


def _remedy(found: list[Decoration], name: str, texts: list[str], rules: ReadingRules) -> str:
    kinds = {decoration.kind for decoration in found}
    censored = "censored" in kinds and not rules.censored
    if not censored and not kinds <= {*INSIDE, *MARKS, "censored"}:
        return (
            "write plain numbers in columns of their own, or keep them as words with "
            f"{setting('data.categories', [name])}"
        )
    if any("," in d.detail for d in found if d.kind == "unit"):
        return "write all of them in one unit"
    given = {"decimal": rules.decimal, "thousands": rules.thousands}
    wanted = {**given, **_marks(kinds, texts)}
    if wanted["decimal"] == wanted["thousands"]:
        return OTHERS
    marks = [setting(f"data.{key}", mark) for key, mark in wanted.items() if mark != given[key]]
    inside = [setting("data.numbers", [name])] if kinds & {*INSIDE, "thousands"} else []
    inside = [] if name in rules.numbers else inside
    if censored:
        more = " ".join(["", *marks, *inside])
        return (
            f"data.censored=limit{more} takes 8.1 for <8.1, data.censored=half{more} half of it "
            "(data.missing_in would call it not recorded)"
        )
    if not (marks or inside):  # the settings that there are did not help
        return OTHERS
    if not marks:
        return f"write plain numbers, or take the number in each with {inside[0]}"
    comma = setting("data.decimal", ",")
    examples = {
        (comma,): "3,5 as 3.5",
        (comma, setting("data.thousands", ".")): "1.234,5 as 1234.5",
    }
    return f"read {examples.get(tuple(marks), 'them')} with {' '.join([*marks, *inside])}"


def _marks(kinds: Collection[str], texts: list[str]) -> dict[str, str]:
    """The marks within numbers that must be set; spaces and apostrophes alone need none."""
    if "decimal comma and thousands" in kinds:
        cores = " ".join(written.core for text in texts if (written := peel(text)))
        mark = next((m for m in ".'" if re.search(rf"\d[{m}]\d{{3}},", cores)), " ")
        return {"decimal": ",", "thousands": mark}
    if {"decimal comma", "exponent comma"} & set(kinds):
        return {"decimal": ","}
    if "thousands" in kinds and any(re.search(r"\d,\d{3}", text) for text in texts):
        return {"thousands": ","}
    return {}


def refuse(column: pd.Series, name: str, where: Where, wrong: Mask, expected: str) -> None:
    """UserError when rows hold one of the categories marked `wrong`.

    It says how many, where, and what was expected.
    """
    rows = np.flatnonzero(np.append(wrong, False)[column.cat.codes])
    if len(rows):
        counts = np.bincount(column.cat.codes[rows], minlength=len(wrong))
        word = str(column.cat.categories[int(counts.argmax())])
        example = [word] if counts.max() >= COMMON else ["TEXT"]
        raise UserError(
            f"column {name!r}: {len(rows):,} values are not {expected} ({where(rows.tolist())}); "
            f"correct them, say {missing_in(name, example)} if the text means not recorded, "
            f"or leave the column out with {setting('data.exclude', [name])}"
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
    days = [re.split(r"(?<=\d)[ T]", word)[0] for word in texts]
    dates = pd.to_datetime(pd.Series(days, dtype=object), format=form, errors="coerce").to_numpy(
        dtype="datetime64[s]"
    )
    refuse(column, name, where, np.isnat(dates), "dates written YYYY-MM-DD")
    return pd.Series(np.append(dates, np.datetime64("NaT"))[column.cat.codes], index=column.index)
