"""What does a run say while it works and when it ends? A few lines a reader can act on, and the
paths it wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from risk_model.core.files import read_json
from risk_model.data.prepare import Prepared
from risk_model.data.split_report import PartSummary
from risk_model.deployment.registry import RegisteredVersion


def say(room: str, text: str) -> None:
    """One line of progress, with the room it comes from."""
    print(f"{room:9} {text}", flush=True)


def show_data(prepared: Prepared, report: list[PartSummary], schema: Path) -> None:
    """Prints the data room's answers: what was read, how it is split, what was noticed, and the
    schema to review.
    """
    cohort = prepared.cohort
    print(f"{cohort.schema.name}: {cohort.schema.outcome}; {len(cohort):,} rows\n")
    print(pd.DataFrame([_field_row(f) for f in cohort.schema.fields]).to_string(index=False))
    print(f"\nschema    {schema} (review it, correct it, pass it with data.schema)\n")
    parts = pd.DataFrame([vars(part) for part in report]).drop(columns="shares")
    print(parts.rename(columns=lambda name: name.replace("_", " ")).to_string(index=False))
    for question, sentences in prepared.quality.answers.items():
        print(f"\n{question}\n  {' '.join(sentences)}")
    print()
    for finding in prepared.findings:
        print(finding.line())


def _field_row(field: Any) -> dict[str, str]:
    shown = ", ".join(field.categories[:6]) + (", ..." if len(field.categories) > 6 else "")
    detail = (
        shown if field.kind == "category" else field.range_text() if field.kind == "number" else ""
    )
    return {
        "field": field.name,
        "kind": field.kind,
        "values": detail,
        "model": "no" if field.recorded_after else "yes",
    }


def closing(
    directory: Path, judged: dict[str, Any], versions: list[RegisteredVersion] | None = None
) -> None:
    """Prints a run's headline figures and where everything is."""
    print()
    print(headline_table(judged).to_string(index=False))
    print(f"\nreport    {directory / 'report.html'}")
    print(f"run       {directory}")
    for version in versions or []:
        if version.alias == "champion":
            print(f"champion  {version.model}, version {version.version}: {version.path}")
        if version.refused:
            print(f"refused   {version.model}: {version.refused}")
    if versions and (directory.parent / "index.html").is_file():
        print(f"index     {directory.parent / 'index.html'}")
    sys.stdout.flush()


HEADLINES = {
    "AUROC": "auroc",
    "AUPRC": "auprc",
    "slope": "slope",
    "in the large": "citl",
}


def headline_table(judged: dict[str, Any]) -> pd.DataFrame:
    """Rows, events, discrimination, calibration and verdict: a row a part and model."""
    rows = []
    for part, content in judged["parts"].items():
        for model, figures in content["models"].items():
            row = {"part": part, "model": model, "n": content["n"], "events": content["events"]}
            row |= {name: _interval(figures["metrics"][key]) for name, key in HEADLINES.items()}
            rows.append({**row, "verdict": judged["gates"][part][model]["verdict"]})
    return pd.DataFrame(rows)


def _interval(figure: dict[str, float | None]) -> str:
    if figure["estimate"] is None:
        return "–"
    if figure["low"] is None or figure["high"] is None:
        return f"{figure['estimate']:.3f}"
    return f"{figure['estimate']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


FINISHED = ("training.json", "evaluation.json", "report.html")


def refresh_index(runs: Path) -> None:
    """Rewrites runs/index.html: one line a finished run, newest first."""
    from risk_model.reporting.report import write_index

    finished = [d for d in runs.glob("*/") if all((d / file).is_file() for file in FINISHED)]
    finished.sort(key=lambda d: d.stat().st_mtime, reverse=True)
    entries = [
        {
            "name": directory.name,
            "href": f"{directory.name}/report.html",
            "outcome": read_json(directory / "training.json")["outcome"],
            "champion": read_json(directory / "training.json")["champion"]["name"],
            "evaluation": read_json(directory / "evaluation.json"),
        }
        for directory in finished
    ]
    write_index(runs / "index.html", entries)
