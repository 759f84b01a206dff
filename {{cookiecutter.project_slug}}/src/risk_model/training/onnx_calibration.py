"""Calibrators as the last nodes of a model's ONNX graph, so that no server applies them itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from risk_model.model.export import constants, node, to_bytes
from risk_model.training.calibration import Calibrator


def append_calibrator(graph: onnx.ModelProto, calibrator: Calibrator) -> bytes:
    """The graph with the calibrator behind its logit, in float64.

    Its outputs are `risk` and `logit`, float32[n].
    """
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    isotonic = calibrator.kind == "centred_isotonic"
    nodes, values = _curve(calibrator) if isotonic else _line(calibrator)
    exact = node("Cast", ["logit"], "exact_logit", to=onnx.TensorProto.DOUBLE)
    risk = node("Cast", ["exact_risk"], "risk", to=onnx.TensorProto.FLOAT)
    model.graph.node.extend([exact, *nodes, risk])
    model.graph.initializer.extend(constants(values))
    output = onnx.helper.make_tensor_value_info("risk", onnx.TensorProto.FLOAT, ["n"])
    model.graph.output.insert(0, output)
    onnx.checker.check_model(model)
    return to_bytes(model)


def _line(calibrator: Calibrator) -> tuple[list[onnx.NodeProto], dict[str, npt.NDArray[Any]]]:
    nodes = [
        node("Mul", ["exact_logit", "slope"], "sloped"),
        node("Add", ["sloped", "intercept"], "calibrated_logit"),
        node("Sigmoid", ["calibrated_logit"], "exact_risk"),
    ]
    slope, intercept = np.array([calibrator.slope]), np.array([calibrator.intercept])
    return nodes, {"slope": slope, "intercept": intercept}


def _curve(calibrator: Calibrator) -> tuple[list[onnx.NodeProto], dict[str, npt.NDArray[Any]]]:
    """The same as numpy.interp: count the knots at or below, take that knot's risk and slope."""
    knots, risks = calibrator.knots, calibrator.risks
    nodes = [
        node("Clip", ["exact_logit", "first_knot", "last_knot"], "within"),
        node("Unsqueeze", ["within", "axis"], "column"),
        node("GreaterOrEqual", ["column", "knots"], "passed"),
        node("Cast", ["passed"], "passed_number", to=7),
        node("ReduceSum", ["passed_number", "axis"], "count", keepdims=0),
        node("Sub", ["count", "one"], "interval"),
        node("Gather", ["knots", "interval"], "from_knot"),
        node("Gather", ["risks", "interval"], "from_risk"),
        node("Gather", ["slopes", "interval"], "rise"),
        node("Sub", ["within", "from_knot"], "run"),
        node("Mul", ["run", "rise"], "gain"),
        node("Add", ["from_risk", "gain"], "exact_risk"),
    ]
    one = {
        "axis": np.array([1]),
        "one": np.array(1),
        "first_knot": knots[:1].reshape(()),
        "last_knot": knots[-1:].reshape(()),
    }
    slopes = np.append(np.diff(risks) / np.diff(knots), 0.0)
    return nodes, {**one, "knots": knots, "risks": risks, "slopes": slopes}
