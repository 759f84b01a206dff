"""Task 5, Platt scaling and the prior: against maximum likelihood found by another method."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from take_home.checks.common import (
    Check,
    Floats,
    Inputs,
    Outputs,
    Request,
    close,
    first,
    member,
    no_value,
    numbers,
    parts,
    unless,
)
from take_home.score import Part

TOLERANCE = 2e-3  # of a risk
LEAST = 0.01  # the slope that the docstring names


def inputs(rng: np.random.Generator) -> Inputs:
    """Log odds that are too extreme, few, separated, of the wrong direction, large and constant."""
    n = int(rng.integers(500, 800))
    slope, intercept = rng.uniform(0.35, 0.6), rng.uniform(-1.4, -0.8)
    logit = rng.normal(0.3, 1.8, n)
    labels = _drawn(rng, slope * logit + intercept)
    few = rng.normal(0, 1.5, 40)
    apart = np.concatenate([rng.uniform(-3, -1, 9), rng.uniform(1, 3, 12)])
    asked = {
        "ordinary": _platt(logit, labels),
        "few": _platt(few, _drawn(rng, few)),
        "separated": _platt(apart, np.repeat([0, 1], [9, 12])),
        "reversed": _platt(logit, _drawn(rng, -0.8 * logit - 1.0)),
        "large": _platt(logit * 300, labels),
        "constant": _platt(np.full(60, 0.7), np.repeat([0, 1], [45, 15])),
        "one class": _platt(few, np.zeros(40, dtype=int)),
    }
    for i, weight in enumerate((rng.uniform(2, 4), rng.uniform(15, 25), rng.uniform(0.3, 0.6))):
        asked[f"weight {i}"] = {**_platt(logit, labels), "pos_weight": float(weight)}
    return asked


def _drawn(rng: np.random.Generator, log_odds: Floats) -> np.ndarray:
    labels = (rng.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))).astype(int)
    labels[:2] = [0, 1]
    return labels


def _platt(logit: Floats, labels: np.ndarray) -> Request:
    asked = np.quantile(logit, np.linspace(0, 1, 21))
    return {"logit": logit.tolist(), "labels": labels.tolist(), "asked": asked.tolist()}


def lines(asked: Request) -> list[Floats]:
    """The risks of the best line, on Platt's targets and on the outcomes themselves."""
    logit, labels = np.array(asked["logit"]), np.array(asked["labels"])
    events = labels.sum()
    smoothed = np.where(labels == 1, (events + 1) / (events + 2), 1 / (len(labels) - events + 2))
    return [_risk(logit, target, np.array(asked["asked"])) for target in (smoothed, labels * 1.0)]


def _risk(logit: Floats, target: Floats, asked: Floats) -> Floats:
    unit = np.abs(logit).max()
    columns = np.stack([logit / unit, np.ones_like(logit)])

    def loss(line: Floats) -> tuple[float, Floats]:
        z = line @ columns
        gap = 1 / (1 + np.exp(-z)) - target
        return float(np.mean(np.logaddexp(0, z) - target * z)), columns @ gap / len(gap)

    bounds = [(LEAST * unit, 1e4), (-1e4, 1e4)]
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 2000}
    start = np.array([max(1.0, LEAST * unit), 0.0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return np.asarray(1 / (1 + np.exp(-(found[0] / unit * asked + found[1]))))


def judge(asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
    """Points for the line, for what is hard about it, and for the prior by itself."""

    def risk(case: str) -> Any:
        return member(outputs[case].value, "risk")

    def fits(case: str) -> bool:
        return any(close(risk(case), line, TOLERANCE) for line in lines(asked[case]))

    core = Check(
        "slope and intercept of Platt scaling",
        3,
        first(
            no_value(outputs, "ordinary", "few"),
            unless(fits("ordinary"), "The risks are not those of the maximum likelihood line."),
            unless(fits("few"), "With few rows the risks are not those of that line."),
        ),
    )
    separated = Check(
        "events and non-events that are separated",
        1,
        first(
            no_value(outputs, "separated"),
            unless(
                close(risk("separated"), lines(asked["separated"])[0], 0.02),
                "Where events and non-events are separated, it is not the line on Platt's targets.",
            ),
        ),
    )
    platt_parts = parts(core, [separated, _direction(asked, outputs), _extremes(outputs, fits)])
    return (*platt_parts, *parts(_prior(asked, outputs), []))


def _direction(asked: Inputs, outputs: Outputs) -> Check:
    value = outputs["reversed"].value
    slope = numbers(member(value, "slope"))
    positive = slope is not None and float(slope) > 0
    right = any(close(member(value, "risk"), line, 0.01) for line in lines(asked["reversed"]))
    mistake = "Where events have the lower log odds, the order is turned round."
    away = "Where the slope is held, the intercept is not the best one for it."
    return Check(
        "the order of patients stays",
        1,
        first(no_value(outputs, "reversed"), unless(positive, mistake), unless(right, away)),
    )


def _extremes(outputs: Outputs, fits: Any) -> Check:
    alone = numbers(member(outputs["one class"].value, "risk"), 21)
    rare = alone is not None and bool(np.all((alone > 0) & (alone < 0.15)))
    return Check(
        "large and constant log odds, one class",
        1,
        first(
            no_value(outputs, "large", "constant", "one class"),
            unless(fits("large"), "With large log odds the risks are not those of the line."),
            unless(fits("constant"), "With constant log odds the risk is not the event rate."),
            unless(rare, "Without any event the risks are not small, or none."),
        ),
    )


def _prior(asked: Inputs, outputs: Outputs) -> Check:
    cases = [f"weight {i}" for i in range(3)]

    def right(case: str) -> bool:
        odds = np.exp(np.array(asked[case]["asked"])) / asked[case]["pos_weight"]
        return close(member(outputs[case].value, "risk"), odds / (1 + odds), 1e-6)

    mistake = "The risks are not those of a model trained without the weight."
    return Check(
        "prior correction",
        2,
        first(no_value(outputs, *cases), unless(all(map(right, cases)), mistake)),
    )
