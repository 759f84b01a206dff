"""A sealed package that reads strips, the signal of tests/made_signal.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from risk_model.core.package import CalibrationLine, ModelPackage
from risk_model.deployment import recording_explanations

from tests import made_signal
from tests.made_service import GUARD, logistic_graph, make_package

STRIP_WEIGHTS = np.array(
    [0, 0, 0, 1, -1, 0.5, 2, 0, 0.25, -0.5, 0], dtype=np.float32
)  # of field, described, array
PLACE = """
import sys
from risk_model.deployment import recording_explanations
recording_explanations.SECONDS = 300.0
sys.path.insert(0, ROOT)
from tests import made_signal
sys.modules["risk_model.signals.waveform"] = made_signal
""".replace("ROOT", repr(str(Path(__file__).parents[3])))


def strip_graph(with_map: bool) -> onnx.ModelProto:
    """A logistic regression on the eight numbers of a strip, with what each of them adds as a map
    if asked.
    """
    graph = logistic_graph(STRIP_WEIGHTS, -1.0, np.zeros(made_signal.SCHEMA.width))
    if with_map:
        values = {
            "from": np.array([3]),
            "to": np.array([11]),
            "axis": np.array([1]),
            "by": STRIP_WEIGHTS[3:],
        }
        graph.graph.initializer.extend(
            onnx.numpy_helper.from_array(value, name) for name, value in values.items()
        )
        graph.graph.node.extend(
            [
                helper.make_node("Slice", ["features", "from", "to", "axis"], ["strip"]),
                helper.make_node("Mul", ["strip", "by"], ["each"]),
                helper.make_node("Unsqueeze", ["each", "axis"], ["map"]),
            ]
        )
        graph.graph.output.append(
            helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", 1, 8])
        )
    return graph


def make_strip_package(directory: Path, with_map: bool = False, **facts: Any) -> ModelPackage:
    """A sealed package for the strips of tests/made_signal.py, calibrated with the slope 0.8."""
    reference = {"rows": 100, "fields": {"largest": {"missing": 0.0, "quantiles": [0.5, 1.0, 2.0]}}}
    changes = {"calibration": CalibrationLine(slope=0.8, intercept=0.0), **facts}
    graph = strip_graph(with_map)
    return make_package(directory, made_signal.SCHEMA, reference, graph, **changes)


@pytest.fixture(autouse=True)
def no_recording_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of a test depends on how fast the machine is."""
    monkeypatch.setattr(recording_explanations, "SECONDS", GUARD)


@pytest.fixture
def strips_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    made_signal.put_in_place(monkeypatch)


@pytest.fixture(name="make_strip_package")
def _make_strip_package(strips_in_place: None) -> Callable[..., ModelPackage]:
    return make_strip_package


@pytest.fixture
def place_strips() -> str:
    """Python that makes strips the waveforms of a server process."""
    return PLACE
