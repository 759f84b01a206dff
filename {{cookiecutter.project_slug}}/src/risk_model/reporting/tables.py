"""The tables of the report: which number stands in which row; the keys are the headings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.table import Row
from risk_model.data.split_report import PartSummary
from risk_model.evaluation.gates import REQUIREMENTS, TOO_FEW, Bounds
from risk_model.evaluation.metric_table import Metric, label, metrics_in
from risk_model.evaluation.metrics import treat_all
from risk_model.evaluation.results import (
    ModelEvaluation,
    PartEvaluation,
    RateDifference,
    SubgroupEvaluation,
)
from risk_model.evaluation.subgroups import PARTITIONS
from risk_model.evaluation.utility import per_cent
from risk_model.model.table import label as model_label
from risk_model.reporting.wording import cell, percent
from risk_model.training.record import CalibratorRecord, ChampionChoice

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class MetricRow:
    """One metric of every model, and what it must be read beside."""

    label: str
    note: str
    estimates: list[Estimate]


def sort_findings(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Errors and warnings, errors first, and the notes; each finding once."""
    once = dict.fromkeys(findings)
    ordered = sorted(once, key=lambda finding: SEVERITIES.index(finding.severity))
    urgent = [finding for finding in ordered if finding.severity != "note"]
    return urgent, ordered[len(urgent) :]


def findings(findings: Sequence[Finding]) -> list[Row]:
    """A row a finding, the urgent first."""
    urgent, notes = sort_findings(findings)
    return [asdict(finding) for finding in (*urgent, *notes)]


def split(parts: Sequence[PartSummary]) -> list[Row]:
    """A row a part of the split."""
    return [
        {
            "part": part.part,
            "rows": part.rows,
            "subjects": subjects_cell(part.subjects),
            "events": part.events,
            "prevalence": percent(part.prevalence),
            "largest imbalance": percent(part.largest_imbalance),
        }
        for part in parts
    ]


def subjects_cell(subjects: int | None) -> int | str:
    """How many subjects, "not known" where nothing tells whose row each is."""
    return "not known" if subjects is None else subjects


def strata(parts: Sequence[PartSummary]) -> list[Row]:
    """The share of each stratum, with the parts as columns."""
    names = parts[0].shares if parts else {}
    return [
        {"stratum": name, **{part.part: percent(part.shares.get(name)) for part in parts}}
        for name in names
    ]


def metric_rows(part: PartEvaluation, threshold: float, auroc_note: str = "") -> list[MetricRow]:
    """A row a metric, with the estimate of each model."""
    models = part.models.values()
    return [
        MetricRow(
            metric.label,
            auroc_note if metric.name == "auroc" else _note(metric, part, threshold),
            [model.metrics[metric.name] for model in models],
        )
        for metric in metrics_in("models")
        if all(metric.name in model.metrics for model in models)
    ]


def _note(metric: Metric, part: PartEvaluation, threshold: float) -> str:
    return metric.note.format(
        at=f"at the operating threshold, {per_cent(threshold)}",
        prevalence=part.prevalence,
        treat_all=float(treat_all(part.prevalence, threshold)),
    )


def differences(part: PartEvaluation, comparator: str) -> list[Row]:
    """Paired differences of the other models to the comparator."""
    return [
        {
            "model": model_label(name),
            **{label(metric): estimate for metric, estimate in model.differences.items()},
        }
        for name, model in part.models.items()
        if name != comparator
    ]


def required_rows(model: ModelEvaluation, rows: int) -> list[Row]:
    """How many rows each criterion of Riley et al. needs, and whether these are enough."""
    return [
        {
            "metric": REQUIREMENTS[required.metric],
            "interval no wider than": f"{required.width:g}",
            "rows needed": required.rows,
            "rows here": rows,
            "verdict": "enough" if required.enough else TOO_FEW,
        }
        for required in model.required_rows
    ]


def parity(model: ModelEvaluation) -> list[Row]:
    """How far apart groups are treated, beside how far apart their base rates are."""
    return [
        {
            "groups by": partition,
            "groups": parity.groups,
            "base rates": " to ".join(map(percent, parity.base_rates)),
            **_parity_cells("demographic parity", parity.demographic_parity_difference),
            **_parity_cells("equal opportunity", parity.equal_opportunity_difference),
            **_parity_cells("equalised odds", parity.equalised_odds_difference),
        }
        for partition, parity in model.parity.items()
    ]


def _parity_cells(name: str, rate: RateDifference) -> Row:
    return {
        name: rate.difference,
        f"{name}: of what": f"{label(rate.rate)}, {rate.highest} − {rate.lowest}",
    }


def recalibration(part: PartEvaluation) -> list[Row]:
    """Calibration of each model before and after its calibrator."""
    return [
        {
            "model": f"{model_label(name)}, {state}",
            **{metric.label: values[metric.name] for metric in metrics_in("calibration")},
        }
        for name, model in part.models.items()
        for state, values in (("raw", model.raw), ("recalibrated", model.metrics))
    ]


def subgroups(groups: Sequence[SubgroupEvaluation], crossed: bool = False) -> list[Row]:
    """Counts and metrics of the groups, each beside all patients who are not in it.

    Of `crossed` partitions the groups that are large enough, of the others all.
    """
    chosen = [group for group in groups if (group.partition not in PARTITIONS) == crossed]
    if not any(group.evaluated for group in chosen):
        return []
    return [_group_row(group, crossed) for group in chosen if group.evaluated or not crossed]


def _group_row(group: SubgroupEvaluation, crossed: bool) -> Row:
    return {
        "group": group.group if crossed else f"{group.partition}: {group.group}",
        "n": group.n,
        "events": group.events if group.evaluated else TOO_FEW,
        "prevalence": percent(group.prevalence),
        **{metric.label: group.metrics.get(metric.name) for metric in metrics_in("subgroups")},
        **{f"{label(name)} − others": group.differences.get(name) for name in ("auroc", "citl")},
        "risks beside the others": _found(group),
    }


def _found(group: SubgroupEvaluation) -> str:
    """What was found in a group; where nothing was, what would have been."""
    if group.miscalibrated:
        return group.miscalibrated
    if group.p_value is None or group.detectable is None:
        return TOO_FEW
    return f"– (odds × {math.exp(group.detectable):.2f} would be found)"


def calibrators(chosen: Mapping[str, CalibratorRecord]) -> list[Row]:
    """Kind and parameters of each model's calibrator."""
    return [
        {
            "model": model_label(name),
            "calibrator": calibrator.kind.replace("_", " "),
            "parameters": ", ".join(
                f"{key} {len(value)} values" if isinstance(value, list) else f"{key} {cell(value)}"
                for key, value in calibrator.parameters.items()
            ),
        }
        for name, calibrator in chosen.items()
    ]


def choice(champion: ChampionChoice) -> list[Row]:
    """The comparison that chose the champion."""
    return [
        {
            "model": model_label(row.model),
            "log loss": row.log_loss,
            "difference to the best": row.difference,
        }
        for row in champion.table
    ]


def bounds(limits: Mapping[str, Bounds]) -> str:
    """The bounds of the gates, in words."""
    return ", ".join(f"{label(name)} {_between(*ends)}" for name, ends in limits.items())


def _between(low: float | None, high: float | None) -> str:
    text = f"above {low:g}" if high is None else f"between {low:g} and {high:g}"
    return text.replace("-", "−")
