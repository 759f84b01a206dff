"""The seven tasks: which function is empty, in which file, and what it is worth.

One task is one file, and one file is one task, so that a submitted file can be put over the
reference's by itself. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

PACKAGE = "risk_model"
TASK_POINTS = 50  # of all tasks together; the other half is for the findings


@dataclass(frozen=True)
class Task:
    """One task of the assignment.

    Attributes:
        name: in one word, as the checks and the public tests are called.
        number: in the assignment, from 1.
        title: in a few words.
        minutes: that it should take.
        points: that it can earn, in proportion to the minutes.
        file: the only one that is handed in for it, below the package.
        functions: whose bodies the candidate writes.
        helpers: functions and constants of the same file that show the answer; left out.
        unasked: functions of the same file that show it too and have callers; emptied.
        elsewhere: the same in other files, as file and function.
        absent: files that show it whole; left out.
    """

    name: str
    number: int
    title: str
    minutes: int
    points: int
    file: str
    functions: tuple[str, ...]
    helpers: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()


TASKS = (
    Task(
        name="split",
        number=1,
        title="Who trains, tunes, calibrates and tests",
        minutes=40,
        points=13,
        file="data/split.py",
        functions=("_allot",),
        helpers=("_test_share", "_part_of_turn", "GOLDEN"),
        absent=("data/cells.py",),
    ),
    Task(
        name="fit",
        number=2,
        title="A logistic regression from its rows alone",
        minutes=25,
        points=8,
        file="model/linear.py",
        functions=("LinearModel.fit_solver", "column_medians"),
        elsewhere=(("model/baseline.py", "_losses"),),
    ),
    Task(
        name="score",
        number=3,
        title="The same logit at every call",
        minutes=10,
        points=3,
        file="model/score.py",
        functions=("score",),
        helpers=("evaluating",),
    ),
    Task(
        name="focal",
        number=4,
        title="Focal loss on logits",
        minutes=20,
        points=7,
        file="training/loss.py",
        functions=("focal",),
    ),
    Task(
        name="calibration",
        number=5,
        title="Platt scaling, and the prior put right",
        minutes=25,
        points=8,
        file="training/calibration.py",
        functions=("platt", "prior_correction"),
        helpers=("_maximum_likelihood",),
        unasked=("temperature", "shifted"),
    ),
    Task(
        name="ece",
        number=6,
        title="Expected calibration error",
        minutes=10,
        points=3,
        file="evaluation/metrics.py",
        functions=("expected_calibration_error",),
        elsewhere=(("evaluation/smooth_ece.py", "smooth_calibration_error"),),
    ),
    Task(
        name="answer",
        number=7,
        title="An answer only with its record",
        minutes=25,
        points=8,
        file="deployment/app.py",
        functions=("Service._answer",),
    ),
)
BY_NAME = {task.name: task for task in TASKS}
