"""The console: what a command prints while it works and when it ends, and the paths it wrote."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from risk_model import artifacts
from risk_model.core.column_reading import reading_lines
from risk_model.core.errors import UserError
from risk_model.core.schema import Field
from risk_model.core.setting_syntax import setting
from risk_model.core.table import Row
from risk_model.data.prepare import Prepared
from risk_model.data.split_report import PartSummary, split_report
from risk_model.deployment.registry import RegisteredVersion
from risk_model.evaluation.metric_table import metrics_in
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting.report import IndexEntry, write_index
from risk_model.reporting.tables import subjects_cell
from risk_model.reporting.wording import estimate_text

FINISHED = (artifacts.TRAINING, artifacts.EVALUATION, "report.html")


def say(step: str, text: str) -> None:
    """Prints one line of progress, with the step it comes from."""
    print(f"{step:9} {text}", flush=True)


def print_data(prepared: Prepared, schema: Path) -> None:
    """Prints what was read, the path of the schema to review, the split, and what was noticed."""
    cohort = prepared.cohort
    print(f"{cohort.schema.name}: {cohort.schema.outcome}; {len(cohort):,} {cohort.row_name}\n")
    for line in reading_lines(cohort.columns):
        print(line)
    print()
    print(_text([_field_row(field) for field in cohort.schema.fields]))
    passed = setting("data.schema", str(schema))
    print(f"\nschema    {schema} (review it, correct it, pass it with {passed})\n")
    print(_text([_part_row(part) for part in split_report(cohort, prepared.splits)]))
    for question, sentences in prepared.quality.answers.items():
        print(f"\n{question}\n  {' '.join(sentences)}")
    print()
    for finding in prepared.findings:
        print(finding.line())


def _text(rows: Sequence[Row]) -> str:
    return pd.DataFrame(rows).to_string(index=False)


def _part_row(part: PartSummary) -> Row:
    columns = ("part", "rows", "subjects", "events", "prevalence", "largest_imbalance")
    row: Row = {column.replace("_", " "): getattr(part, column) for column in columns}
    return row | {"subjects": subjects_cell(part.subjects)}


def _field_row(field: Field) -> Row:
    values = ""
    if field.kind == "category":
        values = ", ".join(field.categories[:6]) + (", ..." if len(field.categories) > 6 else "")
    elif field.kind == "number":
        values = field.range_text()
    used = "no" if field.recorded_after else "yes"
    return {"field": field.name, "kind": field.kind, "values": values, "model": used}


def print_results(
    directory: Path, evaluation: RunEvaluation, versions: Sequence[RegisteredVersion] = ()
) -> None:
    """Prints an evaluation's headline metrics, where everything is, and what was registered."""
    print(f"\n{_text(headline_table(evaluation))}")
    print(f"\nreport    {directory / 'report.html'}")
    print(f"run       {directory}")
    for version in versions:
        if version.alias == "champion":
            print(f"champion  {version.model}, version {version.version}: {version.path}")
        if version.refused:
            print(f"refused   {version.model}: {version.refused}")
    index = directory.parent / "index.html"
    if versions and index.is_file():
        print(f"index     {index}")
    sys.stdout.flush()


def headline_table(evaluation: RunEvaluation) -> list[Row]:
    """A row a part and model: counts, discrimination, calibration and the gate's verdict."""
    rows: list[Row] = []
    for name, part in evaluation.parts.items():
        for model, own in part.models.items():
            row: Row = {"part": name, "model": model, "n": part.n, "events": part.events}
            for metric in metrics_in("console"):
                row[metric.label] = estimate_text(own.metrics[metric.name])
            rows.append(row | {"verdict": evaluation.gates[name][model].verdict})
    return rows


def refresh_index(runs: Path) -> None:
    """Rewrites runs/index.html: one line a finished run, newest first."""
    finished = [d for d in runs.glob("*/") if all((d / file).is_file() for file in FINISHED)]
    finished.sort(key=lambda directory: directory.stat().st_mtime, reverse=True)
    entries, others = [], []
    for directory in finished:
        try:
            entries.append(_index_entry(directory))
        except UserError:
            others.append(directory.name)
    write_index(runs / "index.html", entries)
    if others:
        say("index", f"left out, of another version of this project: {', '.join(others)}")


def _index_entry(directory: Path) -> IndexEntry:
    record, href = artifacts.read_training(directory), f"{directory.name}/report.html"
    evaluation = artifacts.read_evaluation(directory)
    return IndexEntry(directory.name, href, record.outcome, record.champion.name, evaluation)
