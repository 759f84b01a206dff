"""Every metric of some rows of one model, and the same metric in each resample of the subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from risk_model.config import Evaluation
from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN, Floats, Outcomes
from risk_model.evaluation import intervals
from risk_model.evaluation.bootstrap import (
    EMPTY,
    Sample,
    Statistics,
    draw_counts,
    interval,
    resample,
    statistics,
)
from risk_model.evaluation.delong import auroc_interval
from risk_model.evaluation.metric_table import (
    BY_NAME,
    METRICS,
    Metric,
    ThresholdCounts,
    count_by_subject,
    metrics_at_threshold,
    metrics_in,
)
from risk_model.evaluation.results import CURVE_EVENTS

POINTS = 50  # of the smooth calibration curve
GROUP_BINS = 256  # of the calibration line of a subgroup
Key = tuple[str, ...]


@dataclass(frozen=True)
class EvaluationSettings:
    """How every model is evaluated.

    `curve` holds the thresholds of the decision curve; it is empty where nobody stated a range, and
    then no net benefit is reported. `parts` are searched for groups whose risks are wrong.
    """

    threshold: float
    curve: Floats
    config: Evaluation
    seed: int
    parts: int = 1

    def reports(self, metric: Metric) -> bool:
        """Whether what the metric needs is stated or asked for."""
        if metric.when == "thresholds stated":
            return len(self.curve) > 0
        return metric.when == "always" or self.config.classification

    def names(self, metrics: Sequence[Metric]) -> list[str]:
        """The names of those metrics that are reported."""
        return [metric.name for metric in metrics if self.reports(metric)]


@dataclass(frozen=True)
class ScoredRows:
    """One model's rows: outcome and risk [n], and each row's subject by its place in the draw.

    Each stands there `repeats` times, scored by other models; whatever is counted counts it once.
    """

    outcome: Outcomes
    risk: Floats
    subject: npt.NDArray[np.intp]
    repeats: int = 1

    def take(self, mask: npt.NDArray[np.bool_]) -> ScoredRows:
        """The rows where the mask is true."""
        return ScoredRows(self.outcome[mask], self.risk[mask], self.subject[mask], self.repeats)

    def renumbered(self) -> ScoredRows:
        """The same rows, the subjects that they hold numbered from 0 without a gap."""
        number = np.cumsum(np.bincount(self.subject) > 0) - 1
        return replace(self, subject=number[self.subject])

    @property
    def n(self) -> int:
        """How many they are."""
        return len(self.outcome) // self.repeats

    @property
    def events(self) -> int:
        """How many had the event."""
        return int(self.outcome.sum()) // self.repeats

    @property
    def non_events(self) -> int:
        """How many did not."""
        return self.n - self.events

    @property
    def prevalence(self) -> float:
        """Share of events; NaN without rows."""
        return float(self.outcome.mean()) if len(self.outcome) else NAN

    @property
    def curve_points(self) -> Floats:
        """Where the smooth calibration curve is drawn: within the middle 99 % of the risks."""
        low, high = np.quantile(self.risk, [0.005, 0.995])
        return np.linspace(float(low), float(high), POINTS)


@dataclass(frozen=True)
class ResampledMetrics:
    """Rows with their estimates, and the draws [r] of each statistic.

    `once` holds the statistics of the rows themselves, each counted once; `threshold` is the
    operating threshold.
    """

    rows: ScoredRows
    estimates: dict[str, float]
    draws: Statistics
    once: Statistics
    threshold: float

    def metrics(self, names: Sequence[str]) -> dict[str, Estimate]:
        """Each metric with the interval that the table of metrics gives it."""
        rows = self.rows.renumbered()
        return {name: self._metric(BY_NAME[name], rows) for name in names}

    def _metric(self, metric: Metric, rows: ScoredRows) -> Estimate:
        estimate = self.estimates[metric.name]
        if metric.interval == "none":
            return Estimate.of(estimate)
        if metric.interval == "bootstrap":
            return interval(estimate, self.draws[metric.name])
        return closed_form(metric, rows, self.threshold)

    def difference(self, other: ResampledMetrics, name: str) -> tuple[float, Floats]:
        """Difference of one metric to that of other rows, and its paired draws [r]."""
        return (
            self.estimates[name] - other.estimates[name],
            self.draws[name] - other.draws[name],
        )


def closed_form(metric: Metric, rows: ScoredRows, threshold: float) -> Estimate:
    """The metric of these rows, whose subjects are numbered from 0, with an interval by formula."""
    if metric.interval == "delong":
        return auroc_interval(rows.outcome, rows.risk, rows.subject)
    if metric.name == "observed_expected_ratio":
        return intervals.ratio_interval(rows.outcome, rows.risk, rows.subject)
    if metric.interval == "jackknife":
        return intervals.calibration_interval(
            rows.outcome, rows.risk, rows.subject, slope=metric.name == "slope"
        )
    assert metric.share is not None  # noqa: S101 - a Wilson interval is that of a share
    part, whole = metric.share(count_by_subject(rows.outcome, rows.risk, rows.subject, threshold))
    if metric.interval == "wilson":
        return intervals.rate_interval(part, whole)
    return intervals.inverse(intervals.rate_interval(whole, part))


def resample_metrics(
    rows: Mapping[Key, ScoredRows], settings: EvaluationSettings
) -> dict[Key, ResampledMetrics]:
    """The metrics of all of these rows, with the same draws of subjects.

    A key of three parts is a group of patients, which has the metrics of the subgroup table only,
    and a calibration curve where it has CURVE_EVENTS.
    """
    subjects = 1 + max(int(scored.subject.max()) for scored in rows.values())
    names = {key: _names(key) for key in rows}
    samples = [_sample(scored, len(key) > 2, settings) for key, scored in rows.items()]
    draws = resample(samples, subjects, settings.config.resamples, settings.seed)
    everybody = np.ones((1, subjects), np.uint8)
    resampled = {}
    for (key, scored), sample, draw in zip(rows.items(), samples, draws, strict=True):
        all_draws = {**draw, **_at_operating_threshold(draw, settings.threshold, names[key])}
        all_draws |= _slow_draws(scored, all_draws, names[key], subjects, settings)
        estimates = {
            name: BY_NAME[name].estimate(scored.outcome, scored.risk, settings.threshold)
            for name in names[key]
        }
        once = statistics(sample, everybody)
        resampled[key] = ResampledMetrics(scored, estimates, all_draws, once, settings.threshold)
    return resampled


def _names(key: Key) -> list[str]:
    return [metric.name for metric in (metrics_in("subgroups") if len(key) > 2 else METRICS)]


def _at_operating_threshold(draw: Statistics, threshold: float, names: list[str]) -> Statistics:
    """The operating threshold is the last of those that were counted."""
    flagged, true_positives = draw["flagged"][:, -1], draw["true_positives"][:, -1]
    counts = ThresholdCounts(draw["rows"], draw["events"], flagged, true_positives, threshold)
    return metrics_at_threshold(counts, names)


def _slow_draws(
    rows: ScoredRows,
    draws: Statistics,
    names: list[str],
    subjects: int,
    settings: EvaluationSettings,
) -> Statistics:
    """The draws [r] of metrics that no kernel computes: each is computed on the resampled rows.

    A resample with one class is dropped, as the kernel does. Without a bootstrap interval or a
    difference to show, no draw is needed.
    """
    needed = [name for name in names if name not in draws and BY_NAME[name].needs_draws]
    slow = [BY_NAME[name] for name in needed]
    if not slow:
        return {}
    values = {metric.name: np.full(settings.config.resamples, NAN) for metric in slow}
    chunks = draw_counts(subjects, settings.config.resamples, settings.seed)
    for r, counts in enumerate(counts for chunk in chunks for counts in chunk):
        if np.isfinite(draws["events"][r]):
            row = np.repeat(np.arange(len(rows.risk)), counts[rows.subject])
            for metric in slow:
                value = metric.estimate(rows.outcome[row], rows.risk[row], settings.threshold)
                values[metric.name][r] = value
    return values


def _sample(rows: ScoredRows, group: bool, settings: EvaluationSettings) -> Sample:
    if group:
        at = np.array([settings.threshold])
        points = rows.curve_points if min(rows.events, rows.non_events) >= CURVE_EVENTS else EMPTY
        return Sample.of(rows.outcome, rows.risk, rows.subject, at, points, GROUP_BINS)
    thresholds = np.append(settings.curve, settings.threshold)
    return Sample.of(
        rows.outcome, rows.risk, rows.subject, thresholds=thresholds, points=rows.curve_points
    )
