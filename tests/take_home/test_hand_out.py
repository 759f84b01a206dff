"""What is handed out: nothing that answers, and nothing that is broken."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from take_home.tasks import BY_NAME, PACKAGE, TASK_POINTS, TASKS

from tests.conftest import BakedProject
from tests.take_home.traces import HARMLESS, is_harmless, removed_bodies, traces


def test_the_points_are_in_proportion_to_the_minutes() -> None:
    assert sum(task.minutes for task in TASKS) == 155
    assert sum(task.points for task in TASKS) == TASK_POINTS
    for task in TASKS:
        assert abs(task.points - task.minutes * TASK_POINTS / 155) < 0.6
    assert [task.number for task in TASKS] == list(range(1, 8))
    assert len(BY_NAME) == len({task.file for task in TASKS}) == 7


def test_no_body_that_was_taken_out_stands_anywhere_in_what_is_handed_out(
    solved: Path, handed_out: Path
) -> None:
    assert len(list(removed_bodies(solved))) > 20
    found = traces(solved, handed_out)
    assert [hit for hit in found if not is_harmless(hit)] == []
    used = [text for text in HARMLESS if any(_within(hit, text) for hit in found)]
    assert used == list(HARMLESS)


def _within(hit: str, text: str) -> bool:
    return "".join(hit.partition(": ")[2].split()) in "".join(text.split())


def test_a_body_that_was_left_in_a_cache_or_in_git_is_noticed(
    solved: Path, handed_out: Path, tmp_path: Path
) -> None:
    for name in (".git/objects/a", "src/risk_model/__pycache__/split.pyc", "notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\x80\x00 " + (solved / SPLIT).read_bytes())
        hits = [hit for hit in traces(solved, tmp_path) if not is_harmless(hit)]
        assert any(f"data/split.py#_allot in {name}" in hit for hit in hits)
        (tmp_path / name).unlink()


SPLIT = f"src/{PACKAGE}/data/split.py"
SCAFFOLDING = """
    trap lesson checklist practice walkthrough concept plant synthetic evidence leak quality look
    duplicates registry reporting embedded docs
""".split()


def test_no_file_of_the_reference_that_answers_or_finds_is_handed_out(handed_out: Path) -> None:
    names = BakedProject(handed_out).files()
    words = {name: set(re.split(r"[^a-z0-9]+", name)) for name in names}
    kept = {
        "src/risk_model/data/first_look/__init__.py",
        "src/risk_model/data/first_look/spelling.py",
    }
    assert {name for name in names if words[name] & set(SCAFFOLDING)} == kept
    assert not [name for name in names if re.search(r"__pycache__|_cache|\.git/|\.pyc", name)]


def test_every_function_of_a_task_is_empty_and_keeps_its_docstring(
    solved: Path, handed_out: Path
) -> None:
    for task in TASKS:
        texts = [(tree / "src" / PACKAGE / task.file).read_text() for tree in (solved, handed_out)]
        assert texts[1].count(f'raise NotImplementedError("task {task.number}: see') == len(
            task.functions
        )
        for name in task.functions:
            docstrings = [_docstring(text, name.rpartition(".")[2]) for text in texts]
            assert docstrings[0]
            assert docstrings[0] == docstrings[1]


def _docstring(source: str, name: str) -> str | None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, kinds) and n.name == name]
    return ast.get_docstring(nodes[0])


def test_lint_and_format_pass_with_the_holes(handed_out: Path) -> None:
    BakedProject(handed_out).passes("ruff", "check", ".")
    BakedProject(handed_out).passes("ruff", "format", "--check", ".")


@pytest.mark.slow
def test_types_pass_with_the_holes(handed_out: Path) -> None:
    BakedProject(handed_out).passes("mypy", "src")


IMPORT_ALL = """
import importlib, pathlib, sys
for path in sorted(pathlib.Path("src").rglob("*.py")):
    parts = path.relative_to("src").with_suffix("").parts
    importlib.import_module(".".join(parts).removesuffix(".__init__"))
"""


def test_every_module_can_be_imported_with_the_holes(handed_out: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, 'src'){IMPORT_ALL}"],
        cwd=handed_out,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
