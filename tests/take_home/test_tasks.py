"""Points for right, other, lazy and wrong answers to the tasks, without a sandbox."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from take_home import grade, make
from take_home.checks.common import Output
from take_home.score import Scored
from take_home.tasks import BY_NAME, PACKAGE, TASK_POINTS, TASKS, Task

from tests.take_home.answers import LAZY, OTHER_ROUTES, Answer
from tests.take_home.mutants import MUTANTS, Mutant
from tests.take_home.plain_process import Reply, plain_start

SEED = 20


@pytest.fixture(scope="session")
def start(solved: Path) -> grade.Start:
    return plain_start(solved)


def reference(solved: Path, task: Task) -> str:
    return (solved / "src" / PACKAGE / task.file).read_text(encoding="utf-8")


def grade_all(files: dict[str, bytes], start: grade.Start) -> list[Scored]:
    """The points of every task whose file, below the package, is among these or missing."""
    return [grade.grade_task(task, files.get(task.file), start, SEED) for task in TASKS]


def lost(scored: Scored) -> list[str]:
    return [f"{p.name}: {p.sentence}" for p in scored.parts if p.points < p.most]


def test_the_reference_gets_all_points(solved: Path, start: grade.Start) -> None:
    files = {task.file: reference(solved, task).encode() for task in TASKS}
    graded = grade_all(files, start)
    assert [lost(scored) for scored in graded] == [[]] * len(TASKS)
    assert [scored.most for scored in graded] == [task.points for task in TASKS]
    assert sum(scored.points for scored in graded) == TASK_POINTS


@pytest.mark.parametrize("answer", OTHER_ROUTES, ids=lambda answer: answer.task)
def test_a_right_answer_by_another_route_gets_all_points(
    handed_out: Path, start: grade.Start, answer: Answer
) -> None:
    task = BY_NAME[answer.task]
    scored = grade.grade_task(task, answer.written(handed_out), start, SEED)
    assert lost(scored) == []
    assert scored.points == task.points


def test_each_task_is_graded_with_all_others_undone(solved: Path, handed_out: Path) -> None:
    """Over the tree with the holes, and what the reference's own answers are read from."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(handed_out, tree)
        for name in make.ADAPTERS:
            shutil.copyfile(solved / name, tree / name)
        files = {BY_NAME[a.task].file: a.written(handed_out) for a in OTHER_ROUTES}
        graded = grade_all(files, plain_start(tree))
    assert [lost(scored) for scored in graded] == [[]] * len(TASKS)


def test_every_task_has_another_route_and_three_lazy_answers() -> None:
    names = [task.name for task in TASKS]
    assert [answer.task for answer in OTHER_ROUTES] == names
    assert Counter(answer.task for answer in LAZY) == dict.fromkeys(names, 3)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_an_untouched_file_and_none_earn_nothing(
    handed_out: Path, start: grade.Start, task: Task
) -> None:
    untouched = (handed_out / "src" / PACKAGE / task.file).read_bytes()
    scored = grade.grade_task(task, untouched, start, SEED)
    assert scored.points == 0
    # the service turns an exception into a response, so that the task is told by it
    inside = "A good request gets no answer with 200."
    expected = inside if task.name == "answer" else "Your code raised NotImplementedError."
    assert scored.parts[0].sentence == expected
    scored = grade.grade_task(task, None, start, SEED)
    assert scored.points == 0
    assert scored.parts[0].sentence == "Your code was not handed in."


@pytest.mark.parametrize("number", range(len(LAZY)))
def test_a_lazy_answer_earns_nothing(handed_out: Path, start: grade.Start, number: int) -> None:
    answer = LAZY[number]
    scored = grade.grade_task(BY_NAME[answer.task], answer.written(handed_out), start, SEED)
    assert scored.points == 0, scored


def test_a_file_that_cannot_be_imported_is_named_so(start: grade.Start) -> None:
    scored = grade.grade_task(BY_NAME["ece"], b"def broken(:\n", start, SEED)
    assert scored.points == 0
    assert scored.parts[0].sentence == "Your code could not be imported: SyntaxError."


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize(
    "value",
    [None, True, "nan", [], {}, 1e308, [[[]]], {"logit": "x"}, {"status": 200, "body": []}],
    ids=str,
)
def test_whatever_comes_back_is_judged_and_never_an_error(task: Task, value: object) -> None:
    """Of every case the same value: it earns nothing and is told in sentences."""
    checks = grade.CHECKS[task.name]
    asked = checks.inputs(np.random.default_rng(SEED))
    parts = checks.judge(
        asked, dict.fromkeys(asked, Output(value, files={"log/audit.db": b"no log"}))
    )
    assert sum(part.points for part in parts) == 0
    assert sum(part.most for part in parts) == task.points
    assert all(part.sentence.endswith(".") for part in parts)


@pytest.mark.parametrize("value", [None, 3, {}, {"raised": ["x"]}, {"broken": "x y" * 90}], ids=str)
def test_a_forged_reply_is_a_problem_or_a_value_and_never_an_error(value: object) -> None:
    made = grade.output(Reply(value), None)
    assert made.value is None
    assert made.problem
    assert "x y" not in made.problem


@functools.cache
def texts(solved: Path) -> dict[str, str]:
    return {task.name: reference(solved, task) for task in TASKS}


def test_every_mistake_stands_once_in_its_file_and_there_are_enough(solved: Path) -> None:
    assert len(MUTANTS) >= 58
    for mutant in MUTANTS:
        text = texts(solved)[mutant.task]
        assert text.count(mutant.old) == 1, f"{mutant}: bring the table in step"
        compile(text.replace(mutant.old, mutant.new), mutant.mistake, "exec")
    assert min(Counter(mutant.task for mutant in MUTANTS).values()) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.task}: {m.mistake}")
def test_a_mistake_loses_points_in_its_task(
    solved: Path, start: grade.Start, mutant: Mutant
) -> None:
    text = texts(solved)[mutant.task].replace(mutant.old, mutant.new)
    scored = grade.grade_task(BY_NAME[mutant.task], text.encode(), start, SEED)
    assert scored.points < scored.most


@pytest.mark.slow
def test_a_mistake_in_one_task_costs_nothing_in_another(solved: Path, start: grade.Start) -> None:
    wrong = {mutant.task: mutant for mutant in MUTANTS if mutant.task in ("split", "score", "ece")}
    text = {
        name: source.replace(wrong[name].old, wrong[name].new) if name in wrong else source
        for name, source in texts(solved).items()
    }
    graded = grade_all({task.file: text[task.name].encode() for task in TASKS}, start)
    assert {scored.name for scored in graded if scored.points < scored.most} == set(wrong)
