"""Nothing that a run records is lost on the way to the page, and no misspelt name is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from jinja2 import meta

import risk_model.reporting
from risk_model.core.errors import UserError
from risk_model.core.json_record import JsonRecord
from risk_model.core.optional import optional_module
from risk_model.evaluation.metric_table import METRICS
from risk_model.evaluation.results import InternalExternalValidation, RunEvaluation
from risk_model.reporting.page import environment
from risk_model.reporting.report import IndexView
from risk_model.reporting.report_view import SECTIONS, ReportView
from risk_model.training.record import TrainingRecord

from tests.made_run import Run

FOLDER = Path(risk_model.reporting.__file__).parent


def classes_in(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and not get_args(hint):
        yield hint
    for argument in get_args(hint):
        yield from classes_in(argument)


def views() -> dict[str, type]:
    """The view of each template; an edition without a page lacks its module."""
    pages: dict[str, type] = {"report": ReportView, "index": IndexView}
    for name, view in (("comparison", "ComparisonView"), ("stability", "StabilityView")):
        if module := optional_module(f"reporting.{name}"):
            pages[name] = getattr(module, view)
    return pages


@pytest.mark.parametrize("name", views())
def test_a_template_names_exactly_the_fields_of_its_view(name: str) -> None:
    source = (FOLDER / f"{name}.html.j2").read_text(encoding="utf-8")
    names = meta.find_undeclared_variables(environment().parse(source))
    assert names - {"css"} == {field.name for field in fields(views()[name])}


def section(page: str, name: str) -> str:
    """The text of one section of a page below its heading."""
    match = re.search(rf'<h2 id="{name}">.*?</h2>(.*?)(?=<h2 id=|</main>)', page, re.S)
    assert match, name
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", match[1])).split())


def test_every_section_of_a_runs_report_has_content(run: Run) -> None:
    page = (run.directory / "report.html").read_text(encoding="utf-8")
    texts = {name: section(page, name) for name in SECTIONS}
    assert {name: text for name, text in texts.items() if len(text) < 80} == {}
    assert "Not recorded." not in page
    assert re.findall(r'<h2 id="([\w-]+)">', page) == list(SECTIONS)


def test_every_metric_of_the_table_stands_in_report_and_card_or_is_hidden(run: Run) -> None:
    page = section((run.directory / "report.html").read_text(encoding="utf-8"), "models")
    name = run.content.champion.name
    card = (run.directory / "packages" / name / "model_card.md").read_text(encoding="utf-8")
    for metric in METRICS:
        assert metric.sections or metric.hidden, metric.name
        if metric.when != "on request" and metric.sections:
            assert metric.label in page
            assert f"| {metric.label} |" in card


def misspelt(record: type, content: Any) -> Iterator[tuple[str, Any]]:
    """Copies of a record's JSON in each of which one key, at any depth, has another name."""
    hints = get_type_hints(record)
    for field in fields(record):
        value = content[field.name]
        rest = {key: v for key, v in content.items() if key != field.name}
        yield field.name, {**rest, f"{field.name}s_": value}
        inner = [c for c in classes_in(hints[field.name]) if is_dataclass(c)]
        for path, changed in _within(inner[0], value) if inner and value else []:
            yield f"{field.name}.{path}", {**content, field.name: changed}


def _within(record: type, value: Any) -> Iterator[tuple[str, Any]]:
    """The same for the first record inside lists and dictionaries."""
    if isinstance(value, list):
        for path, changed in _within(record, value[0]):
            yield f"0.{path}", [changed, *value[1:]]
    elif set(value) == {field.name for field in fields(record)}:
        yield from misspelt(record, value)
    else:
        key = next(iter(value))
        for path, changed in _within(record, value[key]):
            yield f"{key}.{path}", {**value, key: changed}


def records(run: Run) -> list[JsonRecord]:
    """What a run writes down, in small: one part, one model and one of whatever else repeats."""
    from risk_model import artifacts

    evaluation = artifacts.read_evaluation(run.directory)
    validated = artifacts.read_internal_external(run.directory)
    judged = [turn for turn in validated.left_out if turn.models]
    small = [replace(validated, left_out=judged[:1])] if judged else []
    return [evaluation, artifacts.read_training(run.directory), *small]


def test_a_misspelt_key_is_refused_at_each_level(run: Run) -> None:
    levels = 0
    for record in records(run):
        content = record.to_json()
        for path, changed in misspelt(type(record), content):
            levels += 1
            with pytest.raises(UserError, match=r".") as refusal:
                type(record).from_json(changed)
            assert type(record).__name__ in str(refusal.value), path
    assert levels > 80
    kinds = {type(record) for record in records(run)}
    without = optional_module("validation.internal_external") is None
    assert kinds == {
        RunEvaluation,
        TrainingRecord,
        *([] if without else [InternalExternalValidation]),
    }
