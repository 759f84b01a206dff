"""What a report says of the recordings that it shows."""

from __future__ import annotations

from risk_model.reporting.content import RecordingExample, RecordingExamples
from risk_model.reporting.wording import capitalise, percent


def examples(examples: RecordingExamples, row_name: str) -> str:
    """What the drawn recordings are, and what is marked in them."""
    if not examples.recordings:
        return (
            f"No recording is shown, as evaluation.examples={examples.requested} asks: this page "
            "holds nobody's recording."
        )
    scale = "log odds of the calibrated risk"
    if not examples.calibrated:
        scale = "log odds before calibration"
    how = {
        "Grad-CAM": f"what each place adds to the {scale}, told by the network itself (Grad-CAM)",
        "occlusion": f"how much the {scale} lose when a place is hidden (occlusion)",
    }[examples.method]
    return (
        f"These are {len(examples.recordings)} {row_name} of patients: handle this page as you "
        "handle their records, or set evaluation.examples=0. All are from the validation split, "
        f"picked by a fixed rule. Marked is {how}. Orange, full lines and a plus: it raises the "
        "risk; blue, broken lines and a minus: it lowers it. The strongest place of each recording "
        "is the darkest. Association within the model, not cause."
    )


def caption(example: RecordingExample) -> str:
    """The caption of one drawn recording."""
    outcome = "the event happened" if example.event else "no event"
    return f"{capitalise(example.rule)}: risk {percent(example.risk)}, {outcome}."
