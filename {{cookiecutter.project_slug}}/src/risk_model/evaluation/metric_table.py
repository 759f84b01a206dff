"""The table of metrics: one row a metric, read by everything that computes, tests or shows one.

Which numbers show that a model works, and which one hides that it does not? To add a metric, add
its function and a row here; docs/extending.md has the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from risk_model.core.scores import NAN, Floats, Outcomes, auroc, log_loss
from risk_model.evaluation import metrics
from risk_model.evaluation.intervals import Subjects
from risk_model.evaluation.smooth_ece import smooth_calibration_error

Section = Literal[
    "models", "differences", "calibration", "subgroups", "console", "comparison", "forest"
]
Condition = Literal["always", "thresholds stated", "on request"]
IntervalKind = Literal["bootstrap", "delong", "wilson", "inverse wilson", "jackknife", "none"]
PartAndWhole = tuple[Floats, Floats]  # entry by entry


@dataclass(frozen=True)
class ThresholdCounts:
    """How many rows were flagged at a threshold, and how many of those had the event: float64[r].

    One entry a resample, one a subject, or one in all for the rows themselves.
    """

    rows: Floats
    events: Floats
    flagged: Floats
    true_positives: Floats
    threshold: float

    @property
    def non_events(self) -> Floats:
        """Rows without the event."""
        return self.rows - self.events

    @property
    def false_positives(self) -> Floats:
        """Flagged rows without the event."""
        return self.flagged - self.true_positives

    @property
    def true_negatives(self) -> Floats:
        """Rows that were neither flagged nor had the event."""
        return self.non_events - self.false_positives

    @property
    def net_true_positives(self) -> Floats:
        """True positives minus false positives weighted by the odds of the threshold."""
        false_positives = self.false_positives * self.threshold / (1 - self.threshold)
        return self.true_positives - false_positives

    @property
    def treat_all(self) -> Floats:
        """Net true positives of flagging everybody; of flagging nobody they are 0."""
        return self.events - self.non_events * self.threshold / (1 - self.threshold)


@dataclass(frozen=True)
class Metric:
    """One metric: how it is computed, which interval it has, and where it is shown.

    `of_risks` computes it from outcome and risk [n], `of_counts` from the counts at the operating
    threshold, or `share` gives the two counts whose ratio it is. `interval` is the middle 95 % of
    the bootstrap's draws or, where that is too narrow on few data, DeLong's on the logit scale
    (`delong.py`), Wilson's of a share or of the inverse of one, or Wald's with a jackknifed
    variance (`intervals.py`). `target` is the value of a perfect model where neither higher nor
    lower is better. `sections` are the tables it stands in; a metric without any says why in
    `hidden`.
    `when` names what must be true for it to be reported. `note` is what it must be read beside:
    {at} stands for the threshold, {prevalence} for the event rate, {treat_all} for the net benefit
    of flagging all.
    """

    name: str
    label: str
    better: Literal["higher", "lower", "target"]
    of_risks: Callable[[Outcomes, Floats], float] | None = None
    of_counts: Callable[[ThresholdCounts], Floats] | None = None
    share: Callable[[ThresholdCounts], PartAndWhole] | None = None
    target: float | None = None
    interval: IntervalKind = "bootstrap"
    sections: tuple[Section, ...] = ("models",)
    when: Condition = "always"
    note: str = ""
    hidden: str = ""

    @property
    def needs_draws(self) -> bool:
        """Whether anything shown rests on the draws of the bootstrap."""
        shown = {"differences", "comparison"} & set(self.sections)
        return self.interval == "bootstrap" or bool(shown)

    def estimate(self, outcome: Outcomes, risk: Floats, threshold: float) -> float:
        """The metric of these rows, both [n]; NaN where it is not defined."""
        if self.of_risks is not None:
            return float(self.of_risks(outcome, risk))
        return float(self.at_threshold(count(outcome, risk, threshold))[0])

    def at_threshold(self, counts: ThresholdCounts) -> Floats:
        """The metric of each entry [r] of the counts; a row of the table without them has none."""
        if self.share is not None:
            return _share(*self.share(counts))
        assert self.of_counts is not None  # noqa: S101 - a row has one of the three
        return self.of_counts(counts)


def count(outcome: Outcomes, risk: Floats, threshold: float) -> ThresholdCounts:
    """The counts of these rows [n] at a threshold; a row at the threshold is flagged."""
    return count_by_subject(outcome, risk, np.zeros(len(risk), np.intp), threshold)


def count_by_subject(
    outcome: Outcomes, risk: Floats, subject: Subjects, threshold: float
) -> ThresholdCounts:
    """The same, an entry a subject; `subject` [n] numbers them from 0."""
    flagged, subjects = risk >= threshold, int(subject.max(initial=0)) + 1

    def sums(rows: npt.NDArray[np.bool_]) -> Floats:
        return np.bincount(subject[rows], minlength=subjects).astype(np.float64)

    event = np.asarray(outcome) == 1
    everybody = np.ones(len(risk), np.bool_)
    return ThresholdCounts(
        sums(everybody), sums(event), sums(flagged), sums(flagged & event), threshold
    )


def _share(part: Floats, whole: Floats) -> Floats:
    """Part of whole [r], NaN where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.full(len(part), NAN), where=whole > 0))


