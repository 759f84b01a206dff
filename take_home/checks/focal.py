"""Task 4, focal loss: values and gradients against the formula in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

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

GAMMAS = (0.0, 0.5, 1.0, 2.0, 3.5)


def inputs(rng: np.random.Generator) -> Inputs:
    """Ordinary logits at five gammas, members, extreme logits, and probabilities."""
    n = int(rng.integers(20, 40))
    logits, labels = rng.normal(0, 2.5, n), (rng.random(n) < 0.4).astype(float)
    labels[:2] = [0, 1]
    members = rng.normal(0, 2, (n, 3))
    wrong, sure = float(rng.uniform(500, 1000)), float(rng.uniform(120, 400))
    asked = {f"gamma {gamma:g}": request(logits, labels, gamma) for gamma in GAMMAS}
    asked["members"] = request(members, labels, 2.0)
    asked["single precision"] = request(logits, labels, 2.0, type="float32")
    for gamma in (0.5, 2.0):
        asked[f"extreme {gamma:g}"] = request(
            np.array([wrong, -wrong, sure, -sure, 0.0]), np.array([0, 1, 1, 0, 1.0]), gamma
        )
        asked[f"certain {gamma:g}"] = request(
            np.array([wrong, -sure]), np.array([1.0, 0.0]), gamma, type="float32"
        )
    asked["probabilities"] = request(logits, labels, 2.0, activated=True)
    return asked


def request(logits: Floats, labels: Floats, gamma: float, **more: Any) -> Request:
    """One call of the loss."""
    ordinary = {"type": "float64", "activated": False}
    called = {"logits": logits.tolist(), "labels": labels.tolist(), "gamma": gamma}
    return {**called, **ordinary, **more}


def expected(asked: Request) -> tuple[float, Floats]:
    """The loss and its gradient, in double precision."""
    logits, labels = np.array(asked["logits"]), np.array(asked["labels"])
    sign = 2 * (labels if logits.ndim == 1 else labels[:, None]) - 1
    gamma, right = asked["gamma"], sign * logits
    surprise, p = np.logaddexp(0, -right), np.exp(-np.logaddexp(0, -right))
    missed = np.exp(-np.logaddexp(0, right))  # 1 - p, without cancellation
    gradient = sign * missed**gamma * (-gamma * p * surprise - missed) / logits.size
    return float(np.mean(missed**gamma * surprise)), gradient


def judge(asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
    """Points for the loss, its gradient, members, extreme logits and the refusal."""

    def loss(case: str, tolerance: float = 1e-6) -> bool:
        return close(member(outputs[case].value, "loss"), expected(asked[case])[0], tolerance)

    def gradient(case: str, tolerance: float = 1e-6) -> bool:
        wanted = expected(asked[case])[1]
        return close(member(outputs[case].value, "gradient"), wanted, tolerance)

    ordinary = [f"gamma {gamma:g}" for gamma in GAMMAS]
    core = Check(
        "the loss for gamma from 0 to 3.5",
        3,
        first(
            no_value(outputs, *ordinary),
            unless(loss("gamma 0"), "With gamma 0 it is not the mean cross-entropy."),
            unless(all(map(loss, ordinary)), "With some gamma above 0 the loss is another number."),
            unless(_is_scalar(outputs["gamma 2"].value), "The loss is not a single number."),
        ),
    )
    slopes = Check(
        "its gradient",
        1,
        first(
            no_value(outputs, "single precision"),
            unless(all(map(gradient, ordinary)), "The gradient is another one."),
            unless(loss("single precision", 1e-4), "In float32 the loss is another number."),
        ),
    )
    members = Check(
        "several members a row",
        1,
        first(
            no_value(outputs, "members"),
            unless(
                loss("members") and gradient("members"),
                "With a logit for each member the loss or its gradient is another one.",
            ),
        ),
    )
    return parts(core, [slopes, members, _extremes(outputs, loss), _refusal(outputs)])


def _is_scalar(value: object) -> bool:
    return bool(member(value, "shape") == [])


def _extremes(outputs: Outputs, loss: Any) -> Check:
    cases = ["extreme 0.5", "extreme 2", "certain 0.5", "certain 2"]
    counts = {"extreme": 5, "certain": 2}
    finite = all(
        numbers(member(outputs[case].value, "gradient"), counts[case.split()[0]]) is not None
        for case in cases
    )
    return Check(
        "extreme logits",
        1,
        first(
            no_value(outputs, *cases),
            unless(all(loss(case, 1e-4) for case in cases), "With large logits it is not right."),
            unless(finite, "With large logits or small gamma the gradient is not finite."),
        ),
    )


def _refusal(outputs: Outputs) -> Check:
    refused = outputs["probabilities"].problem == "raised ValueError"
    mistake = "Probabilities, the output of a sigmoid, are not refused with ValueError."
    return Check("probabilities are refused", 1, unless(refused, mistake))
