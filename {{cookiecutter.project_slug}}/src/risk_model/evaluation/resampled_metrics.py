"""What do some rows say about one model? Its figures, and the same figures in every resample of the
subjects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk_model.config import Evaluation
from risk_model.evaluation import metrics
from risk_model.evaluation.bootstrap import Sample, Statistics, interval, resample, statistics
from risk_model.evaluation.metrics import NAN, Floats, Outcomes
from risk_model.evaluation.smooth_ece import smooth_calibration_error

POINTS = 50  # of the smooth calibration curve
GROUP_BINS = 256  # of the calibration line of a subgroup
OF_CLASSES = ("accuracy", "f1")  # told on request only
OF_BENEFIT = (
    "net_benefit",
    "standardised_net_benefit",
)  # told where a range of thresholds is stated
Key = tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What is asked of every model: the operating threshold, the thresholds of the decision curve,
    the settings.

    `curve` is empty where nobody stated a range of thresholds; then no net benefit is told.
    """

    threshold: float
    curve: Floats
    settings: Evaluation
    seed: int


@dataclass(frozen=True)
class Rows:
    """One model's rows: outcome and risk [n], and the position of each row's subject in the
    draw.
    """

    outcome: Outcomes
    risk: Floats
    subject: npt.NDArray[np.intp]

    def take(self, mask: npt.NDArray[np.bool_]) -> Rows:
        """The rows where the mask is true."""
        return Rows(self.outcome[mask], self.risk[mask], self.subject[mask])

    @property
    def events(self) -> int:
        """How many had the event."""
        return int(self.outcome.sum())

    @property
    def others(self) -> int:
        """How many did not."""
        return len(self.outcome) - self.events

    @property
    def prevalence(self) -> float:
        """Share of events; NaN without rows."""
        return float(self.outcome.mean()) if len(self.outcome) else NAN

    @property
    def curve_points(self) -> Floats:
        """Where the smooth calibration curve is drawn: within the middle 99 % of the risks."""
        low, high = np.quantile(self.risk, [0.005, 0.995])
        return np.linspace(float(low), float(high), POINTS)

    def estimates(self, threshold: float) -> dict[str, float]:
        """Every figure of these rows."""
        y, p = self.outcome, self.risk
        return {
            "auroc": metrics.auroc(y, p),
            "auprc": metrics.average_precision(y, p),
            "citl": metrics.calibration_in_the_large(y, p),
            "slope": metrics.calibration_slope(y, p),
            "brier": metrics.brier(y, p),
            "log_loss": metrics.log_loss(y, p),
            "smooth_ece": smooth_calibration_error(y, p),
            "ece": metrics.expected_calibration_error(y, p, metrics.equal_width_edges()),
            "ece_equal_count": metrics.expected_calibration_error(
                y, p, metrics.equal_count_edges(p)
            ),
            **self._at(threshold),
        }

    def _at(self, threshold: float) -> dict[str, float]:
        flagged = np.array([float((self.risk >= threshold).sum())])
        found = np.array([float((self.risk[self.outcome == 1] >= threshold).sum())])
        counts = {"rows": np.array([len(self.risk)]), "events": np.array([self.events])}
        return {
            name: float(value[0])
            for name, value in at_threshold(counts, flagged, found, threshold).items()
        }


def at_threshold(
    counts: Statistics, flagged: Floats, found: Floats, threshold: float
) -> Statistics:
    """The figures at one threshold: `counts` has rows and events [r], flagged and found count rows
    at or above it [r].

    Standardised net benefit is net benefit in units of the prevalence, its highest value; the
    number needed to evaluate is how many flagged patients somebody looks at for each one found. NaN
    where a figure divides by nothing.
    """
    rows, events = counts["rows"], counts["events"]
    false, others = flagged - found, rows - events
    benefit = found - false * threshold / (1 - threshold)

    def share(part: Floats, whole: Floats) -> Floats:
        return np.asarray(np.divide(part, whole, out=np.full(len(part), NAN), where=whole > 0))

    return {
        "net_benefit": share(benefit, rows),
        "standardised_net_benefit": share(benefit, events),
        "sensitivity": share(found, events),
        "false_alert_rate": share(false, others),
        "alert_rate": share(flagged, rows),
        "number_needed_to_evaluate": share(flagged, found),
        "accuracy": share(others - false + found, rows),
        "f1": share(2 * found, flagged + events),
    }


@dataclass(frozen=True)
class Judged:
    """Rows with their estimates and their bootstrap draws."""

    rows: Rows
    estimates: dict[str, float]
    draws: Statistics
    once: Statistics  # the statistics of the rows themselves, each counted once

    def figures(self, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
        """Estimate, low and high of each figure; errors of calibration have no interval: a resample
        errs more.
        """
        none = np.empty(0)
        return {name: interval(self.estimates[name], self.draws.get(name, none)) for name in names}

    def against(self, other: Judged, name: str) -> tuple[float, Floats]:
        """Difference of one figure to that of other rows, and its paired draws."""
        return self.estimates[name] - other.estimates[name], self.draws[name] - other.draws[name]


def told(figures: tuple[str, ...], question: Question) -> tuple[str, ...]:
    """Those of the figures that the question allows to be told."""
    silent: tuple[str, ...] = OF_CLASSES if not question.settings.classification else ()
    silent += OF_BENEFIT if not len(question.curve) else ()
    return tuple(name for name in figures if name not in silent)


def judge_all(keyed: dict[Key, Rows], question: Question) -> dict[Key, Judged]:
    """All of these rows, with the same draws of subjects. A key of three parts is a group, told
    with fewer figures.
    """
    t, subjects = question.threshold, 1 + max(int(rows.subject.max()) for rows in keyed.values())
    samples = [_sample(rows, len(key) > 2, question) for key, rows in keyed.items()]
    draws = resample(samples, subjects, question.settings.resamples, question.seed)
    everybody = np.ones((1, subjects), np.uint8)
    return {
        key: Judged(
            rows, rows.estimates(t), {**draw, **_last(draw, t)}, statistics(sample, everybody)
        )
        for (key, rows), sample, draw in zip(keyed.items(), samples, draws, strict=True)
    }


def _last(draw: Statistics, threshold: float) -> Statistics:
    """The operating threshold is the last of those that were counted."""
    return at_threshold(draw, draw["flagged"][:, -1], draw["found"][:, -1], threshold)


def _sample(rows: Rows, group: bool, question: Question) -> Sample:
    if group:
        at = np.array([question.threshold])
        return Sample.of(rows.outcome, rows.risk, rows.subject, thresholds=at, bins=GROUP_BINS)
    thresholds = np.append(question.curve, question.threshold)
    return Sample.of(
        rows.outcome, rows.risk, rows.subject, thresholds=thresholds, points=rows.curve_points
    )
