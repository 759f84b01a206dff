"""Closed-form 95 % intervals that hold where data are few: of shares, and of the calibration line.

Why not the bootstrap? With few events or few subjects the middle 95 % of its draws is too narrow:
it knows neither that the spread was itself estimated (a t reference does) nor that a share near 0
or 1 is skewed. Rows of one subject count together throughout.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN, Floats, Outcomes, logit, sigmoid
from risk_model.evaluation.recalibration import recalibration

UPPER = 0.975  # the quantile at the upper end of a 95 % interval
Subjects = npt.NDArray[np.integer[Any]]


def effective_subjects(rows: Floats) -> float:
    """How many subjects of equal size are worth as much as these, which hold `rows` each.

    Their number where all hold as many rows, fewer where a few hold most (Kish 1965, Survey
    Sampling, section 8.2); 0 without rows.
    """
    held = float(np.sum(np.square(rows)))
    return float(np.sum(rows)) ** 2 / held if held else 0.0


def reference(effective: float) -> float:
    """The t quantile for a spread estimated from that many subjects; NaN for fewer than two."""
    return float(stdtrit(effective - 1, UPPER)) if effective >= 2 else NAN


def rate_interval(part: Floats, whole: Floats) -> Estimate:
    """The share of `part` in `whole`, both counts float64[subjects], with Wilson's interval.

    Wilson, JASA 1927, where every subject counts once. Else with the number of independent rows
    that would vary as much, at most as many as there are, and a t reference: Korn and Graubard,
    Survey Methodology 1998;24:193-201; Franco et al., J Surv Stat Methodol 2019;7:334-364. The
    variance is the jackknife's over subjects. No interval with fewer than two effective subjects,
    no estimate without rows.
    """
    held = whole > 0
    hits, rows = part[held], whole[held]
    n, subjects = float(rows.sum()), effective_subjects(rows)
    if not n:
        return Estimate(None)
    share = float(hits.sum()) / n
    if subjects < 2:
        return Estimate(share)
    independent = min(_independent_rows(share, hits, rows), n)
    z = float(ndtri(UPPER)) * reference(subjects) / reference(n)
    pull = z**2 / independent
    middle = (share + pull / 2) / (1 + pull)
    reach = np.sqrt(pull * (share * (1 - share) + pull / 4)) / (1 + pull)
    # rounding must not put a share of 0 or 1 outside its own interval
    return Estimate.of(share, min(max(middle - reach, 0.0), share), max(middle + reach, share))


def _independent_rows(share: float, hits: Floats, rows: Floats) -> float:
    """How many independent rows would make the share vary as it does over subjects."""
    n, subjects = float(rows.sum()), len(rows)
    if not 0 < share < 1:  # nothing varies
        return effective_subjects(rows)
    left_out = (hits - share * rows) / (n - rows)
    variance = (subjects - 1) / subjects * float(left_out @ left_out)
    binomial = share * (1 - share) / (n - 1)
    return n * binomial / variance if variance else n


def inverse(share: Estimate) -> Estimate:
    """1 / share with the ends of its interval; no estimate, hence no interval, of 1 / 0."""
    if not share.estimate:
        return Estimate(None)
    if share.interval is None:
        return Estimate(1 / share.estimate)
    low, high = share.interval
    return Estimate(1 / share.estimate, 1 / high, 1 / low)


def ratio_interval(outcome: Outcomes, risk: Floats, subject: Subjects) -> Estimate:
    """Observed over expected events, with Wald's interval of its log: of three arrays [n].

    `subject` numbers the subjects from 0. The variance is the jackknife's over subjects; the t
    reference counts them. No interval with fewer than two subjects, or where one holds all events;
    no estimate where no event is expected.
    """
    observed, expected = (np.bincount(subject, weights=values) for values in (outcome, risk))
    o, e = float(observed.sum()), float(expected.sum())
    if not e:
        return Estimate(None)
    if not o:
        return Estimate(0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        left_out = np.log(o - observed) - np.log(e - expected)
        error = np.sqrt((len(left_out) - 1) * np.var(left_out))
    reach = reference(effective_subjects(rows_by_subject(subject))) * error
    return Estimate.of(o / e, o / e * np.exp(-reach), o / e * np.exp(reach))


def calibration_interval(
    outcome: Outcomes, risk: Floats, subject: Subjects, slope: bool
) -> Estimate:
    """Calibration slope, or else calibration-in-the-large, with Wald's interval.

    Of outcome, risk and subject, all [n]; `subject` numbers the subjects from 0. The variance is
    the one-step jackknife over subjects, right also where the line is wrong: HC3 of MacKinnon and
    White (J Econometrics 1985), for clusters Mancl and DeRouen (Biometrics 2001). The t reference
    counts the subjects, of a slope those of the rarer class. No interval with fewer than two of
    them, or where one subject alone decides the line.
    """
    x, once = logit(risk), np.ones((1, len(risk)))
    intercept, steepness = recalibration(once * outcome, once, x, slope)[0]
    estimate = float(steepness if slope else intercept)
    if not np.isfinite(estimate):
        return Estimate(None)
    p = sigmoid(intercept + steepness * x)
    steps = _left_out_steps(outcome - p, p * (1 - p), x, subject)[1 if slope else 0]
    subjects = len(steps)
    error = np.sqrt((subjects - 1) / subjects * float(steps @ steps))
    classes = [outcome == 1, outcome == 0] if slope else [outcome >= 0]
    effective = min(effective_subjects(rows_by_subject(subject[c])) for c in classes)
    reach = reference(effective) * error
    return Estimate.of(estimate, estimate - reach, estimate + reach)


def _left_out_steps(
    residual: Floats, weight: Floats, x: Floats, subject: Subjects
) -> tuple[Floats, Floats]:
    """How far a Newton step without each subject moves the intercept alone, and the slope.

    Two of float64[subjects]; infinite or NaN where nothing is left to fit.
    """

    def sums(values: Floats) -> Floats:
        return np.asarray(np.bincount(subject, weights=values), np.float64)

    g0, g1 = sums(residual), sums(residual * x)
    h0, h1, h2 = (
        total.sum() - total for total in (sums(weight), sums(weight * x), sums(weight * x * x))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return g0 / h0, (h0 * g1 - h1 * g0) / (h0 * h2 - h1**2)


def rows_by_subject(subject: Subjects) -> Floats:
    """How many rows each subject holds: float64[subjects]."""
    return np.bincount(subject).astype(np.float64)
