"""Graded submissions for the tests of the pages: one that is good, and what changes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from take_home.graded import ClaimView, Graded, GradedTask
from take_home.score import Part, Scored
from take_home.texts import Criterion

SEED = 918273645
TITLES = {
    "split": "Who trains, tunes, calibrates and tests",
    "fit": "A logistic regression from its rows alone",
    "score": "The same logit at every call",
    "focal": "Focal loss on logits",
    "calibration": "Platt scaling, and the prior put right",
    "ece": "Expected calibration error",
    "answer": "An answer only with its record",
}
HANDED_OUT = '''"""Scores."""

import numpy as np


def asked(values, weight=2.0):
    """What is asked."""
    raise NotImplementedError("task 1: see ASSIGNMENT.md")
'''
SUBMITTED = HANDED_OUT.replace(
    '    raise NotImplementedError("task 1: see ASSIGNMENT.md")\n',
    "    return np.sum(values * weight) / 2\n",
)
# Sentences of the truth, none of which may reach the candidate.
TRUTH = "haemoglobin of Hospital B divided by 10.13 from 2019-04-02 on"
EXPECTED = "expected [0.25, 0.125] for the seventh network"
WHY = (
    "No reason, or one that is not a number.",
    "A number, without comparison: the mean halves.",
    "Compares: the mean falls tenfold at one site from one day on, at no other.",
)
RUBRIC = (
    Criterion("why", "Why the claim holds.", WHY),
    Criterion(
        "decision",
        "What is done about it.",
        (
            "Drops the site without a word about its patients.",
            "Repairs the values.",
            "Repairs the values by a rule that also holds at the bedside, and says how to check.",
        ),
    ),
    Criterion(
        "patients",
        "What it means for patients.",
        ("Nothing.", "Anaemic patients of one hospital would look healthy."),
    ),
)
LETTER_RUBRIC = (
    Criterion(
        "letter",
        "A physician understands it.",
        ("Unclear.", "Clear, without a number.", "Clear, and says what to do."),
    ),
)


def task(name: str, submitted: str = SUBMITTED, **changes: Any) -> GradedTask:
    """A task that earned all of its points but half of one part."""
    parts = (
        Part("core", 5.0, 5.0, "Right on 40 fresh inputs.", EXPECTED),
        Part("edges", 1.0, 2.0, "Wrong where a column is missing for everybody.", EXPECTED),
    )
    made = GradedTask(
        Scored(name, parts), TITLES[name], f"model/{name}.py", ("asked",), submitted,
        HANDED_OUT, HANDED_OUT, "",
    )  # fmt: skip
    return replace(made, **changes)


def claim(**changes: Any) -> ClaimView:
    """A claim that is right in all that is scored automatically."""
    made = ClaimView(
        position=1,
        kind="unit_change",
        column="haemoglobin",
        site="Hospital B",
        since="2019-04-01",
        until="",
        number="9.9",
        decision="repair",
        why="The mean falls from 11.9 to 1.2 at Hospital B, at no other.",
        patients="Anaemia would be missed in 300 patients a year.",
        truth=TRUTH,
        points=7.0,
        most=7.0,
        rubric=RUBRIC,
    )
    return replace(made, **changes)


def graded(**changes: Any) -> Graded:
    """A submission in which no rule has anything to ask."""
    made = Graded(
        candidate="ada",
        seed=SEED,
        tasks=tuple(task(name) for name in TITLES),
        findings=Scored("findings", (Part("claims", 35.0, 35.0, "5 claims, 5 right.", TRUTH),)),
        risks=Scored("risks", (Part("slope", 5.0, 5.0, "Slope near 1.", "slope .98, so 5"),)),
        letter="Dear colleague, of 1,000 patients 300 had a wrong value. Please check the unit.",
        claims=(claim(),),
        missed=(),
        letter_rubric=LETTER_RUBRIC,
        ignored=(),
        command=f"make grade SUBMISSION=submission.zip CANDIDATE=ada SEED={SEED}",
    )
    return replace(made, **changes)
