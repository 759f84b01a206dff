"""What will a clinician, a reviewer and an auditor ask of this run? One HTML file that answers
without a network.

The page's text stands in `report.html.j2`, its looks in `report.css`; here the run's facts become
what the page shows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from risk_model.core.files import write_atomically
from risk_model.reporting import forest, plots, tables, wording
from risk_model.reporting.page import kind, write_page
from risk_model.reporting.plots import words

Facts = dict[str, Any]
CONTENTS = {
    "core": "Core figures",
    "split": "Split",
    "found": "Findings",
    "models": "Models",
    "places": "Places and times",
    "precision": "Sample size",
    "recalibration": "Recalibration",
    "subgroups": "Subgroups",
    "parity": "Parity",
    "choice": "Choice of champion",
    "explanation": "Explanation",
    "training": "Training",
    "data": "Data quality",
    "provenance": "Provenance",
}


def write_report(path: Path, facts: Facts) -> None:
    """Writes a run's report as one self-contained HTML file, and its core figures as SVG beside it
    in `figures/`.

    `facts` is JSON-able. Needed: "title", and "evaluation" as `evaluate` returns it. Read where
    present, and otherwise "not recorded": "cohort", "split", "left_out", "shared_by_row_split",
    "quality", "findings", "calibrators", "champion", "threshold_reason", "training", "explanation",
    "examples", "alone", "start", "provenance".
    """
    view = _view(facts)
    write_page(path, "report.html.j2", view)
    for name, drawn in {**view["figures"], "places": view["forest"]}.items():
        if drawn:
            write_atomically(path.parent / "figures" / f"{name}.svg", drawn.encode())


def write_index(path: Path, entries: list[Facts]) -> None:
    """Writes the page that links several reports, with the champion's figures of each.

    An entry has "name", "href", "outcome", "champion" and "evaluation".
    """
    write_page(path, "index.html.j2", {"entries": [_entry(entry) for entry in entries]})


def _entry(entry: Facts) -> Facts:
    evaluation, champion = entry["evaluation"], entry["champion"]
    view = wording.verdict(champion, evaluation, _first(evaluation))
    return {
        **view,
        "title": _capital(entry["outcome"]),
        "name": entry["name"],
        "href": entry["href"],
    }


def _first(evaluation: Facts) -> str:
    return "test" if "test" in evaluation["parts"] else next(iter(evaluation["parts"]))


def _view(facts: Facts) -> Facts:
    evaluation = facts["evaluation"]
    first = _first(evaluation)
    chosen = facts.get("champion") or {"name": next(iter(evaluation["parts"][first]["models"]))}
    name, quality = chosen["name"], facts.get("quality") or {}
    verdict = wording.verdict(name, evaluation, first)
    alone = facts.get("alone") or []
    urgent, notes = tables.findings([*facts.get("findings", []), *evaluation["findings"]])
    return {
        "title": _capital(facts["title"]),
        "cohort_line": _cohort_line(facts.get("cohort", {})),
        "verdict": {**verdict, "kind": kind(verdict["verdict"])},
        "beside": [text for text in (wording.baseline(chosen), wording.alone(alone)) if text],
        "threshold_reason": facts.get("threshold_reason", ""),
        "contents": list(CONTENTS.items()),
        "first": "the test split" if first == "test" else first,
        "figures": _core(evaluation["parts"][first], name, evaluation["threshold"]),
        "split": tables.split(facts.get("split", [])),
        "shared": _shared(facts.get("shared_by_row_split")),
        "urgent": urgent,
        "notes": notes,
        "resamples": f"{evaluation['resamples']:,}",
        "minimum_events": evaluation["minimum_events"],
        "parts": [
            _part(part, name, evaluation, part == first, alone) for part in evaluation["parts"]
        ],
        "reference": words(evaluation["reference"]),
        "calibrators": tables.calibrators(facts.get("calibrators", {})),
        "champion": {
            "label": words(name),
            "reason": _in_words(chosen),
            "table": tables.choice(chosen),
        },
        "baseline": wording.baseline(chosen),
        "start": wording.start(facts.get("start") or {}),
        "explanation": _markup(plots.explanation(facts.get("explanation") or {})),
        "examples": _examples(facts.get("examples") or {}),
        "training": [_training(*item) for item in (facts.get("training") or {}).items()],
        "answers": tables.answers(quality),
        "quality_tables": {k: rows for k, rows in quality.get("tables", {}).items() if rows},
        **_provenance(facts.get("provenance", {})),
        "gates": tables.gates(evaluation["bounds"]),
        "decision": evaluation["decision"],
        **_places(evaluation, facts.get("left_out", []), name),
    }


def _markup(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 drawn here; what draws escapes what it writes


def _core(part: Facts, champion: str, threshold: float) -> dict[str, Markup]:
    return {name: _markup(svg) for name, svg in plots.core(part, champion, threshold).items()}


def _cohort_line(cohort: Facts) -> str:
    rows = f"{cohort['rows']:,} rows" if "rows" in cohort else ""
    return " · ".join(
        text for text in (cohort.get("name", ""), rows, cohort.get("source", "")) if text
    )


def _in_words(chosen: Facts) -> str:
    """Why the champion was chosen, with the models' names as a reader says them."""
    reason = str(chosen.get("reason", ""))
    for row in chosen.get("table", []):
        reason = reason.replace(str(row.get("model")), words(str(row.get("model"))))
    return _capital(reason)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shared(shared: list[int] | None) -> str:
    if not shared:
        return ""
    if not shared[0]:
        return "No subject has two rows that a split by row could have put on both sides."
    return (
        f"A split by row would have put {shared[0]:,} subjects on both sides, and {shared[1]:,} of "
        "their rows into the "
        "test split: that is why subjects are kept together."
    )