def _ece_equal_width(outcome: Outcomes, risk: Floats) -> float:
    return metrics.expected_calibration_error(outcome, risk, metrics.equal_width_edges())


def _ece_equal_count(outcome: Outcomes, risk: Floats) -> float:
    return metrics.expected_calibration_error(outcome, risk, metrics.equal_count_edges(risk))


def _e50(outcome: Outcomes, risk: Floats) -> float:
    return metrics.calibration_error_quantile(outcome, risk, 0.5)


def _e90(outcome: Outcomes, risk: Floats) -> float:
    return metrics.calibration_error_quantile(outcome, risk, 0.9)


# The order is that of the report. Errors of calibration have no interval: a resample is always
# further from calibration than the sample, so that a percentile interval would lie above the
# estimate.
METRICS: tuple[Metric, ...] = (
    Metric(
        "auroc",
        "AUROC",
        "higher",
        of_risks=auroc,
        interval="delong",
        sections=("models", "differences", "subgroups", "console", "comparison", "forest"),
    ),
    Metric(
        "auprc",
        "AUPRC",
        "higher",
        of_risks=metrics.average_precision,
        sections=("models", "differences", "console"),
        note="prevalence {prevalence:.3f}",
    ),
    Metric(
        "citl",
        "calibration-in-the-large",
        "target",
        of_risks=metrics.calibration_in_the_large,
        interval="jackknife",
        target=0.0,
        sections=("models", "calibration", "subgroups", "console", "comparison", "forest"),
    ),
    Metric(
        "slope",
        "calibration slope",
        "target",
        of_risks=metrics.calibration_slope,
        interval="jackknife",
        target=1.0,
        sections=("models", "calibration", "subgroups", "console", "comparison", "forest"),
    ),
    Metric(
        "observed_expected_ratio",
        "observed / expected events",
        "target",
        of_risks=metrics.observed_expected_ratio,
        interval="jackknife",
        target=1.0,
        sections=("models", "calibration"),
    ),
    Metric(
        "net_benefit",
        "net benefit",
        "higher",
        of_counts=lambda c: _share(c.net_true_positives, c.rows),
        sections=("models", "differences", "subgroups", "comparison"),
        when="thresholds stated",
        note="{at}; flagging everybody {treat_all:.3f}",
    ),
    Metric(
        "net_benefit_gain",
        "net benefit beyond all or none",
        "higher",
        of_counts=lambda c: _share(c.net_true_positives - np.maximum(c.treat_all, 0.0), c.rows),
        when="thresholds stated",
        note="{at}; over the better of flagging everybody and nobody: 0 is of no use",
    ),
    Metric(
        "standardised_net_benefit",
        "standardised net benefit",
        "higher",
        of_counts=lambda c: _share(c.net_true_positives, c.events),
        when="thresholds stated",
        note="{at}; 1 would find every event and flag nobody else",
    ),
    Metric(
        "number_needed_to_evaluate",
        "number needed to evaluate",
        "lower",
        share=lambda c: (c.flagged, c.true_positives),
        interval="inverse wilson",
        note="{at}; how many are flagged for each event found",
    ),
    Metric(
        "sensitivity",
        "sensitivity",
        "higher",
        share=lambda c: (c.true_positives, c.events),
        interval="wilson",
        sections=("models", "subgroups"),
        note="{at}",
    ),
    Metric(
        "specificity",
        "specificity",
        "higher",
        share=lambda c: (c.true_negatives, c.non_events),
        interval="wilson",
        note="{at}",
    ),
    Metric(
        "false_positive_rate",
        "false positive rate",
        "lower",
        share=lambda c: (c.false_positives, c.non_events),
        interval="wilson",
        sections=("models", "subgroups"),
        note="{at}; 1 − specificity",
    ),
    Metric(
        "ppv",
        "PPV",
        "higher",
        share=lambda c: (c.true_positives, c.flagged),
        interval="wilson",
        note="{at}; of those flagged, how many have the event",
    ),
    Metric(
        "npv",
        "NPV",
        "higher",
        share=lambda c: (c.true_negatives, c.rows - c.flagged),
        interval="wilson",
        note="{at}; of those not flagged, how many stay without it",
    ),
    Metric(
        "alert_rate",
        "alert rate",
        "lower",
        share=lambda c: (c.flagged, c.rows),
        interval="wilson",
        sections=("models", "subgroups"),
        note="{at}",
    ),
    Metric(
        "brier",
        "Brier score",
        "lower",
        of_risks=metrics.brier,
        sections=("models", "differences", "calibration"),
    ),
    Metric(
        "scaled_brier",
        "scaled Brier score",
        "higher",
        of_risks=metrics.scaled_brier,
        note="1 is perfect, 0 the event rate for everybody",
    ),
    Metric(
        "log_loss",
        "log loss",
        "lower",
        of_risks=log_loss,
        sections=("models", "differences", "comparison"),
    ),
    Metric(
        "smooth_ece",
        "smooth ECE",
        "lower",
        of_risks=smooth_calibration_error,
        interval="none",
        sections=("models", "calibration"),
    ),
    Metric(
        "ici",
        "ICI",
        "lower",
        of_risks=metrics.integrated_calibration_index,
        interval="none",
        sections=("models", "calibration"),
        note="mean distance of the smooth calibration curve from the risks",
    ),
    Metric(
        "e50",
        "E50",
        "lower",
        of_risks=_e50,
        interval="none",
        sections=("models", "calibration"),
        note="median of that distance",
    ),
    Metric(
        "e90",
        "E90",
        "lower",
        of_risks=_e90,
        interval="none",
        sections=("models", "calibration"),
        note="90th percentile of that distance",
    ),
    Metric(
        "ece",
        "ECE, 10 equal-width bins",
        "lower",
        of_risks=_ece_equal_width,
        interval="none",
        sections=("models", "calibration"),
    ),
    Metric(
        "ece_equal_count",
        "ECE, 10 equal-count bins",
        "lower",
        of_risks=_ece_equal_count,
        interval="none",
        sections=("models", "calibration"),
    ),
    Metric(
        "accuracy",
        "accuracy",
        "higher",
        share=lambda c: (c.true_negatives + c.true_positives, c.rows),
        interval="wilson",
        when="on request",
        note="{at}; can be highest for risks that are wrong: choose nothing by it",
    ),
    Metric(
        "f1",
        "F1",
        "higher",
        of_counts=lambda c: _share(2 * c.true_positives, c.flagged + c.events),
        when="on request",
        note="{at}; can be highest for risks that are wrong, ignores who is rightly left alone: "
        "choose nothing by it",
    ),
)
BY_NAME = {metric.name: metric for metric in METRICS}


def metrics_in(section: Section) -> list[Metric]:
    """The metrics that a section shows, in the order of the table."""
    return [metric for metric in METRICS if section in metric.sections]


def label(name: str) -> str:
    """The name of a metric as a reader knows it."""
    return BY_NAME[name].label


def metrics_at_threshold(counts: ThresholdCounts, names: Sequence[str]) -> dict[str, Floats]:
    """Those of the named metrics that are computed from counts: name to float64[r]."""
    chosen = [BY_NAME[name] for name in names]
    return {metric.name: metric.at_threshold(counts) for metric in chosen if not metric.of_risks}
