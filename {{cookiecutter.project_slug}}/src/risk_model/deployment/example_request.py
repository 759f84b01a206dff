"""A request that works as it stands: the package's golden case, which is nobody's record."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import numpy as np

from risk_model.core.errors import UserError
from risk_model.core.package import AGAIN, ModelPackage
from risk_model.core.schema import Features, Field
from risk_model.deployment.record_encoder import field_columns
from risk_model.deployment.requests import PredictionRequest, RefusedError, field_units

Body = dict[str, Any]  # a JSON object


def example_body(package: ModelPackage) -> Body:
    """The body of that request; empty where no recording and no events give the golden case."""
    schema = package.schema
    if schema.signal or schema.spec:
        return {}
    columns = field_columns(schema)
    row = package.background[0]
    read = {f.name: _value(f, row[columns[f.name].at :]) for f in schema.inputs}
    inputs = {name: value for name, value in read.items() if value is not None}
    units = field_units(schema)
    return {"inputs": inputs, "units": {name: units[name] for name in inputs if name in units}}


def curl(body: Body, url: str, needs_key: bool = False) -> str:
    """The request as a line for the shell; "" where there is no body.

    Where the service wants a key, the line takes it from the shell's variable KEY.
    """
    if not body:
        return ""
    content = shlex.quote(json.dumps(body, ensure_ascii=False))
    key = ' -H "authorization: Bearer $KEY"' if needs_key else ""
    return f"curl -s {url}/v1/predict{key} -H 'content-type: application/json' -d {content}"


def check_example(
    package: ModelPackage, body: Body, read: Callable[[bytes], PredictionRequest]
) -> None:
    """UserError when the request that everybody is shown is refused, or read as another row."""
    try:
        row = read(json.dumps(body).encode()).row if body else package.background[:1]
        read_as = "" if np.array_equal(row, package.background[:1], True) else "is read differently"
    except RefusedError as refused:
        read_as = f"is refused: {(refused.errors or [('', refused.detail)])[0][1]}"
    if read_as:
        raise UserError(f"{package.directory}: its golden case {read_as}; {AGAIN}")


def _value(field: Field, columns: Features) -> object:
    if field.kind == "category":
        named = np.flatnonzero(columns[: len(field.categories)])
        return field.categories[named[0]] if len(named) else None
    if np.isnan(columns[0]):
        return None
    # the shortest text that is this 32-bit number
    return bool(columns[0]) if field.kind == "boolean" else float(str(columns[0]))
