"""Which figure stands in which row? The run's facts as the report's tables: lists of rows, keys as headings."""

from __future__ import annotations

from typing import Any

from risk_model.evaluation.reporting.figures import words
from risk_model.evaluation.reporting.wording import cell, percent

Row = dict[str, Any]
LABELS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "citl": "calibration-in-the-large",
    "slope": "calibration slope",
    "net_benefit": "net benefit",
    "sensitivity": "sensitivity",
    "alert_rate": "alert rate",
    "brier": "Brier score",
    "log_loss": "log loss",
    "ece": "ECE, 10 equal-width bins",
    "ece_equal_count": "ECE, 10 equal-count bins",
}
CALIBRATION = ("citl", "slope", "ece", "ece_equal_count", "brier")
SPLIT = ("part", "rows", "subjects", "events", "prevalence", "largest imbalance")
SEVERITIES = ("error", "warning", "note")


def findings(found: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Errors and warnings first, and the notes; each finding once."""
    once = list({tuple(sorted(f.items())): f for f in found}.values())
    ordered = sorted(once, key=lambda f: SEVERITIES.index(f["severity"]))
    return [f for f in ordered if f["severity"] != "note"], [f for f in ordered if f["severity"] == "note"]


def split(rows: list[Row]) -> dict[str, list[Row]]:
    """The split table, and the share of each stratum with the parts as columns."""
    kept = [{key: row[key] for key in SPLIT if key in row} for row in rows]
    for row in kept:
        row |= {key: percent(row[key]) for key in ("prevalence", "largest imbalance") if key in row}
    strata = [key for key in (rows[0] if rows else {}) if key not in SPLIT]
    return {"rows": kept, "strata": [{"stratum": s, **{r["part"]: percent(r.get(s)) for r in rows}} for s in strata]}


def figure_rows(part: Row, threshold: float, beside_auroc: str = "") -> list[Row]:
    """A row a figure, with the value of each model and what it must be read beside."""
    at = f"at the operating threshold, {percent(threshold)}"
    everybody = part["prevalence"] - (1 - part["prevalence"]) * threshold / (1 - threshold)
    notes = {
        "auroc": beside_auroc,
        "auprc": f"prevalence {part['prevalence']:.3f}",
        "net_benefit": f"{at}; flagging everybody {everybody:.3f}",
        "sensitivity": at,
        "alert_rate": at,
    }
    models = part["models"].values()
    return [
        {"label": label, "note": notes.get(name, ""), "values": [judged["metrics"][name] for judged in models]}
        for name, label in LABELS.items()
    ]


def differences(part: Row, reference: str) -> list[Row]:
    """Paired differences of the other models to the reference."""
    return [
        {"model": words(name), **{LABELS[key]: figure for key, figure in judged["differences"].items()}}
        for name, judged in part["models"].items()
        if name != reference
    ]


def recalibration(part: Row) -> list[Row]:
    """Calibration of each model before and after its calibrator."""
    return [
        {"model": f"{words(name)}, {state}", **{LABELS[key]: judged[source][key] for key in CALIBRATION}}
        for name, judged in part["models"].items()
        for state, source in (("raw", "raw"), ("recalibrated", "metrics"))
    ]


def subgroups(judged: Row) -> list[Row]:
    """The champion's groups: counts, figures, and which figure differs from all patients together."""
    if not any(row["judged"] for row in judged["subgroups"]):
        return []
    shown = ("auroc", "citl", "slope", "sensitivity", "alert_rate", "net_benefit")
    return [
        {
            "group": f"{row['partition']}: {row['group']}",
            "n": row["n"],
            "events": row["events"] if row["judged"] else "too few to judge",
            "prevalence": percent(row.get("prevalence")),
            **{LABELS[key]: row["metrics"].get(key) for key in shown},
            "differs in": ", ".join(LABELS[key] for key, p in row["p"].items() if p is not None and p < 0.01) or "–",
        }
        for row in judged["subgroups"]
    ]


def calibrators(chosen: dict[str, Row]) -> list[Row]:
    """Kind and parameters of each model's calibrator."""
    return [
        {
            "model": words(name),
            "calibrator": str(facts.get("kind", "not recorded")).replace("_", " "),
            "parameters": _parameters(facts.get("parameters", {})),
        }
        for name, facts in chosen.items()
    ]


def _parameters(parameters: Any) -> str:
    if not isinstance(parameters, dict):
        return str(parameters)
    return ", ".join(f"{k} {len(v)} values" if isinstance(v, list) else f"{k} {cell(v)}" for k, v in parameters.items())


def choice(champion: Row) -> list[Row]:
    """The comparison that chose the champion, names in words."""
    return [
        {
            "model": words(row["model"]),
            "log loss": row.get("log_loss"),
            "difference to the best": {"estimate": row.get("mean"), "low": row.get("low"), "high": row.get("high")},
        }
        for row in champion.get("table", [])
    ]


def answers(quality: Row) -> list[dict[str, str]]:
    """Question and answer, from a list of pairs or from question → sentences."""
    given = quality.get("answers", [])
    if isinstance(given, dict):
        return [{"question": q, "answer": a if isinstance(a, str) else " ".join(a)} for q, a in given.items()]
    return list(given)


def gates(bounds: dict[str, list[float | None]]) -> str:
    """The bounds of the gates, in words."""

    def between(low: float | None, high: float | None) -> str:
        return f"above {low:g}" if high is None else f"between {low:g} and {high:g}"

    return ", ".join(f"{LABELS[name]} {between(*limits)}" for name, limits in bounds.items())
