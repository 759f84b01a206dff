"""The findings about groups: whose risks are too high or too low, and by how much."""

from __future__ import annotations

from collections.abc import Mapping

from risk_model.core.findings import Finding
from risk_model.core.scores import NAN
from risk_model.evaluation.results import Miscalibration, ModelEvaluation


def findings(part: str, models: Mapping[str, ModelEvaluation]) -> list[Finding]:
    """The groups whose risks are too high or too low beyond chance and beyond the bound.

    Models that err in the same direction share a finding.
    """
    concerned: dict[tuple[str, str, Miscalibration], list[str]] = {}
    for model, evaluation in models.items():
        for row in evaluation.subgroups:
            if row.miscalibrated:
                at = row.partition, row.group, row.miscalibrated
                concerned.setdefault(at, []).append(model)
    return [_finding(part, *at, names, models[names[0]]) for at, names in concerned.items()]


def _finding(
    part: str, partition: str, group: str, error: str, names: list[str], first: ModelEvaluation
) -> Finding:
    row = next(r for r in first.subgroups if (r.partition, r.group) == (partition, group))
    own, difference = row.metrics["citl"], row.differences["citl"].estimate or 0.0
    low, high = own.interval or (NAN, NAN)
    sensitivity = row.metrics["sensitivity"].estimate, first.metrics["sensitivity"].estimate
    labels = [name.replace("_", " ") for name in names]
    whose = f"figures of {labels[0]}: " if len(labels) > 1 else ""
    citl = own.estimate or 0.0
    message = (
        f"on {part}, {', '.join(labels)}: risks are {error} here beside the others "
        f"({whose}calibration-in-the-large {citl:.2f}, {low:.2f} to {high:.2f}, and "
        f"{citl - difference:.2f} in the others; sensitivity {sensitivity[0]:.0%}, of all "
        f"{sensitivity[1]:.0%})"
    )
    remedy = (
        "look at how outcome and inputs are recorded in this group before using the model there"
    )
    return Finding("warning", "subgroup", f"{partition} {group}", message, remedy)
