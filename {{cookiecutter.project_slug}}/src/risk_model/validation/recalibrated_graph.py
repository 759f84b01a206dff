"""A calibrated graph with a second line behind its risk, so that no server applies it itself."""

from __future__ import annotations

import numpy as np
import onnx

from risk_model.core.scores import CLIP
from risk_model.model.export import constants, node, to_bytes
from risk_model.training.calibration import Calibrator


def append_recalibration(graph: bytes, line: Calibrator) -> bytes:
    """A calibrated graph with one more line, through the log odds of its risk."""
    model = onnx.load_from_string(graph)
    last = next(step for step in model.graph.node if "risk" in step.output)
    values = {
        "least": np.array(CLIP),
        "most": np.array(1 - CLIP),
        "whole": np.array(1.0),
        "second_slope": np.array([line.slope]),
        "second_intercept": np.array([line.intercept]),
    }
    nodes = [
        node("Clip", [last.input[0], "least", "most"], "first_risk"),
        node("Sub", ["whole", "first_risk"], "first_rest"),
        node("Div", ["first_risk", "first_rest"], "first_odds"),
        node("Log", ["first_odds"], "first_log_odds"),
        node("Mul", ["first_log_odds", "second_slope"], "second_sloped"),
        node("Add", ["second_sloped", "second_intercept"], "second_log_odds"),
        node("Sigmoid", ["second_log_odds"], "second_risk"),
    ]
    last.input[0] = "second_risk"
    position = list(model.graph.node).index(last)
    for offset, step in enumerate(nodes):
        model.graph.node.insert(position + offset, step)
    model.graph.initializer.extend(constants(values))
    onnx.checker.check_model(model)
    return to_bytes(model)
