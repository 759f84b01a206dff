"""The input of a package that reads events, and its explanations, summed by measurement.

A network that reads a sequence is asked again with some hours of one measurement hidden after the
other (occlusion, as recordings are): when something was measured is what it sees and no sum tells.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from risk_model.core.package import ModelPackage
from risk_model.core.schema import Features, Schema
from risk_model.deployment.admission import BODIES, PLACES, Worker
from risk_model.deployment.event_requests import LIMIT, event_body_schema, event_reader
from risk_model.deployment.explanations import (
    DECIMALS,
    CommittedExplanation,
    RequestExplainer,
    field_explainer,
    on_the_scale,
)
from risk_model.deployment.package_input import PackageInput
from risk_model.deployment.requests import PredictionRequest
from risk_model.deployment.responses import FieldExplanation, HoursContribution
from risk_model.signals.event_plan import grid_plan
from risk_model.signals.event_schema import measurements, page_of
from risk_model.signals.event_spec import HOUR, micros

SEQUENCE_SECONDS = 5.0  # thousands of sequences are scored
STRETCHES = 8  # into which the hours of a sequence are divided, to be hidden
SHOWN = 10  # stretches, the largest first


def event_input(package: ModelPackage) -> PackageInput:
    """What the service needs to know of a package's events."""
    page = page_of(package.schema.spec)
    explainer = field_explainer(package, measurements(package.schema))
    if package.schema.cells:
        explainer = hours_explainer(package, explainer)
    return PackageInput(
        event_reader(package.schema),
        event_body_schema(page),
        Worker(LIMIT, places=min(PLACES, BODIES // LIMIT)),
        explainer,
    )


def hours_explainer(package: ModelPackage, by_measurement: RequestExplainer) -> RequestExplainer:
    """Adds to contributions by measurement the hours that changed the log-odds most."""
    # a shift of the line cancels: what is told are differences
    logit_of, _ = on_the_scale(package, package.manifest.calibration)

    def explain(request: PredictionRequest) -> CommittedExplanation:
        answer, committed = by_measurement.explain(request)
        parts, rows = hidden_hours(request.row, package.schema)
        if parts:
            whole, *without = logit_of(np.vstack([request.row, rows])).tolist()
            for part, logit in zip(parts, without, strict=True):
                part["contribution"] = round(whole - logit, DECIMALS) + 0.0  # no -0.0
        told = [part for part in parts if part["contribution"]]
        hours = sorted(told, key=lambda part: -abs(part["contribution"]))[:SHOWN]
        if hours:
            cast(FieldExplanation, answer)["hours"] = hours
        shown = np.array([part["contribution"] for part in hours])
        return CommittedExplanation(answer, committed + shown.tobytes())

    return RequestExplainer(explain, SEQUENCE_SECONDS)


def hidden_hours(row: Features, schema: Schema) -> tuple[list[HoursContribution], Features]:
    """Stretches of hours in which something was measured, and the row without each.

    Args:
        row: float32[1, d], of a schema with a sequence.
        schema: of the row.

    Returns:
        The n stretches of one measurement each, and float32[n, d] in which its cells are missing.
    """
    spec = page_of(schema.spec).spec
    names, sequence = grid_plan(spec).names, spec.sequence
    if sequence is None:
        raise ValueError("this schema has no sequence to hide hours of")
    hours = micros(sequence.every) / HOUR
    cells = np.arange(schema.cells).reshape(len(names), sequence.steps) - schema.cells
    parts: list[HoursContribution] = []
    rows = []
    for name, steps in zip(names, cells, strict=True):
        for stretch in np.array_split(steps, min(STRETCHES, sequence.steps)):
            if np.isnan(row[0, stretch]).all():
                continue
            ago = hours * (steps[-1] + 1 - stretch[0]), hours * (steps[-1] - stretch[-1])
            parts.append(
                {"measurement": name, "hours_before": [float(h) for h in ago], "contribution": 0.0}
            )
            rows.append(row[0].copy())
            rows[-1][stretch] = np.nan
    return parts, np.array(rows, np.float32).reshape(-1, row.shape[1])
