"""Is a network served faster from its graph than by torch? The same rows, one thread each, one
request or many.

Weights do not matter for speed, so the networks are as they were before training. An encoder
remembers windows while it is trained; here it must not, for a service sees new notes, of one window
and of all. Target: 1.5 times; many words at once are plain matrix products to an encoder, which
nothing does much faster.
"""

from __future__ import annotations

import numpy as np
import torch
from timing import compare

from risk_model.config import NETWORKS
from risk_model.config.imaging import Pixels
from risk_model.config.text import Notes, SyntheticNotes
from risk_model.config.waveform import SyntheticEcgs
from risk_model.core.schema import Schema, Signal
from risk_model.core.scorer import Scorer
from risk_model.data.sources import images, notes, waveforms
from risk_model.data.sources.recordings import schema_of
from risk_model.model import encoder
from risk_model.model.export import to_bytes
from risk_model.model.network import NetworkModel, build
from risk_model.training.calibration import Calibrator
from risk_model.training.onnx_calibration import append_calibrator

TARGET, TURNS = 1.5, 15
SIGNALS: dict[str, Signal] = {
    "cnn": images.signal_of(Pixels()),
    "pretrained_cnn": images.signal_of(Pixels()),
    "lstm": waveforms.signal_of(SyntheticEcgs()),
    "resnet1d": waveforms.signal_of(SyntheticEcgs()),
    "transformer": notes.signal_of(SyntheticNotes()),
    "encoder, short notes": notes.signal_of(Notes()),
    "encoder, long notes": notes.signal_of(Notes()),
}


def rows_of(schema: Schema, n: int, windows: int) -> np.ndarray:
    """Rows like those of the kind: words for a text, in as many of its windows, and values in 0..1
    for the rest.
    """
    rng = np.random.default_rng(0)
    if schema.signal is None or schema.signal.kind != "text":
        return rng.random((n, schema.width)).astype(np.float32)
    rows = rng.integers(1, 2_000, (n, schema.width)).astype(np.float32)
    count, length = schema.signal.shape
    rows[:, schema.width - (count - windows) * length :] = 0
    return rows


def main() -> None:
    """Prints a line for each network and each number of rows."""
    torch.set_num_threads(1)
    encoder.REMEMBERED = 0
    for name, signal in SIGNALS.items():
        schema = schema_of("benchmark", "event", signal)
        torch.manual_seed(0)
        kind, windows = name.split(",")[0], 1 if "short" in name else signal.shape[0]
        network = build(kind, rows_of(schema, 8, windows), 0.3, NETWORKS[kind](), schema).eval()
        graph = NetworkModel(network, schema.width).graph()
        scorer = Scorer(append_calibrator(graph, Calibrator("platt")))
        size = len(to_bytes(graph)) / 1e6
        for n, calls in ((1, 20), (16, 2)):
            rows = rows_of(schema, n, windows)
            tensor = torch.from_numpy(rows)

            def ours(rows: np.ndarray = rows, calls: int = calls, scorer: Scorer = scorer) -> None:
                for _ in range(calls):
                    scorer(rows)

            def theirs(
                tensor: torch.Tensor = tensor,
                calls: int = calls,
                network: torch.nn.Module = network,
            ) -> None:
                with torch.inference_mode():
                    for _ in range(calls):
                        torch.sigmoid(network(tensor))

            compare(f"{name} ({size:.1f} MB), {n} rows a call", ours, theirs, TURNS, TARGET)


if __name__ == "__main__":
    main()
