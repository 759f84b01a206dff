"""Export of a model as one ONNX graph, equal to the model on every row.

What leaves training? The same bytes every time. A graph is put together from a few nodes by hand:
nothing in it depends on a converter's version or on the machine.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features
from risk_model.core.scorer import rows_at_once
from risk_model.core.scores import sigmoid
from risk_model.model import Logits, RiskModel

if TYPE_CHECKING:
    from torch import nn

OPSETS = {"": 18, "ai.onnx.ml": 3}
TOLERANCE = 1e-5
DEEP_TOLERANCE = 1e-4  # of networks so deep that rounding adds up; they say so themselves


def node(
    operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any
) -> onnx.NodeProto:
    """One operation of a graph, named after its output."""
    return helper.make_node(
        operator, list(inputs), [output], name=output, domain=domain, **attributes
    )


def constants(values: Mapping[str, npt.NDArray[Any]]) -> list[onnx.TensorProto]:
    """Arrays as a graph's named constants."""
    return [
        numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in values.items()
    ]


def logit_graph(
    nodes: Sequence[onnx.NodeProto], values: Mapping[str, npt.NDArray[Any]], width: int
) -> onnx.ModelProto:
    """A checked graph from `features` float32[n, width] to `logit` float32[n]."""
    features = helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", width])
    logit = helper.make_tensor_value_info("logit", onnx.TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(
        list(nodes), "risk", [features], [logit], initializer=constants(values)
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model


def trace(
    network: nn.Module, example: Features, outputs: Sequence[str] = ("logit",)
) -> onnx.ModelProto:
    """The graph of a torch module from float32[n, d] to its outputs, in eval mode.

    It is traced with an example of two rows. Of torch's two exporters this is the older one: a
    thirtieth of the time, the same numbers, and no source paths of the machine in its bytes. Should
    torch drop it, `dynamo=True` with `dynamic_shapes` takes its place here.
    """
    import torch

    content = io.BytesIO()
    settings: dict[str, Any] = {
        "input_names": ["features"],
        "output_names": list(outputs),
        "dynamic_axes": {name: {0: "n"} for name in ("features", *outputs)},
        "opset_version": OPSETS[""],
    }
    with warnings.catch_warnings():
        # of the exporter's age and of fixed shapes; checked_logits finds what matters
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.from_numpy(example),), cast(Any, content), dynamo=False, **settings
        )
    return without_metadata(onnx.load_from_string(content.getvalue()))


def without_metadata(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph without the notes that an exporter leaves about itself and its machine."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    model.producer_name = model.producer_version = model.doc_string = model.graph.doc_string = ""
    for step in model.graph.node:
        step.doc_string = ""
        del step.metadata_props[:]
    return model


def to_bytes(model: onnx.ModelProto) -> bytes:
    """The graph as bytes: equal for equal graphs."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def run(graph: onnx.ModelProto, features: Features | Inputs, chunk: int = 512) -> Logits:
    """The graph's own logits for float32[n, d] rows, on one thread: float64[n]."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(to_bytes(graph), options, providers=["CPUExecutionProvider"])
    step = rows_at_once(session, features.shape[1], chunk)
    pieces = [
        session.run(["logit"], {"features": features[i : i + step]})[0].reshape(-1)
        for i in range(0, len(features), step)
    ]
    return np.concatenate([np.empty(0), *pieces]).astype(np.float64)


def checked_logits(model: RiskModel, features: Features | Inputs) -> Logits:
    """The exported graph's logits, found equal to the model's own on every row: float64[n].

    A model with `checked_rows` is asked for so many rows, evenly from the highest to the lowest
    logit. All that is later calibrated, chosen and reported is computed from the graph's.

    Raises:
        RuntimeError: a risk differs by more than 1e-5, or a logit by more than 1e-5 of 1 + its
            size; a deep network may allow 1e-4.
    """
    inputs = Inputs(features) if isinstance(features, np.ndarray) else features
    every = run(model.graph(), inputs)
    step = -(-len(every) // (getattr(model, "checked_rows", 0) or len(every) or 1)) or 1
    rows = np.sort(np.argsort(every, kind="stable")[::-step])  # NaN among them
    original, exported = inputs.take(rows).map(model.logit), every[rows]
    # a logit that is not finite is noticed by the comparison below
    with np.errstate(invalid="ignore"):
        in_logit = np.abs(exported - original) / (1 + np.abs(original))
    in_risk = np.abs(sigmoid(exported) - sigmoid(original))
    worst = float(np.max(np.maximum(in_logit, in_risk), initial=0.0))
    if not worst <= getattr(model, "tolerance", TOLERANCE):
        raise RuntimeError(
            f"{model.name}: the exported graph differs from the model by {worst:.1e}; do not use it"
        )
    return every
