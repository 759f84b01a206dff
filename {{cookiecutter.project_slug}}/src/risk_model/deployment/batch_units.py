"""Units of a file to score: a header like `glucose [mg/dL]`, or the setting `units`, states them.

Nothing is converted: a stated unit must be the package's own. Where none is stated the package's
holds, and the output says that it was assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.core.schema import Schema
from risk_model.deployment.requests import field_units

HEADER = re.compile(r"(?P<name>.*\S)\s*\[(?P<unit>.+)\]\s*")
STATED, ASSUMED = "stated", "assumed"  # what the output's column `input_units` says


@dataclass(frozen=True)
class UnitStatement:
    """The columns of a file without their units, and the fields whose unit nobody stated."""

    columns: list[str]
    assumed: list[str]

    @property
    def word(self) -> str:
        """What each row of the output says."""
        return ASSUMED if self.assumed else STATED


def read_units(
    path: Path, columns: list[str], schema: Schema, units: Mapping[str, str]
) -> UnitStatement:
    """What headers and the setting say of units.

    Args:
        path: the file, for messages.
        columns: its columns, as they are written.
        schema: of the package.
        units: of the setting: UCUM codes by field.

    Raises:
        UserError: a stated unit is not the package's, or is of no field.
    """
    known = field_units(schema)
    inputs = [field.name for field in schema.inputs]
    if strange := [name for name in units if name not in inputs]:
        raise UserError(f"units: {', '.join(strange)}: no field of this model")
    headers = {column: _header(column, inputs) for column in columns}
    stated = [*units.items(), *(pair for pair in headers.values() if pair[1])]
    wrong = [(name, unit) for name, unit in stated if unit != known.get(name, "1")]
    if wrong:
        told = "; ".join(
            f"{name} is stated in {u}, not {known.get(name, '1')}" for name, u in wrong
        )
        raise UserError(
            f"{path}: {told}: UCUM codes, as the model takes them; convert the column, or correct "
            "its unit"
        )
    sure = {name for name, _ in stated}
    names = [name for name, _ in headers.values()]
    if twice := [name for name in inputs if names.count(name) > 1]:
        raise UserError(f"{path}: {twice[0]} stands in two columns; leave one of them out")
    return UnitStatement(names, [name for name in known if name not in sure])


def _header(column: str, inputs: list[str]) -> tuple[str, str]:
    """Field and unit of a header; the column itself and "" where it states no field's unit."""
    match = HEADER.fullmatch(column)
    if column in inputs or not match or match["name"] not in inputs:
        return column, ""
    return match["name"], match["unit"]
