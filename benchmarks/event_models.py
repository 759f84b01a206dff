"""How well do models of events hold in another hospital? PhysioNet 2012, set-a to set-c.

    python benchmarks/event_models.py [--seeds 3] [--folds 3] [--cell gru]

Trained on the stays of set-a that the page `tests/events/icu.yaml` leaves, judged on those of
set-c; CLINICAL_DATA_CACHE names where they lie. Logistic regression and XGBoost once, then the
recurrent network from each seed: stopped and calibrated out of fold, then fitted on all of set-a.
Prints AUROC, AUPRC and calibration slope, and the CPU seconds of a fit.
Targets: AUROC .865 and AUPRC .56 of the best model; .855 and a slope from .85 to 1.15 of logistic
regression; .850, .53 and 150 CPU seconds of the mean network.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from sklearn.metrics import average_precision_score, roc_auc_score

from risk_model.config import Config, Model, Split, Training
from risk_model.config.events import Events, Gru
from risk_model.core.cohort import Cohort
from risk_model.data import load
from risk_model.data.split import split
from risk_model.evaluation.metrics import calibration_slope
from risk_model.model.table import LINEAR, NETWORK, TREES
from risk_model.training.develop import develop

PAGE = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}" / "tests/events/icu.yaml"
SEQUENCE = "sequence: {every: 1h, length: 48h, take: mean}\n"
DATED = ["MEDS_DEATH", "DISCHARGE"]
EVERYBODY = 10**6  # outcomes that a test part would need: there is none, all rows develop


def stays(part: str, page: Path) -> Cohort:
    """The stays of one set."""
    folder = Path(os.environ["CLINICAL_DATA_CACHE"]) / "physionet2012"
    return load(Events(path=str(folder / f"{part}.parquet"), spec=str(page), day_only=DATED))


class Measured(NamedTuple):
    """AUROC, AUPRC and calibration slope elsewhere, and CPU seconds of a fit."""

    auroc: float
    auprc: float
    slope: float
    seconds: float


def measured(here: Cohort, there: Cohort, model: str, settings: Config) -> Measured:
    """Develops one model on the stays of one set, and asks it for those of another."""
    parts = split(here, settings.split, settings.data, settings.seed)
    start = time.process_time()
    made = develop(settings, here, here.model_inputs(), parts, only={model})
    fits = settings.split.folds + 1
    seconds = (time.process_time() - start) / fits
    logits = there.model_inputs().map(made.models[model].logit)
    risk, outcome = made.calibrators[model](logits), there.labels
    return Measured(
        float(roc_auc_score(outcome, risk)),
        float(average_precision_score(outcome, risk)),
        calibration_slope(outcome, risk),
        seconds,
    )


def line(name: str, values: Measured) -> str:
    """A row of the table."""
    return f"{name:30}" + "".join(f"{value:10.4f}" for value in values)


def main() -> None:
    """Prints a line for each model and seed."""
    parser = argparse.ArgumentParser(description="Models of events on PhysioNet 2012")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--cell", default="gru")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.yaml"
        page.write_text(PAGE.read_text(encoding="utf-8") + SEQUENCE, encoding="utf-8")
        here, there = stays("set-a", page), stays("set-c", page)
    chosen = Gru(cell=flags.cell)
    learning = Training(
        learning_rate=chosen.learning_rate, epochs=chosen.epochs, patience=chosen.patience
    )
    shares = Split(folds=flags.folds, test_events=EVERYBODY)
    rows = []
    print(f"{'':30}{'AUROC':>10}{'AUPRC':>10}{'slope':>10}{'CPU s':>10}")
    for model, seeds in ((LINEAR, 1), (TREES, 1), (NETWORK, flags.seeds)):
        for seed in range(seeds):
            settings = Config(
                seed=seed,
                data=Events(),
                split=shares,
                model=Model(network=chosen),
                training=learning,
            )
            if model != NETWORK:
                settings.training = Training()
            rows.append(measured(here, there, model, settings))
            print(line(f"{model}, seed {seed}", rows[-1]), flush=True)
    networks = Measured(*map(mean, zip(*rows[2:], strict=True)))
    print(line(f"{flags.cell}, mean", networks))


if __name__ == "__main__":
    main()
