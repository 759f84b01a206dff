"""How good is each model on patients it has not seen? All figures of one part of the cohort, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config import Evaluation
from risk_model.evaluation import curves, gates, metrics, subgroups, utility
from risk_model.evaluation.bootstrap import LEVEL, Sample, Statistics, interval, resample, statistics
from risk_model.evaluation.metrics import NAN, Floats, Outcomes

RISKS = {"calibrated": "predicted_boolean_probability", "raw": "raw_probability"}
COMPARED = ("auroc", "auprc", "brier", "log_loss", "net_benefit")
OF_GROUPS = ("auroc", "citl", "slope", "sensitivity", "alert_rate", "net_benefit")
POINTS = 50  # of the smooth calibration curve
GROUP_BINS = 256  # of the calibration line of a subgroup
Key = tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What is asked of every model: the operating threshold, the thresholds of the decision curve, the settings."""

    threshold: float
    curve: Floats
    settings: Evaluation
    seed: int


@dataclass(frozen=True)
class Rows:
    """One model's rows: outcome and risk [n], and the position of each row's subject in the draw."""

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
    def curve_points(self) -> Floats:
        """Where the smooth calibration curve is drawn: within the middle 99 % of the risks."""
        low, high = np.quantile(self.risk, [0.005, 0.995])
        return np.linspace(float(low), float(high), POINTS)

    def estimates(self, threshold: float) -> dict[str, float]:
        """Every figure of these rows."""
        y, p = self.outcome, self.risk
        flagged = p >= threshold
        return {
            "auroc": metrics.auroc(y, p),
            "auprc": metrics.average_precision(y, p),
            "citl": metrics.calibration_in_the_large(y, p),
            "slope": metrics.calibration_slope(y, p),
            "brier": metrics.brier(y, p),
            "log_loss": metrics.log_loss(y, p),
            "ece": metrics.expected_calibration_error(y, p, metrics.equal_width_edges()),
            "ece_equal_count": metrics.expected_calibration_error(y, p, metrics.equal_count_edges(p)),
            "net_benefit": metrics.net_benefit(y, p, threshold),
            "sensitivity": float(flagged[y == 1].mean()) if self.events else NAN,
            "alert_rate": float(flagged.mean()),
        }


@dataclass(frozen=True)
class Judged:
    """Rows with their estimates and their bootstrap draws."""

    rows: Rows
    estimates: dict[str, float]
    draws: Statistics
    once: Statistics  # the statistics of the rows themselves, each counted once

    def figures(self, names: tuple[str, ...] = ()) -> dict[str, dict[str, float]]:
        """Estimate, low and high of each figure."""
        return {name: interval(self.estimates[name], self.draws[name]) for name in names or self.estimates}

    def against(self, other: Judged, name: str) -> tuple[float, Floats]:
        """Difference of one figure to that of other rows, and its paired draws."""
        return self.estimates[name] - other.estimates[name], self.draws[name] - other.draws[name]


def judge_part(part: pd.DataFrame, question: Question) -> dict[str, Any]:
    """All figures of one part, each model's under "models", as in `evaluate`.

    `part` holds the rows of one split: for each model the same prediction moments. The first model is the reference of
    the paired differences.
    """
    codes, subjects = pd.factorize(part["subject_id"])
    part = part.assign(_subject=codes)
    frames = {str(name): rows for name, rows in part.groupby("model", sort=False)}
    judged = _judge({k: r for name, f in frames.items() for k, r in _keyed(name, f, question).items()}, question)
    first = next(iter(frames))
    models = {name: _model(name, first, judged, question) for name in frames}
    for name, frame in frames.items():
        models[name]["subgroups"] = _subgroups(name, frame, judged, question.settings.minimum_events)
    whole = judged[first, "calibrated"]
    return {
        "n": len(whole.rows.outcome),
        "subjects": len(subjects),
        "events": whole.rows.events,
        "prevalence": float(whole.rows.outcome.mean()),
        "resamples_dropped": int(np.isnan(whole.draws["events"]).sum()),
        "models": models,
    }


def _keyed(name: str, frame: pd.DataFrame, question: Question) -> dict[Key, Rows]:
    """What is judged of one model: its calibrated and raw risks, and each group that is large enough."""
    outcome, subject = frame["boolean_value"].to_numpy().astype(np.int8), frame["_subject"].to_numpy()
    rows = {kind: Rows(outcome, frame[column].to_numpy(np.float64), subject) for kind, column in RISKS.items()}
    keyed: dict[Key, Rows] = {(name, kind): r for kind, r in rows.items()}
    for partition, labels in subgroups.partitions(frame).items():
        for group in subgroups.groups(labels, partition):
            chosen = rows["calibrated"].take(labels == group)
            if min(chosen.events, chosen.others) >= question.settings.minimum_events:
                keyed[name, partition, group] = chosen
    return keyed


