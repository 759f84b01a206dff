"""The console: what a command prints while it works and when it ends, and the paths it wrote."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from risk_model.config import Config
from risk_model.config.serialisation import settings_from_dict
from risk_model.core.files import read_json
from risk_model.core.schema import Field
from risk_model.data import prepare as preparation
from risk_model.data.prepare import Prepared
from risk_model.data.split_report import split_report
from risk_model.evaluation.utility import curve_thresholds
from risk_model.reporting.report import write_index

# the columns of the closing table, and the metric that each shows
HEADLINES = {
    "AUROC": "auroc",
    "AUPRC": "auprc",
    "slope": "slope",
    "in the large": "citl",
}
FINISHED = ("training.json", "evaluation.json", "report.html")


def say(step: str, text: str) -> None:
    """Prints one line of progress, with the step it comes from."""
    print(f"{step:9} {text}", flush=True)


def trained_settings(directory: Path) -> Config:
    """The settings that a run was trained with."""
    return settings_from_dict(read_json(directory / "config.json"))


def prepare(settings: Config) -> Prepared:
    """Prepares the cohort and prints its size and what was noticed.

    A decision that makes no sense is refused before anything is read.
    """
    curve_thresholds(settings.data.decision)
    say("data", f"reading {settings.data.name}")
    prepared = preparation.prepare(settings)
    labels, outcome = prepared.cohort.labels, prepared.cohort.schema.outcome
    events = f"{int(labels.sum()):,} events ({labels.mean():.1%})"
    say("data", f"{len(labels):,} rows, {events}: {outcome}")
    for finding in prepared.findings:
        if finding.severity != "note":
            say("data", finding.line())
    return prepared


def print_data(prepared: Prepared, schema: Path) -> None:
    """Prints what was read, the path of the schema to review, the split, and what was noticed."""
    cohort = prepared.cohort
    print(f"{cohort.schema.name}: {cohort.schema.outcome}; {len(cohort):,} rows\n")
    fields = pd.DataFrame([_field_row(field) for field in cohort.schema.fields])
    print(fields.to_string(index=False))
    print(f"\nschema    {schema} (review it, correct it, pass it with data.schema)\n")
    columns = ["part", "rows", "subjects", "events", "prevalence", "largest imbalance"]
    print(split_report(cohort, prepared.splits)[columns].to_string(index=False))
    for question, sentences in prepared.quality.answers.items():
        print(f"\n{question}\n  {' '.join(sentences)}")
    print()
    for finding in prepared.findings:
        print(finding.line())


def _field_row(field: Field) -> dict[str, str]:
    values = ""
    if field.kind == "category":
        values = ", ".join(field.categories[:6]) + (", ..." if len(field.categories) > 6 else "")
    elif field.kind == "number":
        values = field.range_text()
    used = "no" if field.recorded_after else "yes"
    return {"field": field.name, "kind": field.kind, "values": values, "model": used}


def print_results(
    directory: Path, evaluation: dict[str, Any], versions: list[dict[str, Any]] | None = None
) -> None:
    """Prints an evaluation's headline metrics, where everything is, and what was registered."""
    print(f"\n{headline_table(evaluation).to_string(index=False)}")
    print(f"\nreport    {directory / 'report.html'}")
    print(f"run       {directory}")
    for version in versions or []:
        if version["alias"] == "champion":
            print(f"champion  {version['model']}, version {version['version']}: {version['path']}")
        if version["refused"]:
            print(f"refused   {version['model']}: {version['refused']}")
    index = directory.parent / "index.html"
    if versions and index.is_file():
        print(f"index     {index}")
    sys.stdout.flush()


def headline_table(evaluation: dict[str, Any]) -> pd.DataFrame:
    """A row a part and model: counts, discrimination, calibration and the gate's verdict."""
    rows = []
    for part, content in evaluation["parts"].items():
        for model, of_model in content["models"].items():
            row = {"part": part, "model": model, "n": content["n"], "events": content["events"]}
            metrics = of_model["metrics"]
            row |= {label: _interval(metrics[name]) for label, name in HEADLINES.items()}
            rows.append(row | {"verdict": evaluation["gates"][part][model]["verdict"]})
    return pd.DataFrame(rows)


def _interval(estimate: dict[str, float | None]) -> str:
    if estimate["estimate"] is None:
        return "–"
    if estimate["low"] is None or estimate["high"] is None:
        return f"{estimate['estimate']:.3f}"
    return f"{estimate['estimate']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def refresh_index(runs: Path) -> None:
    """Rewrites runs/index.html: one line a finished run, newest first."""
    finished = [d for d in runs.glob("*/") if all((d / file).is_file() for file in FINISHED)]
    finished.sort(key=lambda directory: directory.stat().st_mtime, reverse=True)
    write_index(runs / "index.html", [_index_entry(directory) for directory in finished])


def _index_entry(directory: Path) -> dict[str, Any]:
    training = read_json(directory / "training.json")
    return {
        "name": directory.name,
        "href": f"{directory.name}/report.html",
        "outcome": training["outcome"],
        "champion": training["champion"]["name"],
        "evaluation": read_json(directory / "evaluation.json"),
    }
