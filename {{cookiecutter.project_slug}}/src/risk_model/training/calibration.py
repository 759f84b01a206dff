"""When the model says 20 %, do 20 of 100 patients have the outcome? Five ways to make it so, chosen
by the data.

All act on the logit and are fitted on the calibration split alone. The simplest whose
cross-validated log loss cannot be told from the best is taken: judged on its own data, the most
flexible one would win every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model import config
from risk_model.core.cohort import Outcome
from risk_model.model import Logits
from risk_model.training.folds import Floats, Subjects, simplest_as_good, subject_folds

ISOTONIC_EVENTS = 1_000  # with fewer events its steps follow noise
SMALLEST_SLOPE = 0.01  # a calibrator may flatten the order of patients, never turn it round


@dataclass(frozen=True, eq=False)
class Calibrator:
    """From logit to probability: sigmoid(slope · logit + intercept), or a line from knot to
    knot.
    """

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
    def parameters(self) -> dict[str, float | list[float]]:
        """What was fitted, JSON-able."""
        if self.kind == "centred_isotonic":
            return {"knots": self.knots.tolist(), "risks": self.risks.tolist()}
        return {"slope": self.slope, "intercept": self.intercept}

    def to_dict(self) -> dict[str, Any]:
        """Kind and parameters, JSON-able."""
        return {"kind": self.kind, "parameters": self.parameters}


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
    """The simplest calibrator that five folds of subjects cannot tell from the best, fitted on all
    these rows.

    Rows are those of the calibration split. `pos_weight` is the weight that events had in training.
    After pos_weight or focal loss the raw sigmoid is no candidate.
    """
    return choose_among(
        candidates(settings.loss, pos_weight, int(labels.sum())), logit, labels, subjects, seed
    )[1]


def choose_among(
    fits: Mapping[str, Fit], logit: Logits, labels: Outcome, subjects: Subjects, seed: int
) -> tuple[str, Calibrator]:
    """The first of the fits that five folds of subjects cannot tell from the best: its name, and
    fitted on all rows.
    """
    fold = subject_folds(subjects, labels, seed)

    def losses(fit: Fit) -> Floats:
        return log_losses(
            cross_fitted(lambda rows: fit(logit[rows], labels[rows]), logit, fold), labels
        )

    kind, _ = simplest_as_good({kind: losses(fit) for kind, fit in fits.items()}, subjects)
    return kind, fits[kind](logit, labels)


def candidates(loss: str, pos_weight: float, events: int) -> dict[str, Fit]:
    """What may calibrate a model trained with this loss, the simplest first."""
    fits: dict[str, Fit] = (
        {"identity": lambda logit, labels: Calibrator("identity")} if loss == "bce" else {}
    )
    if pos_weight != 1.0:
        fits["prior_correction"] = partial(prior_correction, pos_weight)
    fits |= {"temperature": temperature, "platt": platt}
    return fits | ({"centred_isotonic": centred_isotonic} if events >= ISOTONIC_EVENTS else {})


def cross_fitted(
    fit: Callable[[npt.NDArray[np.bool_]], Calibrator], logit: Logits, fold: npt.NDArray[np.int64]
) -> Floats:
    """Each row's probability from a calibrator that `fit` made of the rows of the other folds:
    float64[n].
    """
    risk = np.empty(len(logit))
    for held_out in np.unique(fold):
        inside = fold == held_out
        risk[inside] = fit(~inside)(logit[inside])
    return risk


def prior_correction(pos_weight: float, logit: Logits, labels: Outcome) -> Calibrator:
    """Takes back the weight of events: subtracts log(pos_weight) and fits nothing (Elkan 2001)."""
    return Calibrator("prior_correction", intercept=-float(np.log(pos_weight)))


def temperature(logit: Logits, labels: Outcome) -> Calibrator:
    """Fits the slope, 1 / temperature, alone (Guo et al. 2017)."""
    (slope,) = _maximum_likelihood(logit[:, None], labels)
    return Calibrator("temperature", slope=max(slope, SMALLEST_SLOPE))


def shifted(logit: Logits, labels: Outcome) -> Calibrator:
    """Fits the intercept alone: for a place where the event is more or less frequent (Janssen et
    al. 2008).
    """
    (intercept,) = _maximum_likelihood(np.ones((len(logit), 1)), labels, logit)
    return Calibrator("intercept", intercept=intercept)


def platt(logit: Logits, labels: Outcome) -> Calibrator:
    """Fits slope and intercept (Platt 1999)."""
    slope, intercept = _maximum_likelihood(np.stack([logit, np.ones_like(logit)], axis=1), labels)
    if slope < SMALLEST_SLOPE:
        slope = SMALLEST_SLOPE
        (intercept,) = _maximum_likelihood(np.ones((len(logit), 1)), labels, slope * logit)
    return Calibrator("platt", slope, intercept)


def _maximum_likelihood(
    columns: Floats, labels: Outcome, offset: Floats | float = 0.0
) -> list[float]:
    """Logistic regression by Newton's method with halved steps, on Platt's targets, which keep the
    optimum finite.
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
    """Fits a rising curve: isotonic regression, each flat block drawn together to one knot at its
    mean logit.

    Without the centring its steps are so steep that a rounding error of the logit moves the risk,
    and ties appear (Oron and Flournoy 2017). Risks stay within 1 / (2n) of 0 and 1.
    """
    from scipy.optimize import isotonic_regression

    place, where, count = np.unique(logit, return_inverse=True, return_counts=True)
    share = np.bincount(where, weights=labels) / count
    fitted = isotonic_regression(share, weights=count)
    first = fitted.blocks[:-1]
    knots = np.add.reduceat(place * count, first) / np.add.reduceat(count, first)
    least = 1 / (2 * len(logit))
    return Calibrator(
        "centred_isotonic", knots=knots, risks=np.clip(fitted.x[first], least, 1 - least)
    )


def sigmoid(logit: Logits) -> Floats:
    """1 / (1 + exp(-logit)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logit))))


def log_losses(risk: Floats, labels: Outcome) -> Floats:
    """-log of the probability given to what happened, row by row, at most -log 1e-15:
    float64[n].
    """
    given = np.where(labels == 1, risk, 1 - risk)
    return np.asarray(-np.log(np.maximum(given, 1e-15)))