def _judge(keyed: dict[Key, Rows], question: Question) -> dict[Key, Judged]:
    t, subjects = question.threshold, 1 + max(int(rows.subject.max()) for rows in keyed.values())
    samples = [_sample(rows, len(key) > 2, question) for key, rows in keyed.items()]
    draws = resample(samples, subjects, question.settings.resamples, question.seed)
    everybody = np.ones((1, subjects), np.uint8)
    return {
        key: Judged(rows, rows.estimates(t), {**draw, **_at_threshold(draw, t)}, statistics(sample, everybody))
        for (key, rows), sample, draw in zip(keyed.items(), samples, draws, strict=True)
    }


def _sample(rows: Rows, group: bool, question: Question) -> Sample:
    if group:
        at = np.array([question.threshold])
        return Sample.of(rows.outcome, rows.risk, rows.subject, thresholds=at, bins=GROUP_BINS)
    thresholds = np.append(question.curve, question.threshold)
    return Sample.of(rows.outcome, rows.risk, rows.subject, thresholds=thresholds, points=rows.curve_points)


def _at_threshold(draws: Statistics, threshold: float) -> Statistics:
    flagged, found = draws["flagged"][:, -1], draws["found"][:, -1]  # the operating threshold is the last
    return {
        "net_benefit": (found - (flagged - found) * threshold / (1 - threshold)) / draws["rows"],
        "sensitivity": found / draws["events"],
        "alert_rate": flagged / draws["rows"],
    }


def _model(name: str, first: str, judged: dict[Key, Judged], question: Question) -> dict[str, Any]:
    own, reference = judged[name, "calibrated"], judged[first, "calibrated"]
    rows, figures = own.rows, own.figures()
    counts = utility.per_1000(float(rows.outcome.mean()), own.estimates["sensitivity"], own.estimates["alert_rate"])
    enough = min(rows.events, rows.others) >= question.settings.minimum_events
    return {
        "metrics": figures,
        "raw": judged[name, "raw"].figures(),
        "differences": {n: interval(*own.against(reference, n)) for n in COMPARED if name != first},
        "per_1000": counts,
        "in_words": utility.in_words(counts, question.threshold),
        "verdict": gates.verdict(figures, rows.events, rows.others, question.settings),
        "curves": _curves(own, question) if enough else {},
    }


def _curves(judged: Judged, question: Question) -> dict[str, Any]:
    """What the report draws; left out where there are too few events to draw a curve through."""
    rows, draws = judged.rows, judged.draws
    y, p, points, odds = rows.outcome, rows.risk, rows.curve_points, question.curve / (1 - question.curve)
    true, total = draws["found"][:, :-1], draws["rows"][:, None]
    benefit = (true - (draws["flagged"][:, :-1] - true) * odds) / total
    bins = np.linspace(0, 1, 41)
    return {
        "roc": dict(zip(("false_positive_rate", "true_positive_rate"), curves.roc(y, p), strict=True)),
        "calibration": {"risk": points, "observed": judged.once["curve"][0], **_band(draws["curve"])},
        "decision": {
            "threshold": question.curve,
            "net_benefit": [metrics.net_benefit(y, p, t) for t in question.curve],
            "treat_all": metrics.treat_all(float(y.mean()), question.curve),
            **_band(benefit),
        },
        "risk_distribution": {
            "edges": bins,
            **{k: np.histogram(p[y == v], bins)[0] / max((y == v).sum(), 1) for k, v in _OUTCOMES.items()},
        },
    }


_OUTCOMES = {"events": 1, "non_events": 0}


def _band(draws: Floats) -> dict[str, Floats]:
    kept = draws[np.isfinite(draws).all(axis=1)]
    kept = kept if len(kept) else np.full((1, draws.shape[1]), NAN)
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {"low": low, "high": high}


def _subgroups(name: str, frame: pd.DataFrame, judged: dict[Key, Judged], minimum: int) -> list[dict[str, Any]]:
    whole, table = judged[name, "calibrated"], []
    for partition, labels in subgroups.partitions(frame).items():
        for group in subgroups.groups(labels, partition):
            row = {"partition": partition, "group": group, "n": int((labels == group).sum())}
            found = judged.get((name, partition, group))
            table.append({**row, **(_group(found, whole) if found else {"judged": False, "metrics": {}, "p": {}})})
    subgroups.adjust(table)
    return table


def _group(found: Judged, whole: Judged) -> dict[str, Any]:
    return {
        "judged": True,
        "events": found.rows.events,
        "prevalence": float(found.rows.outcome.mean()),
        "metrics": found.figures(OF_GROUPS),
        "p": {n: subgroups.p_value(*found.against(whole, n)) for n in subgroups.COMPARED},
    }