def _part(part: str, champion: str, evaluation: Facts, first: bool, alone: list[Facts]) -> Facts:
    content, gates = evaluation["parts"][part], evaluation["gates"][part]
    drawn = {} if first else _core(content, champion, evaluation["threshold"])
    prevalence = wording.percent(content["prevalence"])
    return {
        "name": part,
        "heading": f"{part}: {content['n']:,} rows, {content['events']:,} events ({prevalence})",
        "columns": [
            {"label": words(name), "champion": name == champion, "verdict": gates[name]["verdict"]}
            for name in content["models"]
        ],
        "figure_rows": tables.figure_rows(
            content, evaluation["threshold"], wording.beside_auroc(alone)
        ),
        "reasons": [
            f"{words(name)}: {'; '.join(g['reasons'])}."
            for name, g in gates.items()
            if g["reasons"]
        ],
        "dropped": content["resamples_dropped"],
        "differences": tables.differences(content, evaluation["reference"]),
        "difference": _markup(
            plots.difference(content, champion, evaluation["reference"], evaluation["threshold"])
        ),
        "precision": tables.precision(content["models"][champion], content["n"]),
        "parity": tables.parity(content["models"][champion]),
        "recalibration": tables.recalibration(content),
        "subgroups": tables.subgroups(content["models"][champion]),
        "crossed": tables.subgroups(content["models"][champion], crossed=True),
        "figures": list(drawn.values()),
    }


def _places(evaluation: Facts, left_out: list[Facts], champion: str) -> Facts:
    shown = forest.rows(evaluation, left_out, champion)
    return {
        "forest": _markup(forest.forest(shown)),
        "places": forest.table(shown),
        "left_out": bool(left_out),
    }


def _examples(examples: Facts) -> Facts:
    """What is said above the recordings, and each with its drawing and its caption."""
    if not examples:
        return {}
    shown = [
        {"drawing": _markup(example["drawing"]), "caption": wording.example(example)}
        for example in examples["shown"]
    ]
    return {"introduction": wording.examples(examples), "shown": shown}


def _training(name: str, history: list[Facts]) -> Facts:
    last = history[-1]["epoch"] if history else 0
    drawn = [_markup(svg) for svg in plots.training(history)]
    return {"name": words(name), "figures": drawn, "caption": f"{last} epochs recorded."}


def _provenance(provenance: Facts) -> Facts:
    plain = {key: value for key, value in provenance.items() if not isinstance(value, dict | list)}
    nested = {key: value for key, value in provenance.items() if key not in plain}
    return {"provenance": plain, "settings": json.dumps(nested, indent=1, ensure_ascii=False)}
