"""A trained network as a risk model: the mean of its members' logits, and the same as one graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features, Schema
from risk_model.core.scorer import STEP
from risk_model.model import FEW_ROWS, Logits, NetworkTraining
from risk_model.model.export import TOLERANCE, trace
from risk_model.model.score import score


def build(
    name: str, features: Features | Inputs, prevalence: float, settings: Any, schema: Schema
) -> nn.Module:
    """The untrained network that the module `name` builds for float32[n, d] training rows.

    It turns rows into logits [n] or [n, members]. Its `mapped`, where it has one, gives the logit
    [n] and a map [n, h, w] of what each place of the signal adds to it.
    """
    builder: Callable[..., nn.Module] = import_module(f"{__package__}.{name}").build
    return builder(features, prevalence, settings, schema)


class Exported(nn.Module):
    """What leaves as a graph: one logit a row [n] and, where there is one, its map [n, h, w].

    The mean of logits, not of probabilities: explanations in log odds stay additive over it.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.outputs = ("logit", "map") if hasattr(network, "mapped") else ("logit",)

    def forward(self, features: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Features [n, d] to the members' mean logit, and to the map."""
        if "map" in self.outputs:
            mapped: Callable[[Tensor], tuple[Tensor, Tensor]] = cast(Any, self.network).mapped
            return mapped(features)
        logits: Tensor = self.network(features)
        return logits if logits.ndim == 1 else logits.mean(dim=1)


@dataclass(frozen=True)
class NetworkModel:
    """A trained network for rows of `width` columns, as a RiskModel.

    `trained` says how, where the rows hold recordings.
    """

    network: nn.Module
    width: int
    trained: NetworkTraining | None = None
    name: ClassVar[str] = "network"

    @property
    def tolerance(self) -> float:
        """How much its graph may differ: in a deep network rounding adds up over the layers."""
        return float(getattr(self.network, "tolerance", TOLERANCE))

    @property
    def checked_rows(self) -> int:
        """How many rows its graph is compared on; 0 for all."""
        return FEW_ROWS if self.trained else 0

    def logit(self, features: Features) -> Logits:
        """See RiskModel."""
        return score(self.network, torch.from_numpy(features)).numpy()

    def graph(self) -> onnx.ModelProto:
        """See RiskModel; with an output `map` float32[n, h, w] where the network has one."""
        exported = Exported(self.network)
        graph = trace(exported, np.zeros((2, self.width), dtype=np.float32), exported.outputs)
        if step := getattr(self.network, "rows_at_once", 0):
            graph.metadata_props.add(key=STEP, value=str(step))
        return graph

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """See RiskModel."""
        return {name: value.numpy() for name, value in self.network.state_dict().items()}
