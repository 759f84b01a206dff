"""The recordings that a report shows, picked by a fixed rule, and what mattered in each.

No recording of the test split is drawn. Recordings are patients' data: they stand in the report
alone, in no package, and `evaluation.examples=0` shows none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from risk_model.core.cohort import Outcome
from risk_model.core.scorer import Scorer
from risk_model.data.prepare import Prepared
from risk_model.model.occlusion import occlude
from risk_model.reporting.content import RecordingExample, RecordingExamples
from risk_model.reporting.examples import RecordingExplanation, draw
from risk_model.signals import Recording, rows
from risk_model.training.record import CalibratorRecord

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


def pick(risk: Risks, event: Outcome, threshold: float, count: int) -> list[tuple[str, int]]:
    """The rule and the row of each recording to show, of n: `count` at most, none twice.

    Each rule's first row comes first, then each rule's next.
    """
    picked: list[tuple[str, int]] = []
    free = np.ones(len(risk), dtype=bool)
    while len(picked) < count:
        before = len(picked)
        for name, rule in RULES.items():
            value = np.where(free, rule(risk, event, threshold), NEVER)
            if len(picked) < count and len(value) and value.max() > NEVER:
                picked.append((name, int(value.argmax())))
                free[picked[-1][1]] = False
        if len(picked) == before:
            break
    return picked


def select_examples(
    package: Path, prepared: Prepared, calibrator: CalibratorRecord, threshold: float, count: int
) -> RecordingExamples | None:
    """A few validation recordings, drawn with what the packaged model saw in them.

    None when the cohort has no signal. Where the calibrator is a line, what is marked is on the
    scale of the calibrated risk's log odds.
    """
    cohort = prepared.cohort
    if cohort.schema.signal is None:
        return None
    scorer = Scorer((package / "risk.onnx").read_bytes())
    slope = calibrator.parameters.get("slope")
    recordings: list[RecordingExample] = []
    if count > 0:
        scale = slope if isinstance(slope, float) else 1.0
        recordings = _drawn_examples(scorer, prepared, scale, threshold, count)
    method: Literal["Grad-CAM", "occlusion"] = "Grad-CAM" if scorer.maps else "occlusion"
    return RecordingExamples(count, method, slope is not None, recordings)


def _drawn_examples(
    scorer: Scorer, prepared: Prepared, slope: float, threshold: float, count: int
) -> list[RecordingExample]:
    rows_of_part, schema = prepared.splits.shown, prepared.cohort.schema
    part = prepared.cohort.take(rows_of_part)
    assert schema.signal is not None  # noqa: S101 - narrows the type for mypy
    assert part.signals is not None  # noqa: S101 - the same
    risk, _ = scorer(part.model_inputs())
    examples = []
    for rule, row in pick(risk, part.labels, threshold, count):
        explanation = explain(scorer, part.signals[row], prepared, slope)
        drawing = draw(explanation, f"{schema.signal.kind}, {rule}")
        examples.append(RecordingExample(rule, float(risk[row]), bool(part.labels[row]), drawing))
    return examples


def explain(
    scorer: Scorer, recording: Recording, prepared: Prepared, slope: float
) -> RecordingExplanation:
    """What the places of one recording add to `slope` times the model's logit.

    By the model's own map, or by hiding parts in turn where it has none.
    """
    schema = prepared.cohort.schema.served()
    assert schema.signal is not None  # noqa: S101 - narrows the type for mypy
    if scorer.maps:
        added = scorer.map(rows([recording], schema))[0] * slope
        return RecordingExplanation(recording, schema.signal, map=added)
    hidden = occlude(lambda x: scorer(x)[1] * slope, recording, schema)
    return RecordingExplanation(
        recording, schema.signal, tuple(hidden.parts), tuple(hidden.contributions)
    )
