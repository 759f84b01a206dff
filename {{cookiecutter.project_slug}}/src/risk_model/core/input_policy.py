"""The input policy: which records a model answers for, by what its training rows held.

A model gives a number for anything, also for a record of which it has learnt nothing. So the
package says what training saw: how many fields were recorded at least, which of them were hardly
ever missing together, and between which values each lay. Counts below FEWEST are told of nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from risk_model.core.json_record import JsonRecord
from risk_model.core.schema import Features, Schema

FEWEST = 10  # training rows: what fewer of them show counts as not seen

Unusual = Literal["warn", "refuse"]
Mask = npt.NDArray[np.bool_]


class Bounds(NamedTuple):
    """The values beyond which fewer than FEWEST training rows lie."""

    low: float
    high: float


@dataclass(frozen=True)
class InputPolicy(JsonRecord):
    """What `rows` training rows say of the records that may be answered.

    Fewer than FEWEST of them had fewer than `least_recorded` fields, lacked a field of
    `hardly_missing` together with one of its list (alone, where it stands in its own list), or had
    a value beyond the `bounds` of its column (`Schema.features`; None where nearly all lacked it).
    `unusual` says what such a pattern or value gets: a warning or a refusal. A record with too few
    fields is always refused; beside a recording, which is measured as far as it can be, none is.
    """

    rows: int
    least_recorded: int
    hardly_missing: dict[str, list[str]]
    bounds: dict[str, Bounds | None]
    unusual: Unusual = "warn"


def input_policy(features: Features, schema: Schema, unusual: Unusual) -> InputPolicy:
    """The policy that training rows, encoded as float32[n, d], give."""
    missing, names = missing_fields(features, schema), [f.name for f in schema.inputs]
    recorded = np.sort((~missing).sum(axis=1))
    together = missing.T.astype(np.int64) @ missing
    alone = np.diag(together) < FEWEST
    pairs = (together < FEWEST) & ~alone & ~alone[:, None]
    hardly = np.triu(pairs, 1) | np.diag(alone)
    return InputPolicy(
        rows=len(features),
        least_recorded=0 if schema.signal else int(recorded[:FEWEST].max(initial=0)),
        hardly_missing={
            name: [names[other] for other in np.flatnonzero(row)]
            for name, row in zip(names, hardly, strict=True)
            if row.any()
        },
        bounds={
            schema.features[column]: _bounds(features[:, column])
            for column in _value_columns(schema)
        },
        unusual=unusual,
    )


def _bounds(values: Features) -> Bounds | None:
    recorded = np.sort(values[~np.isnan(values)])
    if len(recorded) < FEWEST:
        return None
    low, high = (float(str(end)) for end in (recorded[FEWEST - 1], recorded[-FEWEST]))
    return Bounds(0.0 - _up(-low), _up(high))


def _up(value: float) -> float:
    """The next number of three significant digits, so that the value of no patient stands here."""
    place = 2 - math.floor(math.log10(abs(value))) if value else 0
    return float(f"{math.ceil(round(value * 10.0**place, 6)) / 10.0**place:.3g}")


def _value_columns(schema: Schema) -> list[int]:
    """The encoded columns that hold values, not marks of missing ones."""
    at = 0
    columns: list[int] = []
    for field in schema.inputs:
        columns += range(at, at + len(field.features) - field.missing_flag)
        at += len(field.features)
    return columns


def missing_fields(features: Features, schema: Schema) -> Mask:
    """Which fields encoded rows lack: bool[n, fields]; of a category also what nobody listed."""
    missing, at = np.empty((len(features), len(schema.inputs)), dtype=bool), 0
    for position, field in enumerate(schema.inputs):
        shown = features[:, at : at + len(field.features) - field.missing_flag]
        category = field.kind == "category"
        missing[:, position] = ~shown.any(axis=1) if category else np.isnan(shown[:, 0])
        at += len(field.features)
    return missing


class Remark(NamedTuple):
    """What is unusual about one field of a record, in words that repeat no value."""

    field: str
    text: str


class InputCheck:
    """A policy made ready for use on records of its schema."""

    def __init__(self, policy: InputPolicy, schema: Schema) -> None:
        self.policy, self._schema, self._inputs = policy, schema, schema.inputs
        self.fields = [f.name for f in self._inputs]
        self._few = f"fewer than {FEWEST} of {policy.rows:,} training rows"
        shape = len(schema.features)
        self._low, self._high = (np.full(shape, end, np.float32) for end in (-np.inf, np.inf))
        self._field = schema.feature_field
        for column in _value_columns(schema):
            field = self._inputs[self._field[column]]
            low, high = policy.bounds[schema.features[column]] or (-np.inf, -np.inf)
            self._high[column] = high
            # a category that is not given is a zero, which is no value
            self._low[column] = -np.inf if field.kind == "category" else low
        self._hardly = {name: frozenset(others) for name, others in policy.hardly_missing.items()}
        self.too_few = (
            f"at least {policy.least_recorded} of the {len(self._inputs)} fields are required: "
            f"{self._few} had fewer"
        )

    def remarks(self, row: Features, missing: Sequence[str]) -> list[Remark]:
        """What is unusual about one record, encoded as float32[1, d], that lacks these fields."""
        remarks = [self._lacks(*pair) for pair in self._pairs(missing)] if missing else []
        for above, outside in self._outside(row[0]):
            if outside.any():
                remarks += [self._beyond(column, above) for column in np.flatnonzero(outside)]
        return remarks

    def of_rows(self, features: Features) -> tuple[Mask, dict[str, Mask]]:
        """Of many rows, which have too few fields, and for each remark on some which they are."""
        missing, names = missing_fields(features, self._schema), self.fields
        few = (~missing).sum(axis=1) < self.policy.least_recorded
        lacking = dict(zip(names, missing.T, strict=True))
        remarks = {
            self._lacks(*pair).text: lacking[pair[0]] & lacking[pair[1]]
            for pair in self._pairs([name for name in names if lacking[name].any()])
        }
        for above, outside in self._outside(features):
            for column in np.flatnonzero(outside.any(axis=0)):
                remarks[self._beyond(column, above).text] = outside[:, column]
        return few, {text: rows for text, rows in remarks.items() if rows.any()}

    def most_usual(self, features: Features) -> int:
        """The row with the fewest remarks, and of those the one that lacks least."""
        remarks = self.of_rows(features)[1].values()
        unusual = np.sum([np.zeros(len(features)), *remarks], axis=0)
        missing = missing_fields(features, self._schema).sum(axis=1)
        return int(np.lexsort((missing, unusual))[0])

    def _outside(self, features: Features) -> tuple[tuple[bool, Mask], ...]:
        """Whether above or below, and which values are beyond that bound."""
        shown = features[..., : len(self._low)]
        return (False, shown < self._low), (True, shown > self._high)

    def _pairs(self, missing: Sequence[str]) -> Iterator[tuple[str, str]]:
        for name in missing:
            if others := self._hardly.get(name):
                yield from ((name, other) for other in missing if other in others)

    def _lacks(self, name: str, other: str) -> Remark:
        lacks = f"{name} is" if name == other else f"{name} and {other} are both"
        return Remark(name, f"{lacks} missing, as in {self._few}")

    def _beyond(self, column: np.intp, above: bool) -> Remark:
        field = self._inputs[self._field[column]]
        bound = float((self._high if above else self._low)[column])
        if field.kind != "number" or not math.isfinite(bound):
            return Remark(field.name, f"{field.name} has a value that {self._few} had")
        unit = "" if field.unit == "1" else f" {field.unit}".rstrip()
        side = "above" if above else "below"
        text = f"{field.name} is {side} {bound:.6g}{unit}, as in {self._few}"
        return Remark(field.name, text)
