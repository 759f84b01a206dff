"""Calibrators: five ways to make a risk of 20 % mean 20 of 100 patients, chosen by the data.

When the model says 20 %, do 20 of 100 patients have the outcome? All calibrators act on the logit
and are fitted on rows that the model was made without. The simplest one whose cross-validated log
loss is within one standard error of the lowest is chosen: on its own data, the most flexible one
would win every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from risk_model import config
from risk_model.core.cohort import Outcome
from risk_model.core.scores import row_log_loss, sigmoid
from risk_model.core.subject_folds import subject_folds
from risk_model.model import Floats, Logits
from risk_model.training.folds import Subjects, simplest_near_best
from risk_model.training.record import CalibratorRecord

ISOTONIC_EVENTS = 1_000  # with fewer events its steps follow noise
SMALLEST_SLOPE = 0.01  # a calibrator may flatten the order of patients, never turn it round


@dataclass(frozen=True, eq=False)
class Calibrator:
    """From logit to risk: sigmoid(slope · logit + intercept), or a line from knot to knot."""

    kind: str
    slope: float = 1.0
    intercept: float = 0.0
    knots: Floats = field(default_factory=lambda: np.empty(0))
    risks: Floats = field(default_factory=lambda: np.empty(0))

    def __call__(self, logit: Logits) -> Floats:
        """Calibrated probabilities of float64[n] logits."""
        if self.kind == "centred_isotonic":
            return np.interp(logit, self.knots, self.risks)
        return sigmoid(self.slope * logit + self.intercept)

    @property
    def record(self) -> CalibratorRecord:
        """Its kind and what was fitted, as training.json holds it."""
        if self.kind == "centred_isotonic":
            curve = {"knots": self.knots.tolist(), "risks": self.risks.tolist()}
            return CalibratorRecord(self.kind, curve)
        return CalibratorRecord(self.kind, {"slope": self.slope, "intercept": self.intercept})


Fit = Callable[[Logits, Outcome], Calibrator]


def choose_calibrator(
    logit: Logits,
    labels: Outcome,
    subjects: Subjects,
    seed: int,
    *,
    settings: config.Training,
    pos_weight: float,
) -> Calibrator:
    """The simplest calibrator within one standard error of the best, fitted on all these rows.

    Each is compared by the log loss of five folds of subjects.

    Args:
        logit: of rows that the model was made without, float64[n].
        labels: their outcomes, int8[n].
        subjects: whose rows they are, [n]; the rows of a subject stay in one fold.
        seed: of the folds.
        settings: the loss: after pos_weight or focal loss the raw sigmoid is no candidate.
        pos_weight: the weight that events had in training.
    """
    fits = candidates(settings.loss, pos_weight, int(labels.sum()))
    return choose_among(fits, logit, labels, subjects, seed)[1]


def choose_among(
    fits: Mapping[str, Fit], logit: Logits, labels: Outcome, subjects: Subjects, seed: int
) -> tuple[str, Calibrator]:
    """The first of the fits near the best one: its name, and fitted on all rows."""
    fold = subject_folds(subjects, labels, seed)

    def losses(fit: Fit) -> Floats:
        risk = cross_fitted(lambda rows: fit(logit[rows], labels[rows]), logit, fold)
        return row_log_loss(labels, risk)

    kind = simplest_near_best({kind: losses(fit) for kind, fit in fits.items()}, subjects)
    return kind, fits[kind](logit, labels)


def candidates(loss: str, pos_weight: float, events: int) -> dict[str, Fit]:
    """What may calibrate a model trained with this loss, the simplest first."""
    fits: dict[str, Fit] = {}
    if loss == "bce":
        fits["identity"] = lambda logit, labels: Calibrator("identity")
    if pos_weight != 1.0:
        fits["prior_correction"] = partial(prior_correction, pos_weight)
    fits |= {"temperature": temperature, "platt": platt}
    if events >= ISOTONIC_EVENTS:
        fits["centred_isotonic"] = centred_isotonic
    return fits


def cross_fitted(
    fit: Callable[[npt.NDArray[np.bool_]], Calibrator], logit: Logits, fold: npt.NDArray[np.int64]
) -> Floats:
    """Each row's risk from a calibrator that `fit` made of the rows of the other folds: float64[n].

    `fit` gets the rows to learn from, as bool[n].
    """
    risk = np.empty(len(logit))
    for held_out in np.unique(fold):
        inside = fold == held_out
        risk[inside] = fit(~inside)(logit[inside])
    return risk


def prior_correction(pos_weight: float, logit: Logits, labels: Outcome) -> Calibrator:
    """Takes back what counting events `pos_weight` times did to the odds; nothing is fitted.

    Elkan 2001.
    """
    return Calibrator("prior_correction", intercept=-float(np.log(pos_weight)))


def temperature(logit: Logits, labels: Outcome) -> Calibrator:
    """Fits the slope, 1 / temperature, alone (Guo et al. 2017)."""
    (slope,) = _maximum_likelihood(logit[:, None], labels)
    return Calibrator("temperature", slope=max(slope, SMALLEST_SLOPE))


def shifted(logit: Logits, labels: Outcome) -> Calibrator:
    """Fits the intercept alone: for a site where the event is more or less frequent.

    Janssen et al. 2008.
    """
    (intercept,) = _maximum_likelihood(np.ones((len(logit), 1)), labels, logit)
    return Calibrator("intercept", intercept=intercept)


def platt(logit: Logits, labels: Outcome) -> Calibrator:
    """Fits slope and intercept by maximum likelihood on Platt's targets, which keep them finite.

    Platt 1999. Where the slope would be below SMALLEST_SLOPE it is that, with the intercept that is
    best for it. Logits may be large, constant, or all of one class.
    """
    slope, intercept = _maximum_likelihood(np.stack([logit, np.ones_like(logit)], axis=1), labels)
    if slope < SMALLEST_SLOPE:
        slope = SMALLEST_SLOPE
        (intercept,) = _maximum_likelihood(np.ones((len(logit), 1)), labels, slope * logit)
    return Calibrator("platt", slope, intercept)


def _maximum_likelihood(
    columns: Floats, labels: Outcome, offset: Floats | float = 0.0
) -> list[float]:
    """Coefficients of a logistic regression by Newton's method with halved steps.

    Platt's targets keep the optimum finite.
    """
    events = int(labels.sum())
    target = np.where(labels == 1, (events + 1) / (events + 2), 1 / (len(labels) - events + 2))
    scale = np.sqrt(np.mean(columns**2, axis=0)) + 1e-12
    scaled, beta = columns / scale, np.zeros(columns.shape[1])

    def loss(at: Floats) -> float:
        z = scaled @ at + offset
        return float(np.sum(np.logaddexp(0, z) - target * z))

    for _ in range(50):
        p = sigmoid(scaled @ beta + offset)
        gradient, curvature = scaled.T @ (target - p), (scaled * (p * (1 - p))[:, None]).T @ scaled
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(beta)), gradient)
        while loss(beta + step) > loss(beta) and np.abs(step).max() > 1e-12:
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return [float(b) for b in beta / scale]


def centred_isotonic(logit: Logits, labels: Outcome) -> Calibrator:
    """Fits a rising curve: isotonic regression, each flat block a knot at its mean logit.

    Without the centring its steps are so steep that a rounding error of the logit moves the risk,
    and ties appear (Oron and Flournoy 2017). Risks stay within 1 / (2n) of 0 and 1.
    """
    from scipy.optimize import isotonic_regression

    position, block, count = np.unique(logit, return_inverse=True, return_counts=True)
    share = np.bincount(block, weights=labels) / count
    fitted = isotonic_regression(share, weights=count)
    first = fitted.blocks[:-1]
    knots = np.add.reduceat(position * count, first) / np.add.reduceat(count, first)
    least = 1 / (2 * len(logit))
    risks = np.clip(fitted.x[first], least, 1 - least)
    return Calibrator("centred_isotonic", knots=knots, risks=risks)
