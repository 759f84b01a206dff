"""What a report knows of a run is read by the page or a document, field by field."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import risk_model.reporting
from risk_model.reporting.content import ReportContent

from tests.reporting.test_everything_is_shown import classes_in

FOLDER = Path(risk_model.reporting.__file__).parent
# Recorded, and shown nowhere by its own name, with the reason.
NOT_SHOWN = {
    "standardised": "the curve of net benefit in units of the prevalence; the table has the metric",
    "effects": "what the pooled figures are made of; the file has it for another meta-analysis",
    "standard_error": "the same",
    "missing_allowed": "what a request may leave out, for whoever serves the model",
    "missing_flag": "how the encoder treats a field",
}


def names_of(record: type, seen: set[type]) -> set[str]:
    """The names of the fields of a dataclass and of those within it, the settings apart."""
    if record in seen or record.__module__.startswith("risk_model.config"):
        return set()
    seen.add(record)
    hints = get_type_hints(record)
    names = {field.name for field in fields(record)}
    inner = [c for hint in hints.values() for c in classes_in(hint) if is_dataclass(c)]
    return names.union(*(names_of(c, seen) for c in inner))


def test_every_field_of_the_content_is_read_by_the_report_or_listed_as_not_shown() -> None:
    sources = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py")]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for template in FOLDER.glob("*.j2"):
        read |= set(re.findall(r"\.(\w+)", template.read_text(encoding="utf-8")))
    assert names_of(ReportContent, set()) - read == set(NOT_SHOWN)
