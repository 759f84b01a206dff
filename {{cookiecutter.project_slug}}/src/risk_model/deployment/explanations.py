"""Why this answer? For a table each field's SHAP value; for a recording what each of its places
adds to the risk.

A network that gives a map of its logit is explained by that map: with a linear layer behind a
global average it is Grad-CAM (Selvaraju et al. 2017) exactly, and adds up to the logit. Any other
model is asked again with one place of the recording hidden after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from risk_model.core.package import ModelPackage
from risk_model.core.schema import Features
from risk_model.deployment.requests import Asked
from risk_model.model.explain import Explainer, Logits, affine
from risk_model.model.occlusion import occlude

FIELD_SECONDS = 0.5
PLACE_SECONDS = 5.0
SEED = 0
CALIBRATED = "log-odds of the calibrated risk"
UNCALIBRATED = "logit before calibration, which is not linear for this model"

Explained = tuple[dict[str, Any], bytes]  # what is answered, and what the audit record commits to


class Explaining(NamedTuple):
    """A function from a checked request to its explanation, and the seconds it may take."""

    explain: Callable[[Asked], Explained]
    seconds: float


def explaining(package: ModelPackage) -> Explaining:
    """What explains this package's answers."""
    if package.schema.signal is None:
        return Explaining(explain_fields(package), FIELD_SECONDS)
    explain = explain_map(package) if package.scorer.maps else explain_places(package)
    return Explaining(explain, PLACE_SECONDS)


def explain_fields(package: ModelPackage) -> Callable[[Asked], Explained]:
    """SHAP values per field, against the package's background."""
    names = [f.name for f in package.schema.inputs]
    background = np.load(package.directory / "explain/background.npy", allow_pickle=False)
    line = affine(*reversed(package.scorer(background)))
    logit_of, scale = _on_the_scale(package, line)
    explainer = Explainer(logit_of, background, package.schema.feature_field, SEED)

    def explain(asked: Asked) -> Explained:
        base, contributions = explainer.explain(asked.row[0])
        shown = dict(zip(names, contributions.tolist(), strict=True))
        return {"scale": scale, "base": base, "contributions": shown}, contributions.tobytes()

    return explain


def explain_map(package: ModelPackage) -> Callable[[Asked], Explained]:
    """The network's own map, laid evenly over the recording; its values and the base add up to the
    log-odds.
    """
    line = _calibration(package)
    logit_of, scale = _on_the_scale(package, line)
    slope = line[0] if line else 1.0

    def explain(asked: Asked) -> Explained:
        added = package.scorer.map(asked.row)[0] * slope
        told = {"shape": list(added.shape), "values": added.tolist()}
        base = float(logit_of(asked.row)[0] - added.sum())
        return {"method": "Grad-CAM", "scale": scale, "base": base, "map": told}, added.tobytes()

    return explain


def explain_places(package: ModelPackage) -> Callable[[Asked], Explained]:
    """What the log-odds lose with each place of the recording; TimeoutError after PLACE_SECONDS.

    Places in a text that was not read as it was sent (names were taken out) are told with the text
    they are counted in.
    """
    logit_of, scale = _on_the_scale(package, _calibration(package))

    def explain(asked: Asked) -> Explained:
        found = occlude(logit_of, asked.recording, package.schema, time.monotonic() + PLACE_SECONDS)
        pairs = zip(found.parts, found.contributions, strict=True)
        told = [{**part, "contribution": contribution} for part, contribution in pairs]
        counted_in = {"text": asked.read_as} if asked.read_as else {}
        committed = np.array(found.contributions).tobytes()
        return {"method": "occlusion", "scale": scale, "parts": told, **counted_in}, committed

    return explain


def _calibration(package: ModelPackage) -> tuple[float, float] | None:
    """Slope and intercept of the calibration, as the package tells them; None when it is no line.

    They are not estimated from the background, as for a table: a network may see nothing but the
    recording, which is the same in each of its rows.
    """
    line = package.manifest.get("calibration")
    return (float(line["slope"]), float(line["intercept"])) if line else None


def _on_the_scale(
    package: ModelPackage, line: tuple[float, float] | None
) -> tuple[Callable[[Features], Logits], str]:
    scale, shift = line or (1.0, 0.0)
    return (
        lambda rows: scale * package.scorer(rows)[1] + shift,
        CALIBRATED if line else UNCALIBRATED,
    )
