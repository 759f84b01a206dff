"""The results of an evaluation: the typed content of evaluation.json."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.json_record import JsonRecord
from risk_model.core.package import Acceptance, Verdict
from risk_model.core.schema import PATIENTS

Metrics = dict[str, Estimate]  # by the names of the table of metrics
Numbers = list[float | None]  # of a curve, point by point
Miscalibration = Literal["too low", "too high"]  # of a group's risks
# Of a group's calibration curve: with 40 events its band held the truth at 93 % of the points, and
# at either end in 88 % or more; with 20 in 79 % there, with 10 in 67 % (150 calibrated cohorts each
# at a prevalence of .1, .24 and .5).
CURVE_EVENTS = 40
FEWEST_SITES = 3  # with fewer, differences between sites are not told from chance


@dataclass(frozen=True)
class OutcomesPer1000(JsonRecord):
    """What happens to 1,000 patients at the operating threshold, with intervals.

    All are whole numbers, and the four estimates add up.
    """

    true_positives: Estimate
    false_negatives: Estimate
    false_positives: Estimate
    true_negatives: Estimate


@dataclass(frozen=True)
class RequiredRows(JsonRecord):
    """The rows that an interval of the stated width needs, for one metric (Riley et al. 2024)."""

    metric: str
    width: float
    rows: int
    enough: bool


@dataclass(frozen=True)
class RocCurve(JsonRecord):
    """False- and true-positive rate from the strictest threshold to the laxest."""

    false_positive_rate: Numbers
    true_positive_rate: Numbers


@dataclass(frozen=True)
class CalibrationCurve(JsonRecord):
    """The smoothed share of events at each risk, with its 95 % band."""

    risk: Numbers
    observed: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class Band(JsonRecord):
    """A curve with its 95 % band."""

    estimate: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class DecisionCurve(JsonRecord):
    """Net benefit at each threshold, per patient and in units of the prevalence.

    `treat_all` is the net benefit of flagging everybody, `difference` that to the comparator; None
    for the comparator itself.
    """

    threshold: Numbers
    net_benefit: Numbers
    standardised: Numbers
    treat_all: Numbers
    low: Numbers
    high: Numbers
    difference: Band | None = None


@dataclass(frozen=True)
class RiskDistribution(JsonRecord):
    """The share of patients with and without the event in each bin of predicted risk."""

    edges: Numbers
    events: Numbers
    non_events: Numbers


@dataclass(frozen=True)
class Curves(JsonRecord):
    """What the report draws of one model; no `decision` where no range of thresholds is stated."""

    roc: RocCurve
    calibration: CalibrationCurve
    risk_distribution: RiskDistribution
    decision: DecisionCurve | None = None


@dataclass(frozen=True)
class SubgroupEvaluation(JsonRecord):
    """One group of patients: its metrics, and how it differs from its complement, the others.

    `evaluated` is false, and nothing but `n` is stated, where there are too few events or
    non-events. `p_value` is Holm's, of the difference in calibration-in-the-large. `miscalibrated`
    says what was found; `detectable` is the smallest miss of the group, in log odds, that would
    have been found in about 80 % of such samples. `calibration` is None of a pair of partitions,
    and with fewer events or non-events than CURVE_EVENTS.
    """

    partition: str
    group: str
    n: int
    evaluated: bool = False
    events: int | None = None
    prevalence: float | None = None
    metrics: Metrics = field(default_factory=dict)
    differences: Metrics = field(default_factory=dict)
    p_value: float | None = None
    miscalibrated: Miscalibration | None = None
    detectable: float | None = None
    calibration: CalibrationCurve | None = None


@dataclass(frozen=True)
class RateDifference(JsonRecord):
    """A rate in the group where it is highest minus that in the group where it is lowest.

    `rate` is the metric; the two groups are those of the estimates.
    """

    rate: str
    highest: str
    lowest: str
    difference: Estimate


@dataclass(frozen=True)
class Parity(JsonRecord):
    """How far apart the groups of one partition are treated, and the range of their base rates."""

    groups: int
    base_rates: tuple[float, float]
    demographic_parity_difference: RateDifference
    equal_opportunity_difference: RateDifference
    equalised_odds_difference: RateDifference


@dataclass(frozen=True)
class GateVerdict(JsonRecord):
    """Whether a model keeps to the stated bounds in one part, and a sentence for each reason."""

    verdict: Verdict
    reasons: list[str]


@dataclass(frozen=True)
class HeadToHead(JsonRecord):
    """A model beside an existing score, on the rows on which the score is recorded.

    `differences` are paired, the model's minus the score's. All three are empty where there are too
    few events or non-events.
    """

    score: str
    n: int
    subjects: int
    events: int
    score_metrics: Metrics = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)
    differences: Metrics = field(default_factory=dict)


@dataclass(frozen=True)
class ModelEvaluation(JsonRecord):
    """Everything about one model in one part.

    `metrics` are after calibration and `raw` before; `differences` are paired, to the comparator,
    and empty for the comparator itself. `curves` is None where there are too few events to draw.
    """

    metrics: Metrics
    raw: Metrics
    differences: Metrics
    per_1000: OutcomesPer1000
    per_1000_sentence: str
    required_rows: list[RequiredRows]
    curves: Curves | None
    subgroups: list[SubgroupEvaluation]
    parity: dict[str, Parity]
    head_to_head: list[HeadToHead] = field(default_factory=list)


@dataclass(frozen=True)
class PartEvaluation(JsonRecord):
    """Everything about one part of the cohort: its counts, and each model, simplest first.

    Each row was scored `repeats` times, by other models.
    """

    n: int
    subjects: int
    events: int
    prevalence: float
    resamples_dropped: int
    models: dict[str, ModelEvaluation]
    repeats: int = 1


@dataclass(frozen=True)
class RunEvaluation(JsonRecord):
    """The content of evaluation.json.

    `comparator` is the model that the others are compared with. `gates` holds the verdict by part
    and model, `bounds` what each gated metric must lie between, None for no bound.
    `patients_identified` says whether the data tell whose row each is; without, nobody can know
    that two rows are two patients. `row_name` is `Cohort.row_name`.
    """

    threshold: float
    decision: Decision
    resamples: int
    minimum_events: int
    bounds: dict[str, tuple[float | None, float | None]]
    comparator: str
    parts: dict[str, PartEvaluation]
    gates: dict[str, dict[str, GateVerdict]]
    findings: list[Finding]
    accepted: Acceptance | None = None
    patients_identified: bool = False
    row_name: str = "rows"

    @property
    def unit(self) -> str:
        """What was judged on: patients where they are identified, else rows by their name."""
        return PATIENTS if self.patients_identified else self.row_name

    def verdicts(self, model: str) -> dict[str, Verdict]:
        """The verdict on a model in each part."""
        return {part: gates[model].verdict for part, gates in self.gates.items()}


@dataclass(frozen=True)
class SiteEffect(JsonRecord):
    """What a site adds to a pooled estimate: its estimate and standard error, on the pooled scale.

    Both are None where there is no finite estimate.
    """

    estimate: float | None
    standard_error: float | None

    @classmethod
    def of(cls, estimate: float, error: float) -> SiteEffect:
        """From plain numbers; NaN and infinity mean "cannot be estimated"."""
        finite = math.isfinite(estimate) and math.isfinite(error)
        return cls(estimate, error) if finite else cls(None, None)


@dataclass(frozen=True)
class LeftOutEvaluation(JsonRecord):
    """A site or period that was left out in turn, and each refitted baseline's metrics there.

    `kind` is "site" or "time". Where it could not be evaluated `reason` says why and `models` is
    empty. `effects` are, by model and measure, what is pooled over sites. `missing` is by how much
    the share of missing values differs from that at the other sites, for each column in which it
    differs beyond chance and case mix.
    """

    kind: str
    name: str
    n: int
    events: int
    reason: str
    models: dict[str, Metrics]
    effects: dict[str, dict[str, SiteEffect]] = field(default_factory=dict)
    missing: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PooledPerformance(JsonRecord):
    """A measure of one refitted model over the sites left out in turn: a random-effects mean.

    `pooled` and `prediction`, the 95 % interval of a new site, are on the measure's own scale;
    `tau` is the SD between sites on `scale`. All three are absent with fewer than FEWEST_SITES.
    """

    model: str
    measure: str
    scale: str
    sites: int
    pooled: Estimate | None = None
    tau: float | None = None
    prediction: tuple[float, float] | None = None


@dataclass(frozen=True)
class InternalExternalValidation(JsonRecord):
    """The content of internal_external.json."""

    left_out: list[LeftOutEvaluation] = field(default_factory=list)
    heterogeneity: list[PooledPerformance] = field(default_factory=list)
