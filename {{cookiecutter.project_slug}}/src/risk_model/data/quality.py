"""Data quality: the lesson's questions about the data, each answered by a module of its own.

How much is there, how noisy, what is missing, how unbalanced, and is it the same everywhere?
Inputs of every row are described. Outcomes of the test split and of external cohorts are neither
used nor shown: what a reader learns here may change what they do next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from risk_model.core.cohort import Cohort, Splits
from risk_model.core.findings import Finding
from risk_model.core.json_record import JsonRecord
from risk_model.core.optional import optional_module
from risk_model.core.table import Row
from risk_model.data.quality_answer import Answer

# Modules of this folder with `answers(cohort, splits) -> list[Answer]`, in the order of the report;
# one whose file is absent is skipped.
CHECKS = ("sample_size", "noise", "columns", "shift", "underdiagnosis", "confounding")


@dataclass(frozen=True)
class Quality(JsonRecord):
    """The answer to each question in sentences, the tables behind them, and the findings."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def assess(cohort: Cohort, splits: Splits) -> Quality:
    """Answers the questions about the data.

    The findings are strict enough for a clean cohort to have none.

    Args:
        cohort: The cohort as its source read it; its notes are the first findings.
        splits: The cohort's split, which says whose outcome may be looked at.

    Returns:
        Answers, tables and findings, in the order of CHECKS.
    """
    answers = [answer for name in CHECKS for answer in _answers_of(name, cohort, splits)]
    return Quality(
        answers={answer.question: answer.sentences for answer in answers},
        tables={name: rows for answer in answers for name, rows in answer.tables.items()},
        findings=[*cohort.notes, *(finding for answer in answers for finding in answer.findings)],
    )


def _answers_of(check: str, cohort: Cohort, splits: Splits) -> list[Answer]:
    module = optional_module(f"data.{check}")
    answers: list[Answer] = module.answers(cohort, splits) if module else []
    return answers
