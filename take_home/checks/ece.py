"""Task 6, the expected calibration error: against a loop over the bins."""

from __future__ import annotations

import numpy as np

from take_home.checks.common import (
    Check,
    Floats,
    Inputs,
    Outputs,
    Request,
    close,
    first,
    no_value,
    parts,
    unless,
)
from take_home.score import Part

WIDTHS = [i / 10 for i in range(1, 10)]
TOLERANCE = 1e-9


def inputs(rng: np.random.Generator) -> Inputs:
    """Risks that are too high in some bins and too low in others, and those at the edges."""
    n = int(rng.integers(400, 700))
    risk = rng.beta(1.2, 1.5, n)
    outcome = rng.random(n) < np.clip(0.5 + 0.5 * (risk - 0.5), 0, 1)  # too extreme both ways
    quantiles = np.quantile(risk, np.linspace(0, 1, 11)[1:-1])
    few = np.concatenate([rng.uniform(0.21, 0.29, 40), rng.uniform(0.81, 0.89, 23)])
    edge = np.repeat([0.0, 0.25, 0.5, 0.75, 1.0], [7, 9, 11, 13, 5])
    # of opposite signs at 0 and .25, so that it matters which of them share a bin
    happened = rng.random(len(edge)) < np.repeat([0.6, 0.05, 0.1, 0.2, 0.5], [7, 9, 11, 13, 5])
    happened[[0, -1]] = [True, False]
    return {
        "equal widths": _request(outcome, risk, WIDTHS),
        "equal counts": _request(outcome, risk, quantiles.tolist()),
        "empty bins": _request(rng.random(len(few)) < 0.5, few, WIDTHS),
        "on the edges": _request(happened, edge, [0.25, 0.5, 0.75]),
        "one bin": _request(outcome, risk, []),
        "no rows": _request(np.empty(0), np.empty(0), WIDTHS),
    }


def _request(outcome: np.ndarray, risk: Floats, edges: list[float]) -> Request:
    return {"outcome": outcome.astype(int).tolist(), "risk": risk.tolist(), "edges": edges}


def expected(request: Request) -> float:
    """The mean over rows of the distance between mean outcome and mean risk of their bin."""
    outcome, risk = np.array(request["outcome"]), np.array(request["risk"])
    low, total = -np.inf, 0.0
    for high in [*request["edges"], np.inf]:
        inside = (risk > low) & (risk <= high)
        if inside.any():
            total += inside.sum() * abs(outcome[inside].mean() - risk[inside].mean())
        low = high
    return total / len(risk)


def judge(asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
    """Points for the two binnings, and for what lies at their edges."""

    def right(case: str) -> bool:
        return close(outputs[case].value, expected(asked[case]), TOLERANCE)

    core = Check(
        "the error at two binnings",
        2,
        first(
            no_value(outputs, "equal widths", "equal counts"),
            unless(right("equal widths"), "The error at bins of equal width is another number."),
            unless(right("equal counts"), "The error at bins of equal count is another number."),
        ),
    )
    edges = Check(
        "risks on an edge, empty bins, one bin, no rows",
        1,
        first(
            no_value(outputs, "empty bins", "on the edges", "one bin", "no rows"),
            unless(right("empty bins"), "With empty bins the error is another number."),
            unless(right("on the edges"), "A risk on an edge, 0 or 1 counts in another bin."),
            unless(right("one bin"), "Without inner edges the error is another number."),
            unless(outputs["no rows"].value == "nan", "Without rows the error is not NaN."),
        ),
    )
    return parts(core, [edges])
