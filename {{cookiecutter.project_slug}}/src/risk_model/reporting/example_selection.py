"""Which recordings does the report show, and what mattered in them? A fixed rule picks; no
recording of the test split.

Recordings are patients' data: they stand in the report alone, in no package, and
`evaluation.examples=0` shows none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.core.cohort import Outcome
from risk_model.core.package import Scorer
from risk_model.data.prepare import Prepared
from risk_model.model.occlusion import occlude
from risk_model.reporting.examples import Explained, drawn
from risk_model.signals import Recording, rows

Risks = npt.NDArray[np.float64]
Rule = Callable[[Risks, Outcome, float], Risks]
NEVER = -np.inf

# The row of the highest value is shown; NEVER keeps a row out.
RULES: dict[str, Rule] = {
    "the highest risk": lambda risk, event, at: risk,
    "the lowest risk": lambda risk, event, at: -risk,
    "the highest risk without the event": lambda risk, event, at: np.where(
        (event == 0) & (risk >= at), risk, NEVER
    ),
    "the lowest risk with the event": lambda risk, event, at: np.where(
        (event == 1) & (risk < at), -risk, NEVER
    ),
    "just above the threshold": lambda risk, event, at: np.where(risk >= at, -risk, NEVER),
    "just below the threshold": lambda risk, event, at: np.where(risk < at, risk, NEVER),
}


def chosen(risk: Risks, event: Outcome, threshold: float, count: int) -> list[tuple[str, int]]:
    """Why and which of n rows are shown: each rule's first row, then each rule's next, `count` at
    most, none twice.
    """
    taken: list[tuple[str, int]] = []
    free = np.ones(len(risk), dtype=bool)
    while len(taken) < count:
        before = len(taken)
        for why, rule in RULES.items():
            wanted = np.where(free, rule(risk, event, threshold), NEVER)
            if len(taken) < count and len(wanted) and wanted.max() > NEVER:
                taken.append((why, int(wanted.argmax())))
                free[taken[-1][1]] = False
        if len(taken) == before:
            break
    return taken


def examples(
    package: Path, prepared: Prepared, facts: dict[str, Any], count: int
) -> dict[str, Any]:
    """A few validation recordings, drawn with what the packaged model saw in them; {} when the
    cohort has no signal.

    `facts` is the run's training.json. What is told of a place is on the scale of the calibrated
    risk's log odds where the calibrator is a line.
    """
    cohort, validation = prepared.cohort, prepared.splits.validation
    if cohort.schema.signal is None or cohort.recordings is None:
        return {}
    scorer = Scorer((package / "risk.onnx").read_bytes())
    line = facts["calibrators"][facts["champion"]["name"]]["parameters"]
    shown: list[dict[str, Any]] = []
    if count > 0:
        part = cohort.take(validation)
        risk, _ = scorer(part.encoded())
        for why, row in chosen(risk, part.labels, facts["threshold"], count):
            explained = explain(
                scorer, cohort.recordings[validation[row]], prepared, line.get("slope", 1.0)
            )
            told = {"why": why, "risk": float(risk[row]), "event": bool(part.labels[row])}
            shown.append(
                {**told, "drawing": drawn(explained, f"{cohort.schema.signal.kind}, {why}")}
            )
    calibrated = "slope" in line
    return {
        "asked": count,
        "method": "Grad-CAM" if scorer.maps else "occlusion",
        "calibrated": calibrated,
        "shown": shown,
    }


def explain(scorer: Scorer, recording: Recording, prepared: Prepared, slope: float) -> Explained:
    """What the places of one recording add to `slope` times the model's logit: its own map, or
    parts hidden in turn.
    """
    schema = prepared.cohort.schema.served()
    assert schema.signal is not None  # noqa: S101 - narrows the type for mypy
    if scorer.maps:
        return Explained(
            recording, schema.signal, map=scorer.map(rows([recording], schema))[0] * slope
        )
    found = occlude(lambda x: scorer(x)[1] * slope, recording, schema)
    return Explained(recording, schema.signal, tuple(found.parts), tuple(found.contributions))
