"""How well do networks of recordings learn, and how steadily? Public sets, three seeds.

`python benchmarks/recordings.py LABEL DATA/NETWORK ...` trains with the package that is on the
path, adds what it measured to evidence/results/recordings.json under that label, such as a commit,
and prints every label of those pairs beside each other. CLINICAL_DATA_CACHE names where the data
lie. A network learns once from the split's own parts, without cross-fitting: it is stopped by the
validation rows, calibrated on the calibration rows and judged on the published test part, or on the
test split where there is none.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from risk_model.config import NETWORKS, SOURCES, Config, Model, Split, Training
from risk_model.core.scores import auroc, log_loss, sigmoid
from risk_model.data import load
from risk_model.data.split import split
from risk_model.training.develop import develop
from risk_model.training.monitor import Monitor

RESULT = Path(__file__).parents[1] / "evidence" / "results" / "recordings.json"
SEEDS = 3
PUBLISHED = Split(train=0.7, validation=0.12, calibration=0.14, folds=1)
CUT_OFF = Split(train=0.5, validation=0.1, calibration=0.1, folds=1)
HEADINGS = ("log loss", "raw", "AUROC", "best epoch", "later / best", "CPU s")


@dataclass(frozen=True)
class Measured:
    """One training: log loss and AUROC of the test rows, and how it went.

    `worst_later` is the largest validation loss after the best epoch, divided by the best one.
    """

    log_loss: float
    raw_log_loss: float
    auroc: float
    best_epoch: int
    worst_later: float
    cpu_seconds: float


def measured(data: str, network: str, seed: int) -> Measured:
    """Trains one network on one data set."""
    source, chosen = SOURCES[data](), NETWORKS[network]()
    shares = CUT_OFF if data == "ptbxl" else PUBLISHED
    learning = Training(
        learning_rate=chosen.learning_rate, epochs=chosen.epochs, patience=chosen.patience
    )
    settings = Config(
        seed=seed, data=source, split=shares, model=Model(network=chosen), training=learning
    )
    cohort = load(source)
    splits = split(cohort, shares, source, seed)
    test = next(iter(splits.external.values()), splits.test)
    monitor, start = Monitor(curves=False), time.process_time()
    made = develop(
        settings,
        cohort,
        cohort.model_inputs(),
        splits,
        rows=test,
        only={"network"},
        monitor=monitor,
    )
    seconds = time.process_time() - start
    epochs = monitor.history["network"]
    losses = [loss for row in epochs if (loss := row["validation_loss"]) is not None]
    labels = cohort.labels[test]
    best = losses.index(min(losses))
    return Measured(
        log_loss(labels, made.risks["network"]),
        log_loss(labels, sigmoid(made.logits["network"])),
        auroc(labels, made.logits["network"]),
        best + 1,
        max(losses[best:]) / losses[best],
        seconds,
    )


def line(name: str, values: list[float]) -> str:
    """A row of the table."""
    return f"{name:42}" + "".join(f"{value:14.4g}" for value in values)


def main() -> None:
    """Measures the pairs that the command line names, and prints them beside other labels."""
    parser = argparse.ArgumentParser(description="Networks of recordings on public sets")
    parser.add_argument("label")
    parser.add_argument("pairs", nargs="*", metavar="DATA/NETWORK")
    flags = parser.parse_args()
    for pair in flags.pairs:
        data, network = pair.split("/")
        rows = [asdict(measured(data, network, seed)) for seed in range(SEEDS)]
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        results.setdefault(pair, {})[flags.label] = rows
        RESULT.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    results = json.loads(RESULT.read_text())
    print(f"{'':42}" + "".join(f"{heading:>14}" for heading in HEADINGS))
    for pair in flags.pairs or results:
        for label, rows in results[pair].items():
            each = [list(row.values()) for row in rows]
            order = [list(Measured.__annotations__).index(key) for key in rows[0]]
            each = [[v for _, v in sorted(zip(order, row, strict=True))] for row in each]
            for seed, values in enumerate(each):
                print(line(f"{pair} {label} seed {seed}", values))
            print(line(f"{pair} {label} mean", [mean(c) for c in zip(*each, strict=True)]))


if __name__ == "__main__":
    main()
