"""The outcome column as 0 and 1, or one line that asks for the missing word.

What counts as an event?
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.data.first_look.spelling import is_placeholder
from risk_model.data.sources.doubts import missing_in
from risk_model.data.sources.values import COMMON
from risk_model.data.tables.cells import TRUTH


def events(column: pd.Series, name: str, positive: str) -> npt.NDArray[np.float64]:
    """The outcome of each row: float64[n].

    1.0 for the event, 0.0, or NaN where it was not recorded.

    `column` is trimmed text. With `positive` that value is the event and every other one is not;
    without it 0/1, true/false, yes/no and their like are understood. UserError for a constant
    column, for more than two values and for words nobody can know.
    """
    values = [_plain(word) for word in column.cat.categories]
    counts = np.bincount(column.cat.codes[column.cat.codes >= 0], minlength=len(values))
    if len(set(values)) < 2:
        problem = "has the same value in every row" if values else "is empty"
        raise UserError(
            f"data.outcome: column {name!r} {problem}; there is nothing to learn, name another "
            "column"
        )
    meaning = [TRUTH.get(word.casefold(), np.nan) for word in values]
    if positive:
        meaning = _against_the_rest(values, positive, name, counts)
    elif len(set(values)) > 2:
        raise UserError(
            f"data.outcome: column {name!r} has {len(set(values)):,} different "
            f"values{_frequent(values, counts)}; "
            "name the one that counts as the event with data.positive=…"
        )
    elif set(meaning) != {0.0, 1.0}:
        raise UserError(
            f"data.outcome: which value of {name!r} is the event{_frequent(values, counts)}? "
            "Name it with data.positive=…"
        )
    return np.append(meaning, np.nan)[column.cat.codes]


def outcome_doubts(column: pd.Series, name: str, positive: str) -> list[Finding]:
    """A warning where more than two values became two: is each of the others truly "no event"?"""
    words = column.dropna().astype(str).map(_plain)
    others = words[words.str.casefold() != _plain(positive).casefold()].value_counts()
    if not positive or others.index.str.casefold().nunique() < 2:
        return []
    usual = next((word for word in others.index if TRUTH.get(word.casefold()) == 0), None)
    usual = usual or next((word for word in others.index if not _says_unknown(word)), None)
    usual = usual or others.index[0]
    rare = others[others.index.str.casefold() != usual.casefold()]
    known = [str(word) for word, count in rare.items() if count >= COMMON][:5]
    named = f" ({', '.join(known)})" if known else ""
    message = (
        f"{int(rare.sum()):,} rows hold neither the event nor {_shown(usual, others)}"
        f"{named}, and count as no event"
    )
    remedy = f"if that means unknown, {missing_in(name, known or ['TEXT'])} leaves them out"
    return [Finding("warning", "outcome", name, message, remedy)]


def _says_unknown(word: str) -> bool:
    return is_placeholder(word) or word in ("9", "99", "999", "8", "88")


def _shown(usual: str, others: pd.Series) -> str:
    return repr(usual) if others[usual] >= COMMON else "the most frequent other value"


def _against_the_rest(
    values: list[str], positive: str, name: str, counts: npt.NDArray[np.int64]
) -> list[float]:
    event = _plain(positive).casefold()
    if event not in [word.casefold() for word in values]:
        raise UserError(
            f"data.positive: column {name!r} has no value {positive!r}{_frequent(values, counts)}"
        )
    return [float(word.casefold() == event) for word in values]


def _plain(word: str) -> str:
    """1.0 and 1 are one value."""
    return word.removesuffix(".0") if word.removesuffix(".0").isdigit() else word


def _frequent(values: list[str], counts: npt.NDArray[np.int64]) -> str:
    """The values that are common enough to be no patient's own."""
    frequent = [repr(word) for word, count in zip(values, counts, strict=True) if count >= COMMON]
    return f" (among them {', '.join(frequent[:5])})" if frequent else ""
