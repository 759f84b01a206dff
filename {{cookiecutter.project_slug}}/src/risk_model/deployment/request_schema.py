"""The JSON Schema of a request's body, from the schema of a model's inputs.

The OpenAPI document shows it, and a batch is made of it. What is refused is decided by `requests`.
"""

from __future__ import annotations

from typing import Any

from risk_model.core.schema import Field, Schema
from risk_model.deployment.requests import SUBJECT_LENGTH, field_units

JsonSchema = dict[str, Any]


def body_schema(schema: Schema) -> JsonSchema:
    """The JSON Schema of a body; a field's unit is required with its value."""
    inputs = {f.name: _field_schema(f) for f in schema.inputs}
    required = [f.name for f in schema.inputs if not f.missing_allowed]
    stated, units = {f.name: {"const": f.unit or "1"} for f in schema.inputs}, field_units(schema)
    always = [name for name in units if name in required]
    whole = members_schema(inputs, required, units=_object(stated, always))
    whole["required"] = ["inputs", "units"] if always else ["inputs"]
    if sometimes := [_unit_with_value(name) for name in units if name not in required]:
        whole["allOf"] = sometimes
    return whole


def _unit_with_value(name: str) -> JsonSchema:
    given = {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
    stated = {"required": ["units"], "properties": {"units": {"required": [name]}}}
    return {"if": {"properties": {"inputs": given}}, "then": stated}


def members_schema(inputs: JsonSchema, required: list[str], **more: Any) -> JsonSchema:
    """The JSON Schema of a body with these inputs, and with more members than any body may hold."""
    optional = {
        "request_id": {"type": "string", "format": "uuid"},
        "subject": {"type": "string", "minLength": 1, "maxLength": SUBJECT_LENGTH},
        "explain": {"type": "boolean", "default": False},
    }
    return _object({"inputs": _object(inputs, required), **more, **optional}, ["inputs", *more])


def _object(properties: JsonSchema, required: list[str]) -> JsonSchema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


def _field_schema(field: Field) -> JsonSchema:
    kinds = {"number": "number", "boolean": "boolean", "category": "string"}
    absent = ["null"] if field.missing_allowed else []
    unit = f"UCUM unit {field.unit}" if field.unit else ""
    texts = (field.description, unit, field.code)
    content: JsonSchema = {
        "type": [kinds[field.kind], *absent],
        "description": ". ".join(text for text in texts if text),
    }
    if field.kind == "category":
        content["enum"] = [*field.categories, *([None] if absent else [])]
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    return content | {key: bound for key, bound in bounds.items() if bound is not None}
