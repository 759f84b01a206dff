"""An answer to one question about the data, as every check of its quality gives it."""

from __future__ import annotations

from dataclasses import dataclass, field

from risk_model.core.findings import Finding
from risk_model.core.table import Row

# Tables that the report and the cards look for by name.
SAMPLE_SIZE = "development sample size"
MISSING = "missing"
SIMPLE_MODELS = "age and sex alone, site alone"


@dataclass(frozen=True)
class Answer:
    """A question, its answer in sentences, the tables behind it, and the findings."""

    question: str
    sentences: list[str]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
