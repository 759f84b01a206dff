"""Explanations of recordings: what each part or cell of a recording adds to the log-odds.

A network that gives a map of its logit is explained by that map: with a linear layer behind a
global average it is Grad-CAM (Selvaraju et al. 2017) exactly, and adds up to the logit. Any other
model is asked again with one part of the recording hidden after the other.
"""

from __future__ import annotations

import time

import numpy as np

from risk_model.core.package import ModelPackage
from risk_model.deployment.explanations import (
    DECIMALS,
    CommittedExplanation,
    RequestExplainer,
    on_the_scale,
    shown_parts,
)
from risk_model.deployment.requests import PredictionRequest
from risk_model.deployment.responses import MapExplanation, PartContribution, PartsExplanation
from risk_model.model.occlusion import occlude

SECONDS = 5.0
CELL_DECIMALS = 3  # of log-odds: a map spreads over some sixty cells what a table has in few fields

# The line of calibration is what the package states. It is not estimated from the background, as
# for a table: a network may see nothing but the recording, the same in each row of the background.


def recording_explainer(package: ModelPackage) -> RequestExplainer:
    """Explains by the network's own map, where it gives one, else by occlusion."""
    return map_explainer(package) if package.scorer.maps else part_explainer(package)


def map_explainer(package: ModelPackage) -> RequestExplainer:
    """Explains by the network's own map, laid evenly over the recording.

    Its values, in thousandths, and the base add up to the log-odds in hundredths.
    """
    line = package.manifest.calibration
    logit_of, scale = on_the_scale(package, line)
    slope = line.slope if line else 1.0

    def explain(request: PredictionRequest) -> CommittedExplanation:
        added = package.scorer.map(request.row)[0] * slope
        rest = float(logit_of(request.row)[0] - added.sum())
        base, shown = shown_parts(rest, added.astype(np.float64), CELL_DECIMALS)
        answer: MapExplanation = {
            "available": True,
            "method": "Grad-CAM",
            "scale": scale,
            "base": base,
            "map": {"shape": list(shown.shape), "values": shown.tolist()},
        }
        return CommittedExplanation(answer, shown.tobytes())

    return RequestExplainer(explain, SECONDS)


def part_explainer(package: ModelPackage) -> RequestExplainer:
    """Explains by what the log-odds lose with each part, in hundredths.

    TimeoutError after SECONDS.

    Parts of a text that was not read as it was sent (names were taken out) come with the text that
    their characters are counted in.
    """
    logit_of, scale = on_the_scale(package, package.manifest.calibration)

    def explain(request: PredictionRequest) -> CommittedExplanation:
        deadline = time.monotonic() + SECONDS
        occlusion = occlude(logit_of, request.recording, package.schema, deadline)
        lost = np.array(occlusion.contributions).round(DECIMALS) + 0.0  # no -0.0
        pairs = zip(occlusion.parts, lost.tolist(), strict=True)
        parts: list[PartContribution] = [{**part, "contribution": c} for part, c in pairs]  # type: ignore[typeddict-item]  # a part is one of the three
        answer: PartsExplanation = {
            "available": True,
            "method": "occlusion",
            "scale": scale,
            "parts": parts,
        }
        if request.read_as:
            answer["text"] = request.read_as
        return CommittedExplanation(answer, lost.tobytes())

    return RequestExplainer(explain, SECONDS)
