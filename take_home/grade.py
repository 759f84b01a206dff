"""Grading the tasks: each submitted file in a process of its own, asked line by line, then judged.

The process gets inputs and gives JSON back; what is expected never enters it. The same seed gives
the same inputs and the same points.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from take_home.checks import answer, calibration, ece, fit, focal, score, split
from take_home.checks.common import Inputs, Output, Outputs
from take_home.score import Part, Scored
from take_home.tasks import Task

FIRST_SECONDS = 90.0  # the first request waits for the imports
SECONDS = 40.0


class Reply(Protocol):
    """What came back for a line: a JSON value, or why there is none."""

    @property
    def value(self) -> Any:
        """JSON."""

    @property
    def problem(self) -> str:
        """As the end of a sentence, such as "ran longer than 20 s"; "" where there is a value."""


class Process(Protocol):
    """A process that runs one submitted file."""

    def ask(self, line: bytes, last: bool, seconds: float) -> Reply:
        """Sends one line and waits for its reply."""

    def audit_files(self) -> dict[str, bytes]:
        """The audit folder as it is now, by relative path."""


Start = Callable[[Task, bytes], AbstractContextManager[Process]]


class Checks(Protocol):
    """The checks of one task, a module of `checks`."""

    def inputs(self, rng: np.random.Generator) -> Inputs:
        """Fresh inputs by case."""

    def judge(self, asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
        """Points and sentences."""


CHECKS: dict[str, Checks] = {
    "split": split,
    "fit": fit,
    "score": score,
    "focal": focal,
    "calibration": calibration,
    "ece": ece,
    "answer": answer,
}


def grade_task(task: Task, file: bytes | None, start: Start, seed: int) -> Scored:
    """The points of one task, 0 with a sentence where no file was handed in.

    Args:
        task: which one.
        file: what was handed in for it.
        start: starts a process with the reference's tree and the file in its place.
        seed: of the inputs.
    """
    checks = CHECKS[task.name]
    asked = checks.inputs(np.random.default_rng([seed, task.number]))
    if file is None:
        missing = Output(problem="was not handed in")
        outputs: dict[str, Output] = dict.fromkeys(asked, missing)
    else:
        with start(task, file) as process:
            outputs = ask_all(process, asked, task.name == "answer")
    return Scored(task.name, checks.judge(asked, outputs))


def ask_all(process: Process, asked: Inputs, audited: bool) -> dict[str, Output]:
    """The output of every case, in their order; after a process has ended all have its problem."""
    outputs: dict[str, Output] = {}
    for number, (case, request) in enumerate(asked.items(), start=1):
        seconds = FIRST_SECONDS if number == 1 else SECONDS
        reply = process.ask(json.dumps(request).encode() + b"\n", number == len(asked), seconds)
        files = process.audit_files() if audited and not reply.problem else None
        outputs[case] = output(reply, files)
    return outputs


def output(reply: Reply, files: Mapping[str, bytes] | None) -> Output:
    """A reply as the checks read it; whatever it is, it becomes a value or a problem."""
    if reply.problem:
        return Output(problem=reply.problem)
    said = reply.value if isinstance(reply.value, dict) else {}
    if isinstance(said.get("broken"), str):
        return Output(problem=f"could not be imported: {_word(said['broken'])}")
    if isinstance(said.get("raised"), str):
        return Output(problem=f"raised {_word(said['raised'])}")
    if "value" not in said:
        return Output(problem="answered something that is no reply")
    return Output(said["value"], files=files)


def _word(name: str) -> str:
    """The name of an exception, as far as it can be one."""
    return name if name.isidentifier() and len(name) <= 60 else "an exception"
