"""A part of the specification's page: what its keys hold, or one line that names the place."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from risk_model.core.errors import UserError
from risk_model.signals.event_spec import micros

QUOTES = "is not text, perhaps because YAML read it as a number, a time or a truth value; put it in"


@dataclass(frozen=True)
class Part:
    """A mapping of the page, whose place every error names."""

    content: Mapping[str, Any]
    place: str

    def error(self, key: str, problem: str) -> UserError:
        """An error that says where it is."""
        return UserError(f"{'.'.join(filter(None, (self.place, key)))}: {problem}")

    def codes(self, key: str, default: tuple[str, ...] | None = ()) -> tuple[str, ...]:
        """A code or a list of them; a default of None makes it necessary."""
        if key not in self.content:
            if default is None:
                raise self.error(key, "is missing")
            return default
        value = self.content[key]
        texts = value if isinstance(value, list | tuple) else [value]
        if not texts or "" in texts:
            raise self.error(key, "is empty")
        for text in texts:
            if not isinstance(text, str):
                raise self.error(key, f"{text!r} {QUOTES} quotes")
            if "*" in text[:-1]:
                raise self.error(key, f"'{text}': a * stands at the end, for whatever follows")
        if len(set(texts)) < len(texts):
            raise self.error(key, "names one of them twice")
        return tuple(texts)

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        value = self.content.get(key, default)
        if not isinstance(value, str):
            raise self.error(key, f"{value!r} {QUOTES} quotes")
        return value

    def duration(self, key: str, default: str = "", zero: bool = False) -> str:
        """A duration longer than nothing, unless zero is allowed."""
        value = self.content.get(key, default)
        try:
            length = micros(value if isinstance(value, str) else repr(value)) if value != "" else 1
        except UserError as error:
            raise self.error(key, str(error)) from None
        if not length and not zero:
            raise self.error(key, "must be longer than 0")
        return cast(str, value)

    def choice(self, key: str, options: Collection[str]) -> Any:
        """One of the options, which must be stated."""
        words = " or ".join(f'"{option}"' if " " in option else option for option in options)
        if key not in self.content:
            raise self.error(key, f"must be stated: {words}")
        if self.content[key] not in options:
            raise self.error(key, f"must be {words}, not {self.content[key]!r}")
        return self.content[key]

    def count(self, key: str, default: int | None) -> int:
        """A whole number from 1."""
        value = self.content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.error(key, "must be a whole number from 1")
        return value

    def limits(self, key: str) -> tuple[float, float] | None:
        """Two numbers, the lower first; None where there are none."""
        value = self.content.get(key)
        if value is None:
            return None
        pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))
        if not pair or not value[0] < value[1]:
            raise self.error(key, "must be two numbers, the lower one first, such as [10, 300]")
        return float(value[0]), float(value[1])


def is_number(value: object) -> bool:
    """Whether a value is a finite number, which true is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def part_of(value: object, place: str, keys: Collection[str] | None = None) -> Part:
    """A mapping with text for keys, and none but these."""
    if not isinstance(value, Mapping) or not value:
        raise UserError(f"{place or 'the page'}: must be keys with values, and is not")
    for key in value:
        if not isinstance(key, str):
            raise UserError(f"{place or 'the page'}: the key {key!r} {QUOTES} quotes")
        if not key.isprintable():
            raise UserError(f"{place or 'the page'}: the key {key!r} must be one line")
        if keys is not None and key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(keys)}"
            raise UserError(f"{place + ': ' if place else ''}unknown key '{key}'; {hint}")
    return Part(value, place)
