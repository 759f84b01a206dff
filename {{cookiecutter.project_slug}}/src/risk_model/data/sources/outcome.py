"""What counts as an event? The outcome column as 0 and 1, or one line that asks for the missing
word.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.errors import UserError
from risk_model.data.sources.values import LISTED

MEANING = {
    **dict.fromkeys("1 true yes y t positive dead died deceased".split(), 1.0),
    **dict.fromkeys("0 false no n f negative alive survived".split(), 0.0),
}


def events(column: pd.Series, name: str, positive: str) -> npt.NDArray[np.float64]:
    """The outcome of each row: 1.0 for the event, 0.0, or NaN where it was not recorded:
    float64[n].

    `column` is trimmed text. With `positive` that value is the event and every other one is not;
    without it 0/1, true/false, yes/no and their like are understood. UserError for a constant
    column, for more than two values and for words nobody can know.
    """
    words = [_plain(word) for word in column.cat.categories]
    counts = np.bincount(column.cat.codes[column.cat.codes >= 0], minlength=len(words))
    if len(set(words)) < 2:
        found = "has the same value in every row" if words else "is empty"
        raise UserError(
            f"data.outcome: column {name!r} {found}; there is nothing to learn, name another column"
        )
    known = [MEANING.get(word.casefold(), np.nan) for word in words]
    if positive:
        known = _against_the_rest(words, positive, name, counts)
    elif len(set(words)) > 2:
        raise UserError(
            f"data.outcome: column {name!r} has {len(set(words)):,} different "
            f"values{_frequent(words, counts)}; "
            "name the one that counts as the event with data.positive=…"
        )
    elif set(known) != {0.0, 1.0}:
        raise UserError(
            f"data.outcome: which value of {name!r} is the event{_frequent(words, counts)}? "
            "Name it with data.positive=…"
        )
    return np.append(known, np.nan)[column.cat.codes]


def _against_the_rest(
    words: list[str], positive: str, name: str, counts: npt.NDArray[np.int64]
) -> list[float]:
    if _plain(positive) not in words:
        raise UserError(
            f"data.positive: column {name!r} has no value {positive!r}{_frequent(words, counts)}"
        )
    return [float(word == _plain(positive)) for word in words]


def _plain(word: str) -> str:
    """1.0 and 1 are one value."""
    return word.removesuffix(".0") if word.removesuffix(".0").isdigit() else word


def _frequent(words: list[str], counts: npt.NDArray[np.int64]) -> str:
    """The values that are common enough to be no patient's own."""
    shown = [repr(word) for word, count in zip(words, counts, strict=True) if count >= LISTED]
    return f" (among them {', '.join(shown[:5])})" if shown else ""
