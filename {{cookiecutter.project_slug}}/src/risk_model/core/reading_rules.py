"""How the cells of a table are read: what means "not recorded", and how numbers are written.

Training learns the rules from the settings and keeps them in the schema, so every later file and
request is read as the training data were. Separator, quoting and header are not here: they belong
to a file, not to a model, and are found again in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal

NOT_RECORDED = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", ".", "?")
Censored = Literal["", "limit", "half"]


@dataclass(frozen=True)
class ReadingRules:
    """What the cells of a table mean.

    `missing` are texts that mean "not recorded" in every column, `missing_in` more of them by
    column; one that is a number means that number however it is spelt. `decimal` and `thousands`
    are the marks within a number. `censored` says what "<8.1" becomes: its limit, half of it, or
    nothing (refused). `numbers` are columns whose cells hold a number beside a unit or another
    decoration, `ticked` those in which an empty cell means no, `folded` those in which spellings
    that differ in case, spaces, marks or leading zeros are one.
    """

    missing: tuple[str, ...] = NOT_RECORDED
    missing_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    decimal: str = "."
    thousands: str = ""
    censored: Censored = ""
    numbers: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()

    def missing_texts(self, column: str) -> tuple[str, ...]:
        """The texts that mean "not recorded" in a column."""
        return (*self.missing, *self.missing_in.get(column, ()))

    def missing_numbers(self, column: str) -> frozenset[float]:
        """The numbers that mean "not recorded" in a column."""
        return _numbers(self.missing_texts(column), self.decimal)

    def number(self, text: str) -> float | None:
        """The number that a text for "not recorded" is, with either decimal mark; None for none."""
        return _number(text, self.decimal)

    def with_rules_of(self, other: ReadingRules) -> ReadingRules:
        """These rules and those of another table; where both say something, these win."""
        default = ReadingRules()
        merged: dict[str, Any] = {}
        for each in fields(self):
            own, others = getattr(self, each.name), getattr(other, each.name)
            if isinstance(own, tuple):
                merged[each.name] = tuple(dict.fromkeys([*own, *others]))
            elif isinstance(own, Mapping):
                names = dict.fromkeys([*others, *own])
                texts = {n: dict.fromkeys([*others.get(n, ()), *own.get(n, ())]) for n in names}
                merged[each.name] = {name: tuple(all_of) for name, all_of in texts.items()}
            elif own == getattr(default, each.name):
                merged[each.name] = others
        return replace(self, **merged)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ReadingRules:
        """The rules that a schema's JSON holds; TypeError for a rule that there is not."""
        lists = {"missing", "numbers", "ticked", "folded"}
        values = {key: tuple(v) if key in lists else v for key, v in content.items()}
        texts = {name: tuple(own) for name, own in content.get("missing_in", {}).items()}
        rules: dict[str, Any] = {**values, "missing_in": texts}
        return cls(**rules)


@cache  # asked for every piece of every column
def _numbers(texts: tuple[str, ...], decimal: str) -> frozenset[float]:
    numbers = [_number(text, decimal) for text in texts]
    return frozenset(number for number in numbers if number is not None)


def _number(text: str, decimal: str) -> float | None:
    try:
        number = float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return None
    return number if number == number else None
