"""Values of FHIR as a number or a text, and a unit; what is not of its type is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from risk_model.signals.events_fhir_codes import text_of
from risk_model.signals.events_reasons import LeftOut, Reason

UCUM = "http://unitsofmeasure.org"
COMPARATORS = ("<", "<=", ">=", ">")


class Value(NamedTuple):
    """A value; of a number that is a limit, the text is its sign."""

    number: float | None = None
    text: str | None = None
    unit: str = ""


def value_of(result: Mapping[str, Any]) -> Value | None:
    """The value of an Observation or a component; None where there is none.

    Raises:
        LeftOut: there is a reason instead of it, or it is not of its type.
    """
    if "dataAbsentReason" in result:
        raise LeftOut(Reason.ABSENT)
    names = [name for name in result if name.startswith("value")]
    if not names:
        return None
    if len(names) > 1:
        raise LeftOut(Reason.BAD_VALUE)
    read = VALUES.get(names[0])
    if read is None:
        raise LeftOut(Reason.OTHER_VALUE)
    return read(result[names[0]])


def _quantity(quantity: Mapping[str, Any]) -> Value:
    if "value" not in quantity:
        raise LeftOut(Reason.NO_VALUE)
    comparator = quantity.get("comparator")
    if comparator is not None and comparator not in COMPARATORS:
        raise LeftOut(Reason.BAD_VALUE)
    coded = quantity.get("code") if quantity.get("system") == UCUM else None
    unit = coded or quantity.get("unit") or quantity.get("code") or ""
    if not isinstance(unit, str):
        raise LeftOut(Reason.BAD_VALUE)
    return Value(_number(quantity["value"]), comparator, unit)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LeftOut(Reason.BAD_VALUE)
    return float(value)


def _integer(value: object) -> Value:
    if isinstance(value, float):
        raise LeftOut(Reason.BAD_VALUE)
    return Value(_number(value))


def _boolean(value: object) -> Value:
    if not isinstance(value, bool):
        raise LeftOut(Reason.BAD_VALUE)
    return Value(float(value))


def _string(value: object) -> Value:
    if not isinstance(value, str):
        raise LeftOut(Reason.BAD_VALUE)
    if not value.strip():
        raise LeftOut(Reason.NO_VALUE)
    return Value(text=value)


VALUES: Mapping[str, Callable[[Any], Value]] = {
    "valueQuantity": _quantity,
    "valueInteger": _integer,
    "valueBoolean": _boolean,
    "valueString": _string,
    "valueCodeableConcept": lambda concept: Value(text=text_of(concept)),
}
