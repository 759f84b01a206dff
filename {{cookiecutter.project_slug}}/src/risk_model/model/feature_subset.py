"""A baseline beside a signal: a model of the first, simple columns that takes whole rows.

How is a simple model compared with one that reads the signal?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from risk_model.core.schema import Features
from risk_model.model import Logits, RiskModel
from risk_model.model.export import constants, node


@dataclass(frozen=True)
class FeatureSubset:
    """A model of the first `columns` of `width`, as a RiskModel of whole rows."""

    model: RiskModel
    columns: int
    width: int

    @property
    def name(self) -> str:
        """The model's own."""
        return self.model.name

    def logit(self, features: Features) -> Logits:
        """See RiskModel; the simple columns are enough."""
        return self.model.logit(np.ascontiguousarray(features[:, : self.columns]))

    def graph(self) -> onnx.ModelProto:
        """See RiskModel: the model's graph behind a slice."""
        graph = self.model.graph()
        for step in graph.graph.node:
            for position, name in enumerate(step.input):
                step.input[position] = "first_columns" if name == "features" else name
        ends = ["features", "from_column", "to_column", "column_axis"]
        graph.graph.node.insert(0, node("Slice", ends, "first_columns"))
        values = {"from_column": 0, "to_column": self.columns, "column_axis": 1}
        graph.graph.initializer.extend(
            constants({name: np.array([value]) for name, value in values.items()})
        )
        graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value = self.width
        onnx.checker.check_model(graph)
        return graph

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """See RiskModel."""
        return self.model.parameters()
