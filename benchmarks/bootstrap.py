"""How much faster is the bootstrap than a loop over scikit-learn, and does it give the same
numbers?

AUROC, average precision, log loss and Brier score of the same resamples, on one thread.
"""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from timing import compare

from risk_model.evaluation.bootstrap import Sample, Statistics, draw_counts, statistics

NAMES = ("auroc", "auprc", "log_loss", "brier")
RESAMPLES = 32
Floats = npt.NDArray[np.float64]
Outcome = npt.NDArray[np.int8]


def made_up(rows: int) -> tuple[Outcome, Floats]:
    """Risks that are calibrated, about one event in five."""
    rng = np.random.default_rng(0)
    risk = rng.beta(1, 4, rows)
    return (rng.random(rows) < risk).astype(np.int8), risk


def by_scikit_learn(outcome: Outcome, risk: Floats, seed: int) -> Floats:
    """The four statistics of each resample: float64[RESAMPLES, 4]."""
    found = []
    for counts in draw_counts(len(risk), RESAMPLES, seed):
        for count in counts:
            drawn = np.repeat(np.arange(len(risk)), count)
            y, p = outcome[drawn], risk[drawn]
            found.append(
                [
                    roc_auc_score(y, p),
                    average_precision_score(y, p),
                    log_loss(y, p),
                    brier_score_loss(y, p),
                ]
            )
    return np.array(found)


def by_counts(outcome: Outcome, risk: Floats, seed: int) -> Floats:
    """The same, as the evaluation room does it, sorting included: float64[RESAMPLES, 4]."""
    sample = Sample.of(outcome, risk, np.arange(len(risk)), bins=0)
    chunks: list[Statistics] = [
        statistics(sample, counts) for counts in draw_counts(len(risk), RESAMPLES, seed)
    ]
    return np.array([np.concatenate([chunk[name] for chunk in chunks]) for name in NAMES]).T


def main() -> None:
    """Prints, for each size, the largest difference and the ratio; exits with 1 when a difference
    is above 1e-12.
    """
    for rows, target in ((10_000, 30.0), (100_000, 14.0)):
        outcome, risk = made_up(rows)
        difference = np.abs(by_counts(outcome, risk, 1) - by_scikit_learn(outcome, risk, 1)).max()
        print(f"bootstrap, {rows:,} rows: largest difference {difference:.1e} (bound 1e-12)")
        compare(
            f"bootstrap, {rows:,} rows, against a scikit-learn loop",
            partial(by_counts, outcome, risk, 2),
            partial(by_scikit_learn, outcome, risk, 2),
            turns=5,
            target=target,
        )
        if not difference <= 1e-12:
            sys.exit(1)


if __name__ == "__main__":
    main()
