"""How well do networks of recordings learn, and how steadily? Public sets, three seeds.

`python benchmarks/recordings.py LABEL DATA/NETWORK ...` trains with the package that is on the
path, adds what it measured to evidence/results/recordings.json under that label, such as a commit,
and prints every label of those pairs beside each other. CLINICAL_DATA_CACHE names where the data
lie. A network learns once from the split's own parts, without cross-fitting: it is stopped by the
validation rows, calibrated on the calibration rows and judged on the published test part, or on the
test split where there is none. Other settings of a network are tried by `--try KEY=VALUE`; choose
among them by the loss of development rows, never by that of the test rows.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np

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
HEADINGS = ("log loss", "raw", "AUROC", "best epoch", "later / best", "CPU s", "development")


@dataclass(frozen=True)
class Measured:
    """One training: log loss and AUROC of the test rows, and how it went.

    `worst_later` is the largest validation loss after the best epoch, divided by the best one.
    `development` is the log loss, before calibration, of the development rows that did not teach.
    """

    log_loss: float
    raw_log_loss: float
    auroc: float
    best_epoch: int
    worst_later: float
    cpu_seconds: float
    development: float | None = None  # not yet measured in the first rows of the file


def measured(data: str, network: str, seed: int, tried: dict[str, float]) -> Measured:
    """Trains one network on one data set."""
    source, chosen = SOURCES[data](), replace(NETWORKS[network](), **tried)
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
    others = np.concatenate([splits.validation, splits.calibration])
    asked, inputs = np.concatenate([test, others]), cohort.model_inputs()
    monitor, start = Monitor(curves=False), time.process_time()
    made = develop(settings, cohort, inputs, splits, rows=asked, only={"network"}, monitor=monitor)
    seconds = time.process_time() - start
    epochs = monitor.history["network"]
    losses = [loss for row in epochs if (loss := row["validation_loss"]) is not None]
    labels, risks, raw = cohort.labels[test], made.risks["network"], made.logits["network"]
    best, n = losses.index(min(losses)), len(test)
    return Measured(
        log_loss(labels, risks[:n]),
        log_loss(labels, sigmoid(raw[:n])),
        auroc(labels, raw[:n]),
        best + 1,
        max(losses[best:]) / losses[best],
        seconds,
        log_loss(cohort.labels[others], sigmoid(raw[n:])),
    )


def number(text: str) -> tuple[str, float]:
    """A setting of a network from `key=value`; whole numbers stay whole."""
    key, _, value = text.partition("=")
    return key, int(value) if value.isdecimal() else float(value)


def line(name: str, values: list[float | None]) -> str:
    """A row of the table."""
    return f"{name:60}" + "".join(f"{'' if v is None else f'{v:.4g}':>14}" for v in values)


def averages(rows: list[dict[str, float | None]]) -> list[float | None]:
    """Of each column that all rows have."""
    columns = zip(*(row.values() for row in rows), strict=True)
    return [None if None in column else mean(column) for column in columns]


def main() -> None:
    """Measures the pairs that the command line names, and prints them beside other labels."""
    parser = argparse.ArgumentParser(description="Networks of recordings on public sets")
    parser.add_argument("label")
    parser.add_argument("pairs", nargs="*", metavar="DATA/NETWORK")
    parser.add_argument("--try", dest="tried", nargs="+", type=number, default=[])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    flags = parser.parse_args()
    label = " ".join([flags.label, *(f"{key}={value:g}" for key, value in flags.tried)])
    for pair in flags.pairs:
        data, network = pair.split("/")
        tried = dict(flags.tried)
        rows = [asdict(measured(data, network, seed, tried)) for seed in range(flags.seeds)]
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        results.setdefault(pair, {})[label] = rows
        RESULT.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    results = json.loads(RESULT.read_text())
    print(f"{'':60}" + "".join(f"{heading:>14}" for heading in HEADINGS))
    for pair in flags.pairs or results:
        for of, stored in results[pair].items():
            rows = [asdict(Measured(**row)) for row in stored]
            for seed, row in enumerate(rows):
                print(line(f"{pair} {of} seed {seed}", list(row.values())))
            print(line(f"{pair} {of} mean", averages(rows)))


if __name__ == "__main__":
    main()
