"""The scorer: a model's ONNX graph, run on one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.core.inputs import Inputs
from risk_model.core.schema import Features, at_once

STEP = "rows at once"  # the name of a graph's own property


def rows_at_once(session: Any, width: int, most: int) -> int:
    """How many rows a graph computes together: what it says itself, or `at_once` of its columns."""
    stored = session.get_modelmeta().custom_metadata_map.get(STEP)
    return int(stored) if stored else at_once(width, most)


class Scorer:
    """An ONNX graph with outputs `risk` and `logit`, run on one thread.

    `maps` says whether it has a third one, `map`: what each pixel or sample of a signal adds to the
    logit.
    """

    def __init__(self, graph: bytes) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # fatal errors alone: others are raised too, and may hold a value where it writes them
        options.log_severity_level = 4
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.maps = "map" in [output.name for output in self._session.get_outputs()]

    def __call__(
        self, features: Features | Inputs, chunk: int = 4096
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Risk and logit of float32[n, d] rows: two float64[n]."""
        step = rows_at_once(self._session, features.shape[1], chunk)
        pieces = [self._chunk(features[i : i + step]) for i in range(0, len(features), step)]
        pieces = pieces or [[np.empty(0, np.float32)] * 2]  # a recurrent graph aborts on no rows
        risk, logit = (
            np.concatenate(outputs).astype(np.float64) for outputs in zip(*pieces, strict=True)
        )
        return risk, logit

    def map(self, features: Features) -> npt.NDArray[np.float32]:
        """What each pixel or sample adds to the logit: float32[n, h, w]; only where `maps`."""
        return np.asarray(self._session.run(["map"], {"features": features})[0])

    def _chunk(self, features: Features) -> list[npt.NDArray[np.float32]]:
        outputs = self._session.run(["risk", "logit"], {"features": features})
        return [np.asarray(output).reshape(-1) for output in outputs]
