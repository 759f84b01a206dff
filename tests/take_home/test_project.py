"""What the candidate gets: commands that say what they do, and an assignment that says all."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from take_home import plants
from take_home.make import PROJECT, READER, copy_reader
from take_home.tasks import BY_NAME, PACKAGE, TASKS

from tests.conftest import BakedProject
from tests.take_home.answers import OTHER_ROUTES, Answer
from tests.take_home.plain_process import public_checks

ASSIGNMENT = (PROJECT / "ASSIGNMENT.md").read_text(encoding="utf-8")


@pytest.fixture
def project(handed_out: Path, made: plants.Made, tmp_path: Path) -> Path:
    """A candidate's own copy, with its tables."""
    own = tmp_path / "risk-model"
    shutil.copytree(handed_out, own)
    made.tables.write(own)
    copy_reader(own / READER)
    return own


def loaded(path: Path) -> ModuleType:
    """A command of the project as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_assignment_names_minutes_and_points_as_the_table_has_them() -> None:
    rows = re.findall(r"^\| (\d) \| .* \| (\d+) \| (\d+) \|$", ASSIGNMENT, re.MULTILINE)
    assert [tuple(map(int, row)) for row in rows] == [
        (t.number, t.minutes, t.points) for t in TASKS
    ]
    for task in TASKS:
        [section] = re.findall(rf"^### {task.number} .*?(?=^##)", ASSIGNMENT + "\n## ", re.M | re.S)
        assert f"`{task.file}`" in section
        for function in task.functions:
            assert f"`{function}`" in section
        told = [int(n) for n in re.findall(r"\((\d+)(?: points?)?\)", section)]
        assert sum(told) == task.points


def test_a_machine_that_cannot_do_it_is_told_what_to_do(handed_out: Path) -> None:
    ready = loaded(handed_out / "ready.py")
    assert ready.platform_problem("linux", "x86_64") == ""
    assert ready.platform_problem("darwin", "arm64") == ""
    assert "WSL 2" in ready.platform_problem("win32", "AMD64")
    assert "Intel" in ready.platform_problem("darwin", "x86_64")
    assert "WSL 2" in ready.platform_problem("freebsd13", "amd64")
    assert ready.disk_problem(50 << 30) == ""
    assert "1.0 GB are free and 5 are needed" in ready.disk_problem(1 << 30)
    assert ready.python_problem() == ""
    vars(ready)["PYTHON"] = (9, 0)
    assert "make ready PYTHON=" in ready.python_problem()


def test_ready_says_so_in_one_line_each(project: Path) -> None:
    said = subprocess.run(
        [sys.executable, "ready.py"], cwd=project, capture_output=True, text=True, check=True
    ).stdout
    assert said.count("good") == 3
    assert said.endswith("Ready. Next: make install\n")


def test_the_archive_holds_answers_and_nothing_else(project: Path) -> None:
    (project / "risks.csv").write_text("admission_id,risk\nw1,0.1\n")
    (project / "secret.txt").write_text("mine")
    done = subprocess.run(
        [sys.executable, "submit.py"], cwd=project, capture_output=True, text=True, check=True
    )
    names = set(zipfile.ZipFile(project / "submission.zip").namelist())
    files = {f"src/{PACKAGE}/{task.file}" for task in TASKS}
    assert names == {*files, "findings.toml", "risks.csv", "LETTER.md"}
    assert done.stdout.count("not written, or not all of it") == len(TASKS)
    assert not (project / "submission.zip.partial").exists()


def test_what_is_missing_or_too_large_is_told_and_left_out(project: Path) -> None:
    (project / "LETTER.md").write_text("x" * 300_000)
    (project / "src" / PACKAGE / "data/split.py").unlink()
    done = subprocess.run(
        [sys.executable, "submit.py"], cwd=project, capture_output=True, text=True, check=True
    )
    said = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert said["LETTER.md"].endswith("too large to be read; make it smaller")
    assert said["risks.csv"].endswith("missing")
    assert said["src/risk_model/data/split.py"].endswith("missing")
    names = zipfile.ZipFile(project / "submission.zip").namelist()
    assert not {"LETTER.md", "risks.csv", "src/risk_model/data/split.py"} & set(names)


def test_the_table_of_checks_counts_each_task_by_itself(project: Path) -> None:
    check = loaded(project / "check.py")
    counts = {"test_task_3_score": Counter(passed=3, failed=1)}
    lines = check.table(counts).splitlines()
    assert "3 of 4" in lines[3]
    assert sum("none could run" in line for line in lines) == len(TASKS) - 1
    assert check.risks() == "risks.csv: not there yet"
    (project / "risks.csv").write_text("risk\n0.5\n")
    assert "the first line must be admission_id,risk" in check.risks()
    (project / "risks.csv").write_text("admission_id,risk\nw1,0.5\n")
    assert check.risks() == "risks.csv: 1 of 12,000 rows"


def test_the_public_checks_are_named_after_the_tasks(handed_out: Path) -> None:
    names = {path.stem for path in (handed_out / "tests").glob("*.py")}
    assert names == {f"test_task_{task.number}_{task.name}" for task in TASKS}
    told = json.loads((handed_out / "tasks.json").read_text())
    assert [task["points"] for task in told] == [task.points for task in TASKS]
    assert all(not {"functions", "helpers", "absent"} & task.keys() for task in told)


@pytest.mark.slow
def test_check_says_that_public_checks_are_no_more_than_that(project: Path) -> None:
    (project / "findings.toml").write_text('[[finding]]\nkind = "unit_changed"\n')
    said = BakedProject(project).passes("check")
    assert said.count(" 0 of ") == len(TASKS)
    assert "findings.toml: 0 findings can be read" in said
    assert "finding 1: its kind is not on the list" in said
    assert "These are the public checks only." in said


@pytest.mark.slow
def test_data_prints_counts_and_then_the_split_and_nothing_about_columns(
    project: Path, made: plants.Made
) -> None:
    before = BakedProject(project).passes("data")
    cohort = made.tables.cohort
    patients = cohort["patient_id"].nunique()
    assert f"{len(cohort):,} admissions of {patients:,} patients" in before
    assert "The parts of the split: once task 1 works." in before
    put(project, OTHER_ROUTES[0])
    after = BakedProject(project).passes("data")
    assert re.search(r"test +\d+ +\d+", after)
    assert "age" not in after


def put(project: Path, answer: Answer) -> None:
    """Hands an answer's file to the project."""
    path = project / "src" / PACKAGE / BY_NAME[answer.task].file
    path.write_bytes(answer.written(project))


@pytest.mark.slow
@pytest.mark.parametrize("answer", OTHER_ROUTES, ids=lambda answer: answer.task)
def test_each_task_can_be_checked_with_all_others_undone(project: Path, answer: Answer) -> None:
    put(project, answer)
    name = f"tests/test_task_{BY_NAME[answer.task].number}_{answer.task}.py"
    assert public_checks(project, name) == 0
