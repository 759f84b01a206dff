"""How much faster is a network of recordings trained on the accelerator of this machine than on its
CPU?

An epoch over the same made-up rows, in the pieces in which a run passes them, reading and moving
included; on the CPU with as many threads as torch takes. An encoder remembers no windows, so that
it computes all of them. Without an accelerator there is nothing to compare, and one line says so.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np
import torch
from signals import SIGNALS, rows_of

from risk_model.config import NETWORKS, Config, Model, Training
from risk_model.core.schema import Signal
from risk_model.data.sources.recordings import schema_of
from risk_model.model import FitInputs, Sample, encoder
from risk_model.model.network import build
from risk_model.training import loop
from risk_model.training.device import chosen, described
from risk_model.training.loss import choose_loss
from risk_model.training.recording_passes import prepared

ROWS, BATCH, TURNS = 256, 64, 3


def seconds_an_epoch(name: str, windows: int, signal: Signal, device: str) -> float:
    """The median of TURNS epochs of that network on that device, after one to warm up."""
    schema = schema_of("benchmark", "event", signal)
    rows, labels = rows_of(schema, ROWS, windows), np.arange(ROWS, dtype=np.int8) % 2
    settings = Config(
        model=Model(network=NETWORKS[name]()), training=Training(device=device, batch_size=BATCH)
    )
    sample = Sample(rows, labels, np.ones(ROWS))
    inputs = FitInputs(sample, None, schema, settings, 1.0, lambda epoch, values: None)
    torch.manual_seed(0)
    network = build(name, rows, 0.5, settings.model.network, schema)
    table, loss, taken = loop.table(rows, labels), choose_loss(settings.training), []
    with prepared(network, (table, None), inputs) as (learner, (table, _), training, passes, _):
        optimizer, averaged = loop.adamw(learner, training), loop.RunningMean(learner)
        learner.train()
        for _ in range(TURNS + 1):
            start = perf_counter()
            # gives a number, for which the accelerator has to finish
            loop.train_epoch(
                learner,
                table,
                loss,
                optimizer,
                training.batch_size,
                training.clip_norm,
                averaged,
                passes,
            )
            taken.append(perf_counter() - start)
    return median(taken[1:])


def main() -> None:
    """Prints a line for each network; one line where there is no accelerator."""
    device = chosen("auto")
    if device.type == "cpu":
        print("no accelerator: torch finds neither CUDA nor MPS on this machine")
        return
    encoder.REMEMBERED = 0
    print(f"{described(device)} against the CPU, {torch.get_num_threads()} threads")
    for title, signal in SIGNALS.items():
        name, windows = title.split(",")[0], 1 if "short" in title else signal.shape[0]
        there, here = (seconds_an_epoch(name, windows, signal, on) for on in (device.type, "cpu"))
        print(f"{title}: {here / there:.1f}x ({there:.2f} s against {here:.2f} s an epoch)")


if __name__ == "__main__":
    main()
