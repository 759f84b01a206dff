"""Which figure stands in which row? The run's facts as the report's tables: lists of rows, keys as
headings.
"""

from __future__ import annotations

from typing import Any

from risk_model.evaluation.subgroups import ALPHA, PARTITIONS
from risk_model.reporting.plots import words
from risk_model.reporting.wording import cell, percent

Row = dict[str, Any]
LABELS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "citl": "calibration-in-the-large",
    "slope": "calibration slope",
    "net_benefit": "net benefit",
    "standardised_net_benefit": "standardised net benefit",
    "number_needed_to_evaluate": "number needed to evaluate",
    "sensitivity": "sensitivity",
    "false_alert_rate": "false alert rate",
    "alert_rate": "alert rate",
    "brier": "Brier score",
    "log_loss": "log loss",
    "smooth_ece": "smooth ECE",
    "ece": "ECE, 10 equal-width bins",
    "ece_equal_count": "ECE, 10 equal-count bins",
}
NEEDS = {
    "ratio": "observed / expected events",
    "slope": "calibration slope",
    "auroc": "AUROC",
    "net_benefit": "standardised net benefit",
}
PARITY = {
    "demographic_parity_difference": "demographic parity: alert rates",
    "equal_opportunity_difference": "equal opportunity: sensitivities",
    "equalised_odds_difference": "equalised odds: sensitivities or false alert rates",
}
ON_REQUEST = {"accuracy": "accuracy", "f1": "F1"}
CALIBRATION = ("citl", "slope", "smooth_ece", "ece", "ece_equal_count", "brier")
SPLIT = ("part", "rows", "subjects", "events", "prevalence", "largest imbalance")
SEVERITIES = ("error", "warning", "note")


