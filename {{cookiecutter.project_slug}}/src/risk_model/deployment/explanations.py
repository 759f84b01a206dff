"""Explanations of answers: for a table each SHAP value, on the scale of the log-odds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from risk_model.core.package import CalibrationLine, ModelPackage
from risk_model.core.schema import Features
from risk_model.deployment.requests import PredictionRequest
from risk_model.deployment.responses import Explanation
from risk_model.model import Logits
from risk_model.model.exact_shapley import Fields, exact_values
from risk_model.model.explain import Explainer, affine

Groups = tuple[Fields, list[str]]  # of the columns, int[d], and their names
FIELD_SECONDS = 0.5
SEED = 0
DECIMALS = 2  # of log-odds: a hundredth changes a risk by a quarter of a percentage point at most
CALIBRATED = "log-odds of the calibrated risk"
UNCALIBRATED = "logit before calibration, which is not linear for this model"


class CommittedExplanation(NamedTuple):
    """An explanation, and the bytes that its audit record commits to."""

    answer: Explanation
    committed: bytes


class RequestExplainer(NamedTuple):
    """A function from a checked request to its explanation, and the seconds it may take."""

    explain: Callable[[PredictionRequest], CommittedExplanation]
    seconds: float


def field_explainer(package: ModelPackage, groups: Groups | None = None) -> RequestExplainer:
    """Explains by SHAP values per field, or per other group of columns, against the background."""
    field, names = groups or (package.schema.feature_field, [f.name for f in package.schema.inputs])
    background = package.background
    scale_and_shift = affine(*reversed(package.scorer(background)))
    line = CalibrationLine(*scale_and_shift) if scale_and_shift else None
    logit_of, scale = on_the_scale(package, line)
    inputs = logit_of, background, field
    explainer = Explainer(*inputs, SEED, exact_values(package.read("risk.onnx"), *inputs))

    def explain(request: PredictionRequest) -> CommittedExplanation:
        base, shown = shown_parts(*explainer.explain(request.row[0]), DECIMALS)
        answer: Explanation = {
            "available": True,
            "scale": scale,
            "base": base,
            "contributions": dict(zip(names, shown.tolist(), strict=True)),
        }
        return CommittedExplanation(answer, shown.tobytes())

    return RequestExplainer(explain, FIELD_SECONDS)


def shown_parts(base: float, parts: Logits, decimals: int) -> tuple[float, Logits]:
    """Parts in so many decimals, and the base with which they are the log-odds in hundredths."""
    shown = parts.round(decimals) + 0.0  # no -0.0
    rest = round(base + float(parts.sum()), DECIMALS) - float(shown.sum())
    return round(rest, decimals), shown


def on_the_scale(
    package: ModelPackage, line: CalibrationLine | None
) -> tuple[Callable[[Features], Logits], str]:
    """The log-odds of the calibrated risk, where the calibration is a line, else the raw logit.

    Returns:
        A function from float32[n, d] rows to float64[n], and its scale in words.
    """
    if line is None:
        return lambda rows: package.scorer(rows)[1], UNCALIBRATED
    return lambda rows: line.slope * package.scorer(rows)[1] + line.intercept, CALIBRATED
