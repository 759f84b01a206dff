"""Points in the format that Gradescope reads as `results.json`.

Everything is plain text, never Markdown or HTML: sentences may quote what a candidate wrote. What
only the interviewer may read stands in one entry whose visibility is "hidden".
"""

from __future__ import annotations

from typing import Any

from take_home.graded import Graded
from take_home.score import Part
from take_home.untrusted import one_line

OUTPUT = 2_000  # characters of one entry


def results(graded: Graded) -> dict[str, Any]:
    """The whole of `results.json`; candidates see points and sentences once they are published."""
    tests = [
        _test(f"{i}.{k}", f"{title}: {part.name}", part)
        for i, (title, scored) in enumerate(graded.sections, 1)
        for k, part in enumerate(scored.parts, 1)
    ]
    return {
        "score": round(graded.points, 2),
        "output": "Points given automatically. The letter and the reasons are read by a person.",
        "output_format": "text",
        "visibility": "after_published",
        "extra_data": {
            "points": {
                title: [round(scored.points, 2), round(scored.most, 2)]
                for title, scored in graded.sections
            }
        },
        "tests": [*tests, _for_graders(graded)],
    }


def _test(number: str, name: str, part: Part) -> dict[str, Any]:
    return {
        "name": one_line(name, 200),
        "number": number,
        "score": round(part.points, 2),
        "max_score": round(part.most, 2),
        "status": "passed" if part.points >= part.most else "failed",
        "output": one_line(part.sentence, OUTPUT),
        "output_format": "text",
        "visibility": "after_published",
    }


def _for_graders(graded: Graded) -> dict[str, Any]:
    """What the interviewer alone may read: the truth, and how to grade again."""
    lines = [f"seed {graded.seed}; again: {graded.command}"]
    for title, scored in graded.sections:
        lines += [f"{title}, {part.name}: {part.truth}" for part in scored.parts if part.truth]
    lines += [f"claimed {claim.kind}: {claim.truth or 'not planted'}" for claim in graded.claims]
    lines += [f"missed {missed.kind}: {missed.truth}" for missed in graded.missed]
    return {
        "name": "For graders only: the truth",
        "number": "0",
        "score": 0,
        "max_score": 0,
        "status": "passed",
        "output": "\n".join(one_line(line, OUTPUT) for line in lines),
        "output_format": "text",
        "visibility": "hidden",
    }
