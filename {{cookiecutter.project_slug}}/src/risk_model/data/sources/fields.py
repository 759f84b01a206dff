"""Fields of a source's schema, a line each: a number within its plausible range, or a category."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from risk_model.core.schema import Field


def number(
    name: str,
    unit: str,
    minimum: float | None,
    maximum: float | None,
    description: str = "",
    *,
    loinc: str = "",
    **options: Any,
) -> Field:
    """A number in a UCUM unit; `options` are further attributes of `Field`."""
    code = f"LOINC|{loinc}" if loinc else ""
    return Field(
        name,
        "number",
        unit=unit,
        minimum=minimum,
        maximum=maximum,
        code=code,
        description=description,
        **options,
    )


def category(
    name: str, values: Iterable[str], description: str = "", *, loinc: str = "", **options: Any
) -> Field:
    """One of these values; `options` are further attributes of `Field`."""
    code, values = f"LOINC|{loinc}" if loinc else "", tuple(values)
    return Field(name, "category", categories=values, code=code, description=description, **options)