def findings(found: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Errors and warnings first, and the notes; each finding once."""
    once = list({tuple(sorted(f.items())): f for f in found}.values())
    ordered = sorted(once, key=lambda f: SEVERITIES.index(f["severity"]))
    return [f for f in ordered if f["severity"] != "note"], [
        f for f in ordered if f["severity"] == "note"
    ]


def split(rows: list[Row]) -> dict[str, list[Row]]:
    """The split table, and the share of each stratum with the parts as columns."""
    kept = [{key: row[key] for key in SPLIT if key in row} for row in rows]
    for row in kept:
        row |= {key: percent(row[key]) for key in ("prevalence", "largest imbalance") if key in row}
    strata = [key for key in (rows[0] if rows else {}) if key not in SPLIT]
    return {
        "rows": kept,
        "strata": [{"stratum": s, **{r["part"]: percent(r.get(s)) for r in rows}} for s in strata],
    }


def figure_rows(part: Row, threshold: float, beside_auroc: str = "") -> list[Row]:
    """A row a figure, with the value of each model and what it must be read beside."""
    at = f"at the operating threshold, {percent(threshold)}"
    everybody = part["prevalence"] - (1 - part["prevalence"]) * threshold / (1 - threshold)
    notes = {
        "auroc": beside_auroc,
        "auprc": f"prevalence {part['prevalence']:.3f}",
        "net_benefit": f"{at}; flagging everybody {everybody:.3f}",
        "standardised_net_benefit": f"{at}; 1 would find every event and flag nobody else",
        "number_needed_to_evaluate": f"{at}; flagged patients for each event found",
        "sensitivity": at,
        "false_alert_rate": f"{at}; of those without the event",
        "alert_rate": at,
        "accuracy": f"{at}; can be highest for risks that are wrong: choose nothing by it",
        "f1": f"{at}; can be highest for risks that are wrong, ignores who is rightly left alone: "
        "choose nothing by it",
    }
    models = part["models"].values()
    crossed = {
        "label": "AUROC, DeLong's interval",
        "note": "a cross-check",
        "values": [m["delong"] for m in models],
    }
    rows = [
        {
            "label": label,
            "note": notes.get(name, ""),
            "values": [judged["metrics"][name] for judged in models],
        }
        for name, label in (LABELS | ON_REQUEST).items()
        if all(name in judged["metrics"] for judged in models)
    ]
    return [rows[0], crossed, *rows[1:]]


def differences(part: Row, reference: str) -> list[Row]:
    """Paired differences of the other models to the reference."""
    return [
        {
            "model": words(name),
            **{LABELS[key]: figure for key, figure in judged["differences"].items()},
            "AUROC, DeLong's interval": judged["delong_difference"],
        }
        for name, judged in part["models"].items()
        if name != reference
    ]


def precision(judged: Row, rows: int) -> list[Row]:
    """How many rows each criterion of Riley et al. needs, and whether these are enough."""
    return [
        {
            "figure": NEEDS[need["figure"]],
            "interval no wider than": f"{need['width']:g}",
            "rows needed": need["needed"],
            "rows here": rows,
            "verdict": "enough" if need["enough"] else "too few to judge",
        }
        for need in judged["precision"]
    ]


def parity(judged: Row) -> list[Row]:
    """How far apart the groups of each partition are treated, beside how far apart their base rates
    are.
    """
    return [
        {
            "groups by": partition,
            "groups": figures["groups"],
            "base rates": f"{percent(figures['base_rates'][0])} to "
            f"{percent(figures['base_rates'][1])}",
            **{label: figures[name] for name, label in PARITY.items()},
        }
        for partition, figures in judged["parity"].items()
    ]


def recalibration(part: Row) -> list[Row]:
    """Calibration of each model before and after its calibrator."""
    return [
        {
            "model": f"{words(name)}, {state}",
            **{LABELS[key]: judged[source][key] for key in CALIBRATION},
        }
        for name, judged in part["models"].items()
        for state, source in (("raw", "raw"), ("recalibrated", "metrics"))
    ]


def subgroups(judged: Row, crossed: bool = False) -> list[Row]:
    """The champion's groups: counts, figures, and which figure differs from all patients together.

    Of `crossed` partitions the groups that are large enough, of the others all.
    """
    chosen = [row for row in judged["subgroups"] if (row["partition"] not in PARTITIONS) == crossed]
    if not any(row["judged"] for row in chosen):
        return []
    shown = ("auroc", "citl", "slope", "sensitivity", "alert_rate", "net_benefit")
    return [
        {
            "group": row["group"] if crossed else f"{row['partition']}: {row['group']}",
            "n": row["n"],
            "events": row["events"] if row["judged"] else "too few to judge",
            "prevalence": percent(row.get("prevalence")),
            **{LABELS[key]: row["metrics"].get(key) for key in shown},
            "differs in": ", ".join(
                LABELS[key] for key, p in row["p"].items() if p is not None and p < ALPHA
            )
            or "–",
        }
        for row in chosen
        if row["judged"] or not crossed
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
    return ", ".join(
        f"{k} {len(v)} values" if isinstance(v, list) else f"{k} {cell(v)}"
        for k, v in parameters.items()
    )


def choice(champion: Row) -> list[Row]:
    """The comparison that chose the champion, names in words."""
    return [
        {
            "model": words(row["model"]),
            "log loss": row.get("log_loss"),
            "difference to the best": row.get("difference"),
        }
        for row in champion.get("table", [])
    ]


def answers(quality: Row) -> list[dict[str, str]]:
    """Question and answer, from a list of pairs or from question → sentences."""
    given = quality.get("answers", [])
    if isinstance(given, dict):
        return [
            {"question": q, "answer": a if isinstance(a, str) else " ".join(a)}
            for q, a in given.items()
        ]
    return list(given)


def gates(bounds: dict[str, list[float | None]]) -> str:
    """The bounds of the gates, in words."""

    def between(low: float | None, high: float | None) -> str:
        return f"above {low:g}" if high is None else f"between {low:g} and {high:g}"

    return ", ".join(f"{LABELS[name]} {between(*limits)}" for name, limits in bounds.items())
